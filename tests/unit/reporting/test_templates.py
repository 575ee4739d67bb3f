"""Templates: data are escaped in pages, and missing values are errors."""

import re
from importlib import resources

import jinja2
import pytest

from mscnn.reporting.notes import Note
from mscnn.reporting.templates import Section, macro, render
from tests.unit.reporting.reading import read_html

EVIL = "<script>alert(1)</script>\"'&"


def test_pages_escape_text_and_attributes():
    page = read_html(render("document.html", title=EVIL, sections=[Section(EVIL, EVIL)]))
    assert not page.all("script") and page.all("title")[0].text.endswith(EVIL) and EVIL in page
    assert page.all("h2")[0].text == EVIL and page.all("a", href=f"#{EVIL}")


def test_markdown_is_text_without_html_of_values():
    facts = {"title": "a & b > 1 < 2", "sections": [], "waiting": ["exp/<c>"], "notes": EVIL}
    text = render("overview.md", **facts)
    assert text.startswith("# a & b > 1 < 2\n") and "* exp/&lt;c>\n" in text
    assert "<s" not in text and "<i" not in text


def test_a_missing_value_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render("document.html", title="x")


def test_notes_have_their_codes():
    page = read_html(macro("notes", [Note("few-speakers", "<b>"), "plain"], "limits"))["limits"]
    assert page.codes == ["few-speakers"] and [item.text for item in page.all("li")] == ["<b>", "plain"]
    assert macro("notes", []).strip() == ""


def test_every_template_can_be_compiled_and_no_page_is_written_unescaped():
    names = [path.name for path in resources.files("mscnn.reporting").joinpath("templates").iterdir()]
    assert {"style.css", "macros.html", "results.md"} <= {*names}
    for folder in ("templates", "templates/report"):
        for file in resources.files("mscnn.reporting").joinpath(folder).iterdir():
            if file.is_file():
                text = file.read_text(encoding="utf-8")
                jinja2.Environment().parse(text)
                assert not re.search(r"\|\s*safe\b|autoescape", text), f"{file.name}: nothing from data is safe"
