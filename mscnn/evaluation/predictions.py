"""What an experiment predicted: ``predictions_{dev,test}.tsv`` of every fold and run, read strictly."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.errors import UserError
from mscnn.files import read_yaml

PARTS = ("dev", "test")
KEYS = ("model", "data", "classes", "protocol", "text", "xvector", "folds", "runs", "legacy", "environment", "command")
TOLERANCE = 1e-3  # of the sum of printed probabilities


@dataclass(frozen=True)
class Predictions:
    """n utterances in bytewise order: ids, truth and prediction as class indices (n,), probabilities (n, K)."""

    utts: tuple[str, ...]
    truth: np.ndarray
    pred: np.ndarray
    prob: np.ndarray


def read_predictions(path: str | os.PathLike, classes: Sequence[str]) -> Predictions:
    """Read one file: header ``utt truth pred p_<class>…``, tab separated, sorted by utterance.

    Raises:
        UserError: cut short, other classes than ``classes`` or in another order, an utterance twice or out of order, a
            class that is not one, probabilities that do not sum to 1 or whose largest is not the prediction.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}; train this fold again") from None
    header = ["utt", "truth", "pred", *(f"p_{name}" for name in classes)]
    if lines.pop() or not lines:
        raise UserError(
            f"{path}:{len(lines) + 1}: no newline at the end: the file was cut short; train this fold again"
        )
    if lines[0].split("\t") != header:
        raise UserError(f"{path}:1: expected the columns {' '.join(header)}; found {lines[0]!r}")
    if len(lines) == 1:
        raise UserError(f"{path}: no utterance in it; train this fold again")
    index, previous, rows = {name: i for i, name in enumerate(classes)}, b"", []
    for number, line in enumerate(lines[1:], 2):
        row = _row(f"{path}:{number}", line.split("\t"), index)
        if row[0].encode() <= previous:
            raise UserError(f"{path}:{number}: {row[0]} twice, or not in bytewise order after {previous.decode()}")
        previous = row[0].encode()
        rows.append(row)
    utts, truth, pred, prob = zip(*rows, strict=True)
    return Predictions(utts, np.array(truth), np.array(pred), np.array(prob))


def _row(where: str, cells: list[str], index: Mapping[str, int]) -> tuple[str, int, int, list[float]]:
    """Check one line; returns utterance, truth, prediction, probabilities."""
    if len(cells) != 3 + len(index):
        raise UserError(f"{where}: expected {3 + len(index)} columns, found {len(cells)}")
    utt, truth, pred = cells[:3]
    for name in (truth, pred):
        if name not in index:
            raise UserError(f"{where}: {utt}: class {name!r} is none of {', '.join(index)}")
    try:
        prob = [float(cell) for cell in cells[3:]]
    except ValueError:
        raise UserError(f"{where}: {utt}: probabilities are not numbers: {' '.join(cells[3:])}") from None
    if not (min(prob) >= 0 and abs(sum(prob) - 1) <= TOLERANCE):
        raise UserError(f"{where}: {utt}: probabilities must be 0 or more and sum to 1; found {' '.join(cells[3:])}")
    if prob[index[pred]] < max(prob):
        raise UserError(f"{where}: {utt}: {pred} is not the most probable class; found {' '.join(cells[3:])}")
    return utt, index[truth], index[pred], prob


def join_folds(folds: Sequence[Sequence[Predictions]]) -> list[Predictions]:
    """Predictions of each run, one fold after the other, of ``folds[fold][run]``."""
    return [
        Predictions(
            tuple(utt for part in parts for utt in part.utts),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("truth", "pred", "prob")),
        )
        for parts in zip(*folds, strict=True)
    ]


@dataclass(frozen=True)
class Experiment:
    """A finished experiment; ``parts["test"][fold][run]`` (both from 0) are its predictions."""

    path: Path
    config: dict
    parts: dict[str, list[list[Predictions]]]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of every matrix."""
        return tuple(self.config["classes"])

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.seen(self.config["data"])

    def seen(self, named: str) -> Path:
        """A folder that ``config.yaml`` names: seen from the recipe's folder, two above, or else from where we are."""
        found = Path(os.path.abspath(self.path)).parent.parent / named
        return found if found.is_dir() else Path(named)

    @property
    def trained_on(self) -> str:
        """Source of the words that its models were trained on: those that it reads, unless it was tested on others."""
        return self.config.get("trained_on", self.config["text"])

    @property
    def words(self) -> str:
        """The words that it reads, to be shown: with those that it was trained on, where they are others."""
        text = self.config["text"]
        return text if self.trained_on == text else f"{text} (trained on {self.trained_on})"

    @classmethod
    def load(cls, path: str | os.PathLike) -> Experiment:
        """Read ``config.yaml`` and the predictions of every fold and run.

        Raises:
            UserError: runs that are not finished (all are named, with the command that finishes them), a malformed
                file, or files that contradict each other.
        """
        path = Path(path)
        if path.name in ("", ".."):  # its name stands in titles, what it shares with others beside it
            path = path / ".." / os.path.basename(os.path.abspath(path))
        if not (path / "config.yaml").is_file():
            raise UserError(f"{path}: no experiment here (no config.yaml); make it with stage 5 (train)")
        config = read_yaml(path / "config.yaml")
        lacking = [key for key in KEYS if key not in config]
        if lacking:
            raise UserError(f"{path / 'config.yaml'}: lacks {', '.join(lacking)}; make it again with stage 5 (train)")
        if wrong := _malformed(config):
            raise UserError(f"{path / 'config.yaml'}: {wrong}; make it again with stage 5 (train)")
        found = cls(path, config, {})
        found._check_finished()
        for part in PARTS:
            files = [folder / f"predictions_{part}.tsv" for folder in found.run_dirs]
            flat = [read_predictions(file, config["classes"]) for file in files]
            runs = config["runs"]
            found.parts[part] = [flat[i : i + runs] for i in range(0, len(flat), runs)]
        _check_consistent(path, found.parts)
        return found

    @property
    def run_dirs(self) -> list[Path]:
        """Folder of every training, by fold, then run."""
        folds, runs = range(1, self.config["folds"] + 1), range(1, self.config["runs"] + 1)
        return [self.path / f"fold{fold:02d}" / f"run{run}" for fold in folds for run in runs]

    def _check_finished(self) -> None:
        folders = self.run_dirs
        missing = [d for d in folders if not all((d / f"predictions_{part}.tsv").is_file() for part in PARTS)]
        if missing:
            names = ", ".join(str(d.relative_to(self.path)) for d in missing)
            raise UserError(
                f"{self.path}: {len(missing)} of {len(folders)} runs are not finished: {names}; nothing is scored on a "
                f"part of the folds. Run stage 5 (train) again, it goes on where it stopped: {self.config['command']}"
            )


def _malformed(config: Mapping[str, object]) -> str | None:
    """What a configuration has of another kind than training writes; None where that is nothing."""
    for key in ("folds", "runs"):
        if type(config[key]) is not int or config[key] < 1:
            return f"{key}: expected a whole number from 1, found {config[key]!r}"
    classes, protocol = config["classes"], config["protocol"]
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        return f"classes: expected a list of names, found {classes!r}"
    if not isinstance(protocol, dict) or not {"name", "hash", "disjoint", "selection"} <= protocol.keys():
        return f"protocol: expected name, hash, disjoint and selection, found {protocol!r}"
    return None


def _check_consistent(path: Path, parts: Mapping[str, list[list[Predictions]]]) -> None:
    """Runs of a fold have the fold's utterances, test parts share none, and an utterance has one truth."""
    truth: dict[str, int] = {}
    tested: dict[str, int] = {}
    for part, folds in parts.items():
        for fold, runs in enumerate(folds, 1):
            listed = path / "folds" / f"fold{fold:02d}.{part}"
            expected = tuple(listed.read_text(encoding="utf-8").split()) if listed.is_file() else runs[0].utts
            for run, found in enumerate(runs, 1):
                where = path / f"fold{fold:02d}" / f"run{run}" / f"predictions_{part}.tsv"
                if found.utts != expected:
                    odd = sorted(set(found.utts) ^ set(expected))[0]
                    raise UserError(
                        f"{where}: not the utterances of this fold: {odd} is in one list only; train it again"
                    )
                for utt, label in zip(found.utts, found.truth.tolist(), strict=True):
                    if truth.setdefault(utt, label) != label:
                        raise UserError(f"{where}: {utt} has another truth than elsewhere in {path}; train it again")
                    if part == "test" and tested.setdefault(utt, fold) != fold:
                        raise UserError(
                            f"{where}: {utt} is also in the test part of fold {tested[utt]}; parts must differ"
                        )
