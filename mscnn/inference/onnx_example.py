"""Code that uses an exported network without this package; model cards and ``mscnn export`` print it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LIBROSA = ("mfcc", "mfcc_htk_mel", "mfcc_segments")  # kinds of features that librosa computes in a few lines
AGGREGATE = {
    "mean_logits": "scores.mean(axis=0)",
    "mean_logprob": "log_posteriors.mean(axis=0)",
    "mean_posterior": "np.log(np.exp(log_posteriors).mean(axis=0))",
    "max_logits": "scores.max(axis=0)",
    "max_posterior": "log_posteriors.max(axis=0)",
}


def example_code(facts: Mapping[str, Any]) -> str:
    """A Python script for a graph with the metadata ``facts`` (:func:`mscnn.inference.onnx_export.metadata`).

    Its arguments are the ONNX file and what the network takes: an audio file where librosa has the features, else a
    ``.npy`` of each feature; a ``.npy`` of the x-vector; the transcript. It prints the posteriors as JSON.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("mscnn.inference")
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    code = environment.get_template("onnx_example.py.j2").render(_values(facts))
    return re.sub(r"\n{3,}", "\n\n", code).rstrip("\n") + "\n"


def _values(facts: Mapping[str, Any]) -> dict[str, Any]:
    features, segments = facts["features"], facts["segments"] or {}
    audio = features.get("audio", {})
    mfcc, extra = audio.get("kind") in LIBROSA, [name for name in features if name != "audio"]
    words, subwords = "vocabulary" in facts, "subwords" in facts
    usage = (["AUDIO"] if mfcc else ["AUDIO.npy"] if audio else []) + [f"{name.upper()}.npy" for name in extra]
    usage += (["XVECTOR.npy"] if facts["xvector"] else []) + (["TRANSCRIPT"] if words or subwords else [])
    packages = {"librosa": mfcc, "nltk": words, "sentencepiece": subwords}
    return {
        "packages": ", ".join(name for name, used in packages.items() if used) or "nothing else",
        "usage": " ".join(usage),
        "audio": bool(audio),
        "mfcc": mfcc,
        "trim": audio.get("trim_db") is not None,
        "preemphasis": audio.get("kind") == "mfcc_htk_mel",
        "htk": "htk=True, " if audio.get("kind") == "mfcc_htk_mel" else "",
        "segmented": audio.get("kind") == "mfcc_segments",
        "deltas": bool(audio.get("deltas")),
        "segments": bool(segments),
        "pad_first": segments.get("pad_first"),
        "long": segments.get("long"),
        "relative": segments.get("relative"),
        "tail": segments.get("tail"),
        "aggregate": AGGREGATE.get(segments.get("aggregate", ""), ""),
        "extra": extra,
        "xvector": facts["xvector"],
        "words": words,
        "subwords": subwords,
    }
