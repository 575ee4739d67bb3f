"""Reads predictions of any toolkit from a CSV or TSV file with a line of column names."""

from __future__ import annotations

import csv
import difflib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mscnn.errors import UserError
from mscnn.evaluation.arrays import system_of
from mscnn.evaluation.probabilities import Where
from mscnn.evaluation.system import System
from mscnn.paths import composed

# Role of a column -> other names by which it is recognised; case, spaces, dashes and underscores are ignored.
ALIASES: dict[str, tuple[str, ...]] = {
    "utterance": ("utt", "utt_id", "utterance_id", "id", "file", "filename", "path", "segment", "segment_id", "clip"),
    "truth": ("true", "label", "true_label", "y_true", "target", "gold", "reference", "ground_truth", "emotion"),
    "prediction": ("pred", "predicted", "predicted_label", "pred_label", "y_pred", "hypothesis", "output"),
    "speaker": ("spk", "speaker_id", "spk_id", "subject", "actor", "participant"),
    "dialogue": ("dialog", "dialogue_id", "dialog_id", "conversation", "scene"),
    "fold": ("cv_fold", "fold_id", "test_fold"),
    "run": ("run_id", "seed", "repetition", "repeat"),
}
PREFIXES = ("p_", "prob_", "proba_", "probability_")  # columns with probabilities are named PREFIX + class
SEPARATORS = "\t,;"


def read_prediction_table(
    path: str | os.PathLike,
    columns: Mapping[str, str | None] | None = None,
    prefix: str | None = None,
    classes: Sequence[object] | None = None,
) -> System:
    """System from a file of predictions.

    The separator (tab, comma or semicolon) is the most frequent one in the first line. Columns that are not given are
    recognised by common names (ALIASES); columns with probabilities are named by one of PREFIXES and a class, or by the
    class alone. The remarks say how columns were interpreted and which were not used.

    Args:
        path: the file.
        columns: key of ALIASES -> name of its column.
        prefix: prefix of the columns with probabilities; None: one of PREFIXES.
        classes: as for :func:`mscnn.evaluate`.

    Raises:
        UserError: the file cannot be read or is empty, lines differ in their number of cells, a required or given
            column is missing (the message has the nearest name), or two columns match; see also
            :func:`mscnn.evaluate`.
    """
    path = Path(path)
    header, lines, cells = _read(path)
    values = {name: [row[k] for row in cells] for k, name in enumerate(header)}
    return system_of_columns(str(path), values, lambda i: f"{path}:{lines[i]}", columns, prefix, classes)


def is_table(value: Any) -> bool:
    """Whether a value is a data frame (of pandas or polars): columns by name."""
    return hasattr(value, "columns") and hasattr(value, "__getitem__")


def system_of_frame(
    name: str,
    frame: Any,
    columns: Mapping[str, str | None] | None = None,
    prefix: str | None = None,
    classes: Sequence[object] | None = None,
) -> System:
    """System from a data frame, named ``name``; otherwise as :func:`read_prediction_table`."""
    header = [str(column) for column in frame.columns]
    if twice := next((column for column in header if header.count(column) > 1), None):
        raise UserError(f"{name}: two columns are named {twice}", code="column-twice")
    values = {title: list(frame[column]) for title, column in zip(header, frame.columns, strict=True)}
    return system_of_columns(name, values, "row {}".format, columns, prefix, classes)


def system_of_columns(
    title: str,
    values: Mapping[str, Sequence[Any]],
    where: Where,
    columns: Mapping[str, str | None] | None,
    prefix: str | None,
    classes: Sequence[object] | None,
) -> System:
    """System from columns by name; ``title`` names the table and ``where`` a row, for messages; see the readers."""
    header = list(values)
    roles, remarks = _roles(title, header, {key: name for key, name in (columns or {}).items() if name is not None})
    scored = _scored(title, header, prefix, set(map(str, values[roles["truth"]])))
    if "prediction" not in roles and not scored:
        raise _missing(title, header, "prediction")
    unused = [name for name in header if name not in {*roles.values(), *scored.values()}]
    if unused:
        remarks.append(f"columns not used: {', '.join(_with_nearest(name) for name in unused)}")

    def column(role: str) -> Sequence[Any] | None:
        return values[roles[role]] if role in roles else None

    return system_of(
        values[roles["truth"]],
        column("prediction"),
        utterances=column("utterance"),
        speakers=column("speaker"),
        dialogues=column("dialogue"),
        folds=column("fold"),
        runs=column("run"),
        probabilities={label: _numbers(where, name, values[name]) for label, name in scored.items()} or None,
        classes=classes,
        name=title,
        where=where,
        remarks=remarks,
    )


def columns_of(options: Mapping[str, str | None]) -> dict[str, str | None]:
    """Role -> name of its column, from options such as ``speaker_column="spk"``.

    Raises:
        UserError: an unknown option; the message has the nearest name.
    """
    known = {f"{role}_column": role for role in ALIASES}
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise UserError(f"unknown option {option} for a file; {hint}", code="option-unknown")
    return {known[option]: name for option, name in options.items()}


def _read(path: Path) -> tuple[list[str], list[int], list[list[str]]]:
    """Names of the columns, and the line number and cells of each row."""
    try:
        text = composed(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", code="file-unreadable") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error}); convert it with iconv", code="table-encoding") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count))
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: {error}", code="table-line") from None
    if len(rows) < 2:
        raise UserError(f"{path}: no utterances: expected a line of column names, then rows", code="table-empty")
    header = rows[0][1]
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise UserError(f"{path}:{rows[0][0]}: two columns are named {twice}", code="column-twice")
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise UserError(
                f"{path}:{number}: expected {len(header)} cells as in the first line, found {len(row)}; quote texts "
                "that contain the separator, and write 0.8, not 0,8",
                code="table-columns",
            )
    return header, [number for number, _ in rows[1:]], [row for _, row in rows[1:]]


def _roles(title: str, header: Sequence[str], named: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Role -> column, and remarks on columns that were recognised by an alias."""
    roles, remarks = {}, []
    for role, aliases in ALIASES.items():
        if role in named:
            if named[role] not in header:
                raise _missing(title, header, role, named[role])
            roles[role] = named[role]
            continue
        free = [name for name in header if name not in named.values()]
        own = [name for name in free if _plain(name) == role]
        like = own or [name for name in free if _plain(name) in map(_plain, aliases)]
        if len(like) > 1:
            raise UserError(
                f"{title}: {' and '.join(like)} could both be the {role}; choose one: --{role}-column {like[0]}, or "
                f"in Python {role}_column={like[0]!r}",
                code="column-ambiguous",
            )
        if like:
            roles[role] = like[0]
            remarks += [] if own else [f"column {like[0]} is used as {role}"]
    if "truth" not in roles:
        raise _missing(title, header, "truth")
    return roles, remarks


def _scored(title: str, header: Sequence[str], prefix: str | None, truth: set[str]) -> dict[str, str]:
    """Class -> column of its probabilities."""
    for start in PREFIXES if prefix is None else (prefix,):
        columns = {name[len(start) :]: name for name in header if name.startswith(start) and name != start}
        if columns and (prefix is not None or not truth.isdisjoint(columns)):
            return columns
    if prefix is not None:
        raise UserError(
            f"{title}: no column starts with {prefix!r}; the columns are {', '.join(header)}", code="column-missing"
        )
    return {name: name for name in header if name in truth} if truth <= set(header) else {}


def _numbers(where: Where, name: str, cells: Sequence[Any]) -> list[float]:
    """The cells as numbers; a comma is a decimal point."""
    numbers = []
    for i, cell in enumerate(cells):
        try:
            numbers.append(float(cell.replace(",", ".") if isinstance(cell, str) else cell))
        except (TypeError, ValueError):
            raise UserError(
                f"{where(i)}: {name}: {cell!r} is not a number; write 0.8", code="probability-value"
            ) from None
    return numbers


def _missing(title: str, header: Sequence[str], role: str, named: str | None = None) -> UserError:
    """Error: a required column is missing; the message lists the columns and the nearest name."""
    near = difflib.get_close_matches(named or role, header, n=1, cutoff=0.5)
    wanted = f"no column {named}" if named else f"no column with the {role} ({', '.join((role, *ALIASES[role]))})"
    also = " and none with probabilities (p_CLASS)" if role == "prediction" and not named else ""
    hint = f"; did you mean {near[0]}?" if near else "."
    return UserError(
        f"{title}: {wanted}{also}; the columns are {', '.join(header)}{hint} Give its name: --{role}-column NAME",
        code="column-missing",
    )


def _with_nearest(name: str) -> str:
    """Name of an unused column, with the role that it may have been meant for."""
    roles = {_plain(alias): role for role, aliases in ALIASES.items() for alias in (role, *aliases)}
    near = difflib.get_close_matches(_plain(name), roles, n=1, cutoff=0.8)
    return f"{name} (meant as {roles[near[0]]}?)" if near else name or "a column without a name"


def _plain(name: str) -> str:
    return name.lower().replace(" ", "").replace("-", "").replace("_", "")
