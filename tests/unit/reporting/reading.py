"""Readers of documents for tests: pages by element, id and class; Markdown by heading and table."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input"}


class Element:
    """An element of a page; access to a missing element is an error."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element | str] = []

    def all(self, tag: str | None = None, **attributes: str) -> list[Element]:
        """Elements with a tag and attributes, including the element itself; ``class_``: one of the CSS classes."""
        return [one for one in self._inside() if one._fits(tag, attributes)]

    def __getitem__(self, id: str) -> Element:
        (one,) = self.all(id=id)
        return one

    def __contains__(self, id: str) -> bool:
        return bool(self.all(id=id))

    @property
    def text(self) -> str:
        """All text of the element, spaces collapsed."""
        return " ".join(" ".join(self._texts()).split())

    @property
    def classes(self) -> set[str]:
        """CSS classes of the element."""
        return {*(self.attributes.get("class") or "").split()}

    @property
    def codes(self) -> list[str]:
        """Codes of the notes in a list or a paragraph."""
        return [one.attributes["class"] or "" for one in self.all() if one.tag in ("li", "span") and one.classes]

    @property
    def rows(self) -> list[list[str]]:
        """Texts of the cells of a table, row by row, head first."""
        return [[cell.text for cell in row.all() if cell.tag in ("th", "td")] for row in self.all("tr")]

    def _inside(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child._inside()

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            yield from (child,) if isinstance(child, str) else child._texts()

    def _fits(self, tag: str | None, attributes: dict[str, str]) -> bool:
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        name = wanted.pop("class", None)
        return (
            tag in (None, self.tag)
            and (name is None or name in self.classes)
            and wanted.items() <= self.attributes.items()
        )


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.path = [Element("", {})]
        self.feed(text)
        assert len(self.path) == 1, f"not closed: {[one.tag for one in self.path]}"

    def handle_starttag(self, tag, attrs):
        one = Element(tag, dict(attrs))
        self.path[-1].children.append(one)
        if tag not in VOID:
            self.path.append(one)

    def handle_startendtag(self, tag, attrs):
        self.path[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.path.pop().tag == tag

    def handle_data(self, data):
        self.path[-1].children.append(data)


def read_html(text: str) -> Element:
    """The root of a page or of a part of one; elements that are not closed are an error."""
    return _Reader(text).path[0]


def read_sections(text: str) -> dict[str, str]:
    """Heading of the second level -> its part of a Markdown document; the part before the first has an empty name."""
    first, *parts = f"\n{text}".split("\n## ")
    return {"": first[1:], **{part.split("\n", 1)[0]: part.split("\n", 1)[1] for part in parts}}


def read_rows(text: str) -> list[list[str]]:
    """Cells of all lines of Markdown tables in a text, including heads, without rules."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def read_items(text: str) -> list[str]:
    """Items of all lists of a Markdown text."""
    return [line[2:] for line in text.splitlines() if line.startswith("* ")]
