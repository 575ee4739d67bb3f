"""RAVDESS, by its description."""

import hashlib
from pathlib import Path

import pytest

from mscnn.config.labels import LabelMap
from mscnn.corpora import counts, parser
from mscnn.corpora.prepare import AudioForm, prepare
from tests.raises import fails

CONVERT = AudioForm(16000, 1, convert=True)
parse = parser("ravdess")
# digest of the data directory that the parser of version 0.1.0 made of the copy in ../shared
AS_BEFORE = "f8ca89802229eb163f75e1e6f293f42c3b76728310a5fb149dc169cf25170e32"


@pytest.fixture
def root(tmp_path, write_wav) -> Path:
    """Two actors as the publisher's archive unpacks, at 48 kHz."""
    root = tmp_path / "RAVDESS" / "Audio_Speech_Actors_01-24"
    for name in ("03-01-01-01-01-01-01", "03-01-08-02-02-02-01", "03-01-06-01-02-01-12"):
        write_wav(root / f"Actor_{name[-2:]}" / f"{name}.wav", samples=4800, rate=48000)
    return root


def stage1(root: Path, out: Path, form: AudioForm = CONVERT, skip: bool = False):
    return prepare(parse(root), LabelMap.load("ravdess8"), "all", form, out, skip=skip)


@pytest.mark.parametrize("above", [0, 1, 2])
def test_file_names_have_all_facts(root, tmp_path, above):
    data = stage1([root, *root.parents][above], tmp_path / "data")
    assert data.emo == {
        "Actor01-03-01-01-01-01-01-01": "neutral",
        "Actor01-03-01-08-02-02-02-01": "surprised",
        "Actor12-03-01-06-01-02-01-12": "fearful",
    }
    assert set(data.spk.values()) == {"Actor01", "Actor12"}
    assert data.gender["Actor01-03-01-01-01-01-01-01"] == "m"
    assert data.gender["Actor12-03-01-06-01-02-01-12"] == "f"
    assert data.text["Actor01-03-01-01-01-01-01-01"] == "Kids are talking by the door"
    assert data.text["Actor12-03-01-06-01-02-01-12"] == "Dogs are sitting by the door"
    assert set(data.dur.values()) == {0.1}
    assert not data.session
    assert not data.scene


def test_other_rates_are_refused_where_the_recipe_says_so(root, tmp_path):
    with fails("corpus-issues", "wrong-rate 3"):
        stage1(root, tmp_path / "data", AudioForm(16000, 1, convert=False))


def test_songs_video_and_foreign_files_are_counted(root, write_wav):
    for name in ("03-02-01-01-01-01-01.wav", "01-01-01-01-01-01-01.mp4", "02-01-01-01-01-01-01.wav", "._x.wav"):
        write_wav(root / "Actor_01" / name)
    corpus = parse(root)
    assert len(corpus.items) == 3
    assert not corpus.issues
    assert {what: len(places) for what, places in corpus.notes.items()} == {
        "songs": 1,
        "recordings with video": 1,
        "files that are not audio": 2,
    }


def test_second_copies_are_counted_and_other_files_of_the_same_name_refused(root, tmp_path, write_wav):
    # one mirror of the corpus holds every recording twice
    name = "03-01-01-01-01-01-01.wav"
    copy = root.parent / "Actor_01" / name
    copy.parent.mkdir()
    copy.write_bytes((root / "Actor_01" / name).read_bytes())
    corpus = parse(root.parent)
    assert (len(corpus.items), len(corpus.issues), list(corpus.notes)) == (3, 0, ["second copies of a recording"])
    write_wav(copy, samples=99)
    with fails("corpus-issues", "duplicate-id 1"):
        stage1(root.parent, tmp_path / "data")
    data = stage1(root.parent, tmp_path / "data", skip=True)
    assert len(data.utts) == 2


@pytest.mark.parametrize("name", ["03-01-09-01-01-01-01", "03-01-01-01-03-01-01", "03-01-01-01-01-01-25", "03-01-01"])
def test_names_outside_the_corpus_are_issues(root, tmp_path, write_wav, name):
    write_wav(root / "Actor_01" / f"{name}.wav")
    code = "malformed-name" if name == "03-01-01" else "unknown-code"
    with fails("corpus-issues", f"{name}.wav: {code}"):
        stage1(root, tmp_path / "data")
    assert len(stage1(root, tmp_path / "data", skip=True).utts) == 3


def test_wrong_root_shows_what_was_expected_and_found(tmp_path):
    (tmp_path / "something").mkdir()
    with fails("corpus-not-found", tmp_path, "Actor_12/03-01-05-02-01-02-12.wav", "\n  something"):
        parse(tmp_path)
    with fails("corpus-not-found", tmp_path / "absent"):
        parse(tmp_path / "absent")


def test_released_recordings(shared_dir, tmp_path):
    root = shared_dir / "data" / "ravdess"
    corpus = parse(root)
    assert len(corpus.expected) == 194 and counts.differences(corpus.items, corpus.expected) == []
    data = stage1(root, tmp_path / "data", AudioForm(16000, 1, convert=False))
    assert len(data.utts) == 1440
    assert len(set(data.spk.values())) == 24
    digest = hashlib.sha256()
    for path in sorted(path for path in data.path.iterdir() if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(str(root.absolute()).encode(), b"ROOT"))
    assert digest.hexdigest() == AS_BEFORE
