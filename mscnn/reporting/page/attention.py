"""Audio-to-text attention of MSCNN-SPU-ATT for one utterance: the weight of each word for each audio statistic."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from mscnn.config.written import read_config
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.evaluation.predictions import Predictions
from mscnn.features.archive import FeatureDir
from mscnn.files import digest, read_table
from mscnn.reporting.page.audio import waveform
from mscnn.reporting.page.source import ReportData
from mscnn.text.vocabulary import UNK

if TYPE_CHECKING:
    from mscnn.models.inputs import Inputs
    from mscnn.models.mscnn import MSCNN

PREFERRED_TOKENS = range(5, 16)  # number of tokens of an utterance that is chosen for the figure
POOL_NAMES = {"mean": "avg"}  # name in the paper


@dataclass(frozen=True)
class Attention:
    """Attention weights of one utterance.

    Attributes:
        utt: id of the utterance.
        fold: fold whose model is shown, run 1.
        truth, pred: true and predicted class.
        tokens: the L tokens of the text.
        unknown: whether each token is missing in the vocabulary.
        rows: names of the audio statistics.
        weights: (rows, L), each row sums to 1.
        features: normalised input of the model (T, D).
        frame_shift: of the features, in seconds.
        trimmed: whether silent edges were removed before the features were made.
        samples: waveform; None where the recording is not available.
        rate: sampling rate in Hz, or None.
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
    """Whether the model of a configuration has audio-to-text attention on words."""
    is_mscnn = config.get("family") == "mscnn" and "text_encoder" not in config["features"]
    return is_mscnn and bool(config["model_options"]["attention"])


def attention(report: ReportData, utt: str | None = None) -> Attention:
    """The attention of run 1 of the fold that tests ``utt``.

    Args:
        report: an experiment whose model has the attention.
        utt: an utterance; None: the most confident correct test utterance of fold 1 with 5 to 15 tokens.

    Raises:
        UserError: ``utt`` is in no test part; weights, features or transcripts are missing, or differ from those of the
            training or of the predictions.
    """
    from mscnn.inference.trained import read_vocabulary, restore  # loads torch

    exp, folder, config = report.exp, report.trained_in, report.exp.config
    fold, data = 1 if utt is None else _fold_of(report, utt), _text_and_labels(report)
    texts = data.text_of(config["text"])
    _require_inputs(report, data, texts)
    test, vocabulary = exp.parts["test"][fold - 1][0], read_vocabulary(folder / f"fold{fold:02d}" / "run1")
    utt = choose(test, {name: vocabulary.split(texts[name]) for name in test.utts}) if utt is None else utt
    restored, examples = restore(folder, config, data, {"test": [utt]}, fold, 1)
    model = cast("MSCNN", restored)  # the caller has checked attends()
    inputs, archive = examples["test"].batch(np.array([0])), FeatureDir.load(config["feature_dirs"]["audio"])
    tokens, index, audio = inputs.tokens[0].tolist(), test.utts.index(utt), waveform(report, utt)
    return Attention(
        utt,
        fold,
        truth=exp.classes[test.truth[index]],
        pred=exp.classes[test.pred[index]],
        tokens=(vocabulary.split(texts[utt]) or [UNK])[: len(tokens)],
        unknown=[number == 1 for number in tokens],
        rows=list(_rows(model)),
        weights=attention_weights(model, inputs),
        features=inputs.audio[0].T.numpy(),
        frame_shift=archive.frame_shift,
        trimmed=archive.options.get("trim_db") is not None,
        samples=audio[0] if audio else None,
        rate=audio[1] if audio else None,
    )


def _text_and_labels(report: ReportData) -> DataDir:
    """The data directory without its recordings, which need not be available: models take features."""
    if not (report.data / "text").is_file():
        raise UserError(
            f"{report.data}: the data directory with the transcripts is not available; give it as --data",
            code="data-directory-missing",
        )
    spk, emo = (dict(report.tables[name]) for name in ("utt2spk", "utt2emo"))
    return DataDir(report.data, wav={}, text=read_table(report.data / "text"), spk=spk, emo=emo, dur={})


def _require_inputs(report: ReportData, data: DataDir, texts: Mapping[str, str]) -> None:
    """Raise UserError if data or transcripts differ from those of the training or of the predictions."""
    from mscnn.inference.trained import require_unchanged

    config, folder = report.exp.config, report.trained_in
    if not (folder / "config.yaml").is_file():
        raise UserError(
            f"{folder}: the experiment that trained the models is missing; train it again",
            code="models-missing",
        )
    require_unchanged(folder, read_config(folder / "config.yaml"), data)
    if config["inputs"].get("tested_text", digest(texts)) != digest(texts):
        raise UserError(
            f"{data.path}: text {config['text']} has changed since the prediction; predict again: {config['command']}",
            code="text-changed",
        )


def _fold_of(report: ReportData, utt: str) -> int:
    """The fold, from 1, that tests an utterance."""
    known = {name: fold for fold, runs in enumerate(report.exp.parts["test"], 1) for name in runs[0].utts}
    if utt not in known:
        near = difflib.get_close_matches(utt, known, n=3, cutoff=0.3)
        raise UserError(
            f"--utterance {utt}: in no test part of {report.exp.path}; similar ids: {', '.join(near) or 'none'}",
            code="utterance-unknown",
        )
    return known[utt]


def choose(test: Predictions, tokens: Mapping[str, Sequence[str]]) -> str:
    """The most confident correct utterance with 5 to 15 tokens, or the most confident of all if there is none."""
    order = sorted(range(len(test.utts)), key=lambda i: (-test.prob[i].max(), test.utts[i].encode()))
    preferred = [i for i in order if test.pred[i] == test.truth[i] and len(tokens[test.utts[i]]) in PREFERRED_TOKENS]
    return test.utts[(preferred or order)[0]]


def attention_weights(model: MSCNN, inputs: Inputs) -> np.ndarray:
    """Weights (rows, L) of the tokens in a batch of one utterance; Eq. 4 of the paper."""
    import torch

    options = model.options
    with torch.inference_mode():
        frames, audio_mask = model.masked(inputs.audio, inputs.audio_len, options.max_frames)
        words = model.embedding(inputs.tokens).transpose(1, 2)
        words, text_mask = model.masked(words, inputs.token_len, options.max_tokens)
        queries = torch.stack(model.audio_cnn.pooled(frames, audio_mask, options.audio_pool), dim=1)
        weights = model.attend(queries, model.text_cnn(words, text_mask), text_mask)[1]
    return weights[0].flatten(0, 1)[:, : inputs.tokens.shape[1]].numpy()


def _rows(model: MSCNN) -> Iterator[str]:
    """Names of the rows: the statistic, and the convolution width where each width has its own softmax."""
    for pool in model.options.audio_pool:
        name = POOL_NAMES.get(pool, pool)
        if model.options.att_mode == "concat":
            yield name
        else:
            yield from (f"{name}, width {width}" for width in model.options.text_widths)
