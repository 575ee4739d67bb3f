"""Data directories are written and read back; every violated rule is an issue with file and line."""

import pytest

from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, UserError
from tests.raises import check, fails


@pytest.fixture
def tables(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    return {
        "wav.scp": {"s1-a": f"{tmp_path}/a.wav", "s1-b": f"{tmp_path}/b.wav"},
        "text": {"s1-a": "hello there", "s1-b": ""},
        "utt2spk": {"s1-a": "s1", "s1-b": "s1"},
        "utt2emo": {"s1-a": "sad", "s1-b": "ang"},
        "utt2dur": {"s1-a": "1.5000", "s1-b": "0.7000"},
    }


def test_round_trip(tmp_path, tables):
    DataDir.write(tmp_path / "set", tables)
    data = DataDir.load(tmp_path / "set")
    assert data.utts == ["s1-a", "s1-b"]
    assert data.dur["s1-b"] == 0.7
    assert data.text_of("gt")["s1-b"] == ""
    assert (tmp_path / "set" / "spk2utt").read_text() == "s1 s1-a s1-b\n"


def test_spk2utt_need_not_be_there(tmp_path, tables):
    DataDir.write(tmp_path / "set", tables)
    with_it = DataDir.load(tmp_path / "set")
    (tmp_path / "set" / "spk2utt").unlink()
    assert DataDir.load(tmp_path / "set") == with_it


@pytest.mark.parametrize(
    ("name", "text", "code", "names"),
    [
        ("utt2spk", "s1-a s1 extra\ns1-b s1\n", "table-columns", ["utt2spk:1: ", "s1-a", 3]),
        ("utt2spk", "s1-a s1\ns1-b s2\n", "speaker-no-prefix", ["utt2spk:2: ", "s1-b", "s2"]),
        ("utt2emo", "s1-b sad\ns1-a ang\n", "table-unsorted", ["utt2emo:2: ", "s1-a", "s1-b"]),
        ("utt2emo", "s1-a sad\ns1-a ang\n", "table-key-twice", ["utt2emo:2: ", "s1-a"]),
        ("utt2emo", "s1-a sad\ns1-b ang", "table-cut-short", ["utt2emo:2: "]),
        ("utt2emo", "s1-a sad\n", "keys-missing", ["utt2emo: 1 ", "s1-b"]),
        ("utt2dur", "s1-a 1\ns1-b 0\n", "duration-invalid", ["utt2dur:2: ", "s1-b", "'0'"]),
        ("utt2dur", "s1-a 1\ns1-b inf\n", "duration-invalid", ["utt2dur:2: ", "s1-b", "'inf'"]),
        ("utt2dur", "s1-a 1\ns1-b 2\ns1-c 2\n", "keys-unknown", ["utt2dur:3: 1 ", "s1-c"]),
        ("text", "s1-a caf\xe9\ns1-b\n", "table-encoding", ["text:1: "]),
        ("text", "s1-a hi\r\ns1-b\n", "table-carriage-return", ["text:1: "]),
        ("text", "s1-a <s> hi\ns1-b\n", "text-characters", ["text:1: ", "s1-a"]),
        ("wav.scp", "s1-a sox x |\ns1-b /no/such.wav\n", "recording-command", ["wav.scp:1: ", "s1-a"]),
        ("wav.scp", "s1-a sox x |\ns1-b /no/such.wav\n", "recording-missing", ["wav.scp:2: ", "s1-b", "/no/such.wav"]),
        ("utt2split", "s1-a train\ns1-b eval\n", "split-unknown", ["utt2split:2: ", "s1-b", "'eval'"]),
        ("spk2utt", "s1 s1-a\n", "spk2utt-differs", ["spk2utt"]),
        ("text.asr", "s1-a hi\n", "keys-missing", ["text.asr: 1 ", "s1-b"]),
        ("segments", "s1-a s1-a 2.0 1.0\ns1-b s1-b 0 1\n", "segment-invalid", ["segments:1: ", "s1-a", "2.0 1.0"]),
        ("segments", "s1-a s1-a 0 9\ns1-b s1-b 0 2\n", "segment-duration", ["segments:1: ", "s1-a", "9"]),
        ("segments", "s1-a s1-a 0 " + "9" * 400 + "\ns1-b s1-b 0 1\n", "segment-invalid", ["segments:1: ", "s1-a"]),
        ("wav.scp", "s1-a /dev/zero\ns1-b /no/such.wav\n", "recording-missing", ["wav.scp:1: ", "/dev/zero"]),
        ("utt2spk", "", "no-utterances", ["utt2spk"]),
    ],
)
def test_issues_have_file_and_line(tmp_path, tables, name, text, code, names):
    DataDir.write(tmp_path / "set", tables)
    (tmp_path / "set" / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as caught:
        DataDir.load(tmp_path / "set")
    error = caught.value
    if isinstance(error, DataErrors):
        assert error.code == "data-dir-invalid"
        error = next(issue for issue in error.issues if issue.code == code)
    check(error, code, f"{tmp_path}/set/{names[0]}", *names[1:])


def test_utterances_must_be_sorted_by_speaker(tmp_path, tables):
    names = {"s1-a": "s10a", "s1-b": "s1z"}
    moved = {name: {names[u]: v for u, v in table.items()} for name, table in tables.items()}
    moved["utt2spk"] = {"s10a": "s10", "s1z": "s1"}
    DataDir.write(tmp_path / "set", moved)
    with fails("data-dir-invalid", "utt2spk:2: ", "s1z", "s10") as caught:
        DataDir.load(tmp_path / "set")
    assert "speakers-unsorted" in [issue.code for issue in caught.value.issues]


def test_missing_files_are_named(tmp_path):
    with fails("data-dir-missing", tmp_path, "utt2spk, utt2emo"):
        DataDir.load(tmp_path)


def test_an_unknown_transcript_lists_the_available_ones(tmp_path, tables):
    DataDir.write(tmp_path / "set", tables)
    (tmp_path / "set" / "text.pocketsphinx").write_text("s1-a hi\ns1-b\n")
    with fails("transcript-missing", "text.whisper", "gt, pocketsphinx", "--asr-engine whisper"):
        DataDir.load(tmp_path / "set").text_of("whisper")


@pytest.mark.parametrize("source", ["gt", "pocketsphinx"])
def test_transcripts_without_any_words_are_refused(tmp_path, tables, source):
    DataDir.write(tmp_path / "set", tables)
    name = {"gt": "text"}.get(source, f"text.{source}")
    (tmp_path / "set" / name).write_text("s1-a\ns1-b\n")
    with fails("text-empty", tmp_path / "set" / name, 2, "--text none"):
        DataDir.load(tmp_path / "set").text_of(source)


def test_a_corpus_of_transcripts_only(tmp_path, tables):
    del tables["wav.scp"]
    DataDir.write(tmp_path / "set", {**tables, "utt2split": {"s1-a": "train", "s1-b": "test"}})
    data = DataDir.load(tmp_path / "set")
    assert data.wav == {} and data.split == {"s1-a": "train", "s1-b": "test"}
    with fails("no-recordings", data.path):
        data.require_recordings()


def test_segments(tmp_path, tables):
    tables["wav.scp"] = {"rec": f"{tmp_path}/a.wav"}
    DataDir.write(tmp_path / "set", {**tables, "segments": {"s1-a": "rec\t0.0\t1.5", "s1-b": "rec  1.5 2.2"}})
    assert DataDir.load(tmp_path / "set").segments["s1-b"] == ("rec", 1.5, 2.2)


def test_transcripts_may_be_missing(tmp_path, tables):
    DataDir.write(tmp_path / "set", {name: table for name, table in tables.items() if name != "text"})
    data = DataDir.load(tmp_path / "set")
    assert {*data.text.values()} == {""} and data.text.keys() == data.spk.keys()
    with fails("text-empty", "--text none"):
        data.text_of("gt")


@pytest.mark.parametrize("text", ["room #042", "#0a", "<sunny>", "می\u200cروم", "क्\u200dष"])
def test_text_that_only_looks_reserved(tmp_path, tables, text):
    utt = next(iter(tables["text"]))
    DataDir.write(tmp_path / "set", tables | {"text": tables["text"] | {utt: text}})
    assert DataDir.load(tmp_path / "set").text[utt] == text


@pytest.mark.parametrize("text", ["a #0 b", "<s> a", "a </s>", "a\u202eb", "a\x1b[31m"])
def test_reserved_words_and_control_characters_are_refused(tmp_path, tables, text):
    utt = next(iter(tables["text"]))
    DataDir.write(tmp_path / "set", tables | {"text": tables["text"] | {utt: text}})
    with fails("data-dir-invalid", f"text:1: {utt}"):
        DataDir.load(tmp_path / "set")


@pytest.mark.parametrize("end", ["-1", "-1.0"])
def test_segments_that_end_with_their_recording(tmp_path, tables, end):
    utts = [*tables["utt2spk"]]
    wav = next(iter(tables["wav.scp"].values()))
    others = {utt: f"rec {i} {i + 1}" for i, utt in enumerate(utts)}
    segments = tables | {"wav.scp": {"rec": wav}, "segments": others | {utts[-1]: f"rec 0.5 {end}"}}
    DataDir.write(tmp_path / "set", segments | {"utt2dur": tables["utt2dur"] | {utts[-1]: "1.25"}})
    assert DataDir.load(tmp_path / "set").segments[utts[-1]] == ("rec", 0.5, 1.75)
