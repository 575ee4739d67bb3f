"""Files that users write: configuration, options, grids, plans; and what others read of results."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import yaml

from mscnn.config import schema
from mscnn.config.corpus import Description
from mscnn.config.embeddings import VectorFile
from mscnn.config.labels import LabelMap
from mscnn.config.model import ModelSpec, resolve
from mscnn.config.overrides import keys
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.data.protocols import Protocol
from mscnn.evaluation.evaluation import Evaluation
from mscnn.evaluation.prediction_table import read_prediction_table
from mscnn.features.config import Feature
from mscnn.options import Parser
from mscnn.paths import CONF, names
from mscnn.recipe.cost import Costs
from mscnn.recipe.grid import Request, read_grid
from mscnn.recipe.plan import Plan, Row
from mscnn.reporting import tables
from mscnn.reporting.lines import read_score
from mscnn.reporting.overview import COSTS, read_costs
from mscnn.reporting.published import read_published
from mscnn.stamp import Stamp, damaged
from tests.e2e.faults.readers.base import Read, Reader, of_conf, of_files

TABLE = "utt,truth,pred,speaker,fold,p_a,p_b\n" + "".join(
    f"u{i},{'ab'[i % 2]},{'ab'[i % 3 % 2]},s{i % 4},{i % 2},{(0.6, 0.4)[i % 3 % 2]},{(0.4, 0.6)[i % 3 % 2]}\n"
    for i in range(12)
)
LINE = "%UA 80.11 %WA 80.44 %F1 79.83 [ 251 / 313 ] protocol=loso5@aff4 text=gt folds=5 runs=1 agg=pooled exp/tag\n"
ROW = Row("a", "exp/a", "glam", "data/x", "iemocap4", "loso5", ("lr=1e-4",), features={"mfcc40": "dump/mfcc40"})
SEAL = {"fingerprint": {"inputs": "0"}, "outputs": {"x.yaml": [1, 2], "y": None}}


def _model(path: Path) -> None:
    """What is accepted can be made: as training makes it, without memory."""
    _made(ModelSpec.load(str(path)))


def _made(spec: ModelSpec) -> None:
    from mscnn.models import families, trial
    from mscnn.models.inputs import Sizes

    families.options(spec)
    if spec.family != "baseline" and not any(map(spec.options.get, ("alexnet", "wav2vec2"))):  # those name files
        dims = {name: _dim(feature) for name, feature in spec.features.items()}
        with trial.fitting(spec), trial.without_memory():
            families.build(spec, Sizes(4, **{"extra": dims, **({"audio": dims.pop("audio")} if spec.audio else {})}))


def _dim(feature: str) -> int:
    """Values per frame; of features whose network says it, that of the base models."""
    loaded = Feature.load(feature)
    return 768 if "model" in loaded.options else loaded.extractor.dim


def _settings() -> dict[str, str]:
    """Every option of every first configuration of a family, one per file: the name of the model, and KEY=VALUE."""
    made = {}
    for name in names("models"):
        layers = resolve(name)
        if layers.path != layers.first:
            continue
        for key in keys(layers):
            if key.startswith("segments.") and "segments" not in layers.values:
                continue
            value = _value(ModelSpec.of(layers), key)
            made[f"{name}.{key}.txt"] = f"{name}\n{key}={json.dumps(value)}"
    return made


def _value(spec: ModelSpec, key: str) -> object:
    """The value of a dotted key that can be set."""
    section, _, name = key.partition(".")
    if section == "options":
        return spec.options[name]
    if section == "inputs":
        return getattr(spec, name)
    if section == "segments":
        return getattr(spec.segments, name)
    return getattr(spec.training, name) if section == "training" else spec.xvec_norm


def _setting(path: Path) -> None:
    model, _, setting = path.read_bytes().decode("utf-8", "replace").partition("\n")
    _made(ModelSpec.load(model, [setting]))


def _feature(path: Path) -> None:
    """What is accepted can be computed, on a third of a second of noise."""
    import numpy as np

    feature = Feature.load(str(path))
    if "model" in feature.options or feature.options.get("backend") == "opensmile":
        return  # a pretrained network, or another package
    samples = np.random.default_rng(0).normal(0, 0.1, feature.extractor.rate // 3).astype(np.float32)
    matrix = feature.extractor(samples)
    assert matrix.ndim == 2 and np.isfinite(matrix).all(), "features that are not finite"


def _options(path: Path) -> None:
    parser = Parser("mscnn.bin.x", "")
    parser.add_argument("--stop-stage", type=int, default=0)
    parser.add_argument("--on-bad", choices=["stop", "skip"], default="stop")
    try:
        parser.parse_args(["--config", str(path)])
    except SystemExit as end:
        assert end.code == 2


def _grid(path: Path) -> None:
    request = Request("glam", "gt", "loso5", "iemocap4", "all", 0, 1, ())
    read_grid(str(path), request, ["loso5"], ["pocketsphinx"])


def _description(path: Path) -> None:
    """A description, and the names of a release that it is applied to."""
    from mscnn.corpora import declarative
    from mscnn.synthetic.miniature import recordings

    description = Description.load(str(path))
    made = [one.path for one in recordings(description)]
    with suppress(FileNotFoundError):  # two recordings of one name are compared
        declarative.parse(description, Path("/release"), made)


def given_options(folder: Path) -> tuple[Sequence[Path], Read]:
    """Options of the last run of a recipe."""
    path = folder / tables.OPTIONS
    path.parent.mkdir()
    path.write_text("corpus=/a/b\nengine='a b' seed=2\n")
    return [path], lambda _: tables._options(folder)


def _schema(kind: type) -> Read:
    return lambda path: schema.load(path, kind)


READERS: dict[str, Reader] = {
    "labels": of_conf("labels", lambda path: LabelMap.load(str(path))),
    "protocols": of_conf("protocols", lambda path: Protocol.load(str(path))),
    "models": of_conf("models", _model, most=60),
    "settings": of_files(_settings, _setting),
    "features": of_conf("features", _feature, most=30),
    "descriptions": of_conf("corpora", _description, most=30),
    "grids": of_conf("grids", _grid),
    "word-vector-files": of_conf("embeddings", lambda path: VectorFile.load(str(path))),
    "published": of_files({"x.yaml": (CONF / "published.yaml").read_bytes()}, read_published),
    "costs": of_files({"costs.yaml": (CONF / "costs.yaml").read_bytes()}, _schema(Costs)),
    "corpus-facts": of_files(
        {"corpus.yaml": yaml.safe_dump({"name": "a", "about": "b", "limits": ["c"], "hours": {"d": 1.5}})},
        lambda path: CorpusFacts.find(path.parent),
    ),
    "options": of_files({"x.yaml": "stop-stage: 2\non_bad: skip\n"}, _options),
    "given-options": given_options,
    "scores": of_files({"score_test.txt": LINE + "# remark\n" + LINE}, read_score),
    "cost-tables": of_files(
        {"costs.tsv": "\t".join(["model", *COSTS]) + "\nglam" + "\t1.5" * len(COSTS) + "\n"}, read_costs
    ),
    "plans": of_files({"plan.jsonl": json.dumps(asdict(ROW)) + "\n"}, Plan.load),
    "stamps": of_files(
        {"done.json": json.dumps(SEAL)}, lambda path: (damaged(path), Stamp(path).fresh(), Stamp(path).stale())
    ),
    "evaluate": of_files({"p.csv": TABLE, "p.tsv": TABLE.replace(",", "\t")}, Evaluation.from_file),
    "prediction-tables": of_files({"p.csv": TABLE}, read_prediction_table),
}
