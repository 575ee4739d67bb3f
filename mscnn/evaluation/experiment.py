"""A finished experiment: its configuration, and what it predicted in every fold and run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mscnn.errors import UserError
from mscnn.evaluation.predictions import Predictions, read_predictions
from mscnn.files import read_yaml

PARTS = ("dev", "test")
KEYS = ("model", "data", "classes", "protocol", "text", "xvector", "folds", "runs", "legacy", "environment", "command")


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
    def protocol(self) -> str:
        """Its protocol as score lines name it, ``name@hash``."""
        return f"{self.config['protocol']['name']}@{self.config['protocol']['hash']}"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.seen(self.config["data"])

    def seen(self, named: str) -> Path:
        """A folder that ``config.yaml`` names relative to the folder of the recipe that made the experiment.

        The recipe's folder is two above (``egs/X`` of ``egs/X/exp/TAG``). An experiment may also lie elsewhere: the
        folder is then taken from the working folder, or else from the nearest folder above the experiment that has it.

        Returns:
            the first of these that is there; ``named`` as it is where none is.
        """
        above = Path(os.path.abspath(self.path)).parents
        places = (*above[1:2], Path(), *above[:1], *above[2:])
        return next((place / named for place in places if (place / named).is_dir()), Path(named))

    @property
    def trained_on(self) -> str:
        """Source of the transcripts that its models were trained on: the one it reads, unless tested on another."""
        return self.config.get("trained_on", self.config["text"])

    @property
    def words(self) -> str:
        """Source of the transcripts that it reads, and of those that it was trained on where they differ."""
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
            raise UserError(
                f"{path}: no experiment here (no config.yaml); make it with stage 5 (train)", code="experiment-missing"
            )
        config = read_yaml(path / "config.yaml")
        lacking = [key for key in KEYS if key not in config]
        if lacking:
            raise UserError(
                f"{path / 'config.yaml'}: lacks {', '.join(lacking)}; make it again with stage 5 (train)",
                code="experiment-config",
            )
        if wrong := _malformed(config):
            raise UserError(
                f"{path / 'config.yaml'}: {wrong}; make it again with stage 5 (train)", code="experiment-config"
            )
        exp = cls(path, config, {})
        exp._check_finished()
        for part in PARTS:
            files = [folder / f"predictions_{part}.tsv" for folder in exp.run_dirs]
            flat = [read_predictions(file, config["classes"]) for file in files]
            runs = config["runs"]
            exp.parts[part] = [flat[i : i + runs] for i in range(0, len(flat), runs)]
        _check_consistent(path, exp.parts)
        return exp

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
                f"part of the folds. Run stage 5 (train) again, it goes on where it stopped: {self.config['command']}",
                code="experiment-unfinished",
            )


def _malformed(config: Mapping[str, Any]) -> str | None:
    """What a configuration has of another kind than training writes; None where all is well."""
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
            for run, predictions in enumerate(runs, 1):
                where = path / f"fold{fold:02d}" / f"run{run}" / f"predictions_{part}.tsv"
                if predictions.utts != expected:
                    odd = sorted(set(predictions.utts) ^ set(expected))[0]
                    raise UserError(
                        f"{where}: not the utterances of this fold: {odd} is in one list only; train it again",
                        code="utterances-differ",
                    )
                for utt, label in zip(predictions.utts, predictions.truth.tolist(), strict=True):
                    if truth.setdefault(utt, label) != label:
                        raise UserError(
                            f"{where}: {utt} has another truth than elsewhere in {path}; train it again",
                            code="truth-differs",
                        )
                    if part == "test" and tested.setdefault(utt, fold) != fold:
                        raise UserError(
                            f"{where}: {utt} is also in the test part of fold {tested[utt]}; parts must differ",
                            code="utterance-twice",
                        )
