"""mini_iemocap compared with the formats of IEMOCAP, its script, and the corpus written by another process."""

import os
import re
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import librosa
import numpy as np
import pytest

from mscnn.paths import ROOT
from mscnn.synthetic import mini_iemocap as mini
from mscnn.synthetic.mini_script import counts, plan
from tests.raises import fails

SESSION = (3,)  # has a long name
ID = r"Ses0[1-5][FM]_(?:impro\d\d[ab]?|script\d\d_\d[b]?)_[FM]"
SUMMARY = re.compile(
    rf"\[(\d+\.\d{{4}}) - (\d+\.\d{{4}})\]\t({ID}\d{{3}})\t(ang|hap|exc|sad|neu|fru|fea|sur|dis|oth|xxx)"
    r"\t\[(\d\.\d+), (\d\.\d+), (\d\.\d+)\]"
)
CATEGORY = re.compile(r"C-(E\d|F\d|M\d):\t((?:\w+; ?)+)\t\((.*)\)")
ATTRIBUTE = re.compile(r"A-(E\d|F\d|M\d):\tval (\d?); act (\d?); dom +(\d?);\t\((.*)\)")
TRANSCRIPT = re.compile(rf"({ID}(?:\d{{3}}|XX\d)) \[(\d{{3,4}}\.\d{{4}})-(\d{{3,4}}\.\d{{4}})\]: (.*)")
FOUR = ("ang", "hap", "exc", "sad", "neu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """One session of the corpus."""
    out = tmp_path_factory.mktemp("mini") / "corpus"
    assert mini.make(out, sessions=SESSION) == sum(map(len, plan(sessions=SESSION).values()))
    return out


@pytest.fixture(scope="module")
def session(corpus: Path) -> Path:
    return corpus / "IEMOCAP_full_release/Session3"


def labels(session: Path) -> list[Path]:
    return sorted(session.glob("dialog/EmoEvaluation/Ses*.txt"))


def summaries(path: Path) -> list[re.Match]:
    return [match for line in path.read_text().split("\n") if (match := SUMMARY.fullmatch(line))]


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16000, 1, 2)
        data = sound.readframes(sound.getnframes())
    assert path.stat().st_size == 44 + len(data)
    return np.frombuffer(data, "<i2")


def test_counts_are_those_of_the_recipe():
    recorded = (ROOT / "egs/mini_iemocap/local/expected_counts.tsv").read_text(encoding="utf-8")
    assert counts(plan()) == recorded, "python -m mscnn.bin.make_mini_iemocap --counts FILE writes the table"


def test_size_and_balance_of_the_corpus():
    turns = [turn for dialogue in plan().values() for turn in dialogue]
    assert len({turn.utt for turn in turns}) == len(turns)
    assert {turn.speaker for turn in turns} == {f"Ses0{n}{actor}" for n in range(1, 6) for actor in "FM"}
    four = Counter({"exc": "hap"}.get(turn.label, turn.label) for turn in turns if turn.label in FOUR)
    assert 300 <= four.total() <= 400
    assert all(0.18 < count / four.total() < 0.32 for count in four.values())
    assert {"fru", "xxx"} < {turn.label for turn in turns}
    assert {"Ses03M_impro03a", "Ses05M_script01_1b"} < plan().keys()


def test_scripted_lines_recur_and_their_labels_vary():
    performances: dict[str, set[str]] = {}
    for name, turns in plan().items():
        if "_script" in name:
            for turn in turns:
                performances.setdefault(" ".join(turn.text.split()), set()).add(f"{name[:6]} {turn.label}")
    for line, seen in performances.items():
        recordings = {entry.split()[0] for entry in seen}
        sessions = {recording[:5] for recording in recordings}
        assert len(sessions) >= 2 and recordings == {s + side for s in sessions for side in "FM"}, line
    assert sum(len({entry.split()[1] for entry in seen}) > 1 for seen in performances.values()) > 8


def test_evaluation_files_have_the_format_of_iemocap(session):
    assert len(labels(session)) == 10
    for path in labels(session):
        header, empty, *lines = path.read_text(encoding="ascii").split("\n")
        assert header == "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]"
        assert empty == "" and lines[-2:] == ["", ""]
        actors = []
        for block in "\n".join(lines[:-2]).split("\n\n"):
            summary, *votes = block.split("\n")
            actors.append(SUMMARY.fullmatch(summary)[3][-4])
            assert [bool(CATEGORY.fullmatch(v)) for v in votes] == [True] * 4 + [False] * 3
            assert all(ATTRIBUTE.fullmatch(vote) for vote in votes[4:])
        assert actors == sorted(actors), "F block, then M block"


def test_labels_and_scores_follow_from_the_votes(session):
    for path in labels(session):
        for block in path.read_text().split("\n\n")[1:-1]:
            summary, *votes = block.split("\n")
            match = SUMMARY.fullmatch(summary)
            categories = [m for v in votes if (m := CATEGORY.fullmatch(v)) and m[1].startswith("E")]
            count = Counter(name for m in categories for name in m[2].strip("; ").split("; "))
            majority = [name for name, votes_for in count.items() if votes_for > 1]
            assert majority == ([] if match[4] == "xxx" else [mini.CATEGORIES[match[4]]])
            scores = [m.groups()[1:4] for v in votes if (m := ATTRIBUTE.fullmatch(v)) and m[1].startswith("E")]
            np.testing.assert_allclose(np.array(scores, float).mean(0), [float(x) for x in match.groups()[4:]])


def test_labels_transcripts_and_wavs_agree(session):
    for path in labels(session):
        lines = (session / "dialog/transcriptions" / path.name).read_text(encoding="ascii").splitlines()
        matches = [match for line in lines if (match := TRANSCRIPT.fullmatch(line))]
        starts = [float(match[2]) for match in matches]
        assert starts == sorted(starts)
        named = {match[1]: match for match in matches if "XX" not in match[1]}
        turns = {match[3]: match for match in summaries(path)}
        wavs = {wav.stem: wav for wav in (session / "sentences/wav" / path.stem).glob("Ses*.wav")}
        assert named.keys() == turns.keys() == wavs.keys()
        for utt, match in turns.items():
            assert (float(match[1]), float(match[2])) == (float(named[utt][2]), float(named[utt][3]))
            assert len(samples(wavs[utt])) == round(16000 * (float(match[2]) - float(match[1])))
        assert [(t.utt, t.label, t.text) for t in plan(sessions=SESSION)[path.stem]] == [
            (utt, turns[utt][4], match[4]) for utt, match in named.items()
        ]


def test_irregularities_of_the_release_occur(session):
    litter = sorted(p.relative_to(session).as_posix() for p in session.rglob("._*"))
    assert litter == [
        "dialog/EmoEvaluation/._Ses03F_impro01.txt",
        "sentences/wav/Ses03F_impro01/._Ses03F_impro01_F000.wav",
    ]
    for name in litter:
        data = (session / name).read_bytes()
        assert data[:4] == b"\x00\x05\x16\x07" and data[37] == 0xAC
    texts = "".join(p.read_text() for p in sorted(session.glob("dialog/transcriptions/*.txt")))
    assert len(re.findall(r"(?m)^[FM]: Yeah\.$", texts)) == 1
    assert len(re.findall(r"(?m)^Ses03M_impro02_FXX0 ", texts)) == 1
    assert len(re.findall(r"(?m): .*\S  \S", texts)) > 10


def test_speech_is_neither_silent_nor_clipped_and_level_follows_arousal(session):
    levels: dict[str, list[float]] = {}
    for path in labels(session):
        for match in summaries(path):
            sound = samples(session / "sentences/wav" / path.stem / f"{match[3]}.wav") / 32768
            assert 0.4 < len(sound) / 16000 < 6
            assert 0.02 < np.abs(sound).max() < 0.99
            levels.setdefault(match[4], []).append(10 * np.log10(np.mean(sound**2)))
    mean = {label: np.mean(values) for label, values in levels.items()}
    assert min(mean["ang"], mean["exc"]) > max(mean["sad"], mean["neu"]) + 3


def test_ten_voices_differ_and_women_speak_higher():
    assert len({(speaker.voice, speaker.pitch) for speaker in mini.SPEAKERS.values()}) == 10
    espeak, pitch = mini.Espeak(), {}
    for name, speaker in mini.SPEAKERS.items():
        sound = espeak.say("We are here again.", speaker.voice, pitch=speaker.pitch) / 32768
        pitch[name] = np.median(librosa.yin(sound, fmin=60, fmax=400, sr=espeak.rate))
    assert min(v for k, v in pitch.items() if k[-1] == "F") > max(v for k, v in pitch.items() if k[-1] == "M")


def test_another_process_writes_the_same_bytes(corpus, tmp_path):
    command = "import sys; from mscnn.synthetic import mini_iemocap as m; m.make(m.Path(sys.argv[1]), sessions=(3,))"
    environment = {**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", command, tmp_path / "again"], check=True, env=environment)
    assert (tmp_path / "again/MANIFEST.json").read_bytes() == (corpus / "MANIFEST.json").read_bytes()
    assert mini.up_to_date(tmp_path / "again", sessions=SESSION)  # the manifest has a digest of all files


def test_another_seed_gives_another_corpus(corpus):
    assert plan(1) != plan(0)
    assert not mini.up_to_date(corpus, seed=1, sessions=SESSION)


def test_damaged_and_incomplete_corpora_are_written_again(tmp_path, monkeypatch, corpus):
    out = tmp_path / "corpus"
    calls = iter(range(100))

    def killed(*arguments):
        if next(calls) == 20:
            raise KeyboardInterrupt
        return np.zeros(16, "<i2")

    with monkeypatch.context() as patch:
        patch.setattr(mini, "speak", killed)
        with pytest.raises(KeyboardInterrupt):
            mini.make(out, sessions=SESSION)
    assert not out.exists()
    mini.make(out, sessions=SESSION)
    assert os.listdir(tmp_path) == ["corpus"]
    assert (out / "MANIFEST.json").read_bytes() == (corpus / "MANIFEST.json").read_bytes()
    next(out.rglob("Ses*.wav")).unlink()
    assert not mini.up_to_date(out, sessions=SESSION)
    mini.make(out, sessions=SESSION)
    assert mini.up_to_date(out, sessions=SESSION)
    assert os.listdir(tmp_path) == ["corpus"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    with fails("out-not-ours", tmp_path):
        mini.make(tmp_path, sessions=SESSION)
    assert (tmp_path / "thesis.txt").read_text() == "x"


def test_entry_point_writes_nothing_the_second_time(tmp_path, corpus):
    corpus_copy = tmp_path / "full"
    command = [sys.executable, "-m", "mscnn.bin.make_mini_iemocap", "--out", corpus_copy]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    first = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    assert " 340 " in first.stderr
    assert len(list(corpus_copy.rglob("Ses*.wav"))) == 340
    before = (corpus_copy / "MANIFEST.json").stat().st_mtime_ns
    subprocess.run(command, check=True, env=environment, capture_output=True)
    assert (corpus_copy / "MANIFEST.json").stat().st_mtime_ns == before


def test_unknown_voice():
    with fails("voice-unknown", "en-moon"):
        mini.Espeak().say("hello", "en-moon")
