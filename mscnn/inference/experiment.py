"""An experiment of a recipe as a trained system: description and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mscnn import __version__
from mscnn.config.model import ModelSpec
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.data.datadir import DataDir
from mscnn.data.foldlists import read_list
from mscnn.errors import UserError
from mscnn.evaluation.calibration import ece, fit_temperature, temper
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.metrics import confusion_matrix
from mscnn.evaluation.predictions import Predictions
from mscnn.features.archive import FeatureDir
from mscnn.features.config import Feature
from mscnn.files import read_yaml
from mscnn.inference.description import (
    FORMAT,
    Corpus,
    Description,
    FeatureFacts,
    Lengths,
    NetworkFacts,
    Reject,
    System,
    XvectorFacts,
)
from mscnn.inference.load import Loaded
from mscnn.inference.networks import weights_in
from mscnn.training.systems import system_of

if TYPE_CHECKING:
    from mscnn.text.vectors import WordVectors
    from mscnn.xvector.modeldir import XvectorModel

COVERAGE = 90.0  # percent of dev whose confidence reaches the threshold of rejection
WHOLE = 30.0  # s; recordings up to this length, or up to the longest of the corpus, are read as a whole


def load_experiment(path: Path, fold: str = "all", run: int = 1, coverage: float = COVERAGE) -> Loaded:
    """The system in ``exp/TAG``, with the networks of ``fold`` (all, best-dev or a number) and ``run``.

    Its features and x-vector network are those that ``config.yaml`` names.

    Raises:
        UserError: it is unfinished, has predictions only or no networks; there is no such fold or run; or its features
            or its x-vector network are gone.
    """
    exp = Experiment.load(path)
    config, spec = exp.config, ModelSpec.of_config(exp.config)
    if "trained_in" in config:
        raise UserError(
            f"{path}: has predictions of the models in {config['trained_in']}; give that folder",
            code="experiment-predicted",
        )
    if system_of(spec).refitted:
        raise UserError(
            f"{path}: {spec.name} is a baseline, which has no network; choose an experiment with a network",
            code="model-baseline",
        )
    chosen = _choose(exp, fold, run)
    dirs = _feature_dirs(exp, spec)
    model, xvector = _xvector(exp, spec)
    weights = [weights_in(exp.path / facts.folder) for facts in chosen]
    table = _table(exp, spec)
    description = _describe(exp, spec, chosen, dirs, xvector, coverage)
    features = {name: Feature.of(one.feature, one.options, one.path / "feature.yaml") for name, one in dirs.items()}
    return Loaded(description, features, weights, [_vocabulary(exp, spec, facts, table) for facts in chosen], model)


def _choose(exp: Experiment, fold: str, run: int) -> list[NetworkFacts]:
    """The networks of a fold, or of all, with their temperatures."""
    folds, runs = exp.config["folds"], exp.config["runs"]
    if not 1 <= run <= runs:
        raise UserError(f"{exp.path}: no run {run}; it has {runs}", code="run-unknown")
    if fold == "all":
        numbers = list(range(1, folds + 1))
    elif fold == "best-dev":
        numbers = [1 + max(range(folds), key=lambda i: _dev_ua(exp, i, run))]
    elif fold.isdecimal() and 1 <= int(fold) <= folds:
        numbers = [int(fold)]
    else:
        raise UserError(f"{exp.path}: no fold {fold}; expected all, best-dev or 1 to {folds}", code="fold-unknown")
    return [_network_facts(exp.parts["dev"][number - 1][run - 1], number, run) for number in numbers]


def _network_facts(dev: Predictions, fold: int, run: int) -> NetworkFacts:
    temperature = fit_temperature(dev.prob, dev.truth)
    correct, errors = dev.pred == dev.truth, []
    for prob in (dev.prob, temper(dev.prob, temperature)):
        errors.append(round(100 * ece(prob[np.arange(len(prob)), dev.pred], correct), 2))
    return NetworkFacts(fold, run, round(temperature, 6), *errors)


def _dev_ua(exp: Experiment, fold: int, run: int) -> float:
    part = exp.parts["dev"][fold][run - 1]
    return ua_of_present(part.truth, part.pred, len(exp.classes))


def ua_of_present(truth: np.ndarray, pred: np.ndarray, classes: int) -> float:
    """UA, 0 to 1, over the classes that occur in ``truth``: a small dev part may lack one."""
    matrix = confusion_matrix(truth, pred, classes)
    totals = matrix.sum(axis=1)
    return float((matrix.diagonal()[totals > 0] / totals[totals > 0]).mean())


def _feature_dirs(exp: Experiment, spec: ModelSpec) -> dict[str, FeatureDir]:
    """The folders of features that the experiment was trained on, by the names of the network."""
    if not spec.features:
        return {}
    dirs = exp.config.get("feature_dirs", {})
    if absent := [name for name in spec.features if name not in dirs]:
        raise UserError(
            f"{exp.path / 'config.yaml'}: feature_dirs has no {absent[0]}; run stage 5 (train) again",
            code="experiment-config",
        )
    return {name: FeatureDir.load(exp.locate(dirs[name])) for name in spec.features}


def _xvector(exp: Experiment, spec: ModelSpec) -> tuple[XvectorModel | None, XvectorFacts | None]:
    """The x-vector network that stage 2 used, and its options."""
    if not spec.xvector:
        return None, None
    from mscnn.xvector.modeldir import XvectorModel

    scp = Path(exp.config["xvector"])
    facts_file = exp.locate(str(scp.parent)) / "xvector.yaml"
    if not facts_file.is_file():
        raise UserError(
            f"{facts_file}: missing, so the network of the x-vectors is unknown; extract them with stage 2 (xvector)",
            code="xvector-unknown",
        )
    facts = read_yaml(facts_file)
    folder = Path(facts["model"])
    model = XvectorModel.load(folder if folder.is_dir() else facts["name"])
    network = model.network()
    return model, XvectorFacts(model.path.name, int(facts["chunk_size"]), facts["unvoiced"], network.dim)


def _table(exp: Experiment, spec: ModelSpec) -> WordVectors | None:
    """The table of pretrained word vectors, which all networks share."""
    from mscnn.inference.trained import options_of, read_table

    return read_table(exp.path, options_of(exp.path, exp.config).text) if spec.words else None


def _vocabulary(exp: Experiment, spec: ModelSpec, facts: NetworkFacts, vectors: WordVectors | None) -> Any:
    from mscnn.inference.trained import read_vocabulary

    return read_vocabulary(exp.path / facts.folder, vectors) if spec.words else None


def _describe(
    exp: Experiment,
    spec: ModelSpec,
    networks: Sequence[NetworkFacts],
    dirs: Mapping[str, FeatureDir],
    xvector: XvectorFacts | None,
    coverage: float,
) -> Description:
    config = exp.config
    return Description(
        format=FORMAT,
        name=exp.path.resolve().name,
        classes=exp.classes,
        system=System(
            spec.name, spec.family, config["normalise"], config["segments"], config["model_options"], spec.xvec_norm
        ),
        features={name: FeatureFacts(one.feature, one.options, one.hash, one.dim) for name, one in dirs.items()},
        text=config["text"],
        xvector=xvector,
        networks=tuple(networks),
        seconds=_lengths(exp, networks),
        reject=_reject(exp, networks, coverage),
        corpus=_corpus(exp),
        scores=_scores(exp),
        changed=tuple(config.get("changed", ())),
        legacy=tuple(config["legacy"]),
        made_by={"mscnn": __version__, "git": str(config["environment"].get("git", "unknown"))},
    )


def _lengths(exp: Experiment, networks: Sequence[NetworkFacts]) -> Lengths | None:
    """Durations of the training parts of the networks; None where the data directory is gone."""
    if not (exp.data / "utt2dur").is_file():
        return None
    durations = DataDir.load(exp.data).dur
    lists = [exp.path / "folds" / f"fold{facts.fold:02d}.train" for facts in networks]
    seen = [durations[utt] for path in lists for utt in read_list(path) if utt in durations]
    return Lengths(min(seen), max(seen), max(WHOLE, *durations.values())) if seen else None


def _reject(exp: Experiment, networks: Sequence[NetworkFacts], coverage: float) -> Reject:
    """The confidence that ``coverage`` percent of the predictions on dev reach, and WA among these."""
    confidences, correct = [], []
    for facts in networks:
        dev = exp.parts["dev"][facts.fold - 1][facts.run - 1]
        confidences.append(temper(dev.prob, facts.temperature)[np.arange(len(dev.prob)), dev.pred])
        correct.append(dev.pred == dev.truth)
    confidence = np.concatenate(confidences)
    threshold = float(np.quantile(confidence, 1 - coverage / 100))
    kept = np.concatenate(correct)[confidence >= threshold]
    return Reject(round(threshold, 4), coverage, round(100 * float(kept.mean()), 2) if len(kept) else None)


def _corpus(exp: Experiment) -> Corpus:
    config = exp.config
    facts = CorpusFacts.find(exp.data) or CorpusFacts.find(exp.path)
    labels = Path(config["labels"]).stem
    if facts is None:
        return Corpus(labels, exp.protocol)
    return Corpus(
        labels, exp.protocol, facts.name, facts.about, facts.source, facts.licence, facts.synthetic, facts.limits
    )


def _scores(exp: Experiment) -> tuple[str, ...]:
    """Lines of score_test.txt, with the name of the experiment in place of its path."""
    path = exp.path / "score_test.txt"
    if not path.is_file():
        return ()
    lines = [line.split(" ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("%")]
    return tuple(" ".join([*words[:-1], Path(words[-1]).name]) for words in lines)
