"""Label maps: the shipped files, and how invalid files are refused."""

import pytest
import yaml

from mscnn.config.labels import LabelMap
from mscnn.paths import names
from tests.raises import fails

GOOD = {"name": "x", "corpus": "c", "classes": ["happy", "sad"], "map": {"h": "happy", "s": "sad"}, "drop": ["n"]}


@pytest.mark.parametrize("name", names("labels"))
def test_every_shipped_map_loads_under_its_own_name(name):
    assert LabelMap.load(name).name == name


def test_iemocap4_merges_excited_and_happy():
    labels = LabelMap.load("iemocap4")
    assert labels.classes == ("angry", "happy", "sad", "neutral")
    assert labels.apply("exc") == labels.apply("hap") == "happy"
    assert labels.apply("fru") is None
    with fails("label-unknown", "'joy'", "iemocap4"):
        labels.apply("joy")


def test_two_forms_of_unicode_are_one_name(tmp_path):
    path = tmp_path / "x.yaml"
    content = {**GOOD, "classes": ["e\u0301", "b"], "map": {"a\u0308": "\u00e9", "b": "b"}, "drop": ["o\u0308"]}
    path.write_text(yaml.safe_dump(content))
    labels = LabelMap.load(str(path))
    assert labels.classes == ("\u00e9", "b") and labels.mapping == {"\u00e4": "\u00e9", "b": "b", "\u00f6": None}
    path.write_text(yaml.safe_dump({**content, "map": {"a\u0308": "\u00e9", "\u00e4": "b"}}))
    with fails("labels-twice", "\u00e4"):
        LabelMap.load(str(path))


@pytest.mark.parametrize("drop", ["null", "~", "[]", ""])
def test_nothing_to_drop(tmp_path, drop):
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({**GOOD, "drop": "DROP"}).replace("DROP", drop))
    assert LabelMap.load(str(tmp_path / "x.yaml")).mapping == {"h": "happy", "s": "sad"}


def test_labels_are_text_whatever_their_yaml_type(tmp_path):
    text = "name: on\ncorpus: 7\nclasses: [no, 1, null]\nmap: {N: no, 01: 1, off: null, ~: no}\ndrop: [1.0]\n"
    (tmp_path / "x.yaml").write_text(text)
    labels = LabelMap.load(str(tmp_path / "x.yaml"))
    assert (labels.name, labels.corpus, labels.classes) == ("on", "7", ("no", "1", "null"))
    assert labels.mapping == {"N": "no", "01": "1", "off": "null", "~": "no", "1.0": None}


@pytest.mark.parametrize(
    ("change", "code", "names"),
    [
        ({"drop": ["h"]}, "labels-twice", ["h"]),
        ({"classes": ["happy", "sad", "angry"]}, "labels-class", ["angry"]),
        ({"classes": ["happy", "sad", "sad"]}, "labels-class", ["sad"]),
        ({"classes": ["very happy", "sad"], "map": {"h": "very happy", "s": "sad"}}, "labels-class", ["very happy"]),
        *(
            ({"classes": [name, "sad"], "map": {"h": name, "s": "sad"}}, "labels-class", ["no name of a class"])
            for name in ("..", "a/b", "a\tb", "\x1b[31mneu", "a\u202eb", "x" * 201)
        ),
        ({"map": ["h"]}, "config-value", ["map"]),
        ({"clases": ["h"]}, "config-unknown-key", ["clases", "classes"]),
    ],
)
def test_an_invalid_map_is_refused(tmp_path, change, code, names):
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({**GOOD, **change}))
    with fails(code, "x.yaml", *names):
        LabelMap.load(str(tmp_path / "x.yaml"))


def test_every_key_is_stated(tmp_path):
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({key: value for key, value in GOOD.items() if key != "drop"}))
    with fails("config-missing-key", "drop"):
        LabelMap.load(str(tmp_path / "x.yaml"))
