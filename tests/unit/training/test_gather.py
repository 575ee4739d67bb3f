"""Batches equal a plain loop over utterances and frames, in float64, on any device."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mscnn.config.model import ModelSpec
from mscnn.config.segments import Segments
from mscnn.features.store import Frames
from mscnn.models.inputs import Limits
from mscnn.training.examples import Examples, Stream, TokenIds
from mscnn.training.gather import copied
from mscnn.training.normalise import Normalisers
from mscnn.training.splits import read_examples

LENGTHS = (3, 17, 8, 1, 30, 12)
UTTS = [str(i) for i in range(len(LENGTHS))]


@pytest.fixture(autouse=True)
def any_inputs(monkeypatch):
    """A configuration of all kinds of inputs, which no family of models takes together."""
    monkeypatch.setattr("mscnn.models.limits", lambda spec: Limits())


class Arrays:
    """A feature in memory, with the interface of FeatureDir."""

    def __init__(self, matrices):
        self.matrices, self.dim = matrices, matrices[0].shape[1]

    def select(self, utts):
        return Frames.of([self.matrices[int(utt)] for utt in utts])


class Memory:
    """Recordings of two features, texts and x-vectors."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.rows = {
            "audio": [rng.normal(3, 2, (n, 4)).astype(np.float32) for n in LENGTHS],
            "prosody": [rng.normal(-1, 5, (2 * n, 3)).astype(np.float32) for n in LENGTHS],
        }
        self.features = {name: Arrays(rows) for name, rows in self.rows.items()}
        self.x = rng.normal(size=(len(LENGTHS), 5)).astype(np.float32)

    def texts(self):
        return {utt: "w " * (1 + int(utt) % 3) for utt in UTTS}

    def vectors(self, utts):
        return self.x[[int(utt) for utt in utts]]


class Vocabulary:
    """Numbers words from 4."""

    def encode(self, text, max_tokens):
        return [4 + i for i, _ in enumerate(text.split()[:max_tokens])]


def spec_of(**segments) -> ModelSpec:
    normalise = {"audio": "none" if segments.get("relative") else "zscore", "prosody": "minmax"}
    rule = Segments(**segments) if segments else None
    return replace(ModelSpec.load("mha2"), segments=rule, normalise=normalise, xvector=True)


def expected(spec, memory, examples, normalisers, row):
    """Frames (T, D) of one example by name, in float64."""
    rule, utt = spec.segments, int(examples.utterance[row])
    audio, prosody = (memory.rows[name][utt].astype(np.float64) for name in ("audio", "prosody"))
    if rule and rule.pad_first:
        audio = np.pad(audio, ((0, max(0, rule.frames - len(audio))), (0, 0)))
    statistics = {name: value.astype(np.float64) for name, value in normalisers.statistics.items()}
    if "audio.mean" in statistics:
        audio = (audio - statistics["audio.mean"]) / statistics["audio.std"]
    low, high = statistics["prosody.min"], statistics["prosody.max"]
    prosody = np.clip((prosody - low) / (high - low), 0, 1)
    if not rule:
        return {"audio": audio, "prosody": prosody}
    start = row - int(np.flatnonzero(examples.utterance == utt)[0])  # segments of an utterance, one every hop
    start *= rule.hop or rule.frames
    audio = audio[start : start + rule.frames]
    if rule.relative:
        audio = audio - audio.max()
    first = min(start * 5 // rule.frames, len(prosody) - 1)
    return {"audio": audio, "prosody": prosody[first : first + 5] if rule.streams else prosody}


CASES = {
    "utterances": {},
    "segments": {"frames": 7, "hop": 3, "tail": "pad"},
    "padded first": {"frames": 10, "hop": 4, "tail": "pad", "pad_first": True},
    "relative": {"frames": 7, "relative": True, "tail": "pad"},
    "segments of both": {"frames": 8, "tail": "pad", "streams": {"prosody": 5}},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("where", ["rows of the host", "a tensor"])
def test_batches_equal_a_loop(case, where):
    spec, memory = spec_of(**CASES[case]), Memory()
    examples = read_examples(spec, memory, UTTS, Vocabulary(), classes=dict.fromkeys(UTTS, "sad"))
    normalisers = Normalisers(spec)
    normalisers.fit(examples)
    normalisers.apply(examples)
    batches = examples.on("cpu")
    if where == "a tensor":
        streams = {name: stream._ragged(*copied(stream.frames, "cpu")) for name, stream in examples.streams.items()}
        assert all(isinstance(stream.rows, torch.Tensor) for stream in streams.values())
        batches = replace(batches, streams=streams)
    for index in np.array_split(np.random.default_rng(2).permutation(len(examples)), 3):
        batch = batches(torch.from_numpy(index), examples.widths(index))
        shown = {
            "audio": (batch.audio, batch.audio_len),
            "prosody": (batch.extra["prosody"], batch.extra_len["prosody"]),
        }
        for i, row in enumerate(index):
            for name, rows in expected(spec, memory, examples, normalisers, row).items():
                frames, lengths = shown[name]
                assert lengths[i] == len(rows)
                np.testing.assert_allclose(frames[i, :, : len(rows)].T, rows, atol=2e-6, rtol=1e-5)
                assert not frames[i, :, len(rows) :].any(), "padding is zero"
            utt = int(examples.utterance[row])
            tokens = examples.tokens[utt]
            assert batch.tokens[i].tolist() == tokens + [0] * (batch.tokens.shape[1] - len(tokens))
            assert batch.token_len[i] == len(tokens) == 1 + utt % 3
            assert batch.xvector[i].tolist() == memory.x[utt].tolist()
        assert batch.audio.shape[2] == batch.audio_len.max() and batch.tokens.shape[1] == batch.token_len.max()


@pytest.mark.parametrize("case", ["utterances", "padded first"])
def test_statistics_are_those_of_the_training_utterances(case):
    """Other utterances may have any values; blocks of any size give the statistics of one."""
    spec, memory, train = spec_of(**CASES[case]), Memory(), UTTS[:4]

    def statistics(memory):
        normalisers = Normalisers(spec)
        normalisers.fit(read_examples(spec, memory, train, Vocabulary(), classes=dict.fromkeys(UTTS, "sad")))
        return normalisers.statistics

    whole = statistics(memory)
    for name in ("audio", "prosody"):
        for utt in (4, 5):
            memory.rows[name][utt][:] = 1e6
    for name, value in statistics(memory).items():
        np.testing.assert_array_equal(value, whole[name])
    if case == "utterances":
        rows = np.concatenate(memory.rows["audio"][:4]).astype(np.float64)
        np.testing.assert_allclose(whole["audio.mean"], rows.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(whole["audio.std"], rows.std(axis=0), rtol=1e-6)


def test_a_batch_on_a_device_reads_nothing_from_it():
    """On the meta device, which has no values to read, a batch has its shape and type."""
    spec = spec_of(frames=10, hop=4, tail="pad", pad_first=True)
    examples = read_examples(spec, Memory(), UTTS, Vocabulary())
    normalisers = Normalisers(spec)
    normalisers.fit(examples)
    normalisers.apply(examples)
    index = np.array([3, 0, 2])
    on_host, batch = (
        examples.batch(index),
        examples.on("meta")(torch.from_numpy(index).to("meta"), examples.widths(index)),
    )
    assert {batch.audio.device.type, batch.tokens.device.type, batch.extra["prosody"].device.type} == {"meta"}
    for one, other in ((batch.audio, on_host.audio), (batch.tokens, on_host.tokens), (batch.xvector, on_host.xvector)):
        assert one.shape == other.shape and one.dtype == other.dtype


def test_token_ids_are_a_sequence_of_lists():
    tokens = TokenIds.of(iter([[4, 5], [1], [6, 7, 8]]))
    assert len(tokens) == 3 and list(tokens) == [[4, 5], [1], [6, 7, 8]] and tokens[-1] == [6, 7, 8]
    assert Examples(["a", "b", "c"], tokens=tokens).lengths.tolist() == [2, 1, 3]
    assert Stream.whole(Frames.of([np.ones((2, 1), np.float32)])).on("cpu").stored is None
