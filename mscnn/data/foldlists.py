"""Fold lists: ``fold01.train``, ``fold01.dev``, ``fold01.test``, …, one utterance id per line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mscnn.data.checks import SPLIT
from mscnn.data.checks import SPLITS as PARTS
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.log import get_logger

LIST = re.compile(r"fold(\d+)\.(train|dev|test)")
log = get_logger(__name__)

Lists = dict[str, list[str]]  # part -> utterance ids


def list_texts(folds: Iterable[Mapping[str, Sequence[str]]]) -> dict[str, str]:
    """File name -> content: one sorted list of ids per part and fold."""
    return {
        f"fold{number:02d}.{part}": "".join(f"{utt}\n" for utt in sorted(utts, key=str.encode))
        for number, fold in enumerate(folds, 1)
        for part, utts in fold.items()
    }


def write_lists(folds: Iterable[Mapping[str, Sequence[str]]], directory: str | os.PathLike) -> None:
    """Write one sorted list of ids per part and fold; other lists in the folder are removed."""
    directory, texts = Path(directory), list_texts(folds)
    for name, text in texts.items():
        with atomic(directory / name) as out:
            out.write(text)
    for path in directory.iterdir():
        if LIST.fullmatch(path.name) and path.name not in texts:
            path.unlink()


def read_list(path: Path) -> list[str]:
    """Ids of one list.

    Raises:
        UserError: the file cannot be read, or a line is not one id.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: cannot be read as a list of utterance ids: {error}", code="fold-list-unreadable"
        ) from None
    for number, line in enumerate(lines, 1):
        if len(line.split()) != 1:
            raise UserError(f"{path}:{number}: expected one utterance id, found {line!r}", code="fold-list-line")
    return [line.strip() for line in lines]


def read_folds(directory: str | os.PathLike, data: DataDir) -> list[Lists]:
    """Lists of every fold in a folder; ids that the data lack are skipped, with a warning in the log.

    Raises:
        UserError: there are no lists, a fold has no train or test, or an id occurs twice in a fold.
    """
    numbers = sorted({int(name[1]) for path in Path(directory).glob("*") if (name := LIST.fullmatch(path.name))})
    if not numbers or numbers != [*range(1, len(numbers) + 1)]:
        listed = f"fold {', '.join(map(str, numbers))}" if numbers else "none"
        raise UserError(
            f"{directory}: expected lists fold01.train, fold01.dev, fold01.test, fold02.train, …; found {listed}",
            code="fold-lists-absent",
        )
    folds = [_read_fold(Path(directory), number) for number in numbers]
    return of_data(folds, data, directory)


def _read_fold(directory: Path, number: int) -> Lists:
    paths = {part: directory / f"fold{number:02d}.{part}" for part in PARTS}
    lists = {part: read_list(path) for part, path in paths.items() if part != "dev" or path.exists()}
    require_one_part(lists, paths)
    return lists


def require_one_part(lists: Lists, paths: Mapping[str, Path]) -> None:
    """Raise UserError where an utterance is in two parts of a fold, or twice in one; ``paths`` are those of the lists.

    A dev part that equals the test part is allowed here; the protocol must declare it.
    """
    where: dict[str, str] = {}
    for part, utts in lists.items():
        if part == "test" and utts == lists.get("dev"):
            continue
        for utt in utts:
            if utt in where:
                raise UserError(
                    f"{paths[part]}: {utt} is also in {paths[where[utt]].name}; an utterance belongs to one part",
                    code="utterance-in-two-parts",
                )
            where[utt] = part


def of_data(folds: Sequence[Lists], data: DataDir, source: str | os.PathLike) -> list[Lists]:
    """Lists restricted to the utterances of the data; warns of unknown utterances and of those in no list."""
    listed = {utt for fold in folds for utts in fold.values() for utt in utts}
    if unknown := sorted(listed - data.spk.keys()):
        message = "%s: %d utterances are not in %s and are skipped, such as %s"
        log.warning(message, source, len(unknown), data.path, unknown[0])
    if unlisted := sorted(data.spk.keys() - listed):
        log.warning("%s: %d utterances of %s are in no list, such as %s", source, len(unlisted), data.path, unlisted[0])
    return [{part: [utt for utt in utts if utt in data.spk] for part, utts in fold.items()} for fold in folds]


def read_split(data: DataDir, test: str = "test") -> Lists:
    """Lists of the one fold that the table utt2split defines; ``test`` is the value of the test part.

    Raises:
        UserError: there is no such table, a value is unknown, or no utterance has the value ``test``.
    """
    if not data.split:
        raise UserError(
            f"{data.path}: no utt2split, which defines the parts of this protocol: choose another protocol, or one "
            "whose test names a folder of fold lists (lists: FOLDER)",
            code="attribute-absent",
        )
    odd = next((utt for utt in data.utts if not SPLIT.fullmatch(data.split[utt])), None)
    if odd:
        raise UserError(
            f"{data.path}/utt2split: {odd}: expected train, dev, test, test1 …, found {data.split[odd]!r}",
            code="split-unknown",
        )
    values = sorted(set(data.split.values()))
    if test not in values:
        raise UserError(
            f"{data.path}/utt2split: no {test}, its values are {', '.join(values)}: choose a protocol of this corpus, "
            "or state the test part as test: {scheme: predefined, name: …}",
            code="split-absent",
        )
    return {
        part: [utt for utt in data.utts if data.split[utt] == value]
        for part, value in (("train", "train"), ("dev", "dev"), ("test", test))
    }
