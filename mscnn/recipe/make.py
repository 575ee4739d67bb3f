"""From the options of a recipe to its plan; whatever can be known to be wrong is refused here, all of it at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mscnn import models
from mscnn.config.layers import Layers
from mscnn.config.model import ModelSpec
from mscnn.config.overrides import full_key
from mscnn.errors import DataErrors
from mscnn.paths import conf
from mscnn.recipe.checks import check
from mscnn.recipe.grid import Request, from_options, read_grid
from mscnn.recipe.options import Issues, Options
from mscnn.recipe.plan import Plan, Row
from mscnn.training.selection import check_training


def make_plan(options: Options, issues: Issues | None = None) -> Plan:
    """The experiments that the options ask for, each with its tag and all that it takes.

    ``issues`` are known already, and are listed with those that are found here.

    Raises:
        DataErrors: something is wrong (``plan-wrong``); ``issues`` are all that can be known before any stage runs.
    """
    issues = Issues() if issues is None else issues
    rows: dict[str, Row] = {}
    for request in issues.attempt(_requests, options) or []:
        row = _row(request, options, issues)
        if row and row.tag in rows and rows[row.tag] != row:
            issues.add("plan-tag-twice", f"two experiments would be {row.exp}: --tag names one experiment; give one of "
                       "them a tag of its own in the grid")  # fmt: skip
        elif row:
            rows[row.tag] = row
    plan = Plan(tuple(rows.values()))
    check(plan, options, issues)
    if issues.found:
        listed = list(issues.found.values())
        raise DataErrors(f"nothing was started; issues: {len(listed)}", listed, code="plan-wrong")
    return plan


def _requests(options: Options) -> list[Request]:
    common = Request(
        labels=options.labels,
        subset=options.subset,
        folds=options.folds,
        runs=options.runs,
        set=options.set,
        tag=options.tag,
    )
    if options.grid:
        return read_grid(options.grid, common, options.protocols, options.engines or ("pocketsphinx",))
    return from_options(options.models, options.texts, options.protocols, common)


def _last_of_each(model: str, changes: tuple[str, ...]) -> tuple[str, ...]:
    """KEY=VALUE words without those whose value a later one of the same key replaces, however the key is written."""
    layers = Layers.read(model)
    keys = [full_key(layers, change.partition("=")[0].replace("-", "_")) for change in changes]
    return tuple(dict(zip(keys, changes, strict=True)).values())


def _row(request: Request, options: Options, issues: Issues) -> Row | None:
    """One experiment; None where something is wrong with it, or where there is nothing to do.

    A model that takes no text has the text none, and no other transcripts to be tested on. Without x-vectors a grid
    goes without models that are audio and x-vectors only; others do without.
    """
    spec = issues.attempt(ModelSpec.load, request.model, request.set)
    if spec is None or (request.tested_on and not spec.text):
        return None
    request = replace(request, set=_last_of_each(request.model, request.set))
    if spec.options.get("wav2vec2") and options.wav2vec2 not in ("", "none"):
        request = replace(request, set=(*request.set, f"wav2vec2={options.wav2vec2}"))
        spec = ModelSpec.load(request.model, request.set)
    elif spec.only_with_xvector and options.xvector == "none" and options.grid:
        return None
    issues.attempt(check_training, spec)
    if request.set or request.model.endswith((".yaml", ".yml")):  # imports torch; preflight does it for all models
        issues.attempt(models.options, spec)
    if spec.options.get("wav2vec2") and options.wav2vec2 == "none":
        issues.add("plan-wav2vec2-needed", f"{spec.name} trains wav2vec 2.0: --wav2vec2 none does without it")
    elif spec.text and request.text == "none":
        issues.add("plan-text-needed", f"{spec.name} takes text: give --text gt, or an ASR engine")
    elif spec.only_with_xvector and options.xvector == "none":
        issues.add("plan-xvector-needed", f"{spec.name} is audio and x-vectors: --xvector none does without them")
    else:
        return _resolved(request, spec, options)
    return None


def _resolved(request: Request, spec: ModelSpec, options: Options) -> Row:
    name = Path(request.labels).stem + ("" if request.subset == "all" else f"_{request.subset}")
    text = request.text if spec.text else "none"
    usual = options.usual or name
    tag = request.tag or f"{spec.name}_{text}_{Path(request.protocol).stem}" + ("" if name == usual else f"_{name}")
    extract = spec.xvector and options.xvector == "extract"
    features = {feature: f"dump/{Path(feature).stem}/{name}" for feature in spec.features.values()}
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
        embeddings=options.embeddings,
        emb_dim=options.emb_dim,
        pieces=options.pieces,
        xvector=f"exp/xvector/{name}/xvector.scp" if extract else options.xvector if spec.xvector else "none",
        xvector_model=options.xvector_model if extract else "",
        features=features,
        feature_set={feature: changes for feature in features if (changes := _changes(feature, options))},
        given=("wav2vec2",) if "wav2vec2" in features and options.wav2vec2 == "none" else (),
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


def _changes(feature: str, options: Options) -> tuple[str, ...]:
    """Changes of a feature's options."""
    trim = [f"trim_db={options.trim}"] if options.trim else []
    model = [f"model={options.wav2vec2}"] if feature == "wav2vec2" and options.wav2vec2 not in ("", "none") else []
    return (*trim, *model)
