"""Stage 2: an x-vector for every utterance of a data directory, with Kaldi's programs or without."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mscnn import __version__
from mscnn.audio.read import load_audio
from mscnn.data.datadir import DataDir
from mscnn.device import choose_device
from mscnn.errors import DataErrors, UserError
from mscnn.features.archive import write_archive
from mscnn.features.extract import MAX_FAULTS, Source
from mscnn.files import atomic, digest, file_digest, read_table, write_table
from mscnn.jobs import run_jobs
from mscnn.log import get_logger
from mscnn.stamp import Stamp
from mscnn.xvector import kaldi
from mscnn.xvector.modeldir import XvectorModel
from mscnn.xvector.vectors import require_finite

if TYPE_CHECKING:
    import numpy as np

    from mscnn.xvector.network import Network

UNVOICED = ("all-frames", "zero", "drop")
GROUP = 32  # utterances; jobs take whole groups, so that what is computed together does not depend on their number
BATCH = {"cpu": 1500, "cuda": 100_000}  # frames computed together, unless a chunk has more
CODE = (
    "mscnn.audio.pcm",
    "mscnn.audio.read",
    "mscnn.features.dsp",
    "mscnn.xvector.nnet3",
    "mscnn.xvector.network",
    "mscnn.xvector.frontend",
    "mscnn.xvector.modeldir",
    "mscnn.xvector.extract",
    "mscnn.xvector.kaldi",
)
log = get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """One archive, ``out/xvector.<number>.{ark,scp}``, from a run of the sorted utterances.

    ``unvoiced`` is what becomes of utterances without a voiced frame; ``chunk_size`` is in frames.
    """

    number: int
    sources: tuple[Source, ...]
    model: Path
    backend: str
    unvoiced: str
    chunk_size: int
    convert: bool
    device: str
    out: Path

    @property
    def stem(self) -> Path:
        """Path of the job's archive without its ending."""
        return self.out / f"xvector.{self.number}"

    @property
    def unvoiced_list(self) -> Path:
        """The utterances without a voiced frame, one a line."""
        return self.out / "log" / f"unvoiced.{self.number}.txt"

    def write_unvoiced(self, utts: list[str]) -> None:
        """List the utterances without a voiced frame."""
        with atomic(self.unvoiced_list) as out:
            out.writelines(f"{utt}\n" for utt in utts)

    @property
    def stamp(self) -> Stamp:
        """Fingerprint of files, options and code."""
        options = {
            "sources": [source.seen for source in self.sources],
            "options": (self.backend, self.unvoiced, self.chunk_size, self.convert, self.device),
            "libraries": {name: version(name) for name in ("kaldi-native-fbank", "numpy", "torch")},
            "kaldi": kaldi.identity() if self.backend == "kaldi" else None,
        }
        return Stamp(
            self.out / "log" / f"xvector.{self.number}.stamp",
            inputs=XvectorModel.load(self.model).files,
            options=options,
            code=CODE,
        )


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

    Archives that are already there, made from the same files, options and code, are kept. The vectors are the same for
    any ``nj``.

    Args:
        backend: kaldi, native, or auto: kaldi where its programs are found.
        unvoiced: what becomes of utterances without a voiced frame, which Kaldi drops silently: all-frames (computed
            as if every frame were voiced), zero (a zero vector) or drop.
        chunk_size: frames computed at once; longer utterances are the mean over chunks, weighted by length. 0: the
            model's ``max_chunk_size``.
        device: cpu, cuda or auto, of the native backend.

    Returns:
        number of vectors, and number of utterances without a voiced frame.

    Raises:
        UserError: an utterance cannot be used, the model is damaged, a program failed.
    """
    out = Path(out)
    backend = choose_backend(backend)
    chunk_size = chunk_size or model.max_chunk
    if chunk_size < model.min_chunk:
        raise UserError(f"--chunk-size {chunk_size}: the model's smallest is {model.min_chunk} frames")
    groups = [Source.of(data)[i : i + GROUP] for i in range(0, len(data.utts), GROUP)]
    share = -(-len(groups) // max(nj, 1))
    jobs = [
        Job(number, tuple(s for group in groups[i : i + share] for s in group), model.path, backend, unvoiced,
            chunk_size, convert, device, out)
        for number, i in enumerate(range(0, len(groups), share), 1)
    ]  # fmt: skip
    if not all(job.stamp.fresh() for job in jobs):
        for name in ("xvector.yaml", "xvector.scp"):  # whoever is killed must not leave a table into mixed archives
            (out / name).unlink(missing_ok=True)
        log.info("%d utterances, backend %s, logs: %s/log/xvector.*.log", len(data.utts), backend, out)
        try:
            run_jobs(run_job, [(job,) for job in jobs], nj=nj, log_dir=out / "log", step="xvector")
        except UserError:
            if backend == "native":
                model.network()  # of a damaged model, the one cause of all failures
            raise
    else:
        log.info("%d archives at hand, made from the same files, options and code", len(jobs))
    return _collect(jobs, data, model, out)


def choose_backend(name: str) -> str:
    """``kaldi`` or ``native``.

    Raises:
        UserError: Kaldi is wanted, and programs of it are not found.
    """
    missing = kaldi.missing()
    if name == "kaldi" and missing:
        raise UserError(
            f"--backend kaldi: not found: {', '.join(missing)}; set KALDI_ROOT to a compiled Kaldi, or take --backend "
            "native, which gives the same vectors without it"
        )
    return name if name != "auto" else "native" if missing else "kaldi"


def run_job(job: Job) -> None:
    """Body of one process: write the job's archive and, last, its stamp; nothing where they are at hand."""
    if job.stamp.fresh():
        print(f"{job.stem}.ark: at hand")
        return
    BACKENDS[job.backend](job, XvectorModel.load(job.model))
    job.stamp.write([f"{job.stem}.ark", f"{job.stem}.scp", job.unvoiced_list])
    print(f"{job.stem}.ark: {len(read_table(f'{job.stem}.scp'))} vectors of {len(job.sources)} utterances")


def run_native(job: Job, model: XvectorModel) -> None:
    """The same vectors without Kaldi."""
    unvoiced: list[str] = []
    network = model.network().to(choose_device(job.device))
    write_archive(job.stem, _vectors(job, model, network, unvoiced))
    job.write_unvoiced(unvoiced)


def _vectors(job: Job, model: XvectorModel, network: Network, unvoiced: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Vectors of the job's utterances; fills ``unvoiced``. Faults are collected first, raised last."""
    import numpy as np

    from mscnn.xvector.frontend import sliding_cmn

    faults: list[str] = []
    batch = BATCH[next(network.parameters()).device.type]
    for i in range(0, len(job.sources), GROUP):
        frames: dict[str, np.ndarray] = {}
        for source in job.sources[i : i + GROUP]:
            try:
                samples, _ = load_audio(
                    source.wav, model.frontend.rate, job.convert, start=source.start, end=source.end
                )
            except UserError as error:
                faults.append(f"{source.utt}: {error}")
                continue
            mfcc = model.frontend.mfcc(samples)
            voiced = model.frontend.vad(mfcc) if len(mfcc) else np.zeros(0, bool)
            if not voiced.any():
                unvoiced.append(source.utt)
                if job.unvoiced == "all-frames" and not len(mfcc):
                    faults.append(
                        f"{source.utt}: {source.wav}: shorter than a frame; --unvoiced zero or drop passes on"
                    )
                if job.unvoiced == "drop":
                    continue
                voiced = np.full(len(mfcc), job.unvoiced == "all-frames")
            frames[source.utt] = sliding_cmn(mfcc)[voiced]
        if not faults:
            vectors = embed(network, frames, job.chunk_size, model.min_chunk, batch)
            require_finite(vectors, model.path)
            yield from vectors.items()
    if faults:
        raise DataErrors(f"{len(faults)} utterances cannot be used:", faults, MAX_FAULTS)


def embed(
    network: Network, frames: Mapping[str, np.ndarray], chunk_size: int, min_chunk: int, batch: int
) -> dict[str, np.ndarray]:
    """X-vectors, several utterances at once.

    As ``nnet3-xvector-compute``: an utterance is cut into chunks of ``chunk_size`` frames, the last one what is left;
    a chunk below ``min_chunk`` repeats its first and last frame; the vector is the mean over chunks, weighted by their
    lengths before that. An utterance without frames gets a zero vector.

    Args:
        network: on the device to compute on.
        frames: utterance -> (T, C) float32.
        batch: frames to compute together, unless a chunk has more.

    Returns:
        utterance -> (X,) float32, in the order of ``frames``.
    """
    import numpy as np
    import torch

    chunks = [(utt, x[i : i + chunk_size]) for utt, x in frames.items() for i in range(0, len(x), chunk_size)]
    vectors = {utt: np.zeros(network.dim, np.float32) for utt in frames}
    device = next(network.parameters()).device
    while chunks:
        size = 1
        while size < len(chunks) and sum(len(x) for _, x in chunks[: size + 1]) <= batch:
            size += 1
        part, chunks = chunks[:size], chunks[size:]
        padded = [pad(x, min_chunk) for _, x in part]
        flat = torch.from_numpy(np.concatenate(padded)).to(device)
        with torch.inference_mode():
            embedded = network(flat, [len(x) for x in padded]).cpu().numpy()
        for (utt, x), vector in zip(part, embedded, strict=True):
            vectors[utt] += vector * np.float32(len(x) / len(frames[utt]))
    return vectors


def pad(frames: np.ndarray, least: int) -> np.ndarray:
    """Repeat the first and the last frame until there are ``least``, on both sides alike, an odd one at the end."""
    import numpy as np

    lacking = max(least - len(frames), 0)
    return np.pad(frames, ((lacking // 2, lacking - lacking // 2), (0, 0)), mode="edge")


BACKENDS: Mapping[str, Callable[[Job, XvectorModel], None]] = {"native": run_native, "kaldi": kaldi.run_job}


def _collect(jobs: list[Job], data: DataDir, model: XvectorModel, out: Path) -> tuple[int, int]:
    """Join what the jobs wrote, check that keys out = keys in, write ``xvector.yaml`` last."""
    entries: dict[str, str] = {}
    unvoiced: list[str] = []
    for job in jobs:
        entries |= read_table(f"{job.stem}.scp")
        unvoiced += job.unvoiced_list.read_text(encoding="utf-8").split()
    expected = set(data.utts) - (set(unvoiced) if jobs[0].unvoiced == "drop" else set())
    if entries.keys() != expected:
        odd = sorted(entries.keys() ^ expected)
        raise UserError(
            f"{out}: {len(odd)} utterances differ between data and x-vectors, as {odd[0]}; remove {out}, run again"
        )
    if not entries:
        raise UserError(
            f"{out}: no utterance has a voiced frame, and --unvoiced drop leaves none; look at the recordings"
        )
    _remove_surplus(out, len(jobs))
    write_table(out / "xvector.scp", entries)
    with atomic(out / "unvoiced.txt") as file:
        file.writelines(f"{utt}\n" for utt in unvoiced)
    if unvoiced:
        done = {"all-frames": "computed from all frames", "zero": "zero vectors", "drop": "left out"}[jobs[0].unvoiced]
        log.warning(
            "%d of %d utterances have no voiced frame, the first is %s: %s; all in %s/unvoiced.txt",
            len(unvoiced),
            len(data.utts),
            unvoiced[0],
            done,
            out,
        )
    with atomic(out / "xvector.yaml") as file:
        facts = {
            "name": model.path.name,
            "model": str(model.path),
            "model_digest": digest([file_digest(path) for path in model.files]),
            "backend": jobs[0].backend,
            "chunk_size": jobs[0].chunk_size,
            "unvoiced": jobs[0].unvoiced,
            "made_by": {"mscnn": __version__, "kaldi-native-fbank": version("kaldi-native-fbank")}
            if jobs[0].backend == "native"
            else {"mscnn": __version__, "kaldi": kaldi.identity()},
        }
        yaml.safe_dump(facts, file, sort_keys=False)
    return len(entries), len(unvoiced)


def _remove_surplus(out: Path, jobs: int) -> None:
    """Remove archives of an earlier run with more jobs, and what killed processes left."""
    for path in out.glob(".*.tmp"):
        path.unlink()
    for path in out.glob(".kaldi.*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in [*out.glob("xvector.*.*"), *(out / "log").glob("xvector.*.stamp")]:
        number = path.name.split(".")[1]
        if number.isdigit() and int(number) > jobs:
            path.unlink()
