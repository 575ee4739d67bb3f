"""Nothing that comes from data becomes markup."""

from html.parser import HTMLParser

from mscnn.reporting.page.html import Markup, details, element, items, join, table


class Reader(HTMLParser):
    """Elements with their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_text_and_attributes_are_escaped_and_markup_is_not():
    found = Reader(element("p", "<b>&", element("i", 1), None, title='"><script>', aria_label="a", class_="x"))
    assert found.elements == [("p", {"title": '"><script>', "aria-label": "a", "class": "x"}), ("i", {})]
    assert found.text == "<b>&1"


def test_attributes_without_a_value_and_elements_without_an_end():
    assert element("audio", controls=True, src=None, loop=False) == "<audio controls></audio>"
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_text_stays_text_however_often_it_is_joined():
    assert join(["<", Markup("<br>"), None, 3], ", ") == "&lt;, <br>, 3"
    assert items([]) is None and Reader(items(["<li>"])).elements == [("ul", {}), ("li", {})]
    assert Reader(details("<", "<")).text == "<<"


def test_tables_tell_what_is_a_heading_and_of_what():
    found = Reader(table("The <caption>", ["name", "n"], [("<x>", None), ("y", {"content": 2, "style": "--w:1"})]))
    assert ("caption", {}) in found.elements and "The <caption>" in found.text and "<x>" in found.text
    assert [a.get("scope") for tag, a in found.elements if tag == "th"] == ["col", "col", "row", "row"]
    assert [a for tag, a in found.elements if tag == "td"] == [{"class": "n"}, {"style": "--w:1", "class": "n"}]
    box = found.elements[0]
    assert box[0] == "div" and box[1]["tabindex"] == "0", "a table wider than a phone must scroll, by keyboard too"
    assert "–" in found.text
