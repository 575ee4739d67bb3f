"""What a report is made from: the files of an experiment and of its data, read once; nothing is measured anew."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import read_table
from mscnn.scoring.aggregate import FOLD_MEAN
from mscnn.scoring.lines import LEADING, ScoreLine
from mscnn.scoring.predictions import PARTS, Experiment
from mscnn.scoring.report import DEFINITIONS

ROUNDED = 0.0051  # score lines have two decimals
MANIFEST_DEPTH = 8  # folders above a recording


@dataclass(frozen=True)
class Source:
    """An experiment with what stage 6 wrote: score ``lines`` by part, ``remarks``, ``statistics``; and its data.

    ``tables`` are those of the data directory, by name, empty where there is no such file; ``text`` is what the
    experiment reads, or the corpus' own words where it reads none. ``audit`` is None where none was made of this cut.
    """

    exp: Experiment
    data: Path
    lines: Mapping[str, list[ScoreLine]]
    remarks: list[str]
    statistics: Mapping
    tables: Mapping[str, Mapping[str, str]]
    audit: Mapping | None

    @property
    def config(self) -> dict:
        """The resolved configuration of the experiment."""
        return self.exp.config

    @property
    def protocol(self) -> Mapping:
        """Name, hash and promises of the protocol."""
        return self.config["protocol"]

    @cached_property
    def synthetic(self) -> bool:
        """Whether a program of this project made the recordings: its manifest stands above them."""
        wav = next(iter(self.tables["wav.scp"].values()), None)
        above = [] if wav is None else [*Path(wav).parents][:MANIFEST_DEPTH]
        return any("generator" in _json(folder / "MANIFEST.json") for folder in above)


def read_source(exp: str | os.PathLike, data: str | os.PathLike | None = None) -> Source:
    """Read everything; ``data`` None: the directory in ``config.yaml``, if it is there.

    Raises:
        UserError: the experiment is not finished, not scored, or was scored before it was trained again.
    """
    found = Experiment.load(exp)
    folder = Path(found.config["data"] if data is None else data)
    if data is not None and not folder.is_dir():
        raise UserError(f"{data}: no such data directory; make it with stage 1 (data)")
    texts = {part: _read(found.path / f"score_{part}.txt").splitlines() for part in PARTS}
    lines = {part: [ScoreLine.parse(text) for text in found if text[:1] == "%"] for part, found in texts.items()}
    words = found.config["text"]
    names = {name: name for name in ("utt2spk", "utt2gender", "utt2emo", "utt2dur", "wav.scp", "segments")}
    names["text"] = "text" if words in ("none", "gt") else f"text.{words}"
    tables = {name: read_table(folder / file) if (folder / file).is_file() else {} for name, file in names.items()}
    source = Source(
        found, folder, lines,
        remarks=[t for text in texts["test"] if text[:2] == "# " and (t := text[2:]) not in DEFINITIONS.splitlines()],
        statistics=json.loads(_read(found.path / "statistics.json")),
        tables=tables,
        audit=_audit(folder, found.config["protocol"]),
    )  # fmt: skip
    _require_agreement(source)
    return source


def _require_agreement(source: Source) -> None:
    """Score file, statistics and configuration speak of the same predictions."""
    protocol = source.protocol
    line = source.lines["test"][0] if source.lines["test"] else None
    scores = source.statistics.get("scores", {}).get(FOLD_MEAN, {})
    agree = (
        line is not None
        and f"{protocol['name']}@{protocol['hash']}" == line.fields["protocol"] == source.statistics.get("protocol")
        and all(abs(scores[key]["mean"] - line.values[key]) < ROUNDED for key in LEADING if key in scores)
        and line.total == source.statistics.get("utterances") == sum(len(r[0].utts) for r in source.exp.parts["test"])
    )
    if not agree:
        raise UserError(
            f"{source.exp.path}: score_test.txt and statistics.json are not of these predictions; run stage 6 again: "
            f"python -m mscnn.bin.score --exp {source.exp.path}"
        )


def _audit(data: Path, protocol: Mapping) -> Mapping | None:
    """What stage 1 found out about this cut of the data."""
    found = _json(data / "audit" / f"{protocol['name']}.json")
    facts = found.get("protocol")
    made_of = facts.get("hash") if isinstance(facts, dict) else None
    return found if found and made_of in (None, protocol["hash"]) else None


def _json(path: Path) -> Mapping:
    """A mapping, empty where the file is not there or is something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); write it with stage 6: python -m mscnn.bin.score") from None
