"""Things to know that documents list, each of a kind that tests and style sheets can name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A sentence, and the ``code`` of its kind: the CSS class of its place on a page. Wording is free."""

    code: str
    text: str

    def __str__(self) -> str:
        return self.text
