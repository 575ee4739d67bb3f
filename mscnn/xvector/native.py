"""X-vectors without Kaldi, by PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mscnn.data.audio import AudioReader, UtteranceAudio
from mscnn.device import choose_device
from mscnn.features.archive import write_archive
from mscnn.xvector.job import TOO_SHORT, XvectorJob
from mscnn.xvector.modeldir import KaldiModel, XvectorModel
from mscnn.xvector.vectors import require_finite

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from mscnn.xvector.network import Network

GROUP_SIZE = 32  # utterances; jobs have whole groups, so that batches do not depend on the number of jobs
BATCH_FRAMES = {"cpu": 1500, "cuda": 100_000}  # frames per batch, unless a chunk has more


def write_vectors(job: XvectorJob, model: XvectorModel) -> None:
    """Write the archive of a job and its list of utterances without a voiced frame.

    Raises:
        UserError: the model is damaged, or the device is not available.
        DataErrors: recordings that cannot be used; lists all of the job's.
    """
    unvoiced: list[str] = []
    network = model.network().to(choose_device(job.device))
    with AudioReader(model.rate, convert=job.convert) as reader:
        write_archive(job.stem, _vectors(job, model, network, reader, unvoiced))
    job.write_lists(unvoiced, reader.notices)


def _vectors(
    job: XvectorJob, model: XvectorModel, network: nn.Module, reader: AudioReader, unvoiced: list[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Vectors (X,) of the utterances; fills ``unvoiced``. After an unusable file the others are only checked."""
    batch = BATCH_FRAMES[next(network.parameters()).device.type]
    for i in range(0, len(job.utterances), GROUP_SIZE):
        frames = _voiced_frames(job, model, reader, job.utterances[i : i + GROUP_SIZE], unvoiced)
        if not reader.issues:
            vectors = model.embed(network, frames, job.chunk_size, batch)
            require_finite(vectors, model.path)
            yield from vectors.items()
    reader.require_none()


def _voiced_frames(
    job: XvectorJob,
    model: XvectorModel,
    reader: AudioReader,
    utterances: Sequence[UtteranceAudio],
    unvoiced: list[str],
) -> dict[str, np.ndarray]:
    """Input of the network of each utterance; ``job.unvoiced`` determines those without a voiced frame."""
    frames: dict[str, np.ndarray] = {}
    for audio in utterances:
        loaded = reader.load(audio)
        if loaded is None:
            continue
        selected, voiced, total = model.select(loaded[0], job.unvoiced == "all-frames")
        if not voiced:
            unvoiced.append(audio.utt)
            if job.unvoiced == "all-frames" and not total:
                reader.refuse(audio, "utterance-too-short", f"{audio.wav}: {TOO_SHORT}")
            if job.unvoiced == "drop":
                continue
        frames[audio.utt] = selected
    return frames


def select_frames(model: KaldiModel, samples: np.ndarray, all_frames: bool) -> tuple[np.ndarray, bool, int]:
    """Input frames (T, C) of an utterance for the network, from samples (n,) at the rate of the model.

    Returns:
        the voiced frames; where there are none: all frames with ``all_frames``, else none; whether some are voiced; and
        the number of all frames.
    """
    import numpy as np

    from mscnn.xvector.frontend import sliding_cmn

    mfcc = model.frontend.mfcc(samples)
    voiced = model.frontend.vad(mfcc) if len(mfcc) else np.zeros(0, bool)
    found = bool(voiced.any())
    return sliding_cmn(mfcc)[voiced if found else np.full(len(mfcc), all_frames)], found, len(mfcc)


def embed(
    network: Network, frames: Mapping[str, np.ndarray], chunk_size: int, min_chunk: int, batch: int
) -> dict[str, np.ndarray]:
    """X-vectors of several utterances, computed in batches.

    As ``nnet3-xvector-compute``: an utterance is divided into chunks of ``chunk_size`` frames, and a shorter last one;
    a chunk below ``min_chunk`` is padded with its first and last frame; the vector is the mean over chunks, weighted by
    their lengths before padding. An utterance without frames has a zero vector.

    Args:
        network: on the device of the computation.
        frames: utterance -> (T, C) float32.
        batch: frames per batch, unless a chunk has more.

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
        group, chunks = chunks[:size], chunks[size:]
        padded = [pad(x, min_chunk) for _, x in group]
        flat = torch.from_numpy(np.concatenate(padded)).to(device)
        with torch.inference_mode():
            embedded = network(flat, [len(x) for x in padded]).cpu().numpy()
        for (utt, x), vector in zip(group, embedded, strict=True):
            vectors[utt] += vector * np.float32(len(x) / len(frames[utt]))
    return vectors


def pad(frames: np.ndarray, min_frames: int) -> np.ndarray:
    """Frames padded to ``min_frames`` with the first and last frame, equally on both sides, an odd one at the end."""
    import numpy as np

    count = max(min_frames - len(frames), 0)
    return np.pad(frames, ((count // 2, count - count // 2), (0, 0)), mode="edge")
