"""``conf/corpora/<name>.yaml``: a corpus whose recordings are described by their names, and by tables beside them.

A minimal description::

    name: MyCorpus
    names: ['(?P<speaker>[a-z]+)_(?P<label>[a-z]+)_\\d+']

Names are matched without the extension, from the end of the path: ``ann_angry_01.wav`` in any folder. A pattern may
include folders: ``(?P<label>\\w+)/(?P<speaker>\\d+)-\\d+``. Its groups are values; ``fields`` makes more of them.
``{group}`` in a template is the value of a group or of an earlier field; ``{stem}``, ``{folder}`` and ``{path}`` are
the name of the recording, that of its folder, and the path, without extension.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import pydantic
from pydantic import AfterValidator

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.paths import conf
from mscnn.text.language import check_tags

ITEM_FIELDS = ("speaker", "label", "text", "style", "session", "scene", "gender", "split")
BUILT_IN = ("stem", "folder", "path")
Some: TypeAlias = Annotated[tuple[str, ...], pydantic.Field(min_length=1)]
TEMPLATE = re.compile(r"\{(\w+)\}")
OTHER = "*"  # in codes: any other value
EACH = "each "


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with ``{name}`` replaced by its value; KeyError where there is no such value."""
    return TEMPLATE.sub(lambda match: values[match[1]], template)


@dataclass(frozen=True)
class Field:
    """A value that is looked up.

    Attributes:
        of: template of what is looked up, such as ``"{emotion}"``.
        codes: what each value stands for. A key may list several values, separated by blanks; ``"*"`` is any other.
            A value without code is an issue (``unknown-code``).
        table: names of tables, separated by blanks: the value is ``column`` of the first row whose key is ``of``, and
            ``codes`` apply to it.
        column: column of the table.
    """

    of: str
    codes: Mapping[str, str] = field(default_factory=dict)
    table: str = ""
    column: str = ""

    @property
    def tables(self) -> list[str]:
        """Names of the tables."""
        return self.table.split()


@dataclass(frozen=True)
class Table:
    """A table beside the recordings: transcripts, labels, facts about speakers.

    Attributes:
        files: patterns of its files, below the folder of the corpus: ``*``, ``?`` and ``[...]`` within a name, ``**/``
            any folders.
        key: template of the columns that a field's ``of`` equals. ``{stem}`` and ``{folder}`` are those of the file.
        separator: of columns, quoted as in CSV. A file ``.json`` is a list of rows, or rows by ``{id}``.
        columns: names of the columns, where the file has no head line.
        line: a pattern with named groups that each line matches, in place of ``separator`` and ``columns``.
        encodings: that counts in which most lines match ``line``, the first of equals; ``utf-16`` is tried only where
            the file begins with its mark.
        optional: whether a release without the table is complete; fields from it are then empty.
        complete: whether each row must have a recording.
    """

    files: Some
    key: str
    separator: str = ","
    columns: tuple[str, ...] = ()
    line: str = ""
    encodings: Some = ("utf-8", "utf-16")
    optional: bool = False
    complete: bool = False


@dataclass(frozen=True)
class Sign:
    """A sign of a release that is not complete.

    Attributes:
        fix: what to do.
        found: pattern of files that are there where something is missing, such as an archive that is not unpacked;
            told where no recording is found.
        absent: pattern of files that a complete release has; an issue (``incomplete-release``) where there is none.
    """

    fix: str
    found: str = ""
    absent: str = ""


@dataclass(frozen=True)
class Description:
    """What ``conf/corpora/<name>.yaml`` has.

    Attributes:
        name: name of the corpus, for people.
        names: patterns with named groups of the recordings' names; the first that matches counts.
        about: speakers, language, material, and the origin of the labels.
        language: tags of the spoken languages, separated by blanks: the default of ``--language`` where there is one.
        source: paper, and web address of the corpus.
        licence: terms of use.
        limits: sentences about what scores on it do not show.
        quirks: what is irregular in the release, and what is done about it.
        files: patterns of the files to read, below the folder of the corpus.
        formats: extensions of recordings; other files are skipped.
        example: path of a recording, shown where none is found.
        skip: what is skipped, and the pattern of its names (as ``names``).
        id: template of the utterance's own id; the speaker is put before it.
        fields: values by name: a :class:`Field`, or a template, which is short for one that has only ``of``. Groups and
            fields named speaker, label, text, style, session, scene, gender and split are those of the utterance; a
            label map may take labels from any field.
        tables: tables beside the recordings, by name.
        known_bad: recordings that are unusable in every copy, by stem: the reason. They are excluded.
        corrections: right values of fields, by stem; they replace what the release says.
        incomplete: signs of an incomplete release.
        counts: utterances of a complete copy: by patterns of speakers, then labels. ``*``, ``?`` and ``[...]`` stand
            for sums; ``each PATTERN`` for every speaker that matches.
        base: a description whose keys are those of this one, except those that it has itself.
    """

    name: str
    names: Some
    about: str = ""
    language: Annotated[str, AfterValidator(check_tags)] = ""
    source: str = ""
    licence: str = ""
    limits: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    files: Some = ("**/*",)
    formats: Some = ("wav", "flac")
    example: str = ""
    skip: Mapping[str, str] = field(default_factory=dict)
    id: str = "{stem}"
    fields: Mapping[str, Field] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    known_bad: Mapping[str, str] = field(default_factory=dict)
    corrections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    incomplete: tuple[Sign, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    base: str = ""

    def __post_init__(self) -> None:
        known = {*BUILT_IN, *(group for pattern in self.names for group in _compiled(pattern).groupindex)}
        for pattern in (*self.skip.values(), *(table.line for table in self.tables.values())):
            _compiled(pattern)
        for name, rule in self.fields.items():
            _require(rule.of, known, f"fields.{name}")
            for table in rule.tables:
                if table not in self.tables or not rule.column:
                    raise UserError(f"fields.{name}: no table {table}, or no column", code="corpus-table-unknown")
            known.add(name)
        _require(self.id, known, "id")
        if "label" not in known:
            raise UserError("names, fields: no label; name a group or a field so", code="corpus-without-label")

    @classmethod
    def load(cls, name: str) -> Description:
        """The description ``conf/corpora/<name>.yaml``, or that in the YAML file ``name``.

        Raises:
            UserError: as :func:`schema.load`; or a pattern, template, table or base is not as documented.
        """
        path = conf("corpora", name)
        return cls.of(_with_base(path, ()), path)

    @classmethod
    def of(cls, values: Mapping[str, Any], where: schema.Where) -> Description:
        """The description with the content ``values`` of the file ``where``; raises as :meth:`load`."""
        fields = values.get("fields")
        if isinstance(fields, Mapping):
            short = {name: {"of": rule} if isinstance(rule, str) else rule for name, rule in fields.items()}
            values = {**values, "fields": short}
        return schema.build(cls, values, where)


def _with_base(path: Path, seen: tuple[Path, ...]) -> dict:
    values = schema.read(path)
    if "base" not in values:
        return values
    if path in seen:
        raise UserError(f"{path}: base: a description cannot be based on itself", code="corpus-base")
    return {**_with_base(conf("corpora", str(values["base"])), (*seen, path)), **values}


def _compiled(pattern: str) -> re.Pattern:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UserError(f"{pattern!r}: not a regular expression: {error}", code="corpus-pattern") from None


def _require(template: str, known: set[str], where: str) -> None:
    unknown = {*TEMPLATE.findall(template)} - known
    if unknown:
        raise UserError(
            f"{where}: {{{min(unknown)}}} is no group and no earlier field; known: {', '.join(sorted(known))}",
            code="corpus-template",
        )
