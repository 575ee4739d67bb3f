"""Training of an x-vector network: classification of the speakers of chunks of voiced frames.

As egs/voxceleb/v2 of Kaldi, with these differences: Adam instead of natural-gradient SGD with momentum (both scale each
direction by its curvature; the range of learning rates is that of the recipe), clipping of the gradient norm instead of
``max-change``, one process instead of parameter averaging, and no augmentation with noise or reverberation, for which
the data directory must have augmented copies.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn import log
from mscnn.data.audio import AudioReader, UtteranceAudio
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.stamp import Stamp
from mscnn.xvector import nnet3, tdnn
from mscnn.xvector.frontend import Frontend, sliding_cmn
from mscnn.xvector.tdnn import Tdnn

# code that a model depends on
CODE = (
    "mscnn.audio.pcm",
    "mscnn.audio.read",
    "mscnn.audio.video",
    "mscnn.features.dsp",
    "mscnn.xvector.frontend",
    "mscnn.xvector.nnet3",
    "mscnn.xvector.tdnn",
    "mscnn.xvector.train",
)
MAX_HELD_OUT = 1000  # utterances, at most one per speaker
MAX_GRAD_NORM = 2.0
CONF_FILES = ("mfcc.conf", "vad.conf")
LIBRARIES = ("kaldi-native-fbank", "numpy", "torch")
logger = log.get_logger("train_xvector")


@dataclass(frozen=True)
class TrainingOptions:
    """Options of training; the defaults are those of egs/voxceleb/v2.

    Attributes:
        widths, embedding: dimensions of tdnn1 to tdnn5, and of tdnn6 and tdnn7.
        chunk: minimum and maximum length of a chunk in voiced frames.
        min_frames: minimum number of voiced frames per utterance, at least the longest chunk.
        min_utts: minimum number of utterances per speaker, 2 or more.
        epochs: number of epochs; the chunks of an epoch have as many frames as the data.
        batch: chunks per minibatch.
        lr: learning rate of the first and of the last step; it decays exponentially.
    """

    widths: Sequence[int] = tdnn.WIDTHS
    embedding: int = tdnn.EMBEDDING
    chunk: tuple[int, int] = (200, 400)
    min_frames: int = 400
    min_utts: int = 8
    epochs: int = 3
    batch: int = 64
    lr: tuple[float, float] = (1e-3, 1e-4)
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = self.chunk
        if not tdnn.CONTEXT <= low <= high <= self.min_frames:
            raise UserError(
                f"chunks of {low} to {high} frames from utterances of {self.min_frames} or more: expected "
                f"{tdnn.CONTEXT} <= shortest <= longest <= --min-frames, so that every utterance contains any chunk",
                code="option-value",
            )
        if self.min_utts < 2 or self.batch < 2:
            raise UserError(
                "--min-utts and --batch must be at least 2: one utterance per speaker is held out", code="option-value"
            )
        if not all(0 < rate < math.inf for rate in self.lr):
            raise UserError(
                f"--lr {self.lr[0]:g} {self.lr[1]:g}: expected two finite numbers above 0, as 1e-3 1e-4",
                code="option-value",
            )
        if not 0 <= self.seed < 2**63:
            raise UserError(f"--seed {self.seed}: expected an integer from 0 to 2^63 - 1", code="option-value")


@dataclass(frozen=True)
class Speakers:
    """Voiced frames (T, D) of the training utterances per speaker, and of the held-out ones with their speakers."""

    train: list[list[np.ndarray]]
    held_out: list[tuple[int, np.ndarray]]

    @property
    def frames(self) -> int:
        """Number of training frames."""
        return sum(len(matrix) for matrices in self.train for matrix in matrices)


def train(
    data: DataDir, conf: Path, out: Path, options: TrainingOptions, *, device: str, convert: bool
) -> float | None:
    """Train a network and write the model directory ``out``; the same seed gives the same bytes on the same device.

    Args:
        data: at least two speakers.
        conf: folder with mfcc.conf and vad.conf, which are copied into the model; it may be ``out/conf``.
        convert: resample and mix down recordings of another format.

    Returns:
        accuracy on the held-out utterances (0 to 1); None where the model in ``out`` is up to date.

    Raises:
        UserError: too few speakers, utterances or frames; recordings that cannot be used; a loss that is not finite.
    """
    inputs = [*(conf / name for name in CONF_FILES), data.path / "utt2spk"]
    facts = {
        "audio": [audio.fingerprint for audio in UtteranceAudio.of(data)],
        "options": asdict(options),
        "convert": convert,
        "device": device,
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    stamp = Stamp(out / "log/train.stamp", inputs=inputs, options=facts, code=CODE)
    if stamp.fresh():
        return None
    frontend = Frontend.load(conf)
    confs = {f"conf/{name}": (conf / name).read_bytes() for name in CONF_FILES}
    speakers = select_speakers(read_utterances(data, frontend, convert), data.spk, options, data.path)
    torch.manual_seed(options.seed)
    net = Tdnn(frontend.options.num_ceps, len(speakers.train), options.widths, options.embedding).to(device)
    history = fit(net, speakers, options, device)
    stamp.write(write_model(net, confs, out, history))
    return history[-1]["accuracy"]


def read_utterances(data: DataDir, frontend: Frontend, convert: bool) -> dict[str, np.ndarray]:
    """Voiced frames (T, D) of every utterance, minus the sliding mean over all frames."""
    return {utt: sliding_cmn(mfcc)[voiced] for utt, mfcc, voiced in read_mfcc(data, frontend, convert)}


def read_mfcc(data: DataDir, frontend: Frontend, convert: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Id, MFCC (T, D) and voiced frames (T,) bool of every utterance; T may be 0.

    Raises:
        DataErrors: recordings that cannot be used; lists all, at the end.
    """
    with AudioReader(frontend.rate, convert=convert) as reader:
        for audio in log.progress(UtteranceAudio.of(data), total=len(data.utts), desc="features"):
            loaded = reader.load(audio)
            if loaded is not None and not reader.issues:
                mfcc = frontend.mfcc(loaded[0])
                yield audio.utt, mfcc, frontend.vad(mfcc) if len(mfcc) else np.zeros(0, bool)


def select_speakers(
    utterances: Mapping[str, np.ndarray], spk: Mapping[str, str], options: TrainingOptions, where: Path
) -> Speakers:
    """Speakers with enough long utterances; a random utterance of each is held out.

    Raises:
        UserError: there are fewer than two such speakers.
    """
    long: dict[str, list[np.ndarray]] = {}
    for utt, matrix in utterances.items():
        if len(matrix) >= options.min_frames:
            long.setdefault(spk[utt], []).append(matrix)
    selected = [matrices for _, matrices in sorted(long.items()) if len(matrices) >= options.min_utts]
    counts = (
        f"{sum(map(len, long.values()))} of {len(utterances)} utterances have at least {options.min_frames} voiced "
        f"frames, {len(selected)} of {len(set(spk.values()))} speakers have at least {options.min_utts} such utterances"
    )
    if len(selected) < 2:
        raise UserError(
            f"{where}: {counts}; expected at least two speakers: use more data, or lower --min-utts and --min-frames "
            "(with the maximum of --chunk)",
            code="too-few-speakers",
        )
    logger.info("%s: %s", where, counts)
    rng = np.random.default_rng([options.seed, 0])
    tested = rng.permutation(len(selected))[:MAX_HELD_OUT]
    held_out = [(int(i), selected[i].pop(rng.integers(len(selected[i])))) for i in sorted(tested)]
    return Speakers(selected, held_out)


def fit(net: Tdnn, speakers: Speakers, options: TrainingOptions, device: str) -> list[dict[str, float]]:
    """Train the network in place; returns number, mean loss and held-out accuracy (0 to 1) of each epoch."""
    optimizer = torch.optim.Adam(net.parameters(), lr=options.lr[0])
    steps = max(1, 2 * speakers.frames // sum(options.chunk) // options.batch)  # per epoch
    decay = (options.lr[1] / options.lr[0]) ** (1 / (steps * options.epochs))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay)
    history = []
    for epoch in range(1, options.epochs + 1):
        start, total = time.monotonic(), 0.0
        net.train()
        rng = np.random.default_rng([options.seed, epoch])
        for frames, labels in minibatches(speakers.train, steps, options, rng):
            loss = F.cross_entropy(net(frames.to(device)), labels.to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            schedule.step()
            total += loss.item()
        if not np.isfinite(total):
            raise UserError(
                f"epoch {epoch}: the loss is {total}; try smaller learning rates: --lr 1e-4 1e-5",
                code="loss-not-finite",
            )
        correct = accuracy(net, speakers, options, device)
        history.append(entry := {"epoch": epoch, "loss": round(total / steps, 4), "accuracy": round(correct, 4)})
        logger.info(
            "epoch %d of %d: loss %.4f, held-out accuracy %.2f %%, %.1f s",
            epoch,
            options.epochs,
            entry["loss"],
            100 * correct,
            time.monotonic() - start,
        )
    return history


def minibatches(
    train: Sequence[Sequence[np.ndarray]], number: int, options: TrainingOptions, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Random chunks (batch, T, D) and their speakers (batch,).

    All speakers are equally frequent, their utterances are random; T is constant within a minibatch and uniformly
    distributed over minibatches.
    """
    order = rng.permutation(np.resize(np.arange(len(train)), number * options.batch))
    for labels in order.reshape(number, options.batch):
        size = rng.integers(options.chunk[0], options.chunk[1] + 1)
        chunks = []
        for speaker in labels.tolist():
            matrix = train[speaker][int(rng.integers(len(train[speaker])))]
            start = rng.integers(len(matrix) - size + 1)
            chunks.append(matrix[start : start + size])
        yield torch.from_numpy(np.stack(chunks)), torch.from_numpy(labels)


def accuracy(net: Tdnn, speakers: Speakers, options: TrainingOptions, device: str) -> float:
    """Share of the held-out utterances whose speaker is recognised, from a chunk of maximum length at their centre."""
    net.eval()
    size, correct = options.chunk[1], 0
    with torch.inference_mode():
        for i in range(0, len(speakers.held_out), options.batch):
            labels, matrices = zip(*speakers.held_out[i : i + options.batch], strict=True)
            chunks = [m[(len(m) - size) // 2 :][:size] for m in matrices]
            predicted = net(torch.from_numpy(np.stack(chunks)).to(device)).argmax(1).cpu()
            correct += int((predicted == torch.tensor(labels)).sum())
    return correct / len(speakers.held_out)


def write_model(net: Tdnn, confs: Mapping[str, bytes], out: Path, history: Sequence[Mapping[str, float]]) -> list[Path]:
    """Write the model directory, ``final.raw`` last, and ``log/metrics.jsonl``; returns the files.

    Args:
        confs: name in the directory -> content, of the options of MFCC and voice activity detection.
    """
    contents = {
        "extract.config": tdnn.EXTRACT_CONFIG.encode(),
        "min_chunk_size": b"%d\n" % tdnn.MIN_CHUNK,
        "max_chunk_size": b"%d\n" % tdnn.MAX_CHUNK,
        "log/metrics.jsonl": "".join(json.dumps(entry) + "\n" for entry in history).encode(),
        **confs,
    }
    (out / "final.raw").unlink(missing_ok=True)
    for name, content in contents.items():
        with atomic(out / name, "wb") as file:
            file.write(content)
    nnet3.write(net.cpu().eval().export(), out / "final.raw")
    return [out / name for name in (*contents, "final.raw")]
