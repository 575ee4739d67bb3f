"""Notes in documents, each with a code that tests and style sheets refer to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A note: ``text`` is a sentence, ``code`` names its kind and is its CSS class on a page."""

    code: str
    text: str

    def __str__(self) -> str:
        return self.text
