"""The backend kaldi: calls of its programs, and real programs compared with their recorded output where available."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile

from mscnn.data.audio import UtteranceAudio
from mscnn.errors import MOST_OF_A_KIND
from mscnn.files import read_table
from mscnn.paths import ROOT
from mscnn.xvector import kaldi, native
from mscnn.xvector.job import XvectorJob
from mscnn.xvector.modeldir import XvectorModel
from tests.raises import fails
from tests.unit.xvector.conftest import HERE

RATE = 16000
STANDIN = Path(__file__).with_name("kaldi_standin.py")
ODD = "a folder, with: odd|characters"
needs_kaldi = pytest.mark.skipif(
    bool(kaldi.missing()), reason=f"Kaldi is not available (KALDI_ROOT, PATH): no {', '.join(kaldi.missing())}"
)


def make_job(out, model, wavs, **options):
    facts = {
        "backend": "kaldi",
        "program": "",
        "unvoiced": "all-frames",
        "chunk_size": 10000,
        "convert": False,
        "device": "cpu",
    }
    utterances = tuple(
        wav if isinstance(wav, UtteranceAudio) else UtteranceAudio(utt, str(wav)) for utt, wav in wavs.items()
    )
    return XvectorJob(number=3, utterances=utterances, model=model.path, out=out, **facts | options)


def vectors_of(job):
    return {utt: kaldiio.load_mat(entry) for utt, entry in read_table(f"{job.stem}.scp").items()}


@needs_kaldi
@pytest.mark.parametrize("chunk", [10000, 300])
def test_real_kaldi_gives_the_recorded_vectors(tmp_path, reference, chunk):
    job = make_job(tmp_path / ODD, reference.model, reference.wavs, unvoiced="drop", chunk_size=chunk)
    kaldi.write_vectors(job, reference.model)
    vectors = vectors_of(job)
    expected = {k.partition("/")[2]: v for k, v in reference.expected.items() if k.startswith(f"xvector_chunk{chunk}/")}
    assert vectors.keys() == expected.keys()
    for utt, vector in vectors.items():
        assert np.linalg.norm(vector - expected[utt]) < 1e-5 * np.linalg.norm(expected[utt]), utt
    assert job.unvoiced_list.read_text().split() == [utt for utt in reference.wavs if utt not in expected]


@needs_kaldi
@pytest.mark.parametrize("unvoiced", ["all-frames", "zero"])
def test_both_backends_agree_on_silence_and_on_little_speech(tmp_path, reference, unvoiced):
    brief = tmp_path / "brief.wav"  # fewer frames than the minimum chunk
    soundfile.write(brief, np.random.default_rng(1).normal(0, 0.1, 1500).clip(-1, 1), RATE, subtype="PCM_16")
    wavs = {"brief": brief} | {utt: wav for utt, wav in reference.wavs.items() if "long" not in utt}
    theirs = make_job(tmp_path / "kaldi", reference.model, wavs, unvoiced=unvoiced, chunk_size=300)
    kaldi.write_vectors(theirs, reference.model)
    ours = make_job(tmp_path / "native", reference.model, wavs, unvoiced=unvoiced, chunk_size=300, backend="native")
    native.write_vectors(ours, reference.model)
    assert theirs.unvoiced_list.read_text() == ours.unvoiced_list.read_text()
    expected = vectors_of(theirs)
    assert expected.keys() == wavs.keys()
    for utt, vector in vectors_of(ours).items():
        assert np.linalg.norm(vector - expected[utt]) <= 1e-4 * np.linalg.norm(expected[utt]), utt


@pytest.fixture
def standin(tmp_path, monkeypatch):
    """Stand-ins for all programs below KALDI_ROOT; nothing on PATH."""
    root = tmp_path / f"kaldi {ODD}"
    for name, folder in kaldi.PROGRAMS.items():
        program = root / "src" / folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{STANDIN}" {name} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("KALDI_ROOT", str(root))
    monkeypatch.setenv("PATH", "/nowhere")
    return root


@pytest.fixture
def model(tmp_path):
    path = tmp_path / f"model {ODD}"
    (path / "conf").mkdir(parents=True)
    (path / "final.raw").write_bytes(b"\0B<Nnet3> ")
    (path / "extract.config").write_text("output-node name=output input=tdnn6.affine\n")
    (path / "min_chunk_size").write_text("25\n")
    (path / "max_chunk_size").write_text("10000\n")
    (path / "conf" / "mfcc.conf").write_text("--sample-frequency=16000\n--num-mel-bins=30\n--num-ceps=30\n")
    (path / "conf" / "vad.conf").write_text("--vad-energy-threshold=5.5\n")
    return XvectorModel.load(path)


@pytest.fixture
def wavs(tmp_path):
    """Three recordings of 100 frames, with 30, 0 and 100 voiced ones."""
    folder = tmp_path / f"wav {ODD}"
    folder.mkdir()
    paths = {}
    for utt, voiced in (("a", 30), ("b", 0), ("c", 100)):
        samples = np.zeros(RATE)
        samples[: voiced * 160] = 0.5
        paths[utt] = folder / f"{utt}.wav"
        soundfile.write(paths[utt], samples, RATE, subtype="PCM_16")
    return paths


@pytest.mark.parametrize(
    ("unvoiced", "second"), [("all-frames", [100, 500, 25, 1]), ("zero", [0, 0, 0, 0]), ("drop", None)]
)
def test_utterances_without_a_voiced_frame(tmp_path, standin, model, wavs, unvoiced, second, capfd):
    job = make_job(tmp_path / ODD, model, wavs, unvoiced=unvoiced, chunk_size=500)
    kaldi.write_vectors(job, model)
    expected = {"a": [30, 500, 25, 1], "b": second, "c": [100, 500, 25, 1]}
    vectors = vectors_of(job)
    assert {utt: list(vector) for utt, vector in vectors.items()} == {u: v for u, v in expected.items() if v}
    assert all(vector.dtype == np.float32 for vector in vectors.values())
    assert job.unvoiced_list.read_text() == "b\n"
    assert sorted(path.name for path in job.out.iterdir()) == ["log", "xvector.3.ark", "xvector.3.scp"]
    said = capfd.readouterr().out
    assert all(f"LOG ({program}" in said for program in kaldi.PROGRAMS if program != "nnet3-copy")


@pytest.mark.parametrize(("unvoiced", "expected"), [("all-frames", {"b": [100, 25, 25, 0]}), ("drop", {})])
def test_only_silence_and_no_extract_config(tmp_path, standin, model, wavs, unvoiced, expected):
    model.extract_config.unlink()
    model = XvectorModel.load(model.path)
    job = make_job(tmp_path / "out", model, {"b": wavs["b"]}, unvoiced=unvoiced, chunk_size=25)
    kaldi.write_vectors(job, model)
    assert {utt: list(vector) for utt, vector in vectors_of(job).items()} == expected


def test_audio_is_read_as_by_the_other_backend(tmp_path, standin, model, wavs):
    eight = tmp_path / "eight.flac"
    soundfile.write(eight, np.full((8000, 2), 0.5), 8000)
    sources = {
        "part": UtteranceAudio("part", str(wavs["c"]), 0.2, 0.7),
        "stereo": UtteranceAudio("stereo", str(eight)),
    }
    job = make_job(tmp_path / "out", model, sources, convert=True)
    kaldi.write_vectors(job, model)
    assert {utt: vector[0] for utt, vector in vectors_of(job).items()} == {"part": 50, "stereo": 100}
    with fails("utterances-unusable", "stereo", "8000 Hz", "2 channel"):
        kaldi.write_vectors(make_job(tmp_path / "strict", model, sources), model)
    assert not list((tmp_path / "strict").iterdir())


def test_less_than_a_frame(tmp_path, standin, model, wavs):
    soundfile.write(wavs["b"], np.zeros(50), RATE)
    with fails("utterances-unusable", "b", "--unvoiced"):
        kaldi.write_vectors(make_job(tmp_path / "all", model, wavs), model)
    for unvoiced, expected in (("zero", {"a", "b", "c"}), ("drop", {"a", "c"})):
        job = make_job(tmp_path / unvoiced, model, wavs, unvoiced=unvoiced)
        kaldi.write_vectors(job, model)
        assert vectors_of(job).keys() == expected
        assert job.unvoiced_list.read_text() == "b\n"
    model = XvectorModel.load(HERE)  # only such utterances: the dimension is that of the network
    job = make_job(tmp_path / "alone", model, {"b": wavs["b"]}, unvoiced="zero")
    kaldi.write_vectors(job, model)
    assert vectors_of(job)["b"].tolist() == [0] * 32


def test_issues_are_listed_up_to_a_limit(tmp_path, standin, model, wavs):
    soundfile.write(wavs["b"], np.zeros(50), RATE)
    for wav, code in ((wavs["b"], "utterance-too-short"), (tmp_path / "absent.wav", "audio-unreadable")):
        sources = {f"u{i:02d}": wav for i in range(MOST_OF_A_KIND + 2)}
        with fails("utterances-unusable", MOST_OF_A_KIND + 2) as error:
            kaldi.write_vectors(make_job(tmp_path / "out", model, sources), model)
        assert [issue.code for issue in error.value.issues] == [code] * (MOST_OF_A_KIND + 2)
        assert all(wav.name in issue.message for issue in error.value.issues)
        assert len(str(error.value).splitlines()) == 1 + MOST_OF_A_KIND + 1


def test_vectors_that_are_not_finite_are_not_written(tmp_path, standin, model, wavs, monkeypatch):
    monkeypatch.setenv("STANDIN_NAN", "c")
    job = make_job(tmp_path / "out", model, wavs)
    with fails("xvector-not-finite", model.path, "c, one of 1"):
        kaldi.write_vectors(job, model)
    assert not list(job.out.iterdir())


def runs(pid: str) -> bool:
    try:
        return bool((Path("/proc") / pid / "cmdline").read_bytes())  # empty: ended, but not yet waited for
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_programs_end_with_their_job(tmp_path, standin):
    names = ["apply-cmvn-sliding", "nnet3-xvector-compute"]
    code = f"from mscnn.xvector.kaldi import Path, _run; _run(Path({str(tmp_path)!r}), *{[[n] for n in names]})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"STANDIN_SLEEP": "1"}) as job:
        files = [tmp_path / f"{name}.pid" for name in names]
        wait_for(lambda: all(file.exists() and file.read_text().endswith("\n") for file in files))
        pids = [file.read_text().strip() for file in files]
        assert all(map(runs, pids))
        job.kill()
    wait_for(lambda: not any(map(runs, pids)))


def wait_for(condition) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("10 s are over")


@pytest.mark.parametrize("program", kaldi.PROGRAMS)
def test_a_failing_program(tmp_path, standin, model, wavs, program, monkeypatch):
    monkeypatch.setenv("STANDIN_FAIL", program)
    job = make_job(tmp_path / "out", model, wavs)
    with fails("kaldi-failed", program, "exit status 3", "the last words"):
        kaldi.write_vectors(job, model)
    assert not list(job.out.iterdir())


def test_writing_to_a_program_that_ended_does_not_block(tmp_path, standin, model, wavs, monkeypatch):
    soundfile.write(wavs["a"], np.full(100 * RATE, 0.5), RATE)  # more frames than a pipe holds
    monkeypatch.setenv("STANDIN_FAIL", "nnet3-xvector-compute")
    signal.alarm(60)  # ends the process
    with fails("kaldi-failed", "nnet3-xvector-compute"):
        kaldi.write_vectors(make_job(tmp_path / "out", model, wavs), model)
    signal.alarm(0)


def test_a_program_that_cannot_run(tmp_path, standin, model, wavs):
    program = standin / "src" / "ivectorbin" / "select-voiced-frames"
    program.write_text("no program\n")
    with fails("kaldi-failed", "select-voiced-frames", "KALDI_ROOT"):
        kaldi.write_vectors(make_job(tmp_path / "out", model, wavs), model)


LOSERS = [name for name in kaldi.PROGRAMS if name != "nnet3-copy"]


@pytest.mark.parametrize("program", LOSERS)
def test_an_utterance_that_a_program_drops(tmp_path, standin, model, wavs, program, monkeypatch):
    monkeypatch.setenv("STANDIN_LOSE", f"{program}:c")
    job = make_job(tmp_path / "out", model, wavs)
    with fails("kaldi-dropped", "1 of 3", "odd with utterance c") as error:
        kaldi.write_vectors(job, model)
    assert "LOG" not in str(error.value)
    assert not list(job.out.iterdir())


def test_files_of_a_killed_run_are_removed(tmp_path, standin, model, wavs):
    job = make_job(tmp_path / "out", model, wavs)
    left = job.out / ".kaldi.3.killed"
    left.mkdir(parents=True)
    (left / "final.raw").write_text("half")
    (job.out / ".kaldi.33.other").mkdir()
    kaldi.write_vectors(job, model)
    assert vectors_of(job).keys() == wavs.keys()
    assert [path.name for path in job.out.glob(".*")] == [".kaldi.33.other"]


def test_programs_are_found_below_kaldi_root_or_on_path(tmp_path, standin, model, wavs, monkeypatch):
    assert kaldi.missing() == [] and kaldi.version() == "5.5.0-standin"
    assert kaldi.identity() == f"5.5.0-standin {standin}/src/nnet3bin/nnet3-xvector-compute"
    elsewhere = tmp_path / "bin"
    elsewhere.mkdir()
    os.rename(standin / "src" / "ivectorbin" / "compute-vad", elsewhere / "compute-vad")
    assert kaldi.missing() == ["compute-vad"] and kaldi.version() == "unknown"
    with fails("kaldi-missing", "compute-vad", "KALDI_ROOT", "native"):
        kaldi.write_vectors(make_job(tmp_path / "out", model, wavs), model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin")
    assert kaldi.programs()["compute-vad"] == elsewhere / "compute-vad" and kaldi.missing() == []
    monkeypatch.delenv("KALDI_ROOT")
    assert kaldi.missing() == [name for name in kaldi.PROGRAMS if name != "compute-vad"]
