"""What conf/ says: rows of the tables of models, protocols, features and schemes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from docpages.markdown import code
from mscnn.config.model import ModelSpec
from mscnn.data.protocols import DEV_SCHEMES, TEST_SCHEMES, Protocol
from mscnn.features.config import Feature
from mscnn.files import read_yaml
from mscnn.paths import CONF, conf, names

WIDTHS = {  # values of the hidden states of pretrained models; no page needs their weights
    "facebook/wav2vec2-base-960h": 768,
    "sentence-transformers/all-MiniLM-L6-v2": 384,
    "google-bert/bert-base-uncased": 768,
    "FacebookAI/roberta-base": 768,
    "facebook/data2vec-audio-base": 768,
    "facebook/hubert-base-ls960": 768,
    "facebook/hubert-large-ll60k": 1024,
    "facebook/w2v-bert-2.0": 1024,
    "facebook/wav2vec2-base": 768,
    "facebook/wav2vec2-large-lv60": 1024,
    "microsoft/wavlm-base-plus": 768,
    "microsoft/wavlm-large": 1024,
    "openai/whisper-tiny": 384,
    "openai/whisper-base": 512,
    "openai/whisper-small": 768,
    "openai/whisper-medium": 1024,
    "openai/whisper-large-v3": 1280,
    "emotion2vec_base.onnx": 768,
}
SSL_SHIFT = 20.0  # milliseconds, of all speech encoders in conf/features

spec_of = cache(ModelSpec.load)


def families() -> dict[str, list[Path]]:
    """Configurations by folder: first the file that states all options, then those that change it."""
    found: dict[str, list[Path]] = {}
    for path in (conf("models", name) for name in names("models")):
        found.setdefault(path.parent.name, []).append(path)
    order = sorted(found, key=lambda folder: (folder != "mscnn", folder))
    return {folder: sorted(found[folder], key=lambda path: ("base" in read_yaml(path), path.stem)) for folder in order}


def model_row(path: Path, published: Mapping[str, str]) -> list[object]:
    """Configuration, audio features, text, x-vector, parameters, published, source, what it is."""
    spec = spec_of(path.stem)
    features = ", ".join(code(name) for name in spec.features.values())
    takes = ["yes" if given else "" for given in (spec.text, spec.xvector)]
    number = published.get(path.stem, "")
    return [f"[`{path.stem}`](#{path.stem})", features, *takes, _parameters(spec), number, _source(path), _title(path)]


def _header(path: Path) -> str:
    """The comment that opens a file, on one line."""
    lines = re.findall(r"^# ?(.*)$", path.read_text(encoding="utf-8").partition("\n\n")[0], re.MULTILINE)
    return " ".join(lines)


def _title(path: Path) -> str:
    """The first sentence of the header."""
    return re.split(r"(?<!et al)(?<!vs)\.(?:\s|$)", _header(path))[0]


def _source(path: Path) -> str:
    """The paper or the code that the header names, or else that of the base."""
    if found := re.search(r"Source: (.*?)(?:;|, whose|\.(?:\s|$)(?<!et al\.\s)(?<!Fig\.\s))", _header(path)):
        return found[1]
    base = read_yaml(path).get("base")
    return _source(conf("models", base)) if base else ""


def _parameters(spec: ModelSpec) -> str:
    """Number of parameters, of a network without values; empty where it has none, or brings its own weights."""
    import torch

    from mscnn import models
    from mscnn.models.inputs import Sizes

    if spec.family == "baseline" or spec.options.get("wav2vec2"):
        return ""
    dims = {name: _dim(Feature.load(feature)) for name, feature in spec.features.items()}
    sizes = Sizes(classes=4, audio=dims.pop("audio", 96), extra=dims)
    with torch.device("meta"):
        return f"{models.build(spec, sizes).num_parameters():,}".replace(",", " ")


def _dim(feature: Feature) -> int:
    model = feature.options.get("model")
    return WIDTHS[str(model)] if model else feature.extractor.dim


def published() -> dict[str, str]:
    """What is reported of each configuration as it is: two numbers at most with reference, and two with ASR text."""
    reported: dict[str, dict[bool, dict[str, None]]] = {}
    for row in (row for one in read_yaml(CONF / "published.yaml")["tables"].values() for row in one["rows"]):
        values = [row.get("wa"), row.get("ua")]
        if row.get("model") and any(values) and not row.get("options"):
            shown = " / ".join("–" if value is None else str(value) for value in values)
            by_text = reported.setdefault(row["model"], {})
            by_text.setdefault(row["text"] == "asr", {})[f"{shown} {row['certain']}"] = None
    return {name: "; ".join(_few([*by_text[asr]]) for asr in sorted(by_text)) for name, by_text in reported.items()}


def _few(texts: Sequence[str]) -> str:
    return ", ".join([*texts[:2], *(["…"] if len(texts) > 2 else [])])


def protocol_row(name: str) -> list[object]:
    """Protocol, folds, test, dev, disjoint, aggregate, marks."""
    one = Protocol.load(name)
    chosen = [
        " ".join(
            [choice["scheme"], *(f"{key}={_joined(choice[key])}" for key in ("by", "name", "share") if key in choice)]
        )
        for choice in (one.test, one.dev)
    ]
    apart, marks = ", ".join(one.disjoint["train-test"]), ", ".join(map(code, one.legacy))
    return [f"[`{name}`](#{name})", one.test.get("folds", ""), *chosen, apart, one.aggregate, marks]


def _joined(value: object) -> str:
    return "+".join(value) if isinstance(value, (list, tuple)) else str(value)


def feature_row(name: str) -> list[object]:
    """Feature, kind, values per row, milliseconds, rate, models."""
    one = Feature.load(name)
    used = [model for model in names("models") if name in spec_of(model).features.values()]
    layers = one.options.get("layer") == "all"
    shift = {"wav2vec2": 0.0, "ssl_frames": 0.0 if layers else SSL_SHIFT}.get(one.kind)
    shift = 1000 * one.extractor.frame_shift if shift is None else shift
    links = ", ".join(f"[`{model}`](models.md#{model})" for model in used)
    rate = f"{one.options['rate']:,}".replace(",", " ") if "rate" in one.options else "text"
    return [f"[`{name}`](#{name})", code(one.kind), _dim(one), f"{shift:g}" if shift else "", rate, links]


def schemes() -> Iterator[list[str]]:
    """Part, scheme, options, optional ones."""
    for part, known in (("test", TEST_SCHEMES), ("dev", DEV_SCHEMES)):
        for name, one in known.items():
            yield [part, code(name), ", ".join(map(code, one.required)), ", ".join(map(code, one.optional))]
