"""Files of predictions that are truncated or contradictory are refused, never scored."""

import numpy as np
import pytest

from mscnn.evaluation.predictions import read_predictions
from tests.raises import fails

GOOD = "utt\ttruth\tpred\tp_calm\tp_cross\na-1\tcalm\tcalm\t0.900000\t0.100000\na-2\tcross\tcalm\t0.500000\t0.500000\n"


def read(tmp_path, text):
    (tmp_path / "p.tsv").write_text(text)
    return read_predictions(tmp_path / "p.tsv", ["calm", "cross"])


def test_a_valid_file(tmp_path):
    predictions = read(tmp_path, GOOD)
    assert (
        predictions.utts == ("a-1", "a-2")
        and predictions.truth.tolist() == [0, 1]
        and predictions.pred.tolist() == [0, 0]
    )
    np.testing.assert_array_equal(predictions.prob, [[0.9, 0.1], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("old", "new", "code", "names"),
    [
        ("0.500000\n", "0.5", "table-cut-short", ["p.tsv:3"]),
        (GOOD, "", "table-cut-short", ["p.tsv"]),
        (GOOD[GOOD.index("a-1") :], "", "table-empty", ["p.tsv"]),
        ("p_calm\tp_cross", "p_cross\tp_calm", "table-columns", ["p.tsv:1", "utt truth pred p_calm p_cross"]),
        ("a-2", "a-1", "utterance-order", ["p.tsv:3", "a-1"]),
        ("a-2", "a-0", "utterance-order", ["p.tsv:3", "a-0"]),
        ("\t0.500000\n", "\n", "table-columns", ["p.tsv:3", 5, 4]),
        ("a-2\tcross", "a-2\t1", "class-unknown", ["p.tsv:3", "'1'", "calm, cross"]),
        ("0.900000", "0.800000", "probability-sum", ["p.tsv:2", "a-1", "0.800000 0.100000"]),
        ("0.900000", "nan", "probability-sum", ["p.tsv:2", "nan"]),
        ("0.900000", "high", "probability-value", ["p.tsv:2", "high"]),
        ("calm\t0.900000\t0.100000", "cross\t0.900000\t0.100000", "prediction-not-most-probable", ["p.tsv:2", "cross"]),
    ],
)
def test_invalid_files_are_refused(tmp_path, old, new, code, names):
    assert old in GOOD
    with fails(code, *names):
        read(tmp_path, GOOD.replace(old, new))
