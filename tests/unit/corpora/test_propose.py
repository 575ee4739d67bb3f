"""Descriptions proposed from names."""

import re
import sys
from pathlib import Path

import pytest

from mscnn.bin import describe_corpus
from mscnn.config.corpus import Description
from mscnn.config.labels import LabelMap
from mscnn.corpora import declarative
from mscnn.corpora.propose import propose
from mscnn.paths import conf
from mscnn.synthetic.miniature import recordings, write
from tests.raises import fails
from tests.unit.corpora.described import emobox

# corpora whose speakers and labels the proposal finds in EmoBox's names: words, letters, numbers, folders
FOUND = ("emodb", "savee", "tess", "cremad", "casia", "urdu", "emovo", "ravdess")


@pytest.mark.parametrize("name", FOUND)
def test_speakers_and_labels_are_found_in_names(shared_dir, name):
    paths = [row["wav"] for row in emobox(name, shared_dir)]
    proposal = propose(name, paths)
    assert proposal.unfit == []
    proposed, ours = (
        {item.wav: item for item in declarative.parse(description, Path("/x"), paths).items}
        for description in (proposal.description(), Description.load(name))
    )
    for value in ("speaker", "label"):  # one value of theirs for each of ours
        pairs = {(getattr(proposed[wav], value), getattr(item, value)) for wav, item in ours.items()}
        assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def test_numbers_of_speakers_have_their_gender():
    paths = [
        f"{sex}_{n:02}_S_{word}_{take}.wav"
        for sex in "FM"
        for n in (1, 2)
        for word in ("SAD", "FEAR")
        for take in (1, 2)
    ]
    proposal = propose("toy", paths)
    items = declarative.parse(proposal.description(), Path("/x"), paths).items
    assert {(item.speaker, item.gender) for item in items} == {("F01", "f"), ("F02", "f"), ("M01", "m"), ("M02", "m")}
    assert {item.label for item in items} == {"sadness", "fear"}


def test_a_take_is_no_speaker_and_a_speaker_has_several_labels():
    paths = [
        f"2023-0{day}-1{day}/take{n:02}.{who}.{('NE', 'FR', 'TR')[n % 3]}.wav"
        for day, who in enumerate(("mila", "otto", "bea", "karl"), 1)
        for n in range(12)
    ]
    items = declarative.parse(propose("toy", paths).description(), Path("/x"), paths).items
    assert {item.label for item in items} == {"NE", "FR", "TR"}
    assert len({item.speaker for item in items}) == 4


def test_names_of_other_shapes_get_patterns_or_are_named():
    paths = [f"{who}_{what}_{n}.wav" for who in ("ann", "ben") for what in ("sad", "happy") for n in range(25)]
    odd = ["ben_sad_7b.wav", "ann_happy_8b.wav", "notes.wav"]
    proposal = propose("toy", [*paths, *odd])
    corpus = declarative.parse(proposal.description(), Path("/x"), [*paths, *odd])
    assert proposal.unfit == ["notes"] and len(corpus.items) == 102


@pytest.mark.parametrize(
    ("paths", "code"), [([], "no-recordings"), (["a.wav"], "names-unclear"), (["1.wav", "2.wav"], "names-unclear")]
)
def test_names_that_say_nothing_are_refused(paths, code):
    with fails(code):
        propose("toy", paths)


def describe(monkeypatch, *options) -> None:
    monkeypatch.setattr(sys, "argv", ["describe_corpus", *map(str, options)])
    describe_corpus.main()


def test_files_are_written_once_and_are_valid(monkeypatch, tmp_path, capsys):
    write(Description.load("emodb"), tmp_path / "corpus", speakers=4)
    options = ["--name", "mine", "--from", tmp_path / "corpus", "--out", tmp_path / "conf"]
    describe(monkeypatch, *options)
    shown = capsys.readouterr().out
    assert re.search(r"^protocol: leave_one_speaker_out$", shown, re.M) and "speaker: 03 08 09 10" in shown
    corpus = declarative.parse(Description.load(str(tmp_path / "conf/corpora/mine.yaml")), tmp_path / "corpus")
    labels = LabelMap.load(str(tmp_path / "conf/labels/mine.yaml"))
    assert len(corpus.items) == 28 and {item.label for item in corpus.items} == {*labels.mapping}
    with fails("file-exists", tmp_path / "conf/corpora/mine.yaml"):
        describe(monkeypatch, *options)
    with fails("corpus-missing", tmp_path / "typo"):
        describe(monkeypatch, "--name", "other", "--from", tmp_path / "typo", "--out", tmp_path / "conf")


def test_without_a_folder_the_description_is_that_of_an_example(monkeypatch, tmp_path):
    describe(monkeypatch, "--name", "mine", "--out", tmp_path)
    description = Description.load(str(tmp_path / "corpora" / "mine.yaml"))
    assert description.example == "ann_angry_01.wav" and len(recordings(description)) == 3
    assert not conf("corpora", "emodb").with_name("mine.yaml").exists()
