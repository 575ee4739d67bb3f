"""Files of predictions of other toolkits: columns with common names, and errors with their place."""

import numpy as np
import pytest

import mscnn
from mscnn.evaluation.evaluation import Evaluation
from mscnn.evaluation.prediction_table import read_prediction_table
from tests.raises import fails

GOOD = "utterance,speaker,truth,prediction\nu1,k,sad,sad\nu2,l,happy,sad\nu3,k,happy,happy\n"


def read(tmp_path, text, **options):
    (tmp_path / "p.csv").write_text(text)
    return read_prediction_table(tmp_path / "p.csv", **options)


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_a_file_of_any_separator(tmp_path, separator):
    system = read(tmp_path, "\ufeff" + GOOD.replace(",", separator).replace("\n", "\r\n"))
    assert system.utts == ("u1", "u2", "u3") and system.classes == ("happy", "sad")
    assert system.truth.tolist() == [1, 0, 0] and system.runs[0].pred.tolist() == [1, 1, 0]
    assert system.attributes == {"speaker": {"u1": "k", "u2": "l", "u3": "k"}}
    assert system.folds is None and system.runs[0].prob.shape == (3, 0) and not system.remarks


def test_two_forms_of_unicode_are_one_class(tmp_path):
    system = read(tmp_path, GOOD.replace("u1,k,sad,sad", "u1,k,se\u0301d,s\u00e9d"))
    assert system.classes == ("happy", "s\u00e9d")
    assert system.truth[0] == system.runs[0].pred[0]


def test_common_names_are_recognised_with_a_remark(tmp_path):
    text = GOOD.replace("utterance,speaker,truth,prediction", "File Name,Speaker-ID,label,Predicted")
    system = read(tmp_path, text)
    assert system.utts == ("u1", "u2", "u3") and set(system.attributes) == {"speaker"}
    assert [remark.split()[1] for remark in system.remarks] == ["File", "label", "Predicted", "Speaker-ID"]


def test_columns_that_are_given(tmp_path):
    text = GOOD.replace("utterance,speaker,truth,prediction", "truth,who,gold,ours")
    columns = {"utterance": "truth", "truth": "gold", "prediction": "ours", "speaker": "who", "fold": None}
    system = read(tmp_path, text, columns=columns)
    assert system.utts == ("u1", "u2", "u3") and system.classes == ("happy", "sad") and not system.remarks


def test_unused_columns_are_remarked_with_the_nearest_role(tmp_path):
    [remark] = read(tmp_path, GOOD.replace("speaker", "speakr")).remarks
    assert "speakr" in remark and "speaker" in remark.replace("speakr", "")
    [remark] = read(tmp_path, GOOD.replace("speaker", "split")).remarks
    assert "split" in remark and "speaker" not in remark


@pytest.mark.parametrize(("before", "options"), [("p_", {}), ("prob_", {}), ("", {}), ("s:", {"prefix": "s:"})])
def test_probabilities(tmp_path, before, options):
    text = f"utt,truth,{before}sad,{before}happy,{before}bored\nu1,sad,.5,.4,.1\nu2,happy,.2,.3,.5\n"
    if before == "":
        text = text.replace(",bored", "").replace("/.1\n", "\n").replace(".4,.1", ".5").replace(".3,.5", ".8")
    system = read(tmp_path, text, **options)
    assert system.classes == ("sad", "happy") and system.others == (() if before == "" else ("bored",))
    assert system.runs[0].pred.tolist() == ([0, 1] if before == "" else [0, 2])
    np.testing.assert_allclose(system.runs[0].prob.sum(axis=1), 1)


def test_columns_with_a_similar_prefix_are_no_probabilities(tmp_path):
    system = read(tmp_path, GOOD.replace("speaker", "p_id"))
    assert system.runs[0].prob.size == 0 and any("p_id" in remark for remark in system.remarks)


def test_folds_and_runs(tmp_path):
    head = "utterance,truth,prediction,fold,seed\n"
    rows = [f"u{i},{'ab'[i % 2]},{'ab'[(i + run) % 2]},{10 * (i // 2)},{run}\n" for run in (2, 10) for i in range(4)]
    evaluation = Evaluation.from_file(_write(tmp_path, head + "".join(rows)))
    assert (evaluation.folds, evaluation.runs) == (2, 2) and evaluation.system.fold_names == ("0", "10")
    assert evaluation.scores["fold-mean"]["wa"].mean == 100
    assert evaluation.system.confusions.sum(axis=(2, 3)).tolist() == [[2, 2], [2, 2]]


def _write(tmp_path, text):
    (tmp_path / "p.csv").write_text(text)
    return tmp_path / "p.csv"


@pytest.mark.parametrize(
    ("old", "new", "code", "names"),
    [
        (GOOD, "", "table-empty", ["p.csv"]),
        (GOOD[GOOD.index("u1") :], "\n", "table-empty", ["p.csv"]),
        ("truth", "class", "column-missing", ["p.csv", "truth", "utterance, speaker, class, prediction"]),
        ("prediction", "predikt", "column-missing", ["p.csv", "did you mean predikt", "--prediction-column"]),
        ("speaker,truth", "label,true", "column-ambiguous", ["p.csv", "label", "true", "truth_column"]),
        ("speaker", "truth", "column-twice", ["p.csv:1", "truth"]),
        ("u2,l,", "u2,l,x,", "table-columns", ["p.csv:3", 4, 5]),
        ("u2,l,happy", "u2,l,", "value-missing", ["p.csv:3", "truth"]),
        ("u2,", "u1,", "utterance-twice", ["p.csv:3", "u1", "p.csv:2"]),
        ("happy", "sad", "one-class", ["p.csv", "sad", "--classes"]),
    ],
)
def test_invalid_files_are_refused(tmp_path, old, new, code, names):
    assert old in GOOD
    with fails(code, *names):
        read(tmp_path, GOOD.replace(old, new))


def test_predictions_in_another_case_are_refused_with_the_class_that_is_meant(tmp_path):
    with fails("labels-differ", "p.csv", "Happy", "did you mean happy?"):
        read(tmp_path, "truth,prediction\nsad,Happy\nhappy,Sad\n")


@pytest.mark.parametrize(
    ("cells", "code", "names"),
    [
        (".5,.4", "probability-sum", ["p.csv:2", 0.9]),
        ("nan,.5", "probability-value", ["p.csv:2", "nan"]),
        (",1", "probability-value", ["p.csv:2", "p_sad"]),
        ("50,50", "probability-value", ["p.csv:2", 50]),
    ],
)
def test_invalid_probabilities_are_refused(tmp_path, cells, code, names):
    with fails(code, *names):
        read(tmp_path, f"utt,truth,p_sad,p_happy\nu1,sad,{cells}\nu2,happy,.5,.5\n")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas(tmp_path, separator):
    text = "utt;truth;p_sad;p_happy\nu1;sad;0,8;,2\nu2;happy;0.3;0,7\n".replace(";", separator)
    assert read(tmp_path, text).runs[0].prob.tolist() == [[0.8, 0.2], [0.3, 0.7]]
    with fails("probability-value", "p.csv:3", "p_happy", "'0,7,1'"):
        read(tmp_path, text.replace("0,7", "0,7,1"))
    with fails("table-columns", "p.csv:2", "0.8", "0,8"):
        read(tmp_path, "utt,truth,p_sad,p_happy\nu1,sad,0,8,0,2\n")


class Frame:
    """A data frame as pandas has it: names of columns, and columns by name."""

    def __init__(self, columns, names=None):
        self.values, self.columns = columns, names or list(columns)

    def __getitem__(self, name):
        return np.array(self.values[name], dtype=object)


def test_a_data_frame_is_taken_like_a_file(tmp_path):
    rows = [line.split(",") for line in GOOD.replace("truth", "gold").splitlines()]
    columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    frame = Frame({**columns, "p_sad": [0.9, 0.6, 0.2], "p_happy": [0.1, 0.4, 0.8]})
    evaluation = mscnn.evaluate(frame, speaker_column="speaker", name="mine")
    text = "\n".join(",".join(map(str, row)) for row in [frame.columns, *zip(*frame.values.values(), strict=True)])
    same = mscnn.evaluate(_write(tmp_path, text), speaker_column="speaker")
    assert {**evaluation.to_dict(), "name": ""} == {**same.to_dict(), "name": ""}
    assert evaluation.system.name == "mine" and mscnn.compare(frame, frame)
    with fails("value-missing", "row 1", "truth"):
        mscnn.evaluate(Frame({"truth": ["a", float("nan")], "prediction": ["a", "b"]}))
    with fails("column-missing", "mine", "truth"):
        mscnn.evaluate(Frame({"a": [1], "b": [2]}), name="mine")
    with fails("column-twice", "a"):
        mscnn.evaluate(Frame({"a": [1]}, ["a", "a"]))
    with fails("option-value", "speakers"):
        mscnn.evaluate(frame, speakers=["k"] * 3)


def test_a_class_without_probability(tmp_path):
    with fails("class-unknown", "p.csv:3", "bored", "sad, happy"):
        read(tmp_path, "utt,truth,p_sad,p_happy\nu1,sad,.5,.5\nu2,bored,.5,.5\n")


def test_files_that_cannot_be_read(tmp_path):
    with fails("file-unreadable", tmp_path / "absent.csv"):
        read_prediction_table(tmp_path / "absent.csv")
    (tmp_path / "p.csv").write_bytes(GOOD.replace("sad", "tr\u00e4ge").encode("latin-1"))
    with fails("table-encoding", "p.csv"):
        read_prediction_table(tmp_path / "p.csv")
    with fails("column-missing", "speeker", "speaker"):
        read(tmp_path, GOOD, columns={"speaker": "speeker"})
    with fails("column-missing", "q_"):
        read(tmp_path, GOOD, prefix="q_")
    with fails("option-unknown", "speakr_column", "speaker_column"):
        import mscnn

        mscnn.evaluate(tmp_path / "p.csv", speakr_column="speaker")
    with fails("option-unknown", "speaker", "speaker_column"):
        Evaluation.from_file(tmp_path / "p.csv", speaker="speaker")
