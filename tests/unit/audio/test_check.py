"""Headers compared with the samples, and damaged files."""

import os
import struct

import numpy as np
import pytest

from mscnn.audio.blocks import AudioFile
from mscnn.audio.check import Header, read_header, read_headers, surplus
from mscnn.audio.duplicates import read_content
from mscnn.audio.read import BadAudio, load_audio
from tests.raises import fails

RATE = 16000


def riff(*chunks: tuple[bytes, bytes], size: int = 0) -> bytes:
    body = b"".join(tag + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for tag, data in chunks)
    return b"RIFF" + struct.pack("<I", size or 4 + len(body)) + b"WAVE" + body


def form(tag: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)


def issue(path) -> tuple[str, str]:
    with pytest.raises(BadAudio) as error:
        read_header(path)
    return error.value.kind, str(error.value)


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate", "channels"),
    [
        ("wav", "PCM_16", 16000, 1),
        ("wav", "PCM_16", 48000, 2),
        ("wav", "PCM_24", 44100, 1),
        ("wav", "PCM_U8", 8000, 1),
        ("wav", "FLOAT", 16000, 1),
        ("wav", "ULAW", 8000, 1),
        ("wav", "MS_ADPCM", 16000, 1),
        ("flac", "PCM_16", 16000, 1),
        ("ogg", "VORBIS", 16000, 1),
        ("rf64", "PCM_16", 16000, 1),
        ("aiff", "PCM_16", 16000, 2),
    ],
)
def test_headers_agree_with_the_reader(tmp_path, suffix, subtype, rate, channels):
    import soundfile

    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (3001, channels))
    soundfile.write(path, noise, rate, subtype=subtype)
    header = read_header(path)
    assert (header.rate, header.channels) == (rate, channels)
    assert header.samples == len(soundfile.read(path)[0]) == len(load_audio(path, rate, convert=True)[0])


def test_extensible_format(tmp_path):
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((501, 2)), 48000, subtype="PCM_24", format="WAVEX")
    assert read_header(path) == Header(501, 48000, 2)
    assert read_header(path).seconds == 501 / 48000


def test_chunks_before_and_after_the_audio(tmp_path):
    path = tmp_path / "a.wav"
    odd = (b"LIST", bytes(19))
    path.write_bytes(riff((b"JUNK", bytes(5000)), odd, (b"fmt ", form()), odd, (b"data", bytes(20)), odd))
    assert read_header(path) == Header(10, RATE, 1)


@pytest.mark.parametrize("length", [0x7FFFF000, 0x7FFFFF00, 0x7FFFFFD4, 0x80000000, 0xFFFFFFFF])
def test_unknown_length_of_a_streamed_file(tmp_path, length):
    path = tmp_path / "a.wav"
    data = riff((b"fmt ", form()), (b"data", bytes(20)), size=min(length + 36, 0xFFFFFFFF))
    path.write_bytes(data.replace(b"data\x14\0\0\0", b"data" + struct.pack("<I", length)))
    assert read_header(path) == Header(10, RATE, 1) and read_content(path).seconds == 10 / RATE


@pytest.mark.parametrize("size", [0, 36])
def test_a_recording_that_was_not_closed(tmp_path, size):
    path = tmp_path / "a.wav"
    data = riff((b"fmt ", form()), (b"data", bytes(range(1, 41))), size=size)
    data = data[:4] + struct.pack("<I", size) + data[8:]
    path.write_bytes(data.replace(b"data\x28\0\0\0", b"data\0\0\0\0"))
    kind, message = issue(path)
    assert kind == "unclosed-wav" and "40 follow" in message
    with fails("audio-empty", "40 follow", "--ignore-length"):
        AudioFile.open(path)


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        (b"", 0),
        (bytes(40), 0),  # padding
        (b"LIST" + struct.pack("<I", 4) + b"INFO", 0),
        (b"id3 " + struct.pack("<I", 2) + b"ab", 0),
        (b"TAGtitle" + bytes(120), 0),
        (b"\x01\x02\xfe\xff" * 10, 40),  # audio that the header does not count
    ],
)
def test_audio_that_the_header_does_not_count_is_noticed(tmp_path, rest, found):
    path = tmp_path / "a.wav"
    path.write_bytes(riff((b"fmt ", form()), (b"data", bytes(range(1, 41)))) + rest)
    assert surplus(path) == found and read_content(path).seconds == 20 / RATE
    assert [n for n in read_content(path).notices if "more bytes follow" in n] == read_content(path).notices[:found]


@pytest.mark.parametrize("block", [0, 1, 4])
def test_a_wrong_block_align_changes_nothing(tmp_path, block):
    path = tmp_path / "a.wav"
    wrong = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, block, 16)
    path.write_bytes(riff((b"fmt ", wrong), (b"data", bytes(20))))
    assert read_header(path) == Header(10, RATE, 1) and read_content(path).seconds == 10 / RATE


@pytest.mark.parametrize("form", ["WAV", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST", "RF64"])
def test_formats_that_are_accepted(tmp_path, form):
    import soundfile

    path = tmp_path / "a.xyz"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, RATE), RATE, format=form)
    header = read_header(path)
    assert (header.rate, header.channels) == (RATE, 1) and abs(header.seconds - 1) < 0.1


def test_a_codec_that_knows_no_positions(tmp_path):
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.sin(np.arange(3200) / 5) / 2, 8000, subtype="GSM610")
    assert read_header(path).samples >= 3200
    assert len(load_audio(path, 8000, convert=False)[0]) >= 3200
    assert len(load_audio(path, 8000, convert=False, start=0.1, end=0.2)[0]) == 800
    assert [len(part) for part in AudioFile.open(path).spans([(0, 100), (1000, 1100)])] == [100, 100]
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(BadAudio) as caught:
        read_header(path)
    assert caught.value.kind == "truncated-wav"


def test_samples_without_a_header_are_no_audio_file(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(100))
    assert issue(tmp_path / "a.raw")[0] == "not-a-wav"


@pytest.mark.parametrize("kept", [4, 8, 12, 20, 30, 36, 40, 44, 45, 63])
def test_truncated_anywhere(tmp_path, kept):
    path = tmp_path / "a.wav"
    path.write_bytes(riff((b"fmt ", form()), (b"data", bytes(20)))[:kept])
    assert issue(path)[0] == "truncated-wav"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_truncated_flac(tmp_path, share):
    import soundfile

    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 40000), RATE)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert issue(path)[0] == "truncated-wav"


@pytest.mark.parametrize(
    ("content", "kind", "facts"),
    [
        (b"", "empty-wav", ["0 bytes"]),
        (riff((b"fmt ", form()), (b"data", b"")), "header-only-wav", []),
        (b"version https://git-lfs.github.com/spec/v1\n", "lfs-pointer", []),
        (b"this is not audio\n" * 40, "not-a-wav", ["b'this is not '"]),
        (b"\x00\x05\x16\x07" + bytes(100), "not-a-wav", ["AppleDouble", "104 bytes"]),
        (b"fLaC" + bytes(100), "not-a-wav", []),
        (riff((b"fmt ", form(channels=0)), (b"data", bytes(20))), "not-a-wav", []),
        (riff((b"data", bytes(20)), (b"fmt ", form())), "not-a-wav", []),
        (riff((b"fmt ", form()[:8]), (b"data", bytes(20))), "not-a-wav", []),
        (riff((b"fmt ", form()), (b"data", bytes(20)))[:50], "truncated-wav", ["20 bytes", " 6"]),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, kind, facts):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    actual, message = issue(path)
    assert actual == kind and all(fact in message for fact in facts)


def test_missing_and_unreadable(tmp_path):
    assert issue(tmp_path / "absent.wav")[0] == "missing-wav"
    assert issue(tmp_path)[0] == "unreadable-wav"


def test_many_files_keep_their_order(tmp_path):
    paths = []
    for n in range(40):
        paths.append(str(tmp_path / f"{n}.wav"))
        (tmp_path / f"{n}.wav").write_bytes(riff((b"fmt ", form()), (b"data", bytes(2 * n))))
    headers = list(read_headers(paths))
    assert isinstance(headers[0], BadAudio)
    assert [header.samples for header in headers[1:]] == list(range(1, 40))


@pytest.mark.parametrize("form", ["AIFF", "AU", "NIST", "RF64", "SVX", "VOC", "W64"])
def test_other_formats_that_are_truncated(tmp_path, form):
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, RATE), RATE, format=form)
    whole = path.read_bytes()
    for kept in (len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:kept])
        assert issue(path)[0] == "truncated-wav"


def test_padding_of_the_last_byte_may_be_missing(tmp_path):
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(16001, 0.5), RATE, format="AIFF", subtype="PCM_S8")
    path.write_bytes(path.read_bytes()[:-1])
    assert read_header(path).samples == 16001


def test_compressed_sphere_is_not_called_truncated(tmp_path):
    header = b"NIST_1A\n   1024\nsample_count -i 160000\nsample_n_bytes -i 2\nsample_rate -i 16000\n"
    path = tmp_path / "a.wav"
    path.write_bytes((header + b"sample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n").ljust(1024) + b"ajkg")
    assert issue(path)[0] == "not-a-wav"


@pytest.mark.parametrize(
    "form, where, length", [("AIFF", 4, b"\x7f\0\0\0"), ("AU", 8, b"\xff" * 4), ("W64", 16, b"\xff" * 8)]
)
def test_unknown_length_of_other_streamed_formats(tmp_path, form, where, length):
    import soundfile

    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, RATE), RATE, format=form)
    whole = path.read_bytes()
    path.write_bytes(whole[:where] + length + whole[where + len(length) :])
    assert read_header(path).samples == RATE


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (riff((b"fmt ", form(channels=65)), (b"data", bytes(1300))), "audio-channels"),
        (riff((b"fmt ", form(rate=1)), (b"data", bytes(20))), "audio-rate"),
        (riff((b"fmt ", form(rate=10**9)), (b"data", bytes(20))), "audio-rate"),
    ],
)
def test_headers_of_no_recording(tmp_path, content, kind):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert issue(path)[0] == kind
    for read in (AudioFile.open, lambda path: load_audio(path, RATE, convert=True)):
        with fails(kind, "a.wav"):
            read(path)


def test_flac_that_was_written_to_a_pipe_is_named_with_its_conversion(tmp_path):
    import soundfile

    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, RATE), RATE)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)  # the number of samples, 36 bits
    path.write_bytes(data)
    with fails("audio-length", "ffmpeg", "a.flac"):
        load_audio(path, RATE, convert=True)


def test_files_without_an_end_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    assert issue(tmp_path / "a.wav")[0] == "unreadable-wav"
    with fails("audio-unreadable", "a.wav"):
        AudioFile.open(tmp_path / "a.wav")
