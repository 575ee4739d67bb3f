"""An experiment: one system under one protocol, its folds and runs side by side."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import yaml

from mscnn import jobs, log, models
from mscnn.config.labels import LabelMap
from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold, Protocol, folds_hash, make_folds, require_classes, write_folds
from mscnn.device import choose_device
from mscnn.errors import UserError
from mscnn.features.archive import FeatureDir
from mscnn.files import atomic, digest, file_digest, read_yaml
from mscnn.stamp import Stamp, source_digest
from mscnn.training.parts import TextOptions
from mscnn.xvector.vectors import model_name, read_vectors

CODE = (
    "mscnn.training",
    "mscnn.baselines",
    "mscnn.text",
    "mscnn.data.segments",
    "mscnn.features.archive",
    "mscnn.evaluation.metrics",
)
NOT_COMPARED = ("environment", "command", "runs", "changed")  # what a change changes is compared itself
# what config.yaml describes
OWN = ("fold*", "score_*", "confusion_*", "statistics.json", "figures", "report.html", "RESULTS.md")


@dataclass(frozen=True)
class Setup:
    """What a user asks for; every worker process gets it whole.

    Attributes:
        model: name of a configuration in conf/models; ``settings`` are its KEY=VALUE changes.
        data: data directory; ``labels`` the label map it was made with; ``feature_dirs`` archives of stage 3.
        xvector: an ``xvector.scp``, or None to leave x-vectors out.
        runs: repetitions of every fold; ``seed`` is mixed into every (protocol, fold, run).
        folds: how many of the protocol's folds to do, 0 for all; less is marked partial on every score line.
        device: cpu, cuda or auto.
    """

    model: str
    data: Path
    labels: str
    protocol: str
    exp: Path
    feature_dirs: tuple[Path, ...] = ()
    text: TextOptions = field(default_factory=TextOptions)
    xvector: Path | None = None
    settings: tuple[str, ...] = ()
    folds: int = 0
    runs: int = 1
    seed: int = 0
    device: str = "auto"
    tensorboard: bool = False

    def spec(self) -> ModelSpec:
        """The model's configuration, without x-vectors where none are given."""
        spec = ModelSpec.load(self.model, self.settings)
        if not spec.xvector or self.xvector:
            return spec
        if spec.only_with_xvector:
            raise UserError(f"{self.model} is audio_cnn plus x-vectors: give --xvector PATH, or train audio_cnn")
        return spec.without_xvector()

    def run_dir(self, fold: int, run: int) -> Path:
        """Folder of one fold and run, both counted from 1."""
        return self.exp / f"fold{fold:02d}" / f"run{run}"


def train_experiment(setup: Setup, *, nj: int, overwrite: bool = False) -> int:
    """Train every fold and run that is not done yet; returns how many were trained.

    Raises:
        UserError: the folder holds an experiment made otherwise (and ``overwrite`` is false), or jobs failed.
    """
    logger = log.get_logger("train")
    data = DataDir.load(setup.data)
    classes = list(LabelMap.load(setup.labels).classes)
    strange = set(data.emo.values()) - set(classes)
    if strange:
        raise UserError(f"{setup.data}: classes {', '.join(sorted(strange))} are not in label map {setup.labels}")
    protocol = Protocol.load(setup.protocol)
    every = make_folds(protocol, data)
    folds = every[: setup.folds or None]
    require_classes(protocol, folds, data, classes)
    config = _config(setup, data, classes, protocol, every)
    claim(setup.exp, config, overwrite)
    write_folds(folds, setup.exp / "folds")
    todo = [
        (setup, fold, run, classes, _seed(protocol, fold.index, run, setup.seed))
        for fold in folds
        for run in range(1, setup.runs + 1)
        if not _stamp(setup, fold.index, run, config["inputs"]).fresh()
    ]
    logger.info("%s: %d of %d trainings to do (%d folds x %d runs), %d at a time",
                setup.exp, len(todo), len(folds) * setup.runs, len(folds), setup.runs, nj)  # fmt: skip
    jobs.run_jobs(train_one, [(*job, config["inputs"]) for job in todo], nj=nj, log_dir=setup.exp / "log", step="train")
    return len(todo)


def train_one(setup: Setup, fold: Fold, run: int, classes: list[str], seed: int, inputs: dict) -> None:
    """Train one run of one fold, select on dev, then predict dev and test; a worker process runs this."""
    from mscnn.training.outputs import logged_to, write_predictions

    directory = setup.run_dir(fold.index, run)
    directory.mkdir(parents=True, exist_ok=True)
    spec, data = setup.spec(), DataDir.load(setup.data)
    train = _train_baseline if spec.family == "baseline" else _train_network
    with logged_to(directory / "train.log", log.get_logger("train")):
        scores, outputs = train(setup, spec, data, fold, classes, seed, directory)
    for name, utts in (("dev", fold.dev), ("test", fold.test)):
        outputs.append(directory / f"predictions_{name}.tsv")
        write_predictions(outputs[-1], utts, scores[name], data.emo, classes)
    _stamp(setup, fold.index, run, inputs).write(outputs)
    (directory / "checkpoint.pt").unlink(missing_ok=True)


def _train_baseline(setup, spec, data, fold, classes, seed, directory) -> tuple[dict, list[Path]]:
    from mscnn.baselines.classify import scores
    from mscnn.baselines.options import Options

    features = features_of(setup, spec).get("audio")
    return scores(Options(**spec.options), data, fold, classes, text=setup.text.source, features=features), []


def _train_network(setup, spec, data, fold, classes, seed, directory) -> tuple[dict, list[Path]]:
    """Scores of dev and test, and the files that were written."""
    import torch
    from safetensors.numpy import save

    from mscnn.training.loop import fit, predict
    from mscnn.training.outputs import write_tensorboard
    from mscnn.training.parts import make_parts

    device = choose_device(setup.device)
    torch.use_deterministic_algorithms(True)
    parts = make_parts(spec, data, fold, classes, features=features_of(setup, spec), text=setup.text,
                       xvector=setup.xvector, cache=setup.exp.parent / "embeddings", seed=seed)  # fmt: skip
    torch.manual_seed(seed)
    model = models.build(spec, parts.sizes)
    if parts.embedding is not None:
        model.set_word_vectors(torch.from_numpy(parts.embedding))
    model.to(device)
    state = fit(model, parts.train, parts.dev, spec.training, seed=seed, device=device, directory=directory)
    scores = {name: predict(model, part, device) for name, part in (("dev", parts.dev), ("test", parts.test))}
    weights = {k: v.cpu().numpy() for k, v in model.state_dict().items()} | parts.statistics
    with atomic(directory / "model.safetensors", "wb") as out:
        out.write(save(weights, metadata={"classes": " ".join(classes)}))
    outputs = [directory / "model.safetensors", directory / "metrics.jsonl"]
    if parts.vocabulary is not None:
        outputs.append(parts.vocabulary.save(directory))
    if setup.tensorboard:
        write_tensorboard(directory, state.history)
    return scores, outputs


def _config(setup: Setup, data: DataDir, classes: list[str], protocol: Protocol, folds: Sequence[Fold]) -> dict:
    """Everything that the experiment follows from, resolved; ``config.yaml`` holds it."""
    from mscnn.training.outputs import environment

    spec = setup.spec()
    features = features_of(setup, spec)
    text = asdict(setup.text) if spec.text else {"source": "none"}
    learns_words = spec.text and spec.family != "baseline"
    return {
        **spec.describe(),
        "features": {name: archive.title for name, archive in features.items()},
        "feature_dirs": {name: str(archive.path) for name, archive in features.items()},
        "data": str(setup.data),
        "labels": setup.labels,
        "classes": classes,
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "hash": folds_hash(protocol, folds),
            "disjoint": {pair: list(what) for pair, what in protocol.disjoint.items()},
            "selection": protocol.selection,
            "aggregate": protocol.aggregate,
            "legacy": list(protocol.legacy),
        },
        "text": text.pop("source"),
        "text_options": text,
        "changed": sorted([*setup.settings, *(setup.text.changed if learns_words else ())]),
        "xvector": str(setup.xvector) if spec.xvector else "none",
        "xvector_model": model_name(setup.xvector) if spec.xvector else "none",
        "folds": min(setup.folds or len(folds), len(folds)),
        "partial": f"{setup.folds}/{len(folds)}" if 0 < setup.folds < len(folds) else "",
        "runs": setup.runs,
        "seed": setup.seed,
        "device": choose_device(setup.device),
        "parameters": _parameters(setup, spec, data, features, len(classes)),
        "legacy": spec.legacy(),
        "inputs": input_digests(setup, spec, data, features),
        "environment": environment(),
        "command": shlex.join(["python", "-m", "mscnn.bin.train", *sys.argv[1:]]),
    }


def _parameters(setup: Setup, spec: ModelSpec, data: DataDir, features: Mapping, classes: int) -> int | None:
    """Parameters without the word embeddings; None for a baseline, which grows with its data."""
    from mscnn.models.inputs import Sizes

    if spec.family == "baseline":
        return None
    sizes = {"audio": features["audio"].dim} if spec.audio else {}
    sizes |= {"xvector": read_vectors(setup.xvector, data.utts[:1]).shape[1]} if spec.xvector else {}
    extra = {name: features[name].dim for name in spec.extra}
    model = models.build(spec, Sizes(classes=classes, extra=extra, **sizes))
    return model.num_parameters()


def features_of(setup: Setup, spec: ModelSpec) -> dict[str, FeatureDir]:
    """The archives that the model hears, by the name that it knows them by."""
    archives = {a.feature: a for a in map(FeatureDir.load, setup.feature_dirs)} if spec.features else {}
    missing = [wanted for wanted in spec.features.values() if wanted not in archives]
    if missing:
        raise UserError(
            f"{setup.model} needs {missing[0]} features, and is given {', '.join(archives) or 'nothing'}: "
            f"--feature-dir dump/{missing[0]}/SET (stage 3)"
        )
    return {name: archives[wanted] for name, wanted in spec.features.items()}


def input_digests(setup: Setup, spec: ModelSpec, data: DataDir, features: Mapping[str, FeatureDir]) -> dict[str, str]:
    """Digests of all that training reads, and of the code: any change makes finished runs stale.

    Of the models it is the code of the system's own family, and what families share.
    """
    sources = [source_digest(name) for name in (*CODE, *models.source_modules(spec))]
    digests = {"labels": digest(data.emo), "code": digest(sources)}
    if spec.family != "baseline":
        digests |= models.pretrained(spec)
    if features:
        digests["features"] = digest({name: archive.content for name, archive in features.items()})
    if spec.text:
        digests["text"] = digest(data.text_of(setup.text.source))
        file = setup.text.embeddings
        digests["embeddings"] = _digest_of("--embeddings", file) if file else "word2vec"
    if spec.xvector:
        digests["xvector"] = sha256(read_vectors(setup.xvector, data.utts)).hexdigest()
    return digests


def _digest_of(option: str, path: str | os.PathLike) -> str:
    if not Path(path).is_file():
        raise UserError(f"{option}: {path} is not there; name an existing file, or none")
    return file_digest(path)


def claim(exp: Path, config: dict, overwrite: bool) -> None:
    """Write ``config.yaml``, unless the folder already belongs to another configuration."""
    path = exp / "config.yaml"
    if path.exists():
        old = read_yaml(path)
        changed = _changes(old, config)
        if changed and not overwrite:
            raise UserError(
                f"{exp} holds an experiment made otherwise; changed: {', '.join(changed)} (see {path}). "
                "Keep both with --tag NAME (--exp DIR for the entry point), or replace it with --overwrite true"
            )
        if not changed and old.get("runs") == config["runs"]:
            return
        for found in (f for pattern in OWN if changed for f in exp.glob(pattern)):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    with atomic(path) as out:
        yaml.safe_dump(config, out, sort_keys=False, allow_unicode=True, width=120)


def _changes(old: dict, new: dict) -> list[str]:
    """Names of what differs between two configurations, ``group.name`` inside a group; the number of runs may."""
    names = []
    for key in {**old, **new}:
        a, b = old.get(key), new.get(key)
        if key in NOT_COMPARED or a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            names += [f"{key}.{name}" for name in {**a, **b} if a.get(name) != b.get(name)]
        else:
            names.append(key)
    return names


def _stamp(setup: Setup, fold: int, run: int, inputs: dict) -> Stamp:
    return Stamp(setup.run_dir(fold, run) / "done.json", options=inputs)


def _seed(protocol: Protocol, fold: int, run: int, seed: int) -> int:
    """Seed of one training; the model does not enter, so systems are compared from the same draw."""
    return int(digest([protocol.name, fold, run, seed])[:8], 16)
