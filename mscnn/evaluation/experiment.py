"""A finished experiment: its configuration, and its predictions in every fold and run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mscnn.config.written import read_config
from mscnn.data.foldlists import read_list
from mscnn.errors import UserError
from mscnn.evaluation.predictions import Predictions, read_predictions
from mscnn.files import read_optional_table
from mscnn.stamp import SEAL, require_intact

PARTS = ("dev", "test")
MOST_LISTED = 100  # runs in a message
AGAIN = "run stage 5 (train) again, which makes it again"
KEYS = ("model", "data", "classes", "protocol", "text", "xvector", "folds", "runs", "legacy", "environment", "command")


@dataclass(frozen=True)
class Experiment:
    """A finished experiment; its predictions are ``parts["test"][fold][run]``, both from 0."""

    path: Path
    config: dict
    parts: dict[str, list[list[Predictions]]]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of every matrix."""
        return tuple(self.config["classes"])

    @property
    def protocol(self) -> str:
        """Its protocol as in score lines, ``name@hash``."""
        return f"{self.config['protocol']['name']}@{self.config['protocol']['hash']}"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.locate(self.config["data"])

    def locate(self, name: str) -> Path:
        """Path of a folder that ``config.yaml`` names relative to the folder of the recipe.

        The recipe's folder is two levels up (``egs/X`` of ``egs/X/exp/TAG``). For an experiment elsewhere, the folder
        is looked up in the working folder, then in the folders above the experiment, nearest first.

        Returns:
            the first of these that exists; ``name`` unchanged where none does.
        """
        parents = Path(os.path.abspath(self.path)).parents
        bases = (*parents[1:2], Path(), *parents[:1], *parents[2:])
        return next((base / name for base in bases if (base / name).is_dir()), Path(name))

    @property
    def trained_on(self) -> str:
        """Source of the transcripts in training; it differs from that in test where the config has ``trained_on``."""
        return self.config.get("trained_on", self.config["text"])

    @property
    def transcripts(self) -> str:
        """Source of the transcripts in test, and of those in training where it differs."""
        text = self.config["text"]
        return text if self.trained_on == text else f"{text} (trained on {self.trained_on})"

    @classmethod
    def load(cls, path: str | os.PathLike) -> Experiment:
        """Read ``config.yaml`` and the predictions of every fold and run.

        Raises:
            UserError: unfinished runs (all are listed, with the command that continues them), a malformed file, a file
                that is not as it was written, or files that contradict each other.
        """
        path = Path(path)
        if path.name in ("", ".."):  # titles need its name
            path = path / ".." / os.path.basename(os.path.abspath(path))
        if not (path / "config.yaml").is_file():
            raise UserError(
                f"{path}: not an experiment (no config.yaml); make it with stage 5 (train)", code="experiment-missing"
            )
        require_intact(path / SEAL, AGAIN, "experiment-damaged")
        config = read_config(path / "config.yaml", KEYS)
        exp = cls(path, config, {})
        exp._check_finished()
        for folder in exp.run_dirs:
            require_intact(folder / "done.json", f"{AGAIN}: {config['command']}", "experiment-damaged")
        for part in PARTS:
            files = [folder / f"predictions_{part}.tsv" for folder in exp.run_dirs]
            flat = [read_predictions(file, config["classes"]) for file in files]
            runs = config["runs"]
            exp.parts[part] = [flat[i : i + runs] for i in range(0, len(flat), runs)]
        _check_consistent(path, exp.parts)
        return exp

    @property
    def run_dirs(self) -> list[Path]:
        """Folder of every run, ordered by fold, then run."""
        folds, runs = range(1, self.config["folds"] + 1), range(1, self.config["runs"] + 1)
        return [self.path / f"fold{fold:02d}" / f"run{run}" for fold in folds for run in runs]

    def require_truth(self, data: Path) -> None:
        """Raise UserError where the truth of an utterance is not its class in a data directory."""
        file = data / "utt2emo"
        emo = read_optional_table(file)
        for runs in (runs for folds in self.parts.values() for runs in folds):
            for utt, k in zip(runs[0].utts, runs[0].truth.tolist(), strict=True):
                if emo.get(utt, self.classes[k]) != self.classes[k]:
                    raise UserError(
                        f"{self.path}: {utt} was {self.classes[k]} in training and is {emo[utt]} in {file}: "
                        "make the data again with stage 1 (data), or train again (stage 5) with --overwrite true",
                        code="truth-differs",
                    )

    def _check_finished(self) -> None:
        folders = self.run_dirs
        missing = [d for d in folders if not all((d / f"predictions_{part}.tsv").is_file() for part in PARTS)]
        if missing:
            names = ", ".join(str(d.relative_to(self.path)) for d in missing[:MOST_LISTED])
            names += ", …" if len(missing) > MOST_LISTED else ""
            raise UserError(
                f"{self.path}: {len(missing)} of {len(folders)} runs are not finished: {names}; scores need all "
                f"folds. Run stage 5 (train) again, which continues where it stopped: {self.config['command']}",
                code="experiment-unfinished",
            )


def _check_consistent(path: Path, parts: Mapping[str, list[list[Predictions]]]) -> None:
    """Raise UserError unless runs have the utterances of their fold, test parts are disjoint, and truths agree."""
    truth: dict[str, int] = {}
    tested: dict[str, int] = {}
    for part, folds in parts.items():
        for fold, runs in enumerate(folds, 1):
            listed = path / "folds" / f"fold{fold:02d}.{part}"
            expected = tuple(read_list(listed)) if listed.is_file() else runs[0].utts
            for run, predictions in enumerate(runs, 1):
                where = path / f"fold{fold:02d}" / f"run{run}" / f"predictions_{part}.tsv"
                if predictions.utts != expected:
                    different = min(set(predictions.utts) ^ set(expected), default="another order")
                    raise UserError(
                        f"{where}: other utterances than those of this fold, such as {different}; train it again",
                        code="utterances-differ",
                    )
                for utt, label in zip(predictions.utts, predictions.truth.tolist(), strict=True):
                    if truth.setdefault(utt, label) != label:
                        raise UserError(
                            f"{where}: the truth of {utt} differs from that in other files of {path}; train it again",
                            code="truth-differs",
                        )
                    if part == "test" and tested.setdefault(utt, fold) != fold:
                        raise UserError(
                            f"{where}: {utt} is also in the test part of fold {tested[utt]}; they must be disjoint",
                            code="utterance-twice",
                        )
