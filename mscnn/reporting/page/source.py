"""Data of a report: the files of an experiment and of its data directory, read once.

Scores, intervals, groups and calibration are those that stage 6 wrote; they must be of the current predictions.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mscnn.config.labels import LabelMap
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import aggregates, confusions
from mscnn.evaluation.experiment import PARTS, Experiment
from mscnn.files import read_mapping, read_table
from mscnn.leakage.result import AuditResult
from mscnn.reporting import measured
from mscnn.reporting.lines import ScoreLine, require_scores
from mscnn.reporting.page.portable import portable
from mscnn.reporting.results import definitions

ROUNDING = 0.0051  # score lines have two decimals, statistics.json has more
MANIFEST_DEPTH = 8  # number of folders above a recording that may hold the manifest of a generated corpus
TABLES = ("utt2spk", "utt2gender", "utt2emo", "utt2dur", "wav.scp", "segments")
Value = TypeVar("Value")


@dataclass(frozen=True)
class ReportData:
    """An experiment with its scores of stage 6, and its data.

    Texts have no absolute paths, except for paths of files (``exp``, ``data``, ``trained_in``, ``tables``), and the
    leaks and features of ``audit``.

    Attributes:
        exp: the experiment.
        data: its data directory, which may be absent.
        config: its resolved configuration.
        lines: score lines of each part.
        remarks: remarks of the score file of test that no other section of the page has.
        statistics: content of ``statistics.json``.
        interval: the first confidence interval that is defined; None: there is none.
        tables: tables of the data directory by name, empty where the file is missing; ``text`` are the transcripts that
            the experiment takes, or the reference transcripts if it takes none.
        corpus: description of the corpus; None if it is missing, or describes human speech but a program made the
            recordings.
        synthetic: whether a program made the recordings.
        audit: audit of this split of the data, whose texts may contain paths; None: there is none.
        trained_in: folder of the models.
        predicted: whether the models are those of another experiment.
    """

    exp: Experiment
    data: Path
    config: Mapping
    lines: Mapping[str, list[ScoreLine]]
    remarks: list[str]
    statistics: Mapping
    interval: Mapping | None
    tables: Mapping[str, Mapping[str, str]]
    corpus: CorpusFacts | None
    synthetic: bool
    audit: AuditResult | None
    trained_in: Path
    predicted: bool

    @property
    def line(self) -> ScoreLine:
        """The headline: all test utterances, aggregated as the protocol says."""
        return self.lines["test"][0]

    @property
    def protocol(self) -> Mapping:
        """Name, hash and guarantees of the protocol."""
        return self.config["protocol"]

    @property
    def set(self) -> str:
        """Name of the data directory."""
        return self.data.resolve().name

    @property
    def title(self) -> str:
        """Name of the corpus, or of the data directory where it has no description."""
        return self.corpus.name if self.corpus else self.set

    def redact_paths(self, value: Value) -> Value:
        """Texts, lists and mappings without absolute paths."""
        return portable(value, _recipe(self.exp))


def _described(experiment: Experiment) -> CorpusFacts | None:
    """Facts of the corpus that the label map of an experiment is for."""
    try:
        return CorpusFacts.described(LabelMap.load(experiment.config["labels"]).corpus)
    except (KeyError, UserError):
        return None


def read_data(exp: str | os.PathLike, data: str | os.PathLike | None = None) -> ReportData:
    """Data of the report of an experiment; ``data`` None: the data directory in ``config.yaml``, if it exists.

    Raises:
        UserError: the experiment is not finished, not scored, or was trained again after it was scored.
    """
    experiment = Experiment.load(exp)
    root, folder = _recipe(experiment), experiment.data if data is None else Path(data)
    if data is not None and not folder.is_dir():
        raise UserError(f"{data}: no such data directory; make it with stage 1 (data)", code="data-directory-missing")
    files = {part: portable(_read(experiment.path / f"score_{part}.txt"), root).splitlines() for part in PARTS}
    lines = {part: [ScoreLine.parse(text) for text in texts if text[:1] == "%"] for part, texts in files.items()}
    statistics = portable(read_mapping(experiment.path / "statistics.json"), root)
    require_scores(experiment.path)
    _require_agreement(experiment, lines["test"], statistics)
    tables = _tables(folder, experiment.config["text"])
    corpus, generated = CorpusFacts.find(folder) or _described(experiment), _generated(tables)
    corpus = None if corpus and generated and not corpus.synthetic else corpus
    elsewhere = {*definitions(), *measured.remarks(statistics)} - {*statistics["remarks"]}
    predicted = "trained_in" in experiment.config
    return ReportData(
        exp=experiment,
        data=folder,
        config=portable(experiment.config, root),
        lines=lines,
        remarks=[text[2:] for text in files["test"] if text[:2] == "# " and text[2:] not in elsewhere],
        statistics=statistics,
        interval=next((entry for entry in statistics["intervals"]["found"] if "ua" in entry), None),
        tables=tables,
        corpus=corpus,
        synthetic=generated or bool(corpus and corpus.synthetic),
        audit=_audit(folder, experiment.config["protocol"]),
        trained_in=experiment.locate(experiment.config["trained_in"]) if predicted else experiment.path,
        predicted=predicted,
    )


def _recipe(exp: Experiment) -> Path:
    """Folder of the recipe that ``exp/TAG`` belongs to."""
    return exp.path.absolute().parent.parent


def _tables(folder: Path, text: str) -> dict[str, dict[str, str]]:
    files = {name: folder / name for name in TABLES}
    files["text"] = folder / ("text" if text in ("none", "gt") else f"text.{text}")
    return {name: read_table(file) if file.is_file() else {} for name, file in files.items()}


def _audit(folder: Path, protocol: Mapping) -> AuditResult | None:
    """The audit of this split of the data by stage 1; None where there is none."""
    audit = AuditResult.read(folder / "audit" / f"{protocol['name']}.json")
    return audit if audit and audit.protocol.hash == protocol["hash"] else None


def _generated(tables: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a program of this project made the recordings, according to a manifest in a folder above them."""
    wav = next(iter(tables["wav.scp"].values()), None)
    above = [] if wav is None else [*Path(wav).parents][:MANIFEST_DEPTH]
    return any("generator" in read_mapping(folder / "MANIFEST.json") for folder in above)


def _require_agreement(exp: Experiment, lines: list[ScoreLine], statistics: Mapping) -> None:
    """Raise UserError unless score file and statistics are of the current predictions and protocol."""
    protocol, matrices = exp.config["protocol"], confusions(exp.parts["test"], len(exp.classes))
    expected = aggregates(protocol)[0](matrices, exp.classes)
    line, stated = lines[0] if lines else None, statistics.get("scores", {}).get(expected.name, {})
    agree = (
        line is not None
        and f"{protocol['name']}@{protocol['hash']}" == line.fields["protocol"] == statistics.get("protocol")
        and (line.fields["agg"], line.correct, line.total) == (expected.name, expected.correct, expected.total)
        and all(
            abs((math.nan if number is None else number) - value.mean) < ROUNDING
            for key, value in expected.values.items()
            for number in (line.score(key), stated.get(key, {}).get("mean"))
        )
    )
    if not agree:
        raise UserError(
            f"{exp.path}: score_test.txt and statistics.json are damaged, or not of the current predictions; run stage "
            f"6 again: python -m mscnn.bin.score --exp {exp.path}",
            code="scores-outdated",
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); write it with stage 6: python -m mscnn.bin.score", code="not-scored"
        ) from None
