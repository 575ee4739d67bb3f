"""Batches: the right frames in the right rows, every example once per epoch, little padding."""

import numpy as np
import pytest

from mscnn.config.segments import Segments
from mscnn.features.store import Frames
from mscnn.training.examples import Examples, Stream, TokenIds, balanced, bucketed, padding


def examples() -> Examples:
    lengths = [3, 1, 5]
    return Examples(
        utts=["a", "b", "c"],
        streams={
            "audio": Stream.whole(
                Frames.flat(np.arange(18, dtype=np.float32).reshape(9, 2), np.array(lengths)), np.minimum(lengths, 4)
            )
        },
        tokens=TokenIds.of([[4, 5], [1], [6, 7, 8]]),
    )


def test_batch_holds_each_utterance_and_zeros():
    batch = examples().batch([2, 0])
    assert batch.audio.shape == (2, 2, 4)
    assert batch.audio_len.tolist() == [4, 3]
    assert batch.audio[0].T.tolist() == [[8, 9], [10, 11], [12, 13], [14, 15]]
    assert batch.audio[1].T.tolist() == [[0, 1], [2, 3], [4, 5], [0, 0]]
    assert batch.tokens.tolist() == [[6, 7, 8], [4, 5, 0]]
    assert batch.token_len.tolist() == [3, 2]


def test_an_epoch_has_every_example_once_and_depends_on_its_seed():
    lengths = np.arange(100) + 50
    epochs = [list(bucketed(lengths, 16, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert sorted(np.concatenate(epochs[0])) == list(range(100))
    assert [b.tolist() for b in epochs[0]] == [b.tolist() for b in epochs[1]]
    assert {frozenset(b) for b in epochs[0]} != {frozenset(b) for b in epochs[2]}


def test_padding_by_hand():
    assert padding(np.array([4, 2, 3]), [np.array([0, 1]), np.array([2])]) == 1 - 9 / 11


def test_buckets_keep_padding_low(shared_dir):
    """Real durations of IEMOCAP's four classes: below 10 %, where more than a third of random batches is padding."""
    import json

    lines = (shared_dir / "data" / "iemocap" / "iemocap.jsonl").read_text().splitlines()
    lengths = np.minimum([int(100 * json.loads(x)["length"]) for x in lines], 750)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(lengths))
    assert padding(lengths, list(bucketed(lengths, 64, rng))) < 0.1
    assert padding(lengths, np.array_split(order, len(order) // 64)) > 0.33


def test_segments_share_inputs_of_their_utterance():
    utterance = np.array([0, 0, 1])
    audio = Frames.flat(np.arange(10, dtype=np.float32)[:, None], np.array([6, 4]))
    prosody = Frames.flat(np.array([[7.0], [9.0]], np.float32), np.array([1, 1]))
    rule = Segments(frames=4, aggregate="mean_logits")
    examples = Examples(
        ["a", "b"],
        {
            "audio": Stream(audio, utterance, np.array([0, 4, 0]), np.array([4, 2, 4])),
            "prosody": Stream(prosody, utterance, np.zeros(3, int), np.ones(3, int)),
        },
        tokens=TokenIds.of([[5], [6, 7]]),
        xvectors=np.float32([[1], [2]]),
        utterance=utterance,
        segments=rule,
    )
    batch = examples.batch([1, 2])
    assert batch.audio[:, 0].tolist() == [[4, 5, 0, 0], [6, 7, 8, 9]]
    assert batch.extra["prosody"].flatten().tolist() == [7, 9]
    assert batch.tokens.tolist() == [[5, 0], [6, 7]] and batch.xvector.tolist() == [[1], [2]]
    assert examples.aggregate(np.array([[0.0], [4.0], [8.0]])).tolist() == [[2], [8]]
    assert len(examples) == 3 and examples.lengths.tolist() == [4, 2, 4]


def test_balanced_classes():
    labels = np.array([0] * 7 + [1] * 2)
    for balance, number in (("oversample", 7), ("3", 3)):
        chosen = balanced(labels, balance, np.random.default_rng(0))
        assert np.bincount(labels[chosen]).tolist() == [number, number]
        assert max(np.bincount(chosen)[7:]) - min(np.bincount(chosen)[7:]) <= 1
    assert sorted(balanced(labels, "oversample", np.random.default_rng(0))[:7]) == list(range(7))


@pytest.mark.parametrize(("power", "small"), [(0.0, 4), (0.5, 8), (1.0, 16)])
def test_partial_oversampling(power, small):
    labels = np.array([0] * 16 + [1] * 4)  # 4 (16 / 4)^power
    chosen = balanced(labels, "oversample", np.random.default_rng(0), power)
    assert np.bincount(labels[chosen]).tolist() == [16, small]
