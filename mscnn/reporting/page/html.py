"""HTML from values: whatever is not :class:`Markup` is escaped, so ids and words of a corpus stay words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

VOID = frozenset({"meta", "link", "img", "br"})
NOTHING = "–"


class Markup(str):
    """Text that is HTML already."""


def element(name: str, /, *content: object, **attributes: object) -> Markup:
    """One element; ``class_`` is class, ``aria_label`` aria-label; True: without a value, None and False: left out."""
    pairs = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            pairs.append(f" {key}")
        elif value is not None and value is not False:
            pairs.append(f' {key}="{escape(str(value))}"')
    opening = f"<{name}{''.join(pairs)}>"
    return Markup(opening if name in VOID else f"{opening}{join(content)}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Parts side by side, escaped where they are not markup; None is nothing."""
    return Markup(between.join(p if isinstance(p, Markup) else escape(str(p)) for p in parts if p is not None))


def table(caption: str, head: Sequence[object], rows: Iterable[Sequence[object]], *, left: int = 1) -> Markup:
    """A table that scrolls in its own box; the first cell of a row is its heading, ``left`` columns are words.

    A cell that is a mapping of attributes and ``content`` carries them; None is a dash.
    """
    body = [element("tr", *(_cell(cell, place, left) for place, cell in enumerate(row))) for row in rows]
    heads = [element("th", name, scope="col", class_=None if i < left else "n") for i, name in enumerate(head)]
    inner = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
    )
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _cell(cell: object, place: int, left: int) -> Markup:
    facts = dict(cell) if isinstance(cell, dict) else {"content": cell}
    content = facts.pop("content")
    content = NOTHING if content is None else content
    look = " ".join(filter(None, (facts.pop("class_", None), None if place < left else "n"))) or None
    if place == 0:
        return element("th", content, scope="row", class_=look, **facts)
    return element("td", content, class_=look, **facts)


def paragraph(*content: object, class_: str | None = None) -> Markup:
    """A paragraph."""
    return element("p", *content, class_=class_)


def items(texts: Iterable[object]) -> Markup | None:
    """A list, None where there is nothing in it."""
    found = [element("li", text) for text in texts]
    return element("ul", *found) if found else None


def details(summary: str, *content: object) -> Markup:
    """Something to open."""
    return element("details", element("summary", summary), *content)
