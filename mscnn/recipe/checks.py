"""Checks of a plan before any stage runs: names, options, files, packages, and outputs of earlier stages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mscnn import asr, packages
from mscnn.config import embeddings
from mscnn.config.labels import LabelMap
from mscnn.config.schema import nearest
from mscnn.corpora.common import ON_BAD, SUBSETS
from mscnn.data.datadir import require_words
from mscnn.data.protocols import Protocol
from mscnn.device import DEVICES, choose_device
from mscnn.errors import UserError
from mscnn.files import read_table
from mscnn.paths import CONF, stem, why_no_name
from mscnn.recipe.existing import check_existing
from mscnn.recipe.options import Issues, Options
from mscnn.recipe.plan import NO_ENGINE, NO_VECTORS, DataSet, Plan, stage_of
from mscnn.text import TOKENS
from mscnn.text.language import Language
from mscnn.xvector import BACKENDS, UNVOICED

STAGES = ("preflight", "data", "xvector", "features", "transcripts", "train", "score")
TAG = re.compile(r"[\w+][\w.+-]*")
RESERVED = re.compile(r"log|xvector|embeddings|asr_.*|.*\.(jsonl|lock|run)", re.IGNORECASE)  # other outputs in exp/


def check_tag(tag: str) -> None:
    """Check that ``exp/TAG`` can be the folder of an experiment; raises UserError (``tag-invalid``)."""
    fix = "give letters, digits and ._+-, with neither . nor - at the beginning"
    if RESERVED.fullmatch(tag):
        fix = f"exp/{tag} is for other outputs of the stages; choose another name"
    elif why := TAG.fullmatch(tag) and why_no_name(tag):
        fix = f"{why}; choose another name with --tag"
    elif TAG.fullmatch(tag):
        return
    raise UserError(f"--tag {tag}: not a name of an experiment: {fix}", code="tag-invalid")


def check_blanks(settings: Sequence[str]) -> None:
    """Check that no list in ``settings``, which were separated at blanks, was taken apart.

    Raises:
        UserError: one was (``option-blank``).
    """
    words: list[str] = []
    for setting in settings:
        words.append(setting)
        text = "".join(words)
        if text.count("[") <= text.count("]"):
            if len(words) > 1:
                raise UserError(
                    f"--set {' '.join(words)}: blanks separate settings; leave them out: {text}", code="option-blank"
                )
            words.clear()


def check(plan: Plan, options: Options, issues: Issues) -> None:
    """Add every issue of a plan and its options to ``issues``."""
    _check_labels(plan, options, issues)
    for protocol in dict.fromkeys([*options.protocols, *(row.protocol for row in plan.rows)]):
        issues.attempt(Protocol.load, protocol)
    _check_choices(plan, options, issues)
    _check_languages(plan, options, issues)
    _check_files(options, issues)
    _check_pretrained(plan, options, issues)
    for data in plan.data_sets:
        _check_features(data, options, issues)
    if not issues.by_message:  # the options determine the names of the outputs
        _check_stages(plan, options, issues)
        check_existing(plan, options, issues)


def _check_labels(plan: Plan, options: Options, issues: Issues) -> None:
    """Check that label maps exist and are for the corpus, and that each data directory has one label map."""
    from mscnn.corpora import corpus_name, is_corpus, names

    made: dict[str, str] = {}
    for row in plan.rows:
        if made.setdefault(row.data, row.labels) != row.labels:
            message = f"label maps {made[row.data]} and {row.labels} would both be written to {row.data}; rename one"
            issues.add("plan-data-twice", message)
    if options.corpus and not is_corpus(options.corpus):
        issues.add("plan-value", f"--parser {options.corpus}: {nearest(options.corpus, names())}")
    for name in dict.fromkeys([options.labels, *made.values()]):
        labels = issues.attempt(LabelMap.load, name)
        if labels and is_corpus(options.corpus) and labels.corpus != corpus_name(options.corpus):
            corpus = corpus_name(options.corpus)
            message = (
                f"label map {name} is for {labels.corpus}, not for {corpus}; choose one in conf/labels, or if its "
                f"labels are those of {corpus}, write corpus: {corpus} into a copy"
            )
            issues.add("labels-of-another-corpus", message)


def _check_choices(plan: Plan, options: Options, issues: Issues) -> None:
    """Check that values are known, that counts are positive, and that packages of ASR engines are installed."""
    for option, value, known in (
        ("--device", options.device, DEVICES),
        *(("--subset", row.subset, SUBSETS) for row in plan.rows),
        ("--tokens", options.tokens, TOKENS),
        ("--on-bad", options.on_bad, ON_BAD),
        ("--xvector-backend", options.xvector_backend, BACKENDS),
        ("--unvoiced", options.unvoiced, UNVOICED),
    ):
        if value not in known:
            issues.add("plan-value", f"{option} {value}: {nearest(value, known)}")
    counts = {"--runs": (options.runs, 1), "--nj": (options.nj, 1), "--jobs-per-device": (options.jobs_per_device, 0)}
    for option, (count, least) in counts.items():
        if count < least:
            issues.add("plan-value", f"{option} {count}: give at least {least}")
    if options.device == "cuda" and options.runs_stage(5):
        issues.attempt(choose_device, "cuda")
    texts = {text for text in (*options.texts, *options.engines) if text not in NO_ENGINE}
    for text in sorted({engine for row in plan.rows for engine in row.engines} | (set() if options.grid else texts)):
        if text not in asr.ENGINES and not any(Path(data.path, f"text.{text}").is_file() for data in plan.data_sets):
            issues.add("plan-text-unknown", f"--text {text}: {nearest(text, ['gt', 'none', *asr.ENGINES])}")
        elif options.runs_stage(4) and text in asr.ENGINES and (package := asr.ENGINES[text].package):
            issues.attempt(packages.check, package, f"ASR engine {text}")


def _check_languages(plan: Plan, options: Options, issues: Issues) -> None:
    """Check that the language is known, and that every ASR engine has that of its data."""
    if options.language:
        issues.attempt(Language.parse, options.language)
    for data, engine in plan.transcripts(options.engines) if options.runs_stage(4) else ():
        if engine in asr.ENGINES and "language" in asr.options_of(engine):
            language = issues.attempt(data.language, options.language)
            issues.attempt(asr.check_language, engine, language or "", options.asr_model)


def _check_files(options: Options, issues: Issues) -> None:
    """Check that files and folders that the user gave exist."""
    if options.runs_stage(5):
        if options.xvector not in ("none", "extract") and not Path(options.xvector).is_file():
            issues.add("file-missing", f"--xvector {options.xvector}: no such file (from {Path.cwd()})")
        if options.embeddings not in (*NO_VECTORS, *embeddings.known()):  # preflight says which must be downloaded
            issues.attempt(embeddings.locate, options.embeddings)
        if options.tensorboard:
            issues.attempt(packages.check, "tensorboard", "--tensorboard true")
    known = [path.name for path in sorted((CONF / "xvector").iterdir()) if path.is_dir()] + ["voxceleb"]
    model = options.xvector_model
    if model not in known and not Path(model).is_dir():  # voxceleb must be downloaded first: preflight says so
        issues.add("plan-xvector-model", f"--xvector-model {model}: no such folder; {nearest(model, known)}")


def _check_pretrained(plan: Plan, options: Options, issues: Issues) -> None:
    """Check that --pretrained names features of the plan."""
    from mscnn.config.model import ModelSpec

    used = {name for data in plan.data_sets for name in data.features}
    used |= {name for data in plan.data_sets for name, _ in data.encoded.values()}
    used = {*map(stem, used)}
    for feature in options.pretrained.keys() - used if plan.rows else ():
        tuned = any(ModelSpec.load(row.model, row.set).options.get("wav2vec2") for row in plan.rows)
        if not (feature == "wav2vec2" and tuned):
            hint = f"features: {', '.join(sorted(used))}" if used else "no experiment takes features"
            issues.add(
                "plan-value", f"--pretrained {feature}={options.pretrained[feature]}: no experiment takes it; {hint}"
            )


def _check_features(data: DataSet, options: Options, issues: Issues) -> None:
    """Check that features are well formed and that the packages that they need are installed."""
    from mscnn.features.config import Feature

    made: dict[str, str] = {}
    recorded = [(name, out, "audio", 3) for name, out in data.features.items()]
    encoded = [(name, out, "text", stage_of(source)) for out, (name, source) in data.encoded.items()]
    for name, out, source, stage in (*recorded, *encoded):
        if made.setdefault(out, name) != name:
            message = f"features {made[out]} and {name} would both be written to {out}; rename one"
            issues.add("plan-data-twice", message)
        feature = issues.attempt(Feature.load, name, data.feature_set.get(name, ()))
        if feature and feature.extractor.source != source:
            key = {"audio": "inputs.audio", "text": "inputs.text_encoder"}[feature.extractor.source]
            issues.add("feature-source", f"{name} is a feature of {feature.extractor.source}: name it as {key}")
            continue
        if feature is None or name in data.given or not options.runs_stage(stage):
            continue
        issues.attempt(feature.extractor.available)


def _check_stages(plan: Plan, options: Options, issues: Issues) -> None:
    """Check that stages that will not run have written what later stages read."""
    last = options.last
    for data in plan.data_sets:
        folder = Path(data.path)
        needs = [(1, last >= 1, folder / "utt2spk")]
        needs += [(2, last >= 5, Path(out, "xvector.scp")) for out in data.xvectors]
        needs += [(3, last >= 5, Path(out, "feats.scp")) for out in data.features.values()]
        needs += [(stage_of(text), last >= 5, Path(out, "feats.scp")) for out, (_, text) in data.encoded.items()]
        needs += [(4, last >= 5, folder / f"text.{engine}") for engine in data.engines]
        for stage, needed, path in needs:
            if needed and options.first > stage and not path.is_file():
                _missing(stage, path, issues)
        texts = [source for row in plan.rows if row.data == data.path for source in (row.text, row.tested_on)]
        for source in sorted({*texts} - {"", "none"}) if last >= 5 else ():
            path = folder / ("text" if source == "gt" else f"text.{source}")
            stage = 1 if source == "gt" else 4 if source in asr.ENGINES else 0  # that makes the file again
            if options.first > stage and path.is_file():
                issues.attempt(lambda path: require_words(path, read_table(path)), path)
    for row in plan.rows if options.first > 5 else ():
        if not Path(row.exp, "config.yaml").is_file():
            _missing(5, Path(row.exp, "config.yaml"), issues)


def _missing(stage: int, path: Path, issues: Issues) -> None:
    issues.add(
        "stage-missing",
        f"{path} does not exist: stage {stage} ({STAGES[stage]}) writes it. Start there: ./run.sh --stage {stage} with "
        "the other options unchanged",
    )
