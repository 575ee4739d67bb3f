"""The parser of MELD, with clips and without, and stages on a corpus without recordings."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.asr.base import _tasks
from mscnn.config.labels import LabelMap
from mscnn.corpora import counts
from mscnn.corpora.meld import own_id, parse
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.data.audio import UtteranceAudio
from mscnn.data.datadir import DataDir
from mscnn.recipe.needs import Needs
from mscnn.recipe.preflight import examine
from tests.raises import fails
from tests.videos import write_video

ROOT = Path(__file__).resolve().parents[3]
EXPECTED = ROOT / "egs" / "meld" / "local" / "expected_counts.tsv"
HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\r\n"
TRAIN = [
    '1,"Oh my God, he’s  lost it.",Phoebe,sadness,negative,0,0,4,7,"00:20:57,256","00:21:00,049"',
    '2,"She said ""No""!",Joey\'s Hand Twin,anger,negative,0,1,4,7,"0:21:01,500","0:21:02,25"',
    '3,What?,Phoebe Sr.,surprise,negative,12,0,10,7,"0:12:32,632","0:12:32,632"',
]
DEV = ['1,Me.,Phoebe,neutral,neutral,0,0,4,7,"00:00:01,000","00:00:02,000"']
TEST = ['1,Hi!,Phoebe/Waitress,joy,positive,0,0,4,7,"00:00:01,000","00:00:02,000"']


@pytest.fixture
def release(tmp_path):
    """Write a release, other lines in the place of some; returns its folder."""

    def write(folder=tmp_path / "MELD.Raw", **files) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for split, lines in ({"train": TRAIN, "dev": DEV, "test": TEST} | files).items():
            lines = lines if isinstance(lines, bytes) else (HEAD + "".join(f"{x}\r\n" for x in lines)).encode()
            (folder / f"{split}_sent_emo.csv").write_bytes(lines)
        return folder

    return write


def stage1(root: Path, out: Path, *, skip: bool = False) -> DataDir:
    return prepare(parse(root), LabelMap.load("meld7"), "all", AudioForm(16000, 1, convert=False), out, skip=skip)


@pytest.mark.parametrize("above", [0, 1])
def test_lines_become_utterances(release, tmp_path, above):
    root = release()
    data = stage1([root, *root.parents][above], tmp_path / "data")
    assert data.emo == {
        "Joeys_Hand_Twin-train_dia0_utt1": "anger",
        "Phoebe-dev_dia0_utt0": "neutral",
        "Phoebe-train_dia0_utt0": "sadness",
        "Phoebe_Sr-train_dia12_utt0": "surprise",
        "Phoebe_Waitress-test_dia0_utt0": "joy",
    }
    assert data.spk == {utt: utt.partition("-")[0] for utt in data.emo}
    assert data.text["Phoebe-train_dia0_utt0"] == "Oh my God, he’s lost it."
    assert data.text["Joeys_Hand_Twin-train_dia0_utt1"] == 'She said "No"!'
    assert data.dur["Phoebe-train_dia0_utt0"] == pytest.approx(2.793)
    assert data.dur["Joeys_Hand_Twin-train_dia0_utt1"] == pytest.approx(0.75)
    assert data.dur["Phoebe_Sr-train_dia12_utt0"] == 0.001
    assert data.session["Phoebe_Sr-train_dia12_utt0"] == "s10e07"
    assert data.scene["Phoebe_Sr-train_dia12_utt0"] == "train_dia12"
    assert data.split == {utt: utt.partition("-")[2].partition("_")[0] for utt in data.emo}
    assert not data.wav and not data.gender and not (data.path / "wav.scp").exists()


def test_windows_1252_characters_are_repaired(release):
    # the release of 2018 holds U+0092 in UTF-8; a copy that a spreadsheet saved holds the byte 0x92
    line = TRAIN[0].replace("’", "\x92")
    corpus = parse(release(train=[line], dev=(HEAD + DEV[0].replace("Me.", "’Tis")).encode("cp1252")))
    assert [item.text for item in corpus.items[:2]] == ["Oh my God, he’s lost it.", "’Tis"]
    (issue,) = corpus.issues
    assert (issue.code, issue.repaired) == ("non-utf8", True)
    assert issue.where.endswith("dev_sent_emo.csv:2") and "bytes 92" in issue.message


def test_implausible_times_are_noted(release):
    long = TRAIN[1].replace("0:21:02,25", "0:22:41,0")
    (places,) = parse(release(train=[TRAIN[0], long, TRAIN[2]])).notes.values()
    assert [place.rpartition(":")[2] for place in places] == ["3", "4"]


@pytest.mark.parametrize(
    ("line", "code", "names"),
    [
        (TRAIN[1].replace(",0,1,", ",0,0,"), "duplicate-id", ["train_dia0_utt0", "train_sent_emo.csv:2"]),
        (TRAIN[1].replace("anger", "angry"), "unknown-label", ["angry"]),
        (TRAIN[1].replace(",0,1,", ",0,one,"), "malformed-line", ["Utterance_ID", "'one'"]),
        (TRAIN[1].replace("02,25", "02"), "malformed-line", ["EndTime", "'0:21:02'"]),
        (TRAIN[1].replace("0:21:02,25", "0:20:02,25"), "malformed-line", ["0:20:02,25", "0:21:01,500"]),
        (TRAIN[1].replace("Joey's Hand Twin", "?"), "malformed-line", ["Speaker", "'?'"]),
        (TRAIN[1].replace('"0:21:01,500"', "0:21:01,500"), "malformed-line", [11, 12]),
        (TRAIN[1].replace(",Joey", "x,Joey"), "malformed-line", []),
        ("", "malformed-line", [11, 0]),
    ],
)
def test_issues_have_file_and_line(release, tmp_path, line, code, names):
    root = release(train=[TRAIN[0], line, TRAIN[2]])
    with fails("corpus-issues", *names) as caught:
        stage1(root, tmp_path / "data")
    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == (code, f"{root}/train_sent_emo.csv:3")
    assert not (tmp_path / "data").exists()
    data = stage1(root, tmp_path / "data", skip=True)
    assert [utt for utt in data.utts if "train" in utt] == ["Phoebe-train_dia0_utt0", "Phoebe_Sr-train_dia12_utt0"]
    assert ":3\t" in (tmp_path / "data" / "excluded.tsv").read_text()


def test_an_utterance_without_words_is_an_issue_and_is_kept(release, tmp_path):
    root = release(dev=[DEV[0].replace("Me.", " ")])
    with fails("corpus-issues", "dev_sent_emo.csv:2", "missing-transcript"):
        stage1(root, tmp_path / "data")
    assert stage1(root, tmp_path / "data", skip=True).text["Phoebe-dev_dia0_utt0"] == ""


@pytest.mark.parametrize("head", [b"", b'"Sr No.', HEAD.replace("Emotion", "Feeling").encode()])
def test_missing_columns_are_refused(release, head):
    with fails("corpus-columns", "train_sent_emo.csv:1", "Emotion"):
        parse(release(train=head))


def test_wrong_root_shows_what_was_expected_and_found(tmp_path):
    (tmp_path / "train_sent_emo.csv").write_text(HEAD)
    with fails("corpus-not-found", tmp_path, "dev_sent_emo.csv test_sent_emo.csv", "\n  train_sent_emo.csv"):
        parse(tmp_path)
    with fails("corpus-not-found", tmp_path / "absent"):
        parse(tmp_path / "absent")


def test_what_needs_audio_is_refused(release, tmp_path):
    root = release()
    data = stage1(root, tmp_path / "data")
    for take_audio in (UtteranceAudio.of, _tasks):
        with fails("no-recordings", data.path):
            take_audio(data)
    for engines, level in (((), "ok"), (("pocketsphinx",), "FAIL")):
        needs = Needs(corpus="meld", root=str(root), engines=engines)
        (line,) = (finding for finding in examine(needs) if finding.message.startswith("corpus: meld"))
        assert line.level == level


def test_its_data_directory_is_valid(release, tmp_path):
    stage1(release(), tmp_path / "data")
    command = [sys.executable, "-m", "mscnn.bin.validate_data_dir", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{tmp_path / 'data'}: ") and " 5 " in done.stdout and " 4 " in done.stdout


def test_the_release(shared_dir, tmp_path):
    root = shared_dir / "data" / "meld"
    if not root.is_dir():
        pytest.skip("shared/data/meld is absent: this test needs the three files of MELD")
    corpus = parse(root)
    assert counts.differences(corpus.items, counts.expected_rows(EXPECTED)) == [] and corpus.issues == []
    assert [len(places) for places in corpus.notes.values()] == [4]
    data = stage1(root, tmp_path / "data")
    assert len(set(data.spk.values())) == 303 and len(set(data.scene.values())) == 1432


@pytest.fixture
def clips(release):
    """A release with the clips of its five utterances; returns its folder."""
    root, rng = release(), np.random.default_rng(0)
    folders = {"train": "train/train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
    for name in ("train_dia0_utt0", "train_dia0_utt1", "train_dia12_utt0", "dev_dia0_utt0", "test_dia0_utt0"):
        split, stem = name.split("_", 1)
        sound = rng.integers(-900, 900, (2, 48000 + 480 * len(stem))).astype(np.int16)
        write_video(root / folders[split] / f"{stem}.mp4", sound, 48000)
    test = root / folders["test"]
    (test / "._dia0_utt0.mp4").write_bytes(b"\0\5\x16\7")  # the release has both
    (test / "final_videos_testdia0_utt0.mp4").write_bytes((test / "dia0_utt0.mp4").read_bytes())
    return root


def with_clips(root: Path, out: Path, *, skip: bool = False) -> DataDir:
    return prepare(parse(root), LabelMap.load("meld7"), "all", AudioForm(16000, 1, convert=True), out, skip=skip)


def test_clips_are_recordings(clips, tmp_path):
    corpus = parse(clips)
    assert corpus.issues == []
    assert [len(places) for kind, places in corpus.notes.items() if "clips" in kind] == [2]
    data = with_clips(clips, tmp_path / "data")
    assert Path(data.wav["Phoebe-dev_dia0_utt0"]) == clips / "dev_splits_complete" / "dia0_utt0.mp4"
    assert len(data.wav) == 5 and all(1 < seconds < 1.3 for seconds in data.dur.values())


def test_copies_as_wav_are_preferred(clips, tmp_path):
    noise = np.random.default_rng(1).integers(-900, 900, 8000).astype(np.int16)
    soundfile.write(clips / "dev_splits_complete" / "dia0_utt0.wav", noise, 16000)
    assert with_clips(clips, tmp_path / "data").dur["Phoebe-dev_dia0_utt0"] == 0.5


def test_missing_and_broken_clips_are_named(clips, tmp_path):
    missing, broken = (clips / "train" / "train_splits" / f"dia0_utt{n}.mp4" for n in range(2))
    missing.unlink()
    broken.write_bytes(broken.read_bytes()[:2000])
    (clips / "dev_splits_complete" / "dia99_utt0.mp4").write_bytes(b"")  # noted, as no line names it
    with fails("corpus-issues", missing, broken) as caught:
        with_clips(clips, tmp_path / "data")
    assert [issue.code for issue in caught.value.issues] == ["broken-video", "missing-wav"]
    assert not (tmp_path / "data").exists()
    assert len(with_clips(clips, tmp_path / "data", skip=True).utts) == 3


def test_the_clips_that_no_copy_has_in_order_stop_nothing(clips, tmp_path):
    table = clips / "train_sent_emo.csv"
    table.write_text(table.read_text() + TRAIN[0].replace(",0,0,4,", ",125,3,4,") + "\r\n")
    (clips / "train" / "train_splits" / "dia125_utt3.mp4").write_bytes(b"broken")
    assert [issue.code for issue in parse(clips).issues] == ["known-bad"]
    assert len(with_clips(clips, tmp_path / "data").utts) == 5


def test_a_missing_folder_of_clips_is_one_issue(clips, tmp_path):
    shutil.rmtree(clips / "train")
    (issue,) = parse(clips).issues
    assert issue.code == "missing-session" and "train_splits" in issue.message and len(issue.utts) == 3
    assert len(with_clips(clips, tmp_path / "data", skip=True).utts) == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("downloads/meld/train/train_splits/dia471_utt0.mp4", "train_dia471_utt0"),
        ("dev_splits_complete/dia0_utt0.mp4", "dev_dia0_utt0"),
        ("output_repeated_splits_test/final_videos_testdia0_utt0.mp4", None),
        ("train_splits/dia0_utt0.mp4.part", None),
    ],
)
def test_the_name_of_a_clip(path, name):
    assert own_id(path) == name
