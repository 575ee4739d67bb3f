"""X-vectors by Kaldi's compiled programs, called as in ``extract_xvectors.sh`` but without Kaldi's scripts."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.audio.pcm import pcm16, wav_bytes
from mscnn.data.audio import AudioReader
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.features.archive import write_archive
from mscnn.xvector.job import TOO_SHORT, XvectorJob
from mscnn.xvector.vectors import require_finite

if TYPE_CHECKING:
    import numpy as np

    from mscnn.xvector.modeldir import KaldiModel, XvectorModel

# program -> its folder in KALDI_ROOT/src
PROGRAMS = {
    "compute-mfcc-feats": "featbin",
    "apply-cmvn-sliding": "featbin",
    "compute-vad": "ivectorbin",
    "select-voiced-frames": "ivectorbin",
    "nnet3-copy": "nnet3bin",
    "nnet3-xvector-compute": "nnet3bin",
}
FIX = "compile Kaldi and set KALDI_ROOT to it, or use --backend native, which does not need Kaldi"
TAIL_LINES = 8  # last messages shown of a failed program
PR_SET_PDEATHSIG = 1  # of prctl(2)


def programs() -> dict[str, Path]:
    """Available programs, below KALDI_ROOT or else on PATH: name -> absolute path."""
    root, paths = os.environ.get("KALDI_ROOT"), {}
    for name, folder in PROGRAMS.items():
        path = shutil.which(Path(root, "src", folder, name)) if root else None
        if path := path or shutil.which(name):
            paths[name] = Path(path).absolute()
    return paths


def missing() -> list[str]:
    """Names of the programs that are not available."""
    available = programs()
    return [name for name in PROGRAMS if name not in available]


def version() -> str:
    """Kaldi's version from the messages of its programs (``5.5.1074~1-71f38``), or ``unknown``."""
    with suppress(KeyError, OSError, subprocess.TimeoutExpired):
        command = [str(programs()["compute-vad"]), "ark:-", "ark:-"]  # empty input; it prints a message
        messages = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10).stderr
        if match := re.search(r"\[(\d[^\]]*)\]", messages.decode(errors="replace")):
            return match[1]
    return "unknown"


def identity() -> str:
    """Version and location of Kaldi's programs."""
    return f"{version()} {programs()['nnet3-xvector-compute']}"


def write_vectors(job: XvectorJob, model: XvectorModel) -> None:
    """Write the job's archive and its list of utterances without a voiced frame; print the programs' messages.

    Samples are rounded to 16 bits; there is no dither.

    Raises:
        UserError: programs are missing, one failed, or one dropped utterances with voiced frames.
        DataErrors: recordings that cannot be used; lists all of the job's.
    """
    import numpy as np

    from mscnn.xvector.modeldir import KaldiModel

    assert isinstance(model, KaldiModel), model.path  # choose_backend gives Kaldi no other
    if names := missing():
        raise UserError(f"Kaldi: missing: {', '.join(names)}; {FIX}", code="kaldi-missing")
    with _work_folder(job, model) as work:
        reader = AudioReader(model.frontend.rate, convert=job.convert)
        vad = _voice_activity(job, model, work, reader)
        unvoiced = [utt for utt, voiced in vad.items() if not voiced.any()]
        vectors = _embed(job, model, work, {u: v for u, v in vad.items() if v.any() or job.unvoiced != "drop"})
    if job.unvoiced == "zero" and unvoiced:
        size = len(next(iter(vectors.values()))) if vectors else model.network().dim
        vectors |= dict.fromkeys(unvoiced, np.zeros(size, np.float32))
    require_finite(vectors, model.path)
    write_archive(job.stem, ((utt, vectors[utt]) for utt in vad if utt in vectors))
    job.write_lists(unvoiced, reader.notices)


@contextmanager
def _work_folder(job: XvectorJob, model: KaldiModel) -> Iterator[Path]:
    """Working folder of the programs, with links to the model: specifiers then need no quoting of paths."""
    out, prefix = job.out.resolve(), f".kaldi.{job.number}."
    out.mkdir(parents=True, exist_ok=True)
    for leftover in out.glob(f"{prefix}*"):  # of a killed job
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=out, ignore_cleanup_errors=True) as name:
        work = Path(name)
        for path in model.files:
            (work / path.name).symlink_to(path.absolute())
        yield work


def _voice_activity(job: XvectorJob, model: KaldiModel, work: Path, reader: AudioReader) -> dict[str, np.ndarray]:
    """Voiced frames (T,), 1 or 0, of each utterance (T = 0 for less than a frame); writes ``mfcc.{ark,scp}``."""
    import numpy as np

    mfcc = ["compute-mfcc-feats", "--config=mfcc.conf", "--dither=0", "ark:-", "ark,scp:mfcc.ark,mfcc.scp"]
    _run(work, mfcc, feed=_waves(job, model.frontend.rate, reader))
    frames = {utt: len(matrix) for utt, matrix in _read(work / "mfcc.ark")}
    _refuse_dropped(work, "compute-mfcc-feats", [audio.utt for audio in job.utterances], frames)
    # the exit status is 1 where no utterance has a voiced frame
    _run(work, ["compute-vad", "--config=vad.conf", "scp:mfcc.scp", "ark:vad.ark"], accepted=(0, 1))
    vad = dict(_read(work / "vad.ark"))
    _refuse_dropped(work, "compute-vad", [utt for utt, n in frames.items() if n], vad)
    too_short = [audio for audio in job.utterances if not frames[audio.utt]]
    if too_short and job.unvoiced == "all-frames":
        issues = [Issue("utterance-too-short", f"{audio.utt}: {audio.wav}: {TOO_SHORT}") for audio in too_short]
        raise DataErrors(f"{len(issues)} utterances cannot be used:", issues, code="utterances-unusable")
    return {utt: vad.get(utt, np.zeros(0, np.float32)) for utt in frames}


def _waves(job: XvectorJob, rate: int, opened: AudioReader) -> Iterator[bytes]:
    """Items of a Kaldi archive of waves; errors of files that cannot be used are raised together at the end."""
    with opened as reader:
        for audio in job.utterances:
            loaded = reader.load(audio)
            if loaded is not None:
                yield f"{audio.utt} ".encode() + wav_bytes(pcm16(loaded[0]), rate)


def _embed(job: XvectorJob, model: KaldiModel, work: Path, vad: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """X-vectors (X,) of the utterances in ``vad`` that have frames, of all frames where none is voiced."""
    import kaldiio
    import numpy as np

    from mscnn.xvector.frontend import CMN_WINDOW

    used = {utt: voiced if voiced.any() else np.ones_like(voiced) for utt, voiced in vad.items() if len(voiced)}
    if not used:
        return {}
    kaldiio.save_ark(str(work / "voiced.ark"), used)
    lines = (work / "mfcc.scp").read_text(encoding="utf-8").splitlines(keepends=True)
    (work / "used.scp").write_text("".join(x for x in lines if x.split()[0] in used), encoding="utf-8")
    config = ["--nnet-config=extract.config"] if model.extract_config else []
    _run(work, ["nnet3-copy", *config, "final.raw", "extract.raw"])
    cmn = ["--norm-vars=false", "--center=true", f"--cmn-window={CMN_WINDOW}"]
    sizes = [f"--min-chunk-size={model.min_chunk}", f"--chunk-size={job.chunk_size}"]
    _run(
        work,
        ["apply-cmvn-sliding", *cmn, "scp:used.scp", "ark:-"],
        ["select-voiced-frames", "ark:-", "ark:voiced.ark", "ark:-"],
        ["nnet3-xvector-compute", "--use-gpu=no", *sizes, "extract.raw", "ark:-", "ark:xvector.ark"],
    )
    vectors = dict(_read(work / "xvector.ark"))
    _refuse_dropped(work, "nnet3-xvector-compute", used, vectors)
    return vectors


def _run(work: Path, *commands: list[str], feed: Iterable[bytes] = (), accepted: Collection[int] = (0,)) -> None:
    """Run programs as one pipe with the input ``feed``; print their messages, also kept in ``work/<program>.log``.

    Raises:
        UserError: a program failed; of several, the first that did not end because its reader had ended.
    """
    paths = programs()
    running: list[subprocess.Popen[bytes]] = []
    try:
        for name, *arguments in commands:
            last = len(running) + 1 == len(commands)
            running.append(_start(work, name, [str(paths[name]), *arguments], running[-1] if running else None, last))
        if pipe := running[0].stdin:
            with suppress(BrokenPipeError), pipe:
                pipe.writelines(feed)
        statuses = [program.wait() for program in running]
    except OSError as error:
        raise UserError(f"Kaldi: {error}; {FIX}", code="kaldi-failed") from None
    finally:
        for program in running:
            program.kill()
            program.wait()
    for name, *_ in commands:
        print(f"# {paths[name]}", *_messages(work, name), sep="\n", flush=True)
    failed = [(s == -signal.SIGPIPE, i) for i, s in enumerate(statuses) if s not in accepted]
    if failed:
        name, status = commands[min(failed)[1]][0], statuses[min(failed)[1]]
        messages = "\n    ".join(_messages(work, name)).partition("[ Stack-Trace: ]")[0].rstrip().splitlines()
        raise UserError(
            f"Kaldi: {paths[name]} failed (exit status {status}); fix the error below, or use --backend native\n"
            + "\n".join(messages[-TAIL_LINES:]),
            code="kaldi-failed",
        )


def _start(
    work: Path, name: str, command: list[str], before: subprocess.Popen[bytes] | None, last: bool
) -> subprocess.Popen[bytes]:
    """Start a program of a pipe, after the program ``before``; its messages are written to ``work/<name>.log``."""
    source = before.stdout if before else None
    with open(work / f"{name}.log", "wb") as messages:
        program = subprocess.Popen(
            command,
            cwd=work,
            stdin=source or subprocess.PIPE,
            stdout=subprocess.DEVNULL if last else subprocess.PIPE,
            stderr=messages,
            preexec_fn=_die_with_parent(),
        )
    if source:
        source.close()  # so that the writer is notified when the reader ends
    return program


def _die_with_parent() -> Callable[[], object] | None:
    """A function for a program to call at its start, so that the kernel kills it when the job ends; Linux only.

    The C library is loaded before the fork.
    """
    return partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGKILL) if sys.platform == "linux" else None


def _messages(work: Path, name: str) -> list[str]:
    path = work / f"{name}.log"
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def _read(archive: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Items of an archive; none where it is missing."""
    import kaldiio

    return kaldiio.load_ark(str(archive)) if archive.exists() else iter(())


def _refuse_dropped(work: Path, name: str, expected: Collection[str], present: Collection[str]) -> None:
    """Raise UserError where utterances are missing, with Kaldi's messages on the first; Kaldi itself only warns."""
    if dropped := [utt for utt in expected if utt not in present]:
        messages = [line for program in PROGRAMS for line in _messages(work, program) if dropped[0] in line.split()]
        raise UserError(
            f"Kaldi: {len(dropped)} of {len(expected)} utterances are missing after {name}, the first is {dropped[0]}; "
            "try --backend native; messages of Kaldi:\n    "
            + "\n    ".join(messages or _messages(work, name)[-TAIL_LINES:]),
            code="kaldi-dropped",
        )
