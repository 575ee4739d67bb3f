"""The file that a table means: paths of another machine, of Windows, encoded for the web, or in other letters."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from mscnn.corpora.tables.rows import AUDIO

NAMED = 10  # files that are not found and whose nearest names are looked for


class Locator:
    """Finds files by the paths of a table.

    Attributes:
        shortened: number of files that were found without the first folders of their path.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        """Look for relative paths in ``roots``, in this order."""
        self._roots = [os.path.abspath(root) for root in roots]
        self._listings: dict[str, dict[str, list[str]]] = {}
        self._named = 0
        self.shortened = 0

    def find(self, text: str) -> str | None:
        """Absolute path of the file that ``text`` means; None where there is none, or more than one.

        A path is tried as it is; then below each root, whole and without its first folders. Capital letters, an ending
        that is missing, and how accents are encoded do not matter where only one file fits.
        """
        for path in _spellings(text):
            if os.path.isabs(path) and os.path.isfile(path):
                return os.path.normpath(path)
            parts = _parts(path)
            for dropped in range(len(parts)):
                if dropped and any(self._list(root).get(_fold(parts[dropped - 1])) for root in self._roots):
                    break  # the folder is there, the file is not
                for root in self._roots:
                    if found := self._walk(root, parts[dropped:]):
                        self.shortened += dropped > 0
                        return found
        return None

    def nearest(self, text: str) -> list[str]:
        """Names of files that are like the one that is missing; asked often, none, since the search takes long."""
        self._named += 1
        if self._named > NAMED:
            return []
        *folders, name = _parts(next(iter(_spellings(text)))) or [""]
        for root in self._roots:
            for dropped in range(len(folders) + 1):
                folder = os.path.join(root, *folders[dropped:])
                names = [name for names in self._list(folder).values() for name in names]
                if near := difflib.get_close_matches(name, names, n=3, cutoff=0.7):
                    return near
        return []

    def _walk(self, folder: str, parts: Sequence[str]) -> str | None:
        """The file of these parts below a folder."""
        exact = os.path.normpath(os.path.join(folder, *parts))
        if os.path.isfile(exact):
            return exact
        if ".." in parts:
            return None
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            names = self._list(folder).get(_fold(part), [])
            if last and not names and os.path.splitext(part)[1].lower() not in AUDIO:
                names = [n for ending in AUDIO for n in self._list(folder).get(_fold(part + ending), [])]
            if len(names) != 1:
                return None
            folder = os.path.join(folder, names[0])
        return folder if os.path.isfile(folder) else None

    def _list(self, folder: str) -> dict[str, list[str]]:
        """Names in a folder, by their spelling without capitals."""
        if folder not in self._listings:
            listing: dict[str, list[str]] = {}
            try:
                for name in sorted(os.listdir(folder)):
                    listing.setdefault(_fold(name), []).append(name)
            except (OSError, ValueError):
                pass
            self._listings[folder] = listing
        return self._listings[folder]


def _spellings(text: str) -> Iterator[str]:
    """The path as it is written, then decoded, then with the slashes of other systems."""
    plain = re.sub(r"^file://(localhost)?", "", text)
    plain = re.sub(r"^(\{[^}]*\}|\$\w+)/", "", plain)  # SpeechBrain's {data_root}/
    decoded = unquote(plain)
    yield from dict.fromkeys((plain, decoded, plain.replace("\\", "/"), decoded.replace("\\", "/")))


def _parts(path: str) -> list[str]:
    return [part for part in re.sub(r"^[A-Za-z]:(?=[/\\]|$)", "", path).split("/") if part not in ("", ".")]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
