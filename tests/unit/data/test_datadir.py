"""The data directory: written, read back, and every broken rule named with file and line."""

import pytest

from mscnn.data.datadir import DataDir
from mscnn.errors import UserError


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


def spoil(tmp_path, tables, name, text):
    DataDir.write(tmp_path / "set", tables)
    (tmp_path / "set" / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as error:
        DataDir.load(tmp_path / "set")
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("utt2spk", "s1-a s1 extra\ns1-b s1\n", "utt2spk:1: expected 's1-a VALUE', found 3 columns"),
        ("utt2spk", "s1-a s1\ns1-b s2\n", "utt2spk:2: s1-b does not start with its speaker s2"),
        ("utt2emo", "s1-b sad\ns1-a ang\n", "utt2emo:2: s1-a stands after s1-b"),
        ("utt2emo", "s1-a sad\ns1-a ang\n", "utt2emo:2: key s1-a a second time"),
        ("utt2emo", "s1-a sad\ns1-b ang", "utt2emo:2: no newline at the end"),
        ("utt2emo", "s1-a sad\n", "utt2emo: 1 utterances of utt2spk are missing, the first is s1-b"),
        ("utt2dur", "s1-a 1\ns1-b 0\n", "utt2dur:2: s1-b: expected seconds above 0, found '0'"),
        ("utt2dur", "s1-a 1\ns1-b 2\ns1-c 2\n", "utt2dur:3: 1 keys are not in utt2spk, the first is s1-c"),
        ("text", "s1-a caf\xe9\ns1-b\n", "text:1: not UTF-8"),
        ("text", "s1-a hi\r\ns1-b\n", "text:1: carriage return"),
        ("wav.scp", "s1-a sox x |\ns1-b /no/such.wav\n", "commands from data are never run"),
        ("wav.scp", "s1-a sox x |\ns1-b /no/such.wav\n", "wav.scp:2: s1-b: no file '/no/such.wav'"),
        ("utt2split", "s1-a train\ns1-b eval\n", "utt2split:2: s1-b: expected one of train, dev, test, found 'eval'"),
        ("spk2utt", "s1 s1-a\n", "not the inverse of utt2spk"),
        ("text.asr", "s1-a hi\n", "text.asr: 1 utterances of utt2spk are missing"),
        ("segments", "s1-a s1-a 2.0 1.0\ns1-b s1-b 0 1\n", "segments:1: s1-a: expected 'RECORDING START END'"),
    ],
)
def test_faults_are_named(tmp_path, tables, name, text, expected):
    assert expected in spoil(tmp_path, tables, name, text)


def test_kaldi_wants_speakers_in_order_too(tmp_path, tables):
    names = {"s1-a": "s10a", "s1-b": "s1z"}
    moved = {name: {names[u]: v for u, v in table.items()} for name, table in tables.items()}
    moved["utt2spk"] = {"s10a": "s10", "s1z": "s1"}
    DataDir.write(tmp_path / "set", moved)
    with pytest.raises(UserError, match="utt2spk:2: s1z: speaker s1 after s10"):
        DataDir.load(tmp_path / "set")


def test_missing_file_names_the_stage(tmp_path):
    with pytest.raises(UserError, match="not a data directory: text, utt2spk.*stage 1"):
        DataDir.load(tmp_path)


def test_unknown_transcript_names_the_stage(tmp_path, tables):
    DataDir.write(tmp_path / "set", tables)
    with pytest.raises(UserError, match="at hand: gt. Run: ./run.sh --stage 4 --asr-engine whisper"):
        DataDir.load(tmp_path / "set").text_of("whisper")


def test_a_corpus_of_words_only(tmp_path, tables):
    del tables["wav.scp"]
    DataDir.write(tmp_path / "set", {**tables, "utt2split": {"s1-a": "train", "s1-b": "test"}})
    data = DataDir.load(tmp_path / "set")
    assert data.wav == {} and data.split == {"s1-a": "train", "s1-b": "test"}
    with pytest.raises(UserError, match="set has no recordings"):
        data.require_recordings()


def test_segments(tmp_path, tables):
    tables["wav.scp"] = {"rec": f"{tmp_path}/a.wav"}
    DataDir.write(tmp_path / "set", {**tables, "segments": {"s1-a": "rec 0.0 1.5", "s1-b": "rec 1.5 2.2"}})
    assert DataDir.load(tmp_path / "set").segments["s1-b"] == ("rec", 1.5, 2.2)
