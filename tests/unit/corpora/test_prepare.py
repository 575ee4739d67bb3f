"""From a corpus to a data directory: what is selected, what is refused, what is excluded."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.audio import duplicates as recordings
from mscnn.config.labels import LabelMap
from mscnn.corpora.common import FIXES
from mscnn.corpora.iemocap import parse
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, printable
from mscnn.leakage.recordings import contents
from tests.raises import fails

REPOSITORY = Path(__file__).resolve().parents[3]
IMPRO, SCRIPT = "Ses01F_impro01", "Ses01M_script01_1"
AS_RELEASED = AudioForm(16000, 1, convert=False)
ALL = {
    "Ses01F-Ses01F_impro01_F000": "happy",
    "Ses01F-Ses01M_script01_1_F000": "angry",
    "Ses01M-Ses01F_impro01_M000": "neutral",
    "Ses01M-Ses01F_impro01_M001": "happy",
    "Ses01M-Ses01M_script01_1_M000": "sad",
}


def stage1(release, out, labels="iemocap4", subset="all", form=AS_RELEASED, skip=False) -> DataDir:
    return prepare(parse(release.root), LabelMap.load(labels), subset, form, out, skip=skip)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_tables_of_the_data_directory(release, tmp_path):
    data = stage1(release, tmp_path / "data")
    assert data.emo == ALL
    assert data.spk == {utt: utt[:6] for utt in ALL}
    assert data.text["Ses01M-Ses01F_impro01_M000"] == "Who is it?"
    assert data.text["Ses01M-Ses01M_script01_1_M000"] == ""
    assert data.dur["Ses01M-Ses01F_impro01_M001"] == 802 / 16000
    assert data.scene["Ses01M-Ses01M_script01_1_M000"] == "script01_1"
    assert set(data.session.values()) == {"Ses01"}
    assert data.gender["Ses01F-Ses01M_script01_1_F000"] == "f"
    assert all(Path(path).is_absolute() for path in data.wav.values())
    assert not (tmp_path / "data" / "excluded.tsv").exists()


@pytest.mark.parametrize(
    ("labels", "subset", "classes"),
    [
        ("iemocap4", "improvised", ["happy", "happy", "neutral"]),
        ("iemocap4", "scripted", ["angry", "sad"]),
        ("iemocap4_noexc", "all", ["angry", "happy", "neutral", "sad"]),
        ("iemocap4_exc", "all", ["angry", "excited", "neutral", "sad"]),
        ("iemocap11", "all", ["ang", "exc", "fru", "hap", "neu", "sad", "xxx"]),
    ],
)
def test_label_maps_and_subsets(release, tmp_path, labels, subset, classes):
    assert sorted(stage1(release, tmp_path / "data", labels, subset).emo.values()) == classes


def _delete(path):
    path.unlink()


def _half(path):
    path.write_bytes(path.read_bytes()[:900])


def _pointer(path):
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1644\n")


SAD, ANGRY = "Ses01M-Ses01M_script01_1_M000", "Ses01F-Ses01M_script01_1_F000"
WAV, LABELS, TEXTS = f"{SCRIPT}_M000.wav", f"EmoEvaluation/{SCRIPT}.txt", f"transcriptions/{SCRIPT}.txt"
SECOND_LABEL = b"[0.5000 - 0.7000]\tSes01M_script01_1_M000\tneu\t[2.5000, 2.0000, 3.5000]\n"
SECOND_TEXT = b"Ses01M_script01_1_M000 [001.1000-001.9000]: Other.\n"
# Each entry: a change of the release (r; w writes a wav), the code of the issue, the end of its place, and the selected
# utterances that become unusable.
ISSUES = {
    "missing wav": (lambda r, w: r.wav(f"{SCRIPT}_M000").unlink(), "missing-wav", WAV, {SAD}),
    "empty wav": (lambda r, w: r.wav(f"{SCRIPT}_M000").write_bytes(b""), "empty-wav", WAV, {SAD}),
    "truncated wav": (lambda r, w: _halve(r.wav(f"{SCRIPT}_M000")), "truncated-wav", WAV, {SAD}),
    "no samples": (lambda r, w: w(r.wav(f"{SCRIPT}_M000"), samples=0), "header-only-wav", WAV, {SAD}),
    "text as wav": (lambda r, w: r.wav(f"{SCRIPT}_M000").write_bytes(b"no audio\n" * 9), "not-a-wav", WAV, {SAD}),
    "stereo": (lambda r, w: w(r.wav(f"{SCRIPT}_M000"), channels=2), "wrong-channels", WAV, {SAD}),
    "8 kHz": (lambda r, w: w(r.wav(f"{SCRIPT}_M000"), rate=8000), "wrong-rate", WAV, {SAD}),
    "LFS wav": (lambda r, w: _point(r.wav(f"{SCRIPT}_M000")), "lfs-pointer", WAV, {SAD}),
    "second label": (lambda r, w: _append(r.labels(SCRIPT), SECOND_LABEL), "duplicate-id", f"{LABELS}:24", {SAD}),
    "second text": (lambda r, w: _append(r.texts(SCRIPT), SECOND_TEXT), "duplicate-id", f"{TEXTS}:4", {SAD}),
    "summary cut short": (
        lambda r, w: r.edit(r.labels(SCRIPT), b"_M000\tsad\t[2.5000, 2.0000, 3.5000]", b"_M000\tsad"),
        "malformed-line",
        f"{LABELS}:10",
        {SAD},
    ),
    "unreadable id": (
        lambda r, w: r.edit(r.labels(SCRIPT), b"_1_M000\tsad", b"_1_M0O0\tsad"),
        "malformed-line",
        f"{LABELS}:10",
        {SAD},
    ),
    "id of another dialogue": (
        lambda r, w: r.edit(r.labels(SCRIPT), b"script01_1_M000\tsad", b"script01_2_M000\tsad"),
        "malformed-line",
        f"{LABELS}:10",
        {SAD},
    ),
    "transcript without times": (
        lambda r, w: r.edit(r.texts(SCRIPT), b"M000 [001.1000-001.9000]:", b"M000 [001.1000"),
        "malformed-line",
        f"{TEXTS}:2",
        {SAD},
    ),
    "unknown label": (
        lambda r, w: r.edit(r.labels(SCRIPT), b"\tsad\t", b"\tsda\t"),
        "unknown-label",
        f"{LABELS}:10",
        {SAD},
    ),
    "no label file": (lambda r, w: r.labels(SCRIPT).unlink(), "missing-label-file", LABELS, {SAD, ANGRY}),
    "empty label file": (lambda r, w: r.labels(SCRIPT).write_bytes(b""), "missing-label-file", LABELS, {SAD, ANGRY}),
    "LFS label file": (lambda r, w: _point(r.labels(SCRIPT)), "missing-label-file", LABELS, {SAD, ANGRY}),
    "no transcription file": (lambda r, w: r.texts(SCRIPT).unlink(), "missing-transcription-file", TEXTS, set()),
    "no transcript": (
        lambda r, w: r.edit(r.texts(SCRIPT), b"Ses01M_script01_1_M000 [001.1000-001.9000]: \n", b""),
        "missing-transcript",
        TEXTS,
        set(),
    ),
    "bytes that are not UTF-8": (
        lambda r, w: r.edit(r.texts(SCRIPT), b"Go away", b"\xff\xfe caf\xe9 it\x92s \x80\x81"),
        "non-utf8",
        f"{TEXTS}:1",
        set(),
    ),
}


def _append(path, line):
    path.write_bytes(path.read_bytes() + line)


def _halve(path):
    path.write_bytes(path.read_bytes()[:900])


def _point(path):
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1644\n")


@pytest.mark.parametrize("name", ISSUES)
def test_an_issue_is_listed_and_stops(release, tmp_path, write_wav, name):
    spoil, code, place, _ = ISSUES[name]
    spoil(release, write_wav)
    with fails("corpus-issues", f"{place}: {code}: ", FIXES[code]) as caught:
        stage1(release, tmp_path / "data")
    assert any(issue.code == code and issue.where.endswith(place) for issue in caught.value.issues)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ISSUES)
def test_skip_excludes_exactly_the_unusable(release, tmp_path, write_wav, name):
    spoil, _, _, unusable = ISSUES[name]
    spoil(release, write_wav)
    data = stage1(release, tmp_path / "data", skip=True)
    assert set(data.utts) == ALL.keys() - unusable
    table = tmp_path / "data" / "excluded.tsv"
    assert table.exists() == bool(unusable)
    if unusable:
        head, *rows = (line.split("\t") for line in table.read_text().splitlines())
        assert head == ["utt", "kind", "where", "reason"]
        assert all(len(row) == 4 and all(row) for row in rows)
        assert {row[0] for row in rows} & ALL.keys() == unusable


def test_all_issues_are_listed_at_once(release, tmp_path, write_wav):
    release.wav(f"{IMPRO}_F000").unlink()
    release.wav(f"{IMPRO}_M000").write_bytes(b"")
    write_wav(release.wav(f"{IMPRO}_M001"), rate=8000, channels=2)
    release.labels(SCRIPT).unlink()
    with fails("corpus-issues", 5) as caught:
        stage1(release, tmp_path / "data")
    codes = ["empty-wav", "missing-label-file", "missing-wav", "wrong-channels", "wrong-rate"]
    assert [issue.code for issue in caught.value.issues] == codes


def test_repaired_texts(release, tmp_path, write_wav):
    ISSUES["bytes that are not UTF-8"][0](release, write_wav)
    release.texts(IMPRO).unlink()
    text = stage1(release, tmp_path / "data", skip=True).text
    assert text[ANGRY] == "ÿþ café it’s €."
    assert text["Ses01F-Ses01F_impro01_F000"] == ""


def test_utf8_beyond_ascii_is_no_issue(release, tmp_path):
    release.edit(release.texts(SCRIPT), b"Go away", "Déjà\u00a0vu".encode())
    assert stage1(release, tmp_path / "data").text[ANGRY] == "Déjà vu."


def test_issues_of_utterances_that_are_not_selected_are_only_logged(release, tmp_path, write_wav, caplog):
    release.wav(f"{IMPRO}_F001").unlink()  # xxx
    release.wav(f"{SCRIPT}_M001").write_bytes(b"")  # fru
    write_wav(release.wav(f"{IMPRO}_F990"))  # a wav that has no label
    release.edit(release.texts(IMPRO), b"Well.", b"It\x92s")
    second = SECOND_LABEL.replace(b"M000\tneu", b"M001\txxx")
    _append(release.labels(SCRIPT), second)  # fru, and now xxx: neither is selected
    caplog.set_level("INFO")
    data = stage1(release, tmp_path / "data")
    assert data.emo == ALL
    for kind in ("missing-wav", "unlabelled-wav", "non-utf8", "duplicate-id"):
        assert f"1 × {kind}, " in caplog.text
    with fails("corpus-issues", "duplicate-id 1, empty-wav 1, missing-wav 1, non-utf8 1"):
        stage1(release, tmp_path / "raw", "iemocap11")


def test_issues_outside_the_subset_are_only_logged(release, tmp_path):
    release.labels(SCRIPT).unlink()
    assert len(stage1(release, tmp_path / "data", subset="improvised").utts) == 3


def test_recordings_of_any_format_are_accepted_with_a_notice(release, tmp_path, write_wav, caplog):
    write_wav(release.wav(f"{IMPRO}_F000"), samples=4800, rate=48000, channels=2)
    caplog.set_level("INFO")
    data = stage1(release, tmp_path / "data", form=AudioForm())
    assert data.dur["Ses01F-Ses01F_impro01_F000"] == 0.1
    assert "5 recordings: 4 of 16000 Hz, 1 channel(s); 1 of 48000 Hz, 2 channel(s)" in caplog.text
    stage1(release, tmp_path / "data", form=AudioForm(16000, 1, convert=True))
    assert "1 are not as specified (16000 Hz, 1 channel(s))" in caplog.text


@pytest.mark.parametrize(
    ("form", "issues"),
    [
        (AudioForm(convert=False), {"wrong-rate": 1, "wrong-channels": 1}),  # what features need
        (AudioForm(48000, 0, convert=False), {"wrong-rate": 4, "wrong-channels": 1}),
        (AudioForm(16000, 2, convert=False), {"wrong-rate": 1, "wrong-channels": 4}),
    ],
)
def test_the_specified_format_is_checked_without_conversion(release, tmp_path, write_wav, form, issues):
    write_wav(release.wav(f"{IMPRO}_F000"), samples=4800, rate=48000, channels=2)
    with fails("corpus-issues") as caught:
        stage1(release, tmp_path / "data", form=form)
    assert Counter(issue.code for issue in caught.value.issues) == issues


def test_issues_of_a_kind_are_counted_after_the_tenth(release, tmp_path, write_wav, caplog):
    turns = [(f"M{n:03d}", "neu", f"Take {n}.") for n in range(40)]
    release.add("Ses01F_impro02", turns)
    for turn, *_ in turns:
        write_wav(release.wav(f"Ses01F_impro02_{turn}"), rate=44100)
    with fails("corpus-issues", 40, 30) as caught:
        stage1(release, tmp_path / "data")
    assert len(caught.value.issues) == 40 and len(str(caught.value).splitlines()) == 12
    stage1(release, tmp_path / "data", skip=True)
    assert sum("wrong-rate" in record.getMessage() for record in caplog.records) == 11


def copy(release, one: str, other: str) -> None:
    """Give an utterance the recording of another."""
    release.wav(other).write_bytes(release.wav(one).read_bytes())


def test_the_first_of_several_copies_is_kept(release, tmp_path):
    release.add("Ses01F_impro02", [("M000", "neu", "Who was it?"), ("M001", "neu", "It was she.")])
    copy(release, f"{IMPRO}_M000", "Ses01F_impro02_M001")
    copy(release, f"{IMPRO}_M000", "Ses01F_impro02_M000")
    first, *later = (f"Ses01M-Ses01F_{turn}" for turn in ("impro01_M000", "impro02_M000", "impro02_M001"))
    with fails("corpus-issues", "duplicate-recording 2") as caught:
        stage1(release, tmp_path / "data")
    assert [issue.utts for issue in caught.value.issues] == [(utt,) for utt in later]
    assert caught.value.issues[0].where.endswith("impro02_M000.wav") and first in caught.value.issues[0].message
    data = stage1(release, tmp_path / "data", skip=True)
    assert data.emo == ALL
    _, *rows = (line.split("\t") for line in (tmp_path / "data" / "excluded.tsv").read_text().splitlines())
    assert [(utt, kind) for utt, kind, *_ in rows] == [(utt, "duplicate-recording") for utt in later]
    assert all(first in row[3] and data.wav[first] in row[3] for row in rows)


@pytest.mark.parametrize(
    ("one", "other", "facts"),
    [
        (
            "M000",
            "M001",
            {"Ses01M-Ses01F_impro01_M000": "neutral of Ses01M", "Ses01M-Ses01F_impro01_M001": "happy of Ses01M"},
        ),
        (
            "F000",
            "M001",
            {"Ses01F-Ses01F_impro01_F000": "happy of Ses01F", "Ses01M-Ses01F_impro01_M001": "happy of Ses01M"},
        ),
        ("M000", "F001", {}),  # xxx, which is not selected
    ],
)
def test_copies_that_contradict_each_other_are_all_excluded(release, tmp_path, one, other, facts):
    copy(release, f"{IMPRO}_{one}", f"{IMPRO}_{other}")
    assert set(stage1(release, tmp_path / "data", skip=True).utts) == ALL.keys() - facts.keys()
    if facts:
        _, *rows = (tmp_path / "data" / "excluded.tsv").read_text().splitlines()
        assert all(fact in row for row in rows for fact in facts.values()) and len(rows) == 2
        with fails("corpus-issues", "duplicate-recording 2"):
            stage1(release, tmp_path / "other")


def test_a_copy_of_an_unusable_recording_is_kept(release, tmp_path):
    copy(release, f"{IMPRO}_M000", f"{SCRIPT}_M000")
    _append(release.labels(SCRIPT), SECOND_LABEL)  # SAD has two labels
    assert set(stage1(release, tmp_path / "data", skip=True).utts) == ALL.keys() - {SAD}


@pytest.mark.parametrize("name", [b"H\xf6rproben", b"a\nb", b"a\x1b[31mb"])
def test_paths_that_no_table_can_have_are_named(release, tmp_path, name):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    os.rename(release.root, folder)
    issues = parse(Path(folder)), LabelMap.load("iemocap4"), "all", AS_RELEASED
    with fails("corpus-issues", f"path-characters {len(ALL)}", "convmv") as caught:
        prepare(*issues, tmp_path / "data", skip=False)
    assert {issue.code for issue in caught.value.issues} == {"path-characters"}
    assert printable(str(caught.value)).replace("\n", "").isprintable() and not (tmp_path / "data").exists()


def test_the_audit_reads_no_recording_again(release, tmp_path, monkeypatch):
    data = stage1(release, tmp_path / "data")
    monkeypatch.setattr(recordings, "read_content", None)
    assert contents(data, tmp_path / "data" / "audit" / "recordings.json").keys() == ALL.keys()
    stage1(release, tmp_path / "data")  # nor does stage 1


def test_undecodable_recordings_are_excluded(release, tmp_path):
    path = release.wav(f"{SCRIPT}_M000")
    path.write_bytes(path.read_bytes().replace(b"\x10\x00data", b"\x63\x00data"))  # 99 bits per sample
    assert set(stage1(release, tmp_path / "data", skip=True).utts) == ALL.keys() - {SAD}
    assert f"{SAD}\tnot-a-wav\t{path}\t" in (tmp_path / "data" / "excluded.tsv").read_text()


def test_nothing_left_is_refused(release, tmp_path):
    for path in release.root.rglob("*.wav"):
        path.write_bytes(b"")
    with fails("nothing-usable", 5):
        stage1(release, tmp_path / "data", skip=True)
    assert not (tmp_path / "data").exists()


def test_unchanged_tables_keep_their_transcripts(release, tmp_path):
    out = tmp_path / "data"
    data = stage1(release, out)
    transcript = out / "text.engine"
    transcript.write_text("".join(f"{utt} word\n" for utt in data.utts))
    before = content(out)
    stage1(release, out)
    assert content(out) == before
    release.edit(release.texts(SCRIPT), b"Go away", b"Go on")
    stage1(release, out)
    assert not transcript.exists()


def test_excluded_utterances_come_back_when_repaired(release, tmp_path, write_wav):
    out, wav = tmp_path / "data", release.wav(f"{SCRIPT}_M000")
    wav.write_bytes(b"")
    stage1(release, out, skip=True)
    write_wav(wav)
    assert stage1(release, out, skip=True).emo == ALL
    assert not (out / "excluded.tsv").exists()


def test_the_table_of_excluded_utterances_is_removed_with_its_reason(release, tmp_path):
    out = tmp_path / "data"
    release.edit(release.labels(SCRIPT), b"\tfru\t", b"\tfrv\t")
    stage1(release, out, skip=True)
    assert "Ses01M-Ses01M_script01_1_M001\tunknown-label" in (out / "excluded.tsv").read_text()
    release.edit(release.labels(SCRIPT), b"\tfrv\t", b"\tfru\t")
    stage1(release, out, skip=True)
    assert not (out / "excluded.tsv").exists()


def test_all_that_a_missing_label_file_concerns_is_listed(release, tmp_path, write_wav):
    release.labels(SCRIPT).unlink()
    release.wav(f"{SCRIPT}_M000").unlink()  # only its transcript is left
    write_wav(release.wav(f"{SCRIPT}_F001"))  # it has no transcript
    stage1(release, tmp_path / "data", skip=True)
    rows = (tmp_path / "data" / "excluded.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[0].rpartition("_")[2] for row in rows] == ["F000", "F001", "M000", "M001"]


def test_an_id_with_too_many_digits_is_not_another_id(release, tmp_path):
    line = b"[0.1 - 0.2]\tSes01M_script01_1_M0001\tneu\t[2.5000, 2.0000, 3.5000]\n"
    _append(release.labels(SCRIPT), line)
    assert stage1(release, tmp_path / "data", skip=True).emo == ALL


def test_the_corpus_is_never_written_to(release, tmp_path):
    def listing() -> list:
        paths = [release.root, *sorted(release.root.rglob("*"))]
        content = [hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "" for p in paths]
        return [(str(p), p.stat().st_mtime_ns, p.stat().st_mode, c) for p, c in zip(paths, content, strict=True)]

    release.wav(f"{SCRIPT}_M000").write_bytes(b"")
    folders = [release.root, *(p for p in release.root.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)  # root may write all the same, hence the listing
    before = listing()
    with fails("corpus-issues", SAD):
        stage1(release, tmp_path / "data")
    stage1(release, tmp_path / "data", skip=True)
    assert listing() == before
    for folder in folders:
        folder.chmod(0o755)  # so that pytest can remove them


def command(*options: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "mscnn.bin.prepare_data", *map(str, options)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_command_line(release, tmp_path):
    out, wav = tmp_path / "data", release.wav(f"{SCRIPT}_M000")
    options = ["--corpus", "iemocap", "--root", release.root, "--labels", "iemocap4", "--out", out]
    wav.unlink()
    stopped = command(*options)
    assert stopped.returncode == 1
    assert "error[corpus-issues]: 1 " in stopped.stderr and f"\n  {wav}: missing-wav: {SAD}: " in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not out.exists()
    skipped = command(*options, "--on_bad=skip")
    assert skipped.returncode == 0
    assert f"{out}: 4 utterances (angry 1, happy 2, sad 0, neutral 1), 2 speakers" in skipped.stderr
    assert (out / "excluded.tsv").read_text().splitlines()[1].startswith(f"{SAD}\tmissing-wav\t{wav}\t")


def test_command_line_usage(release, tmp_path):
    options = ["--root", release.root, "--labels", "iemocap4", "--out", tmp_path / "data"]
    assert command("--corpus", "nothing", *options).returncode == 2
    assert command("--corpus", "iemocap", *options, "--subset", "some").returncode == 2
    other = command("--corpus", "ravdess", *options)
    assert other.returncode == 1
    assert "error[labels-of-another-corpus]: " in other.stderr and "iemocap4" in other.stderr


def test_folder_that_cannot_be_listed(release, tmp_path, monkeypatch, capsys):
    from mscnn.bin import prepare_data
    from mscnn.options import run

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.listdir", refuse)
    options = ["--corpus", "iemocap", "--root", release.root, "--labels", "iemocap4", "--out", tmp_path / "data"]
    monkeypatch.setattr("sys.argv", ["prepare_data", *map(str, options)])
    with pytest.raises(SystemExit, match="1"):
        run(prepare_data.main)
    assert f"error[corpus-unreadable]: {release.root}: " in capsys.readouterr().err


@pytest.fixture(scope="module")
def replica(shared_dir, tmp_path_factory) -> Path:
    """Ten short dialogues of a replica of the release with all irregularities, and a copy of it with all issues."""
    folder = tmp_path_factory.mktemp("replica")
    script = [sys.executable, shared_dir / "tools" / "make_iemocap_replica.py", "--out"]
    small = ["--limit-dialogues", "10", "--seconds-scale", "0.05"]
    bad = "truncated,zero,missing,stereo,rate8k,dupid,badline,nonutf8,headeronly,notwav"
    for step in ([folder / "good", *small], [folder / "bad", "--from", folder / "good", "--bad", bad]):
        subprocess.run([*script, *step], check=True, capture_output=True)
    return folder


def test_replica_with_every_irregularity(replica, shared_dir, tmp_path):
    data = prepare(parse(replica / "good"), LabelMap.load("iemocap4"), "all", AS_RELEASED, tmp_path / "d", skip=False)
    assert len(set(data.spk.values())) == 10
    check(shared_dir, tmp_path / "d", replica / "good")


def test_replica_with_issues(replica, shared_dir, tmp_path):
    corpus, labels = parse(replica / "bad"), LabelMap.load("iemocap4")
    expected = json.loads((replica / "bad" / "replica_manifest.json").read_text())["faults"]
    with pytest.raises(DataErrors) as caught:
        prepare(corpus, labels, "all", AS_RELEASED, tmp_path / "d", skip=False)
    for one in expected:
        assert any(one["path"] in str(i) and one["utt"] in str(i) for i in caught.value.issues), one
    prepare(parse(replica / "bad"), labels, "all", AS_RELEASED, tmp_path / "d", skip=True)
    check(shared_dir, tmp_path / "d", replica / "bad")


def check(shared_dir: Path, data: Path, replica: Path) -> None:
    """Check a data directory with a tool that shares no code with the package."""
    tool = shared_dir / "tools" / "check_iemocap_data_dir.py"
    manifest = replica / "replica_manifest.json"
    result = subprocess.run(
        [sys.executable, tool, data, "--check-wav", "--manifest", manifest], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


def test_what_is_wrong_with_samples_is_found_in_stage_1(release, tmp_path, caplog):
    samples, rate = np.random.default_rng(0).uniform(-0.3, 0.3, 8000), 16000
    soundfile.write(release.wav(f"{SCRIPT}_M000"), samples * 32768, rate, subtype="FLOAT")
    with fails("corpus-issues", "audio-range 1", "32768"):
        stage1(release, tmp_path / "data")
    soundfile.write(release.wav(f"{SCRIPT}_M000"), np.stack([samples, -samples], axis=1), rate)
    data = stage1(release, tmp_path / "data", form=AudioForm())
    assert f"1 of {len(ALL)} utterances" in next(r.getMessage() for r in caplog.records if "cancel" in r.getMessage())
    assert data.dur[SAD] == pytest.approx(len(samples) / rate, abs=1e-6)
