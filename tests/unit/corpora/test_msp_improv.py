"""The parser of MSP-IMPROV, on a miniature with the grammar and the irregularities of the release."""

from collections import Counter

import numpy as np
import pytest
import soundfile

from mscnn.config.labels import LabelMap
from mscnn.corpora.msp_improv import parse
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.data.protocols import Protocol
from tests.raises import fails

LABELS = "AHNS"
VOTE = "student{}-p; Neutral; Neutral,Happy; A:3.000000; V:3.000000; D:NaN; N:4.000000;"


def turns():
    """Every speaker has each label once, read or improvised."""
    for session in range(1, 7):
        for n, (gender, label) in enumerate((g, label) for g in "FM" for label in LABELS):
            kind, scene = "PRST"[n % 4], f"S{n + 1:02d}{LABELS[n % 4]}"
            yield f"IMPROV-{scene}-{gender}{session:02d}-{kind}-FM{n:02d}", label


def block(name: str, label: str, prefix: str = "UTD") -> str:
    ratings = "A:2.600000 ; V:3.200000 ; D:2.800000 ; N:3.600000 ; "
    return f"{prefix}-{name}.avi; {label}; {ratings}\n{VOTE.format(1)}\n{VOTE.format(2)}\n"


@pytest.fixture
def release(tmp_path):
    """A release of 48 turns without an issue."""
    root = tmp_path / "MSP-IMPROV"
    rng = np.random.default_rng(0)
    for name, _ in turns():
        scene, speaker, kind = name.split("-")[1:4]
        folder = root / "Audio" / f"session{speaker[2]}" / scene / kind
        folder.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(-900, 900, 800).astype(np.int16)
        soundfile.write(folder / f"MSP-{name}.wav", noise, 44100, subtype="PCM_16")
    (root / "Evalution.txt").write_text("\n".join(block(*turn) for turn in turns()))
    return root


def stage1(root, out, *, skip=False):
    return prepare(parse(root), LabelMap.load("msp_improv4"), "all", AudioForm(16000, 1, convert=True), out, skip=skip)


def edit(root, old, new):
    path = root / "Evalution.txt"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))


def test_a_whole_release(release, tmp_path):
    corpus = parse(release)
    assert corpus.issues == [] and Counter(item.label for item in corpus.items) == dict.fromkeys(LABELS, 12)
    data = stage1(release, tmp_path / "data")
    assert data.emo["F02-MSP-IMPROV-S01A-F02-P-FM00"] == "anger"
    assert data.gender["M06-MSP-IMPROV-S05A-M06-P-FM04"] == "m"
    assert data.scene["M06-MSP-IMPROV-S05A-M06-P-FM04"] == "S05A"
    folds = Protocol.load("msp_improv6").folds(data)
    assert [{data.session[utt] for utt in fold.test} for fold in folds] == [{f"session{n}"} for n in range(1, 7)]
    assert [{data.spk[utt] for utt in fold.dev} for fold in folds][-1] == {"F01", "M01"}


def test_read_sentences_are_scripted(release, tmp_path):
    styles = Counter(item.style for item in parse(release).items)
    assert styles == {"scripted": 12, "improvised": 36}


def test_labels_without_a_class_are_dropped(release, tmp_path):
    for name, label in (("S01A-F01-P-FM00", "X"), ("S02H-F01-R-FM01", "O")):
        edit(release, f"{name}.avi; {'A' if label == 'X' else 'H'};", f"{name}.avi; {label};")
    assert len(stage1(release, tmp_path / "data").utts) == 46


def test_votes_and_ratings_that_are_odd_are_noted(release):
    first = block("IMPROV-S01A-F01-P-FM00", "A")
    edit(release, first, first.replace("D:2.800000", "D:NaN") + VOTE.format(2) + "\n")
    corpus = parse(release)
    assert corpus.issues == []
    assert {kind: [place.rpartition(":")[2] for place in places] for kind, places in corpus.notes.items()} == {
        "turns with a rating that is no number": ["1"],
        "votes of a rater that occur twice": ["4"],
    }


def test_the_prefix_may_be_that_of_the_recordings(release):
    edit(release, "UTD-IMPROV-S01A-F01-P", "MSP-IMPROV-S01A-F01-P")
    assert parse(release).issues == [] and len(parse(release).items) == 48


def test_transcripts_are_read_where_the_release_has_them(release, tmp_path):
    folder = release / "Human_transcriptions" / "All_human_transcriptions"
    folder.mkdir(parents=True)
    for name, _ in turns():
        (folder / f"MSP-{name}.txt").write_text("How can\nI not\n")
    (folder / "MSP-IMPROV-S01A-F01-P-FM00.txt").unlink()
    (folder / "MSP-IMPROV-S01A-F02-P-FM00.txt").write_bytes(b"it\x92s late")
    codes = {issue.utts[0]: issue.code for issue in parse(release).issues}
    assert codes == {
        "F01-MSP-IMPROV-S01A-F01-P-FM00": "missing-transcript",
        "F02-MSP-IMPROV-S01A-F02-P-FM00": "non-utf8",
    }
    text = stage1(release, tmp_path / "data", skip=True).text
    assert text["F01-MSP-IMPROV-S02H-F01-R-FM01"] == "How can I not"
    assert text["F01-MSP-IMPROV-S01A-F01-P-FM00"] == "" and "’s late" in text["F02-MSP-IMPROV-S01A-F02-P-FM00"]


@pytest.mark.parametrize(
    ("old", "new", "code", "left"),
    [
        ("S01A-F01-P-FM00.avi; A;", "S01A-F01-P-FM00.avi: A;", "malformed-line", 47),
        ("UTD-IMPROV-S01A-F01-P-FM00.avi;", "UTD-IMPROV-S01A-F09-P-FM00.avi;", "malformed-line", 47),
        ("S01A-F01-P-FM00.avi; A;", "S01A-F01-P-FM00.avi; Q;", "unknown-label", 47),
        ("S01A-F01-P-FM00.avi; A;", "S02H-F01-R-FM01.avi; A;", "duplicate-id", 46),
        ("S01A-F01-P-FM00.avi; A;", "S01A-F01-P-FM77.avi; A;", "missing-wav", 47),
    ],
)
def test_every_issue_is_named_and_skip_leaves_the_rest(release, tmp_path, old, new, code, left):
    edit(release, old, new)
    with fails("corpus-issues") as caught:
        stage1(release, tmp_path / "data")
    assert code in {issue.code for issue in caught.value.issues} <= {code, "unlabelled-wav"}
    assert len(stage1(release, tmp_path / "data", skip=True).utts) == left


def test_another_folder_is_refused(tmp_path):
    with fails("corpus-not-found", tmp_path, "Evalution.txt"):
        parse(tmp_path)
