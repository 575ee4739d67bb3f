"""Which words each statistic of the audio attends to: audio-to-text attention of MSCNN-SPU-ATT, for one utterance."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mscnn.errors import UserError
from mscnn.features.archive import FeatureDir
from mscnn.report.audio import waveform
from mscnn.report.source import Source
from mscnn.scoring.predictions import Predictions
from mscnn.text.subwords import Subwords
from mscnn.text.vocabulary import UNK, Vocabulary

if TYPE_CHECKING:
    from mscnn.models.mscnn import MSCNN

LENGTHS = range(5, 16)  # tokens of an utterance that shows well
NAMES = {"mean": "avg"}  # the paper's word


@dataclass(frozen=True)
class Attention:
    """Weights of the tokens (rows, L), each row sums to 1, what the rows are, and what stands around them.

    ``features`` (T, D) are those that the model hears, normalised, a frame every ``frame_shift`` seconds; ``samples``
    and their ``rate`` (Hz) are None where the recording is not at hand. ``unknown`` tokens are not in the vocabulary.
    """

    utt: str
    fold: int
    truth: str
    pred: str
    tokens: list[str]
    unknown: list[bool]
    rows: list[str]
    weights: np.ndarray
    features: np.ndarray
    frame_shift: float
    trimmed: bool
    samples: np.ndarray | None
    rate: int | None


def attends(config: Mapping) -> bool:
    """Whether a model of this configuration has the attention."""
    return config.get("family") == "mscnn" and bool(config["model_options"]["attention"])


def attention(source: Source, utt: str | None = None) -> Attention:
    """The attention of run 1 of the fold that tests ``utt``.

    Args:
        source: an experiment whose model attends.
        utt: None: a test utterance of fold 1 of 5 to 15 tokens that is classified rightly, the most confident.

    Raises:
        UserError: ``utt`` is in no test part, or weights, features or words are not there any more.
    """
    config, tests, texts = source.config, [runs[0] for runs in source.exp.parts["test"]], source.tables["text"]
    if any(one not in texts for test in tests for one in test.utts):
        raise UserError(f"{source.data}: no words of this experiment there (text {config['text']})")
    fold = 1 if utt is None else _fold_of(source, utt)
    folder = source.exp.path / f"fold{fold:02d}" / "run1"
    vocabulary = (Subwords if (folder / Subwords.FILE).is_file() else Vocabulary).load(folder)
    utt = choose(tests[0], {one: vocabulary.split(texts[one]) for one in tests[0].utts}) if utt is None else utt
    from mscnn.training.parts import NORMS  # it loads torch

    model, statistics = load_model(folder / "model.safetensors", config)
    archive = FeatureDir.load(feature_folder(source))
    features = archive.read(utt).copy()
    NORMS[config.get("normalise", {}).get("audio", "zscore")](features, False, statistics, "audio")
    tokens = vocabulary.encode(texts[utt], model.options.max_tokens)
    weights = attention_weights(model, features, tokens)
    heard = waveform(source, utt)
    at, test = tests[fold - 1].utts.index(utt), tests[fold - 1]
    return Attention(
        utt, fold, source.exp.classes[test.truth[at]], source.exp.classes[test.pred[at]],
        tokens=(vocabulary.split(texts[utt]) or [UNK])[: len(tokens)],
        unknown=[number == 1 for number in tokens],
        rows=list(_rows(model)),
        weights=weights,
        features=features,
        frame_shift=archive.frame_shift,
        trimmed=archive.options.get("trim_db") is not None,
        samples=heard and heard[0],
        rate=heard and heard[1],
    )  # fmt: skip


def _fold_of(source: Source, utt: str) -> int:
    """The fold, from 1, that tests an utterance."""
    known = {one: fold for fold, runs in enumerate(source.exp.parts["test"], 1) for one in runs[0].utts}
    if utt not in known:
        near = difflib.get_close_matches(utt, known, n=3, cutoff=0.3)
        raise UserError(f"--utterance {utt}: in no test part of {source.exp.path}; near: {', '.join(near) or 'none'}")
    return known[utt]


def choose(test: Predictions, tokens: Mapping[str, Sequence[str]]) -> str:
    """The most confident of the utterances that are right and short; where none is, of all."""
    order = sorted(range(len(test.utts)), key=lambda i: (-test.prob[i].max(), test.utts[i].encode()))
    good = [i for i in order if test.pred[i] == test.truth[i] and len(tokens[test.utts[i]]) in LENGTHS]
    return test.utts[(good or order)[0]]


def feature_folder(source: Source) -> Path:
    """Where stage 3 put what the model hears, beside the data directory."""
    feature = source.config["features"]["audio"].split()[0]
    return source.data.resolve().parent.parent / "dump" / feature / source.data.resolve().name


def load_model(path: Path, config: Mapping) -> tuple[MSCNN, dict[str, np.ndarray]]:
    """The model without its head, which attention does not need, and the statistics of its training part.

    Raises:
        UserError: the weights are not there, or are those of another model.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from mscnn.models.inputs import Sizes
    from mscnn.models.mscnn import MSCNN, Options

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read ({error}); train this fold again") from None
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in config["model_options"].items()}
    try:
        vocabulary, width = tensors["embedding.weight"].shape
        sizes = Sizes(len(config["classes"]), tensors["audio_cnn.convs.0.weight"].shape[1], vocabulary, width)
        model = MSCNN(Options(**options), sizes).eval()
        body = {name: torch.from_numpy(tensors[name]) for name in model.state_dict() if not name.startswith("head.")}
        model.load_state_dict(body, strict=False)
    except (KeyError, RuntimeError, TypeError) as error:
        raise UserError(f"{path}: not the weights of this configuration: {error}; train this fold again") from None
    return model, {k: v for k, v in tensors.items() if k.startswith("audio.")}


def attention_weights(model: MSCNN, features: np.ndarray, tokens: Sequence[int]) -> np.ndarray:
    """Weights (rows, L) that the tokens of one utterance get, from its features (T, D); Eq. 4 of the paper."""
    import torch

    from mscnn.models.layers import POOLS

    options = model.options
    with torch.inference_mode():
        audio, words = torch.from_numpy(features.T.copy())[None], model.embedding(torch.tensor([tokens]))
        frames, heard = model.masked(audio, torch.tensor([audio.shape[2]]), options.max_frames)
        words, read = model.masked(words.transpose(1, 2), torch.tensor([len(tokens)]), options.max_tokens)
        frames = model.audio_cnn(frames, heard)
        queries = torch.stack([POOLS[name](frames, heard) for name in options.audio_pool], dim=1)
        weights = model.attend(queries, model.text_cnn(words, read), read)[1]
    return weights[0].flatten(0, 1)[:, : len(tokens)].numpy()


def _rows(model: MSCNN) -> Iterator[str]:
    """A name for each row: the statistic, and the scale where each has its own softmax."""
    for name in model.options.audio_pool:
        name = NAMES.get(name, name)
        if model.options.att_mode == "concat":
            yield name
        else:
            yield from (f"{name}, width {width}" for width in model.options.text_widths)
