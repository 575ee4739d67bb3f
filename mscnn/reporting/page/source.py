"""What a report is made from: the files of an experiment and of its data, read once.

Scores, intervals, groups and calibration are those that stage 6 wrote, which must be of these very predictions. What it
does not write is worked out here: scores of single folds and the worst utterances from the same predictions, attention
with the models.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mscnn.data.corpus_facts import CorpusFacts
from mscnn.errors import UserError
from mscnn.evaluation.aggregate import Aggregate, aggregates, confusions
from mscnn.evaluation.experiment import PARTS, Experiment
from mscnn.files import read_mapping, read_optional_table
from mscnn.reporting import sections
from mscnn.reporting.lines import ScoreLine
from mscnn.reporting.page.portable import portable
from mscnn.reporting.results import DEFINITIONS

ROUNDED = 0.0051  # score lines have two decimals, statistics.json has more
MANIFEST_DEPTH = 8  # folders above a recording


@dataclass(frozen=True)
class Source:
    """An experiment with what stage 6 wrote: score ``lines`` and comments by part, ``statistics``; and its data.

    ``tables`` are those of the data directory, by name, empty where there is no such file; ``text`` is what the
    experiment reads, or the corpus' own words where it reads none. ``audit`` is None where none was made of this cut.
    No text in all of these has a path of this machine, but for those that lead to files: ``exp``, ``data``, ``tables``.
    """

    exp: Experiment
    data: Path
    lines: Mapping[str, list[ScoreLine]]
    comments: Mapping[str, list[str]]
    statistics: Mapping
    tables: Mapping[str, Mapping[str, str]]
    audit: Mapping | None

    @cached_property
    def config(self) -> dict:
        """The resolved configuration of the experiment, to be shown."""
        return self.shown(self.exp.config)

    @property
    def protocol(self) -> Mapping:
        """Name, hash and promises of the protocol."""
        return self.config["protocol"]

    @property
    def trained_in(self) -> Path:
        """Folder of the models: another experiment's where nothing was trained, but predicted again."""
        return self.exp.seen(self.exp.config["trained_in"]) if self.predicted else self.exp.path

    @property
    def predicted(self) -> bool:
        """Whether the models are those of another experiment."""
        return "trained_in" in self.exp.config

    @cached_property
    def aggregate(self) -> Aggregate:
        """The test scores as the protocol wants them, worked out from the predictions."""
        matrices = confusions(self.exp.parts["test"], len(self.exp.classes))
        return aggregates(self.exp.config["protocol"])[0](matrices, self.exp.classes)

    @property
    def remarks(self) -> list[str]:
        """What the score file of the test part remarks, without definitions and intervals, which have their places."""
        elsewhere = {*DEFINITIONS.splitlines(), *sections.remarks(self.statistics)} - {*self.statistics["remarks"]}
        return [text for text in self.comments["test"] if text not in elsewhere]

    @property
    def interval(self) -> Mapping | None:
        """The first of the intervals that exist, with its method; None where there is none."""
        return next((entry for entry in self.statistics["intervals"]["found"] if "ua" in entry), None)

    @cached_property
    def corpus(self) -> CorpusFacts | None:
        """What the recipe says of its corpus, unless it takes the voices of a program for people."""
        found = CorpusFacts.find(self.data)
        return None if found is None or self._generated and not found.synthetic else found

    @property
    def synthetic(self) -> bool:
        """Whether a program made the recordings."""
        return self._generated or bool(self.corpus and self.corpus.synthetic)

    @cached_property
    def _generated(self) -> bool:
        """Whether a program of this project did: its manifest stands above them."""
        wav = next(iter(self.tables["wav.scp"].values()), None)
        above = [] if wav is None else [*Path(wav).parents][:MANIFEST_DEPTH]
        return any("generator" in read_mapping(folder / "MANIFEST.json") for folder in above)

    def audited(self, *path: str) -> float | None:
        """What stands in the audit at the end of a path of keys, if it is a number."""
        found: object = self.audit
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if isinstance(found, int | float) else None

    def shown(self, value: object) -> object:
        """Texts, lists and mappings without the paths of this machine."""
        return portable(value, _recipe(self.exp))


def score(line: ScoreLine, metric: str) -> float:
    """One of METRICS in percent; not a number where an older version left it out."""
    return line.values[metric] if metric in line.values else float(line.fields.get(metric, math.nan))


def read_source(exp: str | os.PathLike, data: str | os.PathLike | None = None) -> Source:
    """Read everything; ``data`` None: the directory in ``config.yaml``, if it is there.

    Raises:
        UserError: the experiment is not finished, not scored, or was scored before it was trained again.
    """
    found = Experiment.load(exp)
    folder = found.data if data is None else Path(data)
    if data is not None and not folder.is_dir():
        raise UserError(f"{data}: no such data directory; make it with stage 1 (data)")
    texts = {part: portable(_read(found.path / f"score_{part}.txt"), _recipe(found)).splitlines() for part in PARTS}
    words = found.config["text"]
    names = {name: name for name in ("utt2spk", "utt2gender", "utt2emo", "utt2dur", "wav.scp", "segments")}
    names["text"] = "text" if words in ("none", "gt") else f"text.{words}"
    source = Source(
        found, folder,
        lines={part: [ScoreLine.parse(text) for text in lines if text[:1] == "%"] for part, lines in texts.items()},
        comments={part: [text[2:] for text in lines if text[:2] == "# "] for part, lines in texts.items()},
        statistics=portable(read_mapping(found.path / "statistics.json"), _recipe(found)),
        tables={name: read_optional_table(folder / file) for name, file in names.items()},
        audit=portable(_audit(folder, found.config["protocol"]), _recipe(found)),
    )  # fmt: skip
    _require_agreement(source)
    return source


def _recipe(exp: Experiment) -> Path:
    """The folder of the recipe that has ``exp/TAG``."""
    return exp.path.absolute().parent.parent


def _require_agreement(source: Source) -> None:
    """Score file and statistics speak of these predictions, under this protocol."""
    protocol, expected = source.protocol, source.aggregate
    line = source.lines["test"][0] if source.lines["test"] else None
    stated = source.statistics.get("scores", {}).get(expected.name, {})
    agree = (
        line is not None
        and f"{protocol['name']}@{protocol['hash']}" == line.fields["protocol"] == source.statistics.get("protocol")
        and (line.fields["agg"], line.correct, line.total) == (expected.name, expected.correct, expected.total)
        and all(
            abs(number - value.mean) < ROUNDED
            for key, value in expected.values.items()
            for number in (score(line, key), stated.get(key, {}).get("mean", math.nan))
        )
    )
    if not agree:
        raise UserError(
            f"{source.exp.path}: score_test.txt and statistics.json are not whole, or not of these predictions; run "
            f"stage 6 again: python -m mscnn.bin.score --exp {source.exp.path}"
        )


def _audit(data: Path, protocol: Mapping) -> Mapping | None:
    """What stage 1 found out about this cut of the data."""
    found = read_mapping(data / "audit" / f"{protocol['name']}.json")
    facts = found.get("protocol")
    made_of = facts.get("hash") if isinstance(facts, dict) else None
    return found if found and made_of in (None, protocol["hash"]) else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); write it with stage 6: python -m mscnn.bin.score") from None
