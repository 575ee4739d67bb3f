"""The parser of IEMOCAP, one test per irregularity."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mscnn.corpora.iemocap import parse
from tests.raises import fails

IMPRO, SCRIPT = "Ses01F_impro01", "Ses01M_script01_1"


def items(root: Path) -> dict:
    return {item.utt: item for item in parse(root).items}


def test_joins_labels_texts_and_wavs_by_id(release):
    utterances = {name: (i.label, i.text, Path(i.wav).name) for name, i in items(release.root).items()}
    assert utterances == {
        "Ses01F-Ses01F_impro01_F000": ("hap", "It is me.", "Ses01F_impro01_F000.wav"),
        "Ses01F-Ses01F_impro01_F001": ("xxx", "Well.", "Ses01F_impro01_F001.wav"),
        "Ses01M-Ses01F_impro01_M000": ("neu", "Who is it?", "Ses01F_impro01_M000.wav"),
        "Ses01M-Ses01F_impro01_M001": ("exc", "[LAUGHTER] Come in!", "Ses01F_impro01_M001.wav"),
        "Ses01F-Ses01M_script01_1_F000": ("ang", "Go away.", "Ses01M_script01_1_F000.wav"),
        "Ses01M-Ses01M_script01_1_M000": ("sad", "", "Ses01M_script01_1_M000.wav"),
        "Ses01M-Ses01M_script01_1_M001": ("fru", "No.", "Ses01M_script01_1_M001.wav"),
    }
    assert not parse(release.root).issues


def test_the_parent_folder_of_the_release_is_accepted(release):
    assert items(release.root.parent) == items(release.root)


@pytest.mark.parametrize(
    ("dialogue", "turn", "speaker", "scene", "style", "gender"),
    [
        ("Ses03M_impro05a", "F000", "Ses03F", "impro05a", "improvised", "f"),
        ("Ses03M_impro08b", "M000", "Ses03M", "impro08b", "improvised", "m"),
        ("Ses05M_script01_1b", "F034", "Ses05F", "script01_1b", "scripted", "f"),
        ("Ses02F_script03_2", "M007", "Ses02M", "script03_2", "scripted", "m"),
    ],
)
def test_the_speaker_is_the_last_letter_of_any_name(release, dialogue, turn, speaker, scene, style, gender):
    release.add(dialogue, [(turn, "neu", "Yes.")])
    item = items(release.root)[f"{speaker}-{dialogue}_{turn}"]
    facts = (item.speaker, item.session, item.scene, item.style, item.gender)
    assert facts == (speaker, speaker[:5], scene, style, gender)


def test_foreign_files_are_skipped_and_counted(release):
    apple_double = bytes.fromhex("0005160700020000") + b"Mac OS X" + bytes(21) + b"\xac" + bytes(40)
    litter = [
        release.labels(IMPRO).with_name(f"._{IMPRO}.txt"),
        release.texts(IMPRO).with_name(f"._{IMPRO}.txt"),
        release.wav(f"{IMPRO}_F000").with_name(f"._{IMPRO}_F000.wav"),
        release.wav(f"{IMPRO}_F000").with_name("Thumbs.db"),
        release.labels(IMPRO).with_name(".DS_Store"),
        release.session(IMPRO) / "sentences" / "wav" / ".DS_Store",
    ]
    before = items(release.root)
    for path in litter:
        path.write_bytes(apple_double)
    (release.labels(IMPRO).parent / "Categorical").mkdir()  # a folder of the release that we do not read
    corpus = parse(release.root)
    assert {item.utt: item for item in corpus.items} == before
    assert not corpus.issues
    assert {place for places in corpus.notes.values() for place in places} == set(map(str, litter))


def test_lines_without_an_id_and_xx_ids_are_counted(release):
    with open(release.texts(IMPRO), "ab") as file:
        file.write(b"M: Yeah.\nSes01F_impro01_FXX0 [004.1000-004.9000]: [LAUGHTER] Oh.\n\nF: Caf\xe9.\n")
    corpus = parse(release.root)
    assert sorted(map(len, corpus.notes.values())) == [1, 2]
    assert not corpus.issues
    assert len(corpus.items) == 7


def test_carriage_returns(release):
    before = {name: (i.label, i.text) for name, i in items(release.root).items()}
    for path in (release.labels(IMPRO), release.texts(IMPRO)):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    corpus = parse(release.root)
    assert {i.utt: (i.label, i.text) for i in corpus.items} == before
    assert not corpus.issues


def test_comments_of_annotators_may_have_any_byte(release):
    # 0x85 is an ellipsis in Windows-1252 and a line break to str.splitlines
    labels = release.labels(IMPRO)
    labels.write_bytes(labels.read_bytes().replace(b"(calm)", b"(clich\xe9, \x85 [1.0 - 2.0])"))
    corpus = parse(release.root)
    assert len(corpus.items) == 7
    assert not corpus.issues


def test_comments_over_several_lines_are_counted(release):
    release.edit(release.labels(SCRIPT), b"\tsad\t[2.5000, 2.0000, 3.5000]\n", b"\tsad\t[2.5, 2.0, 3.5]\nsighs)\n")
    corpus = parse(release.root)
    assert len(corpus.items) == 7
    assert not corpus.issues
    assert [len(places) for places in corpus.notes.values()] == [1]


def test_missing_ratings_do_not_matter(release):
    labels = release.labels(SCRIPT)
    labels.write_bytes(labels.read_bytes().replace(b"[2.5000, 2.0000, 3.5000]", b"[2.5000, , ]"))
    assert not parse(release.root).issues


def test_no_newline_at_the_end(release):
    for path in (release.labels(IMPRO), release.texts(IMPRO)):
        path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert len(items(release.root)) == 7


def test_line_of_the_label_is_kept(release):
    where = items(release.root)["Ses01F-Ses01F_impro01_F000"].where
    path, _, number = where.rpartition(":")
    assert "Ses01F_impro01_F000\thap" in Path(path).read_text().split("\n")[int(number) - 1]


def test_order_of_directory_entries_does_not_matter(release, monkeypatch):
    import os

    listing = os.listdir
    before = parse(release.root)
    monkeypatch.setattr(os, "listdir", lambda path: sorted(listing(path), reverse=True))
    assert parse(release.root) == before


def test_recordings_of_whole_dialogues_are_not_utterances(release):
    folder = release.session(IMPRO) / "dialog" / "wav"
    folder.mkdir()
    (folder / f"{IMPRO}.wav").write_bytes(b"not looked at")
    assert not parse(release.root).issues


def test_wrong_root_shows_what_was_expected_and_found(release):
    with fails("corpus-not-found", release.root / "Session1", "IEMOCAP_full_release/", "\n  dialog\n  sentences"):
        parse(release.root / "Session1")
    with fails("corpus-not-found", release.root / "absent"):
        parse(release.root / "absent")


def test_missing_folder_is_named(release):
    shutil.rmtree(release.labels(IMPRO).parent)
    with fails("corpus-incomplete", "Session1/dialog/EmoEvaluation"):
        parse(release.root)


def test_a_release_without_transcriptions_has_empty_texts(release):
    everything = parse(release.root)
    shutil.rmtree(release.texts(IMPRO).parent)
    corpus = parse(release.root)
    assert [replace(item, text="") for item in everything.items] == corpus.items
    assert {issue.code for issue in corpus.issues} == {"missing-transcription-file"}
    assert all(issue.repaired for issue in corpus.issues)


def test_wavs_renamed_by_glam_are_refused(release):
    wav = release.wav(f"{IMPRO}_F000")
    wav.rename(wav.with_name("Ses01F-impro01-07-F000.wav"))
    with fails("corpus-renamed", "Ses01F-impro01-07-F000.wav"):
        parse(release.root)


def test_a_missing_session_is_an_issue(release):
    shutil.rmtree(release.root / "Session3")
    (issue,) = parse(release.root).issues
    assert (issue.code, issue.where, issue.utts) == ("missing-session", f"{release.root}/Session3", ())
    assert not issue.repaired and all(
        part in str(issue) for part in (issue.code, issue.where, issue.message, issue.fix)
    )
