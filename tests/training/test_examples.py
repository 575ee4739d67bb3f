"""Batches: the right frames in the right rows, every example once an epoch, little padding."""

import numpy as np

from mscnn.training.examples import Examples, bucketed, padding


def examples() -> Examples:
    lengths = [3, 1, 5]
    return Examples(
        utts=["a", "b", "c"],
        frames=np.arange(18, dtype=np.float32).reshape(9, 2),
        offsets=np.cumsum([0, *lengths]),
        tokens=[[4, 5], [1], [6, 7, 8]],
        max_frames=4,
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
    """Real durations of IEMOCAP's four classes: below 10 %, where random batches waste more than a third."""
    import json

    lines = (shared_dir / "data" / "iemocap" / "iemocap.jsonl").read_text().splitlines()
    lengths = np.minimum([int(100 * json.loads(x)["length"]) for x in lines], 750)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(lengths))
    assert padding(lengths, list(bucketed(lengths, 64, rng))) < 0.1
    assert padding(lengths, np.array_split(order, len(order) // 64)) > 0.33
