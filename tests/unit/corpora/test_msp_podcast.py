"""The parser of MSP-Podcast, on a miniature with the grammar and the irregularities of the releases."""

from collections import Counter

import numpy as np
import pytest
import soundfile

from mscnn.config.labels import LabelMap
from mscnn.corpora.msp_podcast import parse
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.data.protocols import Protocol
from tests.raises import fails

HEAD = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"
LABELS = "ASHUFDCNOX"
SPLITS = ("Train", "Development", "Test1", "Test2")


def rows():
    """One speaker and podcast a split, and one podcast in each with an unknown speaker; every label once in each."""
    for n, split in enumerate(SPLITS):
        for podcast, speaker in ((10 * n + 1, str(n + 9)), (10 * n + 2, "Unknown")):
            for k, label in enumerate(LABELS):
                gender = "Unknown" if speaker == "Unknown" else ("Male", "Female")[n % 2]
                yield [f"MSP-PODCAST_{podcast:04d}_{k:04d}.wav", label, "4.2", "3.1", "5.0", speaker, gender, split]


@pytest.fixture
def release(tmp_path):
    """Write a release, other lines in the place of the table's, and return its folder."""

    def write(lines=None, name="Labels/labels_consensus.csv", audio="Audios"):
        root, rng = tmp_path / "MSP-Podcast", np.random.default_rng(0)
        lines = lines or [",".join(row) for row in rows()]
        for file in [row[0] for row in rows()] + [f"MSP-PODCAST_test3_{n:04d}.wav" for n in range(3)]:
            (root / audio).mkdir(parents=True, exist_ok=True)
            stereo = file == "MSP-PODCAST_0001_0000.wav"  # as the release's 1023_0235 is
            noise = rng.integers(-900, 900, (800, 1 + stereo)).astype(np.int16)
            soundfile.write(root / audio / file, noise, 44100 if stereo else 16000, subtype="PCM_16")
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("\n".join([HEAD, *lines, ""]))
        return root

    return write


def stage1(root, out, *, skip=False, convert=True):
    form = AudioForm(16000, 1, convert=convert)
    return prepare(parse(root), LabelMap.load("msp_podcast8"), "all", form, out, skip=skip)


@pytest.mark.parametrize(
    "layout",
    [{}, {"name": "labels_concensus.csv", "audio": "Audio"}, {"name": "Labels/Labels/labels_consensus.csv"}],
)
def test_whole_releases(release, tmp_path, layout):
    if layout.get("name", "").count("/") == 2:
        (tmp_path / "MSP-Podcast" / "Labels").mkdir(parents=True)
    root = release(**layout)
    corpus = parse(root)
    assert corpus.issues == [] and Counter(item.label for item in corpus.items) == dict.fromkeys(LABELS, 8)
    assert [len(places) for places in corpus.notes.values()] == [3]  # Test3
    data = stage1(root, tmp_path / "data")
    assert len(data.utts) == 64 and not data.gender
    assert {*data.spk.values()} == {
        *("spk00009", "spk00010", "spk00011", "spk00012"),
        *("unknown0002", "unknown0012", "unknown0022", "unknown0032"),
    }


@pytest.mark.parametrize("test", ["test1", "test2"])
def test_both_test_sets_have_a_protocol(release, tmp_path, test):
    data = stage1(release(), tmp_path / "data")
    (fold,) = Protocol.load(f"msp_podcast_{test}").folds(data)
    assert {name: {data.split[utt] for utt in utts} for name, utts in fold.parts.items()} == {
        "train": {"train"},
        "dev": {"dev"},
        "test": {test},
    }
    with fails("split-absent", "test1", "test2"):
        Protocol.load("predefined").folds(data)


def test_one_recording_has_another_form(release, tmp_path):
    with fails("corpus-issues") as caught:
        stage1(release(), tmp_path / "data", convert=False)
    assert [(issue.code, issue.utts) for issue in caught.value.issues] == [
        (code, ("spk00009-MSP-PODCAST_0001_0000",)) for code in ("wrong-channels", "wrong-rate")
    ]
    assert len(stage1(release(), tmp_path / "data", skip=True, convert=False).utts) == 63


def test_transcripts_are_read_where_the_release_has_them(release, tmp_path):
    root = release()
    (root / "Transcripts").mkdir()
    for row in [*rows()][1:]:
        (root / "Transcripts" / row[0].replace(".wav", ".txt")).write_text("Well,\nyes.\n")
    corpus = parse(root)
    texts = {item.utt: item.text for item in corpus.items}
    assert texts.pop("spk00009-MSP-PODCAST_0001_0000") == "" and {*texts.values()} == {"Well, yes."}
    assert corpus.notes["segments without a transcript, which is left empty"] == [
        f"{root}/Labels/labels_consensus.csv:2"
    ]


@pytest.mark.parametrize(
    ("change", "codes", "left"),
    [
        (lambda row: [*row[:7], "Tset"], ["malformed-line"], 63),
        (lambda row: [row[0], "", *row[2:]], ["malformed-line"], 63),
        (lambda row: ["PODCAST_1.wav", *row[1:]], ["malformed-line", "unlabelled-wav"], 63),
        (lambda row: ["MSP-PODCAST_0001_0001.wav", *row[1:]], ["duplicate-id", "unlabelled-wav"], 62),
        (lambda row: ["MSP-PODCAST_0001_0077.wav", *row[1:]], ["missing-wav", "unlabelled-wav"], 63),
        (lambda row: [row[0], "Z", *row[2:]], ["unknown-label"], 63),
        (lambda row: [*row[:7], "Test3"], [], 63),
        (lambda row: [*row[:7], "Validation"], [], 64),
    ],
)
def test_every_issue_is_named_and_skip_leaves_the_rest(release, tmp_path, change, codes, left):
    table = [*rows()]
    root = release([",".join(row) for row in [change(table[0]), *table[1:]]])
    if codes:
        with fails("corpus-issues") as caught:
            stage1(root, tmp_path / "data")
        assert sorted(issue.code for issue in caught.value.issues) == codes
        assert not (tmp_path / "data").exists()
    assert len(stage1(root, tmp_path / "data", skip=True).utts) == left


def test_other_folders_are_refused(release, tmp_path):
    with fails("corpus-not-found", tmp_path, "labels_consensus.csv"):
        parse(tmp_path)
    root = release()
    (root / "Labels" / "labels_consensus.csv").write_text("FileName,EmoClass\n")
    with fails("corpus-columns", "SpkrID"):
        parse(root)
