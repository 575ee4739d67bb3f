"""The plan of a recipe from its options. Every issue that can be known before stage 1 is reported here, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mscnn import models
from mscnn.config.labels import LabelMap
from mscnn.config.layers import Layers
from mscnn.config.model import ModelSpec
from mscnn.config.overrides import full_key
from mscnn.errors import DataErrors, UserError
from mscnn.paths import conf, stem
from mscnn.recipe.checks import check, check_blanks, check_tag
from mscnn.recipe.grid import Request, from_options, read_grid
from mscnn.recipe.options import Issues, Options
from mscnn.recipe.plan import Plan, Row
from mscnn.training.selection import check_class_weights, check_training
from mscnn.training.systems import system_of


def make_plan(options: Options, issues: Issues | None = None) -> Plan:
    """The plan: the experiments that the options ask for, each with its tag and its inputs.

    Args:
        options: options of the recipe.
        issues: issues that are known already; they are reported with those found here.

    Raises:
        DataErrors: there are issues (``plan-wrong``): all that can be known before any stage runs.
    """
    issues = Issues() if issues is None else issues
    rows: dict[str, Row] = {}
    left_out: list[str] = []
    for request in issues.attempt(_requests, options) or []:
        row = _row(request, options, issues, left_out)
        if row and row.tag in rows and rows[row.tag] != row:
            fix = "--tag names a single experiment; in a grid, give each entry a tag"
            issues.add("plan-tag-twice", f"two experiments have the folder {row.exp}: {fix}")
        elif row:
            rows[row.tag] = row
    kept = without_twins(list(rows.values()), left_out) if options.xvector == "none" and options.grid else rows.values()
    plan = Plan(tuple(kept), tuple(dict.fromkeys(left_out)))
    check(plan, options, issues)
    if issues.by_message:
        listed = list(issues.by_message.values())
        raise DataErrors(f"nothing was started; issues: {len(listed)}", listed, code="plan-wrong")
    return plan


def _requests(options: Options) -> list[Request]:
    check_blanks(options.set)
    common = Request(
        labels=options.labels,
        subset=options.subset,
        folds=options.folds,
        runs=options.runs,
        set=options.set,
        tag=options.tag,
    )
    if options.grid:
        return read_grid(options.grid, common, options.protocols, options.engines or ("pocketsphinx",), options.given)
    return from_options(options.models, options.texts, options.protocols, common)


def _last_of_each(model: str, changes: tuple[str, ...]) -> tuple[str, ...]:
    """The last change (KEY=VALUE) of each key, however the key is written."""
    layers = Layers.read(model)
    keys = [full_key(layers, change.partition("=")[0].replace("-", "_")) for change in changes]
    return tuple(dict(zip(keys, changes, strict=True)).values())


def without_twins(rows: Sequence[Row], left_out: list[str]) -> list[Row]:
    """The rows of a grid without x-vectors, each system once; ``left_out`` gets a sentence on every other.

    Where two models differ in x-vectors only, the one without stays.
    """
    specs = {row.tag: ModelSpec.load(row.model, row.set) for row in rows}
    kept: dict[object, Row] = {}
    for row in sorted(rows, key=lambda row: specs[row.tag].xvector):
        system = {**specs[row.tag].without_xvector().describe(), "model": ""}
        conditions = (row.data, row.text, row.protocol, row.tested_on, row.folds, row.runs)
        twin = kept.setdefault((repr(system), conditions), row)
        if twin is not row:
            left_out.append(f"{row.model} is excluded: without x-vectors it is the same system as {twin.model}")
    return [row for row in rows if row in kept.values()]


def _of_baseline(request: Request, left_out: list[str]) -> Request:
    """The request of a baseline beside networks, with the settings that it has; networks report those that none has.

    ``left_out`` gets a sentence on every other setting, except those of training, which no baseline takes.
    """
    layers, kept = Layers.read(request.model), []
    for setting in request.set:
        name = setting.partition("=")[0].replace("-", "_")
        try:
            key = full_key(layers, name)
        except UserError:
            left_out.append(f"{request.model} is a baseline that has no {name}: it is as without --set {setting}")
        else:
            kept += [setting] if key.startswith(("options.", "inputs.")) else []
    return replace(request, set=tuple(kept))


def _is_baseline(model: str) -> bool:
    """Whether a model is a baseline; one that cannot be read is none, and its error is reported with its row."""
    with suppress(UserError):
        return Layers.read(model).values.get("family") == "baseline"
    return False


def _row(request: Request, options: Options, issues: Issues, left_out: list[str]) -> Row | None:
    """One experiment; None where it has an issue or is skipped.

    A model that takes no text has the text none and is not tested on other transcripts. Without x-vectors, a grid skips
    models whose only inputs are audio and x-vectors, on which ``left_out`` gets a sentence; other models are trained
    without them. Beside networks, a baseline takes those changes that it has options for.
    """
    if request.tag:
        issues.attempt(check_tag, request.tag)
    if request.set and (options.grid or not all(map(_is_baseline, options.models))) and _is_baseline(request.model):
        request = _of_baseline(request, left_out)
    spec = issues.attempt(ModelSpec.load, request.model, request.set)
    if spec is None or (request.tested_on and not spec.text):
        return None
    request = replace(request, set=_last_of_each(request.model, request.set))
    tuned = options.network("wav2vec2") if spec.options.get("wav2vec2") else ""
    if tuned not in ("", "none"):
        request = replace(request, set=(*request.set, f"wav2vec2={tuned}"))
        spec = ModelSpec.load(request.model, request.set)
    elif spec.only_with_xvector and options.xvector == "none" and options.grid:
        left_out.append(f"{request.model} is excluded: it exists only with x-vectors")
        return None
    issues.attempt(check_training, spec)
    labels = issues.attempt(LabelMap.load, request.labels)
    if labels:
        issues.attempt(check_class_weights, spec, labels.classes)
    own = request.set or request.model.endswith((".yaml", ".yml"))  # imports torch; preflight does it for all models
    if own and issues.attempt(models.options, spec) and labels:
        issues.attempt(_check_sizes, spec, len(labels.classes), options)
    if tuned == "none":
        issues.add("plan-wav2vec2-needed", f"{spec.name} fine-tunes wav2vec 2.0, which --wav2vec2 none excludes")
    elif spec.text and request.text == "none":
        issues.add("plan-text-needed", f"{spec.name} takes text: give --text gt or an ASR engine")
    elif spec.only_with_xvector and options.xvector == "none":
        issues.add("plan-xvector-needed", f"{spec.name} needs x-vectors, which --xvector none excludes")
    else:
        row = _resolved(request, spec, options)
        if not request.tag:
            issues.attempt(check_tag, row.tag)
        return row
    return None


def _check_sizes(spec: ModelSpec, classes: int, options: Options) -> None:
    """Check that a network takes the rows of its audio feature, and segments of it where sizes are known beforehand."""
    from mscnn.features.config import Feature
    from mscnn.models.inputs import Sizes
    from mscnn.models.trial import check_segments

    features = {name: Feature.load(one, _changes(one, spec, options)) for name, one in spec.features.items()}
    if "audio" in features:
        spec.check_rows(features["audio"].name, features["audio"].options)
    if spec.segments is None or spec.options.get("wav2vec2"):
        return
    if any("model" in feature.options for feature in features.values()):  # a download
        return
    dims = {name: feature.extractor.dim for name, feature in features.items()}
    check_segments(spec, Sizes(classes, audio=dims.pop("audio"), extra=dims))


def _resolved(request: Request, spec: ModelSpec, options: Options) -> Row:
    """The row of a request whose model and changes are valid."""
    name = Path(request.labels).stem + ("" if request.subset == "all" else f"_{request.subset}")
    text = request.text if spec.text else "none"
    suffix = "" if name == (options.usual or name) else f"_{name}"
    tag = "_".join((request.tag or f"{spec.name}_{text}_{Path(request.protocol).stem}{suffix}", *request.varied))
    extract = spec.xvector and options.xvector == "extract"
    features = {feature: f"dump/{stem(feature)}/{name}" for feature in spec.features.values()}
    if spec.text_encoder:
        features[spec.text_encoder] += f"/{text}"  # vectors of different texts never mix
    return Row(
        tag=f"{tag}_on_{request.tested_on}" if request.tested_on else tag,
        exp=f"exp/{tag}_on_{request.tested_on}" if request.tested_on else f"exp/{tag}",
        model=request.model,
        set=request.set,
        data=f"data/{name}",
        labels=request.labels,
        subset=request.subset,
        text=text,
        tokens=options.tokens,
        embeddings=options.embeddings if spec.text and system_of(spec).learns_tokens else "none",
        emb_dim=options.emb_dim,
        emb_words=options.emb_words,
        pieces=options.pieces,
        xvector=f"exp/xvector/{name}/xvector.scp" if extract else options.xvector if spec.xvector else "none",
        xvector_model=options.xvector_model if extract else "",
        features=features,
        text_encoder=spec.text_encoder or "",
        feature_set={feature: changes for feature in features if (changes := _changes(feature, spec, options))},
        given=tuple(feature for feature in features if options.network(feature) == "none"),
        protocol=request.protocol,
        folds=request.folds,
        runs=request.runs,
        seed=options.seed,
        device=options.device,
        tensorboard=options.tensorboard,
        tested_on=request.tested_on,
        trained_in=f"exp/{tag}" if request.tested_on else "",
        grid=conf("grids", options.grid).stem if options.grid else "",
    )


def _changes(feature: str, spec: ModelSpec, options: Options) -> tuple[str, ...]:
    """Changes of the options of a feature; text has no edges to trim."""
    trim = [f"trim_db={options.trim}"] if options.trim and feature != spec.text_encoder else []
    network = options.network(feature)
    model = [f"model={network}"] if network not in ("", "none") else []
    return (*trim, *model)
