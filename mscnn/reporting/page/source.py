"""What a report is made from: the files of an experiment and of its data, read once.

Scores, intervals, groups and calibration are those that stage 6 wrote, which must be of these very predictions.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mscnn.data.corpus_facts import CorpusFacts
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import aggregates, confusions
from mscnn.evaluation.experiment import PARTS, Experiment
from mscnn.files import read_mapping, read_table
from mscnn.leakage.result import AuditResult
from mscnn.reporting import measured
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.page.portable import portable
from mscnn.reporting.results import definitions

ROUNDED = 0.0051  # score lines have two decimals, statistics.json has more
MANIFEST_DEPTH = 8  # folders above a recording
TABLES = ("utt2spk", "utt2gender", "utt2emo", "utt2dur", "wav.scp", "segments")
Value = TypeVar("Value")


@dataclass(frozen=True)
class ReportData:
    """An experiment with what stage 6 wrote of it, and its data.

    No text has a path of this machine, but for those that lead to files (``exp``, ``data``, ``trained_in``, ``tables``)
    and the leaks and features of ``audit``.

    Attributes:
        exp: the experiment.
        data: its data directory, which may be absent.
        config: its resolved configuration, to be shown.
        lines: score lines by part.
        remarks: what the score file of test remarks and no other place of the page says.
        statistics: what ``statistics.json`` holds.
        interval: the first of its intervals that exist; None: there is none.
        tables: of the data directory, by name, empty where there is no such file; ``text`` is what the experiment
            reads, or the reference transcripts where it reads none.
        corpus: what the recipe says of its corpus, unless it takes the voices of a program for people.
        synthetic: whether a program made the recordings.
        audit: that of this split of the data, its texts not to be shown as they are; None: there is none.
        trained_in: folder of the models.
        predicted: whether they are those of another experiment.
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
        """Name, hash and promises of the protocol."""
        return self.config["protocol"]

    @property
    def set(self) -> str:
        """Name of the data directory."""
        return self.data.resolve().name

    def shown(self, value: Value) -> Value:
        """Texts, lists and mappings without the paths of this machine."""
        return portable(value, _recipe(self.exp))


def read_data(exp: str | os.PathLike, data: str | os.PathLike | None = None) -> ReportData:
    """Read everything; ``data`` None: the directory in ``config.yaml``, if it is there.

    Raises:
        UserError: the experiment is not finished, not scored, or was scored before it was trained again.
    """
    experiment = Experiment.load(exp)
    root, folder = _recipe(experiment), experiment.data if data is None else Path(data)
    if data is not None and not folder.is_dir():
        raise UserError(f"{data}: no such data directory; make it with stage 1 (data)", code="data-directory-missing")
    texts = {p: portable(_read(experiment.path / f"score_{p}.txt"), root).splitlines() for p in PARTS}
    lines = {part: [ScoreLine.parse(text) for text in some if text[:1] == "%"] for part, some in texts.items()}
    statistics = portable(read_mapping(experiment.path / "statistics.json"), root)
    _require_agreement(experiment, lines["test"], statistics)
    tables = _tables(folder, experiment.config["text"])
    corpus, generated = CorpusFacts.find(folder), _generated(tables)
    corpus = None if corpus and generated and not corpus.synthetic else corpus
    elsewhere = {*definitions(), *measured.remarks(statistics)} - {*statistics["remarks"]}
    predicted = "trained_in" in experiment.config
    return ReportData(
        exp=experiment,
        data=folder,
        config=portable(experiment.config, root),
        lines=lines,
        remarks=[text[2:] for text in texts["test"] if text[:2] == "# " and text[2:] not in elsewhere],
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
    """The folder of the recipe that has ``exp/TAG``."""
    return exp.path.absolute().parent.parent


def _tables(folder: Path, text: str) -> dict[str, dict[str, str]]:
    files = {name: folder / name for name in TABLES}
    files["text"] = folder / ("text" if text in ("none", "gt") else f"text.{text}")
    return {name: read_table(file) if file.is_file() else {} for name, file in files.items()}


def _audit(folder: Path, protocol: Mapping) -> AuditResult | None:
    """What stage 1 found out about this split of the data."""
    audit = AuditResult.read(folder / "audit" / f"{protocol['name']}.json")
    return audit if audit and audit.protocol.hash == protocol["hash"] else None


def _generated(tables: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a program of this project made the recordings: its manifest stands above them."""
    wav = next(iter(tables["wav.scp"].values()), None)
    above = [] if wav is None else [*Path(wav).parents][:MANIFEST_DEPTH]
    return any("generator" in read_mapping(folder / "MANIFEST.json") for folder in above)


def _require_agreement(exp: Experiment, lines: list[ScoreLine], statistics: Mapping) -> None:
    """Score file and statistics speak of these predictions, under this protocol."""
    protocol, matrices = exp.config["protocol"], confusions(exp.parts["test"], len(exp.classes))
    expected = aggregates(protocol)[0](matrices, exp.classes)
    line, stated = lines[0] if lines else None, statistics.get("scores", {}).get(expected.name, {})
    agree = (
        line is not None
        and f"{protocol['name']}@{protocol['hash']}" == line.fields["protocol"] == statistics.get("protocol")
        and (line.fields["agg"], line.correct, line.total) == (expected.name, expected.correct, expected.total)
        and all(
            abs((math.nan if number is None else number) - value.mean) < ROUNDED
            for key, value in expected.values.items()
            for number in (line.score(key), stated.get(key, {}).get("mean"))
        )
    )
    if not agree:
        raise UserError(
            f"{exp.path}: score_test.txt and statistics.json are not whole, or not of these predictions; run stage 6 "
            f"again: python -m mscnn.bin.score --exp {exp.path}",
            code="scores-outdated",
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); write it with stage 6: python -m mscnn.bin.score", code="not-scored"
        ) from None
