"""The script beside an ONNX file has the posteriors of the predictor, where mscnn cannot be imported."""

import ast
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from mscnn.data.segments import aggregate_segments, segment
from mscnn.features.config import Feature
from mscnn.inference import onnx
from mscnn.inference.onnx_example import AGGREGATE, example_code
from mscnn.inference.onnx_export import metadata
from tests.unit.inference.random_model import random_predictor

BLOCKED = "import sys; sys.modules['mscnn'] = None; sys.argv = sys.argv[1:]; exec(open(sys.argv[0]).read())"
TEXT = "I am SO happy. I can’t wait, Mr. Smith!"


def sound(path, seconds=2.6):
    rng = np.random.default_rng(0)
    samples = (
        0.2 * rng.standard_normal((round(seconds * 22050), 2)) * np.linspace(0, 1, round(seconds * 22050))[:, None]
    )
    soundfile.write(path, samples, 22050)
    return path


def written(predictor, folder):
    """Paths of the graph of a predictor and of its script."""
    (trained,), description = predictor.networks, predictor.description
    facts = metadata(description, 0, trained)
    content, _ = onnx.convert(trained.model, trained.spec, trained.normalisers.statistics)
    (folder / "model.onnx").write_bytes(onnx.with_metadata(content, facts))
    (folder / "example.py").write_text(example_code(facts))
    return folder / "model.onnx", folder / "example.py"


def run(script, *arguments):
    command = [sys.executable, "-c", BLOCKED, script, *arguments]
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=script.parent)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


SMALL = {
    "audio_cnn": {"filters": 4},
    "mscnn_no_xvector": {"filters": 4, "max_frames": 200, "max_tokens": 9},
    "glam": {},
}


@pytest.mark.parametrize("name", ["mscnn_no_xvector", pytest.param("glam", marks=pytest.mark.slow)])
def test_it_has_the_posteriors_of_the_predictor(name, tmp_path):
    predictor = random_predictor(name, **SMALL[name])
    graph, script = written(predictor, tmp_path)
    audio, text = sound(tmp_path / "a.wav"), [TEXT] if predictor.takes_text else []
    expected = predictor.predict(audio, text=TEXT if text else None).probabilities
    got = run(script, graph, audio, *text)
    assert [*got] == [*expected] and got == pytest.approx(expected, abs=1e-5)
    assert "mscnn" not in {name.split(".")[0] for name in imported(script.read_text())}
    assert len(script.read_text().splitlines()) <= 45


def imported(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("name", ["are", "acrnn_paper", "sarma2018", "text_cnn", "mha2", "ca_mser"])
def test_other_features_are_files(name):
    """Features that take more than a few lines are arguments; every script is valid Python."""
    from mscnn.config.model import ModelSpec

    spec = ModelSpec.load(name)
    facts = {
        "features": {key: {"kind": "spectrogram"} for key in spec.features},
        "segments": spec.describe()["segments"],
        "xvector": None,
    }
    code = example_code({**facts, **({"vocabulary": []} if spec.words else {})})
    ast.parse(code)
    assert code.count("np.load(") == len(spec.features) and "librosa" not in code


@pytest.mark.parametrize("long", ["slide", "ends", "first"])
@pytest.mark.parametrize("tail", ["pad", "drop"])
@pytest.mark.parametrize(("pad_first", "relative"), [(False, False), (True, False), (False, True)])
def test_segments_are_those_of_training(long, tail, pad_first, relative):
    """The lines of the script that segment and average, on frames of several lengths."""
    from mscnn.config.segments import Segments

    for number, aggregate in enumerate(AGGREGATE):
        rule = Segments(4, hop=3, long=long, tail=tail, pad_first=pad_first, relative=relative, aggregate=aggregate)
        segments = {key: getattr(rule, key) for key in vars(rule)}
        facts = {"features": {"audio": {"kind": "other"}}, "segments": segments, "xvector": None, "max_frames": None}
        code = example_code(facts)
        body = code[code.index("s = facts") : code.index("posteriors = np.exp(scores - scores.max())")]
        for total in (1, 3, 4, 5, 7, 8 + number):
            frames = np.random.default_rng(total).standard_normal((total, 2)).astype(np.float32)
            scope = {"np": np, "facts": facts, "frames": frames, "inputs": {}, "session": Scores()}
            exec(body, scope)  # noqa: S102
            padded = np.pad(frames, ((0, max(4 - total, 0) * pad_first), (0, 0)))
            spans = segment(rule, [len(padded)], train=False)
            parts = [padded[i : i + n] for i, n in zip(spans.starts, spans.lengths, strict=True)]
            expected = [score(part - part.max() * relative, len(part)) for part in parts]
            whole = aggregate_segments(rule, np.array(expected, np.float64), spans.utterance, 1)[0]
            np.testing.assert_allclose(scope["scores"], whole, rtol=1e-5, err_msg=f"{aggregate} {total}")


def score(frames, length):
    return [frames.sum(), frames[0, 0] + length, frames[-1, 1]]


class Scores:
    def run(self, _, inputs):
        rows = zip(inputs["audio"], inputs["audio_len"], strict=True)
        return [np.array([score(frames[:n], n) for frames, n in rows], np.float32)]


@pytest.mark.parametrize("feature", ["mfcc96", "mfcc26_seg18", "mfcc40_htk"])
def test_features_are_those_of_the_extractor(feature, tmp_path):
    """The lines of the script that compute features, on recordings of several lengths, one shorter than its deltas."""
    one = Feature.load(feature)
    code = example_code({"features": {"audio": one.options}, "segments": None, "xvector": None})
    if one.kind not in ("mfcc", "mfcc_htk_mel", "mfcc_segments"):
        pytest.skip("not a feature of librosa")
    body = code[code.index("f = facts") : code.index('inputs["audio"]')]
    import librosa

    for seconds in (0.05, 0.6, 2.0):
        path = tmp_path / "a.wav"
        samples = np.random.default_rng(1).standard_normal(round(16000 * seconds)).astype(np.float32) / 8
        soundfile.write(path, samples, 16000, subtype="FLOAT")
        scope = {"np": np, "librosa": librosa, "arguments": [path], "facts": {"features": {"audio": one.options}}}
        exec(body, scope)  # noqa: S102
        np.testing.assert_allclose(scope["frames"], one.extractor(samples), atol=1e-4)
