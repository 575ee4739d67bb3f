"""Stage 4 as a whole: resumed after a kill, independent of the number of processes, with all bad input reported."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mscnn.asr import ENGINES, make_engine
from mscnn.asr.base import SpeechEngine, Task, clean, transcribe_share
from mscnn.asr.journal import lines
from mscnn.asr.transcribe import transcribe
from mscnn.bin.transcribe import main
from mscnn.data.audio import UtteranceAudio
from mscnn.errors import UserError
from mscnn.jobs import run_jobs
from mscnn.jobs.job import Job
from tests.raises import fails


@dataclass(frozen=True)
class Counter(SpeechEngine):
    """Transcribes audio as its number of samples, records each call, and dies after ``lives`` utterances."""

    record: Path
    lives: int = 1000
    option: str = "a"
    max_seconds = 2.0

    @property
    def identity(self):
        return {"engine": "counter", "option": self.option}

    def open(self):
        lengths = []

        def recognise(samples):
            if len(lengths) == self.lives:
                os.kill(os.getpid(), signal.SIGKILL)
            lengths.append(len(samples))
            with open(self.record, "a") as record:
                record.write(f"{len(samples)}\n")
            return "" if len(samples) == 1000 else f"samples\t{len(samples)}\n"

        return recognise


def calls(engine):
    return len(engine.record.read_text().split())


@pytest.fixture
def data(make_data):
    return make_data({f"s{i % 2}-u{i}": (np.full(1000 + 10 * i, 0.1), "samples 1000") for i in range(7)})


WORDS = {f"s{i % 2}-u{i}": f"samples {1000 + 10 * i}" if i else "" for i in range(7)}


def test_killed_and_run_again(data, tmp_path):
    record, out = tmp_path / "record", tmp_path / "out"
    with fails("jobs-failed", "2 of 2"):
        transcribe(data, Counter(record, lives=2), "x", out, nj=2)
    assert calls(Counter(record)) == 4
    assert not (data.path / "text.x").exists()
    assert transcribe(data, Counter(record), "x", out, nj=3) == WORDS
    assert calls(Counter(record)) == 7
    assert data.text_of("x") == WORDS
    before = (data.path / "text.x").read_bytes()
    transcribe(data, Counter(record), "x", out, nj=1)
    assert calls(Counter(record)) == 7
    assert before == (data.path / "text.x").read_bytes()


def test_killed_twice_keeps_what_was_done_before(data, tmp_path):
    path, tasks = tmp_path / "partial.1.tsv", [Task(audio, "digest") for audio in UtteranceAudio.of(data)]
    transcribe_share(Counter(tmp_path / "record"), path, tasks[:2])
    whole = path.read_text()
    jobs = [(Counter(tmp_path / "record", lives=0), path, tasks)]
    for _ in range(2):
        with fails("jobs-failed"):
            run_jobs(transcribe_share, jobs, nj=2, step="transcribe", log_dir=tmp_path / "log")
        assert path.read_text() == whole


def test_the_same_command_follows_jobs_that_go_on(data, tmp_path, monkeypatch):
    """On a cluster: what submits is killed again and again; its jobs go on with the files that they have open."""
    made, files = [], []

    def killed(function, jobs, *, logs, **others):
        made.append([Job.of(function, job, log).json() for job, log in zip(jobs, logs, strict=True)])
        for _, path, share in jobs if len(made) == 1 else ():
            files.append(opened.enter_context(open(path, "w")))  # noqa: SIM115 - closed by the stack
            shares.append(share)
        for file, share in zip(files, shares, strict=True):
            say(file, share[len(made) - 1 : len(made)])
        if len(made) == 2:
            say(files[0], shares[0])
        raise UserError("killed", code="killed")

    def say(file, tasks):
        file.writelines(f"{task.audio.utt}\t{task.digest}\tof the job\n" for task in tasks)
        file.flush()

    shares: list[list[Task]] = []
    with ExitStack() as opened, monkeypatch.context() as cluster:
        cluster.setattr("mscnn.asr.base.run_jobs", killed)
        for _ in range(3):
            with fails("killed"):
                transcribe(data, Counter(tmp_path / "record"), "x", tmp_path / "out", nj=2)
    first, second = made[0]
    assert made == [[first, second], [first, second], [second]]  # a share that is done is no job
    assert set(transcribe(data, Counter(tmp_path / "record"), "x", tmp_path / "out", nj=2).values()) == {"of the job"}
    assert not (tmp_path / "record").exists()


def test_a_job_that_is_started_again_keeps_what_it_has(data, tmp_path):
    engine, path = Counter(tmp_path / "record"), tmp_path / "partial.1.tsv"
    tasks = [Task(audio, "digest") for audio in UtteranceAudio.of(data)]
    transcribe_share(engine, path, tasks[:2])
    whole = path.read_text()
    path.write_text(whole + "s0-u2\tdig")  # killed while it wrote
    transcribe_share(engine, path, tasks)
    assert calls(engine) == len(tasks) and path.read_text().startswith(whole) and len(lines(path)) == len(tasks)


def test_transcribed_again_where_options_or_audio_changed(data, make_data, tmp_path):
    record, out = tmp_path / "record", tmp_path / "out"
    transcribe(data, Counter(record), "x", out, nj=1)
    transcribe(data, Counter(record, option="b"), "x", out, nj=1)
    assert calls(Counter(record)) == 14
    changed = make_data({f"s{i % 2}-u{i}": (np.full(1000 + 10 * i + (i == 3), 0.1), "") for i in range(7)})
    transcribe(changed, Counter(record), "x", out, nj=1)
    assert calls(Counter(record)) == 15
    assert changed.text_of("x")["s1-u3"] == "samples 1031"


def test_segments_are_transcribed_not_recordings(data, tmp_path):
    (data.path / "segments").write_text("".join(f"{u} {u} 0.01 {0.02 + 0.001 * i}\n" for i, u in enumerate(data.utts)))
    segmented = type(data).load(data.path)
    transcribe(segmented, Counter(tmp_path / "record"), "x", tmp_path / "out", nj=2)
    assert segmented.text_of("x") == {u: f"samples {160 + 16 * i}" for i, u in enumerate(data.utts)}


def test_issues_are_collected_and_the_rest_is_kept(data, tmp_path):
    for utt in ("s0-u2", "s1-u3"):
        Path(data.wav[utt]).write_bytes(b"not audio")
    record = tmp_path / "record"
    with fails("jobs-failed", "utterances-unusable", "s1-u3", "s0-u2"):
        transcribe(data, Counter(record), "x", tmp_path / "out", nj=1)
    assert calls(Counter(record)) == 5
    assert not (data.path / "text.x").exists()


def test_too_long_is_refused_before_any_work(make_data, tmp_path):
    data = make_data({"s-a": (np.zeros(1600), ""), "s-b": (np.zeros(40000), "")})
    with fails("utterance-too-long", "2 s", "s-b: 2.5 s"):
        transcribe(data, Counter(tmp_path / "record"), "x", tmp_path / "out", nj=1)
    assert not (tmp_path / "record").exists()


def test_silence_is_not_sent_to_the_engine(make_data, tmp_path):
    data = make_data({"s-a": (np.zeros(1600), ""), "s-b": (np.full(1600, 0.1), "")})
    transcribe(data, Counter(tmp_path / "record"), "x", tmp_path / "out", nj=1)
    assert data.text_of("x") == {"s-a": "", "s-b": "samples 1600"}
    assert calls(Counter(tmp_path / "record")) == 1


@pytest.mark.parametrize("name", ["gt", "a/b", "", "é"])
def test_invalid_names(data, name, tmp_path):
    with fails("name-invalid", "--name"):
        transcribe(data, Counter(tmp_path / "record"), name, tmp_path, nj=1)


def test_text_fits_a_line():
    assert clean(" two\u200blines\r\nof  text\x00 ") == "two lines of text"


def test_engines_by_name(caplog):
    assert make_engine("pocketsphinx", table=None).identity["engine"] == "pocketsphinx"
    with fails("engine-unknown", "kaldi", *ENGINES):
        make_engine("kaldi")
    with fails("option-missing", "--table"):
        make_engine("file", table=None)
    make_engine("file", table="t", endpoint="x")
    assert "--endpoint" in caplog.text


def test_entry_point(data, tmp_path):
    table = tmp_path / "table"
    table.write_text("".join(f"{utt} samples 1000\n" for utt in data.utts))
    command = [sys.executable, "-m", "mscnn.bin.transcribe", "--data", data.path, "--engine", "file", "--out", tmp_path]
    done = subprocess.run([*command, "--table", table, "--name", "kaldi"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "text.kaldi" in done.stderr
    assert "%WER 0.00 [ 0 / 14, 0 ins, 0 del, 0 sub ]" in done.stderr
    assert data.text_of("kaldi") == dict.fromkeys(data.utts, "samples 1000")
    assert (tmp_path / "wer").read_text().splitlines()[2].startswith("%WER 0.00 [ 0 / 14, ")
    failed = subprocess.run([*command, "--table", tmp_path / "none"], capture_output=True, text=True)
    assert (failed.returncode, "Traceback" in failed.stderr) == (1, False)
    assert failed.stderr.splitlines()[-1].startswith("error")


def test_an_engine_that_recognises_nothing_and_references_without_words(make_data, tmp_path):
    data = make_data({"s1-a": (np.zeros(1000), ""), "s1-b": (np.zeros(1000), "")})
    table = tmp_path / "table"
    table.write_text("s1-a\ns1-b\n")
    command = [sys.executable, "-m", "mscnn.bin.transcribe", "--data", data.path, "--engine", "file", "--out", tmp_path]
    done = subprocess.run([*command, "--table", table, "--name", "kaldi"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "%WER n/a [ 0 / 0, 0 ins, 0 del, 0 sub ]" in done.stderr
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert len(warnings) == 2 and f"{data.path}/text.kaldi" in warnings[0] and f"{data.path}/text " in warnings[1]


def test_a_language_that_the_engine_lacks_is_refused_before_any_work(tmp_path, monkeypatch):
    table = tmp_path / "table"
    table.write_text("a x\n")
    words = ["--data", "/nowhere", "--table", str(table), "--language", "de", "--out", str(tmp_path / "out")]
    words += ["--engine", "file", "pocketsphinx"]
    monkeypatch.setattr(sys, "argv", ["transcribe", *words])
    with fails("language-unknown", "de"):
        main()
    assert not (tmp_path / "out").exists()
