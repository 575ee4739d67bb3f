"""Languages, by their tags of BCP 47: ``en-US``, ``de``, ``zh-Hant-TW``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from mscnn.errors import UserError
from mscnn.files import read_yaml
from mscnn.paths import CONF

TAG = re.compile(r"(?P<code>[a-z]{2,3})(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|\d{3}))?", re.IGNORECASE)


@dataclass(frozen=True)
class Language:
    """A language: its code of ISO 639, in lower case, and script and region, empty where they are not stated."""

    code: str
    script: str = ""
    region: str = ""

    @classmethod
    def parse(cls, tag: str) -> Language:
        """The language of a tag, in any case and with ``-`` or ``_``.

        Raises:
            UserError: it is not a tag, or its language is unknown (``language-invalid``); names the nearest.
        """
        match = TAG.fullmatch(tag.strip().replace("_", "-"))
        if match is None or match["code"].lower() not in _names():
            raise UserError(
                f"language {tag}: not known{_hint(tag)} Give a code of conf/languages.yaml, alone or with a script or "
                "region, such as de, en-US or zh-Hant-TW; other parts of BCP 47 are not taken",
                code="language-invalid",
            )
        return cls(match["code"].lower(), (match["script"] or "").title(), (match["region"] or "").upper())

    @property
    def name(self) -> str:
        """Name in English, without script and region."""
        return _names()[self.code]

    def __str__(self) -> str:
        return "-".join(filter(None, (self.code, self.script, self.region)))


def check_tags(tags: str) -> str:
    """``tags``, which are separated by blanks; raises UserError (``language-invalid``) where one is no language."""
    for tag in tags.split():
        Language.parse(tag)
    return tags


@cache
def _names() -> Mapping[str, str]:
    """Code -> name of every known language."""
    return read_yaml(CONF / "languages.yaml")["languages"]


def _hint(tag: str) -> str:
    """The end of a sentence: the language whose name or code is nearest, as a question, where one is."""
    names = _names()
    by_name = {name.lower(): code for code, name in reversed([*names.items()])}  # the first code of a name
    first = re.split(r"[-_\s]", tag.strip().lower())[0]
    near = difflib.get_close_matches(first, by_name, n=1)
    code = by_name[near[0]] if near else first[:2]  # codes of three letters often begin as those of two
    return f"; did you mean {code} ({names[code]})?" if code in names else "."
