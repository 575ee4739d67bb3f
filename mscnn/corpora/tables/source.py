"""From a table to what the stages need: corpus, label map and protocol, in one folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mscnn.corpora.common import Corpus
from mscnn.corpora.ids import valid_ids
from mscnn.corpora.tables import protocol, store
from mscnn.corpora.tables.columns import KNOWN, parse_columns, plain
from mscnn.corpora.tables.items import Patterns, to_corpus
from mscnn.corpora.tables.labels import write_map
from mscnn.corpora.tables.read import read_rows
from mscnn.errors import DataErrors, UserError


@dataclass(frozen=True)
class Source:
    """Where recordings and labels of a user are; the fields are the options of ``mscnn own``.

    Attributes:
        table: table or folder.
        audio_root: folder that relative paths are relative to; empty: that of the table.
        columns: ``path=NAME,label=NAME``; empty: as understood.
        name_pattern, speaker_from: regular expressions, see :class:`~mscnn.corpora.tables.items.Patterns`.
        labels: label map: a name in conf/labels, or a .yaml file; empty: one of all labels is written.
        protocols: evaluation protocols: names in conf/protocols, or .yaml files; none: one that fits.
        skip: whether rows with problems are excluded, in place of an error.
    """

    table: Path
    audio_root: str = ""
    columns: str = ""
    name_pattern: str = ""
    speaker_from: str = ""
    labels: str = ""
    protocols: tuple[str, ...] = ()
    skip: bool = False


@dataclass(frozen=True)
class OwnCorpus:
    """What was written for a table.

    Attributes:
        corpus: the utterances, and the issues of excluded rows.
        labels: file of the label map.
        protocols: evaluation protocols.
        lines: sentences about how the table was understood.
    """

    corpus: Corpus
    labels: Path
    protocols: tuple[str, ...]
    lines: list[str]


def name_of(table: Path) -> str:
    """Name of the data set of a table: that of the file without its endings, in letters, digits and ``_``."""
    name = re.sub(r"\W+", "_", table.absolute().name.split(".")[0]).strip("_")
    return name or "table"


def read_source(source: Source, out: Path, lines: list[str] | None = None) -> OwnCorpus:
    """Read a table and write ``corpus.jsonl`` and the label map ``NAME.yaml`` to ``out``; NAME is that of the folder.

    Sentences about how the table is understood are also added to ``lines``, as far as it is where there is an error.

    Raises:
        DataErrors: rows have problems, unless these are skipped (``table-wrong``); nothing is written.
        UserError: the table cannot be read, has no usable row, or no protocol fits it.
    """
    given, patterns = parse_columns(source.columns), Patterns.of(source.name_pattern, source.speaker_from)
    roots = _roots(source.audio_root)
    known = KNOWN | {plain(name) for name in given.values()}
    rows = read_rows(source.table, known, out / "audio", labelled="label" in patterns.groups)
    lines = [] if lines is None else lines
    try:
        corpus, understood = to_corpus(rows, given, patterns, roots)
        lines += understood
        return _written(valid_ids(corpus), lines, source, out)
    except UserError as error:
        if str(source.table) not in str(error):
            error.args = (f"{source.table}: {error}",)
        raise


def _written(corpus: Corpus, lines: list[str], source: Source, out: Path) -> OwnCorpus:
    """Write what was read; sentences about it are added to ``lines``."""
    if corpus.issues and not source.skip:
        problems = "1 problem" if len(corpus.issues) == 1 else f"{len(corpus.issues)} problems"
        raise DataErrors(
            f"{source.table}: {problems}; correct them, or exclude these rows with --on-bad skip:",
            sorted(corpus.issues, key=lambda issue: issue.code),
            code="table-wrong",
        )
    if not corpus.items:
        raise UserError(f"{source.table}: no row can be used: {corpus.issues[0]}", code="table-empty")
    written = write_map(corpus.items, source.labels, out / f"{out.name}.yaml")
    lines += written.lines
    items, more = protocol.with_dev(corpus.items, written.labels.mapping)
    lines += more
    corpus = replace(corpus, items=items)
    choice = protocol.choose(corpus, written.labels, source.protocols, source.table)
    lines += choice.lines
    store.write(corpus, out)
    return OwnCorpus(corpus, written.path, choice.protocols, lines)


def _roots(audio_root: str) -> Sequence[Path]:
    if audio_root and not Path(audio_root).is_dir():
        raise UserError(f"--audio-root {audio_root}: no such folder (from {Path.cwd()})", code="folder-missing")
    return [Path(audio_root)] if audio_root else []
