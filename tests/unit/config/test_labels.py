"""Label maps: what the files say, and how files that say nonsense are refused."""

import pytest
import yaml

from mscnn.config.labels import LabelMap
from mscnn.errors import UserError

GOOD = {"name": "x", "corpus": "c", "classes": ["happy", "sad"], "map": {"h": "happy", "s": "sad"}, "drop": ["n"]}


def test_iemocap4_merges_excited_and_happy():
    labels = LabelMap.load("iemocap4")
    assert labels.classes == ("angry", "happy", "sad", "neutral")
    assert labels.apply("exc") == labels.apply("hap") == "happy"
    assert labels.apply("fru") is None
    with pytest.raises(UserError, match="label 'joy' is not in label map iemocap4"):
        labels.apply("joy")


def test_nothing_to_drop(tmp_path):
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({**GOOD, "drop": None}))
    assert LabelMap.load(str(tmp_path / "x.yaml")).mapping == {"h": "happy", "s": "sad"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": ["h"]}, "mapped and dropped at once: h"),
        ({"classes": ["happy", "sad", "angry"]}, "must be the same set"),
        ({"classes": ["very happy", "sad"], "map": {"h": "very happy", "s": "sad"}}, "without blanks"),
        ({"map": ["h"]}, "'map' to map raw labels"),
    ],
)
def test_nonsense_is_refused(tmp_path, change, message):
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({**GOOD, **change}))
    with pytest.raises(UserError, match=message):
        LabelMap.load(str(tmp_path / "x.yaml"))
