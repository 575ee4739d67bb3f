"""Stage 2: x-vectors of a data directory, by Kaldi's programs or without them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import yaml

from mscnn import __version__
from mscnn.data.audio import UtteranceAudio
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.features.archive_jobs import join_tables, run_stale, write_notices
from mscnn.files import atomic, digest, file_digest, read_table, write_table
from mscnn.log import get_logger
from mscnn.stamp import SEAL, seal
from mscnn.xvector import kaldi, native
from mscnn.xvector.job import XvectorJob
from mscnn.xvector.modeldir import KaldiModel, XvectorModel

UNVOICED_RESULT = {"all-frames": "computed from all frames", "zero": "zero vectors", "drop": "excluded"}
JOB_SIZE = 10_000  # utterances of a job at most
RATE = 16000  # Hz, of recordings that are not converted
BACKENDS: Mapping[str, Callable[[XvectorJob, XvectorModel], None]] = {
    "native": native.write_vectors,
    "kaldi": kaldi.write_vectors,
}
log = get_logger(__name__)


def extract(
    data: DataDir,
    model: XvectorModel,
    out: str | os.PathLike,
    *,
    backend: str,
    unvoiced: str,
    chunk_size: int,
    convert: bool,
    device: str,
    nj: int,
) -> tuple[int, int]:
    """Write ``xvector.scp``, its archives, ``unvoiced.txt`` and, last, ``xvector.yaml`` under ``out``.

    Existing archives made from the same files, options and code are kept. The vectors do not depend on ``nj``.

    Args:
        backend: kaldi, native, or auto: kaldi where its programs are available.
        unvoiced: treatment of utterances without a voiced frame, which Kaldi drops silently: all-frames (as if every
            frame were voiced), zero (a zero vector) or drop.
        chunk_size: maximum number of frames per chunk; the vector of a longer utterance is the mean over chunks,
            weighted by length. 0: the model's ``max_chunk_size``.
        device: cpu, cuda or auto, of the native backend.

    Returns:
        number of vectors, and number of utterances without a voiced frame.

    Raises:
        UserError: an utterance cannot be used, the model is damaged, or a program failed.
    """
    out = Path(out)
    backend = choose_backend(backend, model)
    program = kaldi.identity() if backend == "kaldi" else ""
    chunk_size = model.chunk(chunk_size)
    convert = convert or model.rate != RATE  # recordings need not have the rate of the network
    jobs = [
        XvectorJob(number, share, convert, out, model.path, backend, program, unvoiced, chunk_size, device)
        for number, share in enumerate(_shares(UtteranceAudio.of(data), nj), 1)
    ]
    # removed first, so that a killed process leaves no table of archives of two models
    finished = [out / "xvector.yaml", out / "xvector.scp"]
    try:
        run_stale(jobs, write_vectors, finished, nj=nj, what=f"x-vectors, backend {backend}")
    except UserError:
        if backend == "native":
            model.network()  # reports a damaged model once, not once per job
        raise
    return _collect(jobs, data, model, out)


def _shares(utterances: Sequence[UtteranceAudio], nj: int) -> Iterator[tuple[UtteranceAudio, ...]]:
    """Consecutive utterances for each job, in whole groups: one job per process, more where there are very many."""
    groups = -(-len(utterances) // native.GROUP_SIZE)
    size = native.GROUP_SIZE * min(-(-groups // max(nj, 1)), JOB_SIZE // native.GROUP_SIZE)
    for i in range(0, len(utterances), size):
        yield tuple(utterances[i : i + size])


def choose_backend(name: str, model: XvectorModel) -> str:
    """Name of the backend, ``kaldi`` or ``native``, for a model; auto: Kaldi where it is available and has the network.

    Raises:
        UserError: the backend kaldi is selected, and some of its programs are missing or the network is not Kaldi's.
    """
    if not isinstance(model, KaldiModel):
        if name == "kaldi":
            raise UserError(
                f"--backend kaldi: {model.path} is not a Kaldi network; use --backend native", code="kaldi-network"
            )
        return "native"
    missing = kaldi.missing()
    if name == "kaldi" and missing:
        raise UserError(
            f"--backend kaldi: missing: {', '.join(missing)}; set KALDI_ROOT to a compiled Kaldi, or use --backend "
            "native, which computes the same vectors without Kaldi",
            code="kaldi-missing",
        )
    return name if name != "auto" else "native" if missing else "kaldi"


def write_vectors(job: XvectorJob) -> str:
    """Write the outputs of a job with its backend; returns the number of vectors."""
    BACKENDS[job.backend](job, XvectorModel.load(job.model))
    return f"{len(read_table(f'{job.stem}.scp'))} vectors of {len(job.utterances)} utterances"


def _collect(jobs: Sequence[XvectorJob], data: DataDir, model: XvectorModel, out: Path) -> tuple[int, int]:
    """Join the outputs of the jobs, write ``xvector.yaml`` last; returns as :func:`extract`."""
    unvoiced = [utt for job in jobs for utt in job.unvoiced_list.read_text(encoding="utf-8").split()]
    dropped = set(unvoiced) if jobs[0].unvoiced == "drop" else set()
    entries = join_tables(jobs, set(data.utts) - dropped)
    if not entries:
        raise UserError(
            f"{out}: no utterance has a voiced frame, so that --unvoiced drop excludes all; check the recordings",
            code="no-voiced-frame",
        )
    for leftover in out.glob(".kaldi.*"):  # of killed jobs
        shutil.rmtree(leftover, ignore_errors=True)
    write_table(out / "xvector.scp", entries)
    lines = [line.split("\t") for job in jobs for line in job.notices_list.read_text(encoding="utf-8").splitlines()]
    write_notices({utt: found.split("; ") if found else [] for utt, found in lines}, out / "notices.tsv")
    with atomic(out / "unvoiced.txt") as file:
        file.writelines(f"{utt}\n" for utt in unvoiced)
    if unvoiced:
        share, result = f"{len(unvoiced)} of {len(data.utts)}", UNVOICED_RESULT[jobs[0].unvoiced]
        message = "%s utterances have no voiced frame, the first is %s: %s; all in %s/unvoiced.txt"
        log.warning(message, share, unvoiced[0], result, out)
    with atomic(out / "xvector.yaml") as file:
        yaml.safe_dump(_facts(jobs[0], model), file, sort_keys=False)
    tables = [out / name for name in ("xvector.yaml", "xvector.scp", "unvoiced.txt")]
    seal(out / SEAL, [*tables, *(Path(f"{job.stem}.ark") for job in jobs)])
    return len(entries), len(unvoiced)


def _facts(job: XvectorJob, model: XvectorModel) -> dict[str, object]:
    """Content of ``xvector.yaml``."""
    program = {"kaldi": job.program} if job.program else {model.libraries[0]: version(model.libraries[0])}
    return {
        "name": model.path.name,
        "model": str(model.path),
        "model_digest": digest([file_digest(path) for path in model.files]),
        "backend": job.backend,
        "chunk_size": job.chunk_size,
        "unvoiced": job.unvoiced,
        "made_by": {"mscnn": __version__, **program},
    }
