"""The page in a browser: without console messages and requests, legible on a phone, in light and dark.

The pages are those of a hand-made experiment and of the mini recipe.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from mscnn.reporting.lines import read_score
from mscnn.reporting.page.page import write_page
from tests.e2e.browser import browser, find_chromium
from tests.unit.reporting.page.conftest import make_recipe

BOXES = (
    "h1",
    ".tiles",
    "#interval",
    "#plot-confusion_test svg",
    "#plot-speakers svg",
    "#plot-learning_curves svg",
    "#plot-attention svg",
    ".weights table",
    "#worst table",
    "#card",
)
CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def tab(page):
    """A tab, opened when the page is there: a browser waits for so long and no longer."""
    with browser(CHROMIUM) as window:
        yield window


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Page of a recipe with relative paths."""
    root = tmp_path_factory.mktemp("recipe")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        return write_page(make_recipe(Path())).resolve()


@pytest.fixture(scope="module", params=["made", "mini"])
def page(request):
    made = request.getfixturevalue(request.param)
    return made if request.param == "made" else made.exp / "report.html"


def test_no_console_messages_and_no_requests(tab, page):
    tab.requests.clear()
    tab.open(page)
    assert tab.complaints == []
    assert tab.requests[0] == page.resolve().as_uri()
    assert all(url.startswith("data:") for url in tab.requests[1:])
    assert page.stat().st_size < 3e6
    assert tab.value("document.title").startswith("Report: ")
    assert tab.value("document.documentElement.lang") == "en"


def test_it_shows_the_score_file(tab, page):
    tab.open(page)
    line = read_score(page.with_name("score_test.txt"))
    for key, value in line.values.items():
        assert tab.value(f"document.getElementById('score-{key}').innerText") == f"{value:.2f} %"
    assert tab.value("document.getElementById('score-line').innerText") == str(line)
    shown = tab.value("[...document.querySelectorAll('#plot-confusion_test text')].map(t => t.textContent).join(' ')")
    rows = page.with_name("confusion_test.csv").read_text().splitlines()[1:]
    total = np.array([[int(n) for n in row.split(",")[2:]] for row in rows])
    total = total.reshape(-1, total.shape[1], total.shape[1]).sum(axis=0)
    for row in total:
        for count in row:
            assert f"{100 * count / row.sum():.1f} % {count}" in re.sub(r"\s+", " ", shown)


@pytest.mark.parametrize("width", [390, 1000])
def test_nothing_is_wider_than_the_window(tab, page, width):
    tab.open(page, width=width)
    tab.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.value("document.documentElement.scrollWidth") == width
    # wider elements are in a box that scrolls
    loose = """[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1
        && !e.closest('.scroll') && !e.closest('svg')).map(e => e.outerHTML.slice(0, 80))"""
    assert tab.value(loose) == []


@pytest.mark.parametrize("width", [390, 1000])
def test_screenshots_in_light_and_dark(tab, page, tmp_path, width):
    pictures = {}
    for dark in (False, True):
        tab.open(page, width=width, dark=dark)
        for box in BOXES:
            place = "(b => [b.x, b.y + scrollY, b.width, b.height])"
            x, y, w, h = tab.value(f"{place}(document.querySelector('{box}').getBoundingClientRect())")
            assert w >= 250 and h > 15 and x >= 0 and y > 0, box
        tab.screenshot(tmp_path / "shot.png", whole=True)
        pictures[dark] = image.imread(tmp_path / "shot.png")[..., :3]
    light, dark = pictures[False], pictures[True]
    assert light.shape == dark.shape and light.shape[1] == width and light.shape[0] > 2000
    assert np.median(light) > 0.9 and np.median(dark) < 0.15, "the ground"
    for picture in (light, dark):
        drawn = "".join("01"[row] for row in (picture.std(axis=(1, 2)) > 0.005).astype(int))
        assert max(map(len, drawn.split("1"))) < 400, "a hole in the page"


def test_text_of_plots_takes_the_colour_of_the_theme(tab, page):
    def colours(dark):
        tab.open(page, dark=dark)
        return set(tab.value("[...document.querySelectorAll('.plot text')].map(t => getComputedStyle(t).fill)"))

    light, dark = colours(False), colours(True)
    assert light == {"rgb(27, 31, 39)", "rgb(91, 98, 112)"} and dark == {"rgb(231, 233, 238)", "rgb(163, 171, 185)"}


def test_every_player_plays(tab, page):
    """Players of the worst utterances and of the attention."""
    tab.open(page)
    count = "document.querySelectorAll('{}').length".format
    assert tab.value(count("#worst audio")) == tab.value(count("#worst tbody tr")) > 0
    assert tab.value(count("#attention audio")) == 1
    play = """Promise.all([...document.querySelectorAll('audio')].map(player => new Promise(done => {
        player.addEventListener('loadedmetadata', () => done(player.duration));
        player.addEventListener('error', () => done('error ' + player.error.message));
        player.preload = 'auto'; player.load(); })))"""
    seconds = tab.value(play)
    assert all(isinstance(one, int | float) and one > 0.2 for one in seconds), seconds
    assert tab.complaints == []


def test_markup_in_data_is_not_run(tab, made):
    tab.open(made)
    assert tab.value("document.scripts.length") == 0 and tab.value("document.body.innerText").count("<script>") > 0
    tab.complaints.clear()
    tab.value("document.body.append(Object.assign(document.createElement('img'), {src: 'https://example.org/x.png'}))")
    tab.value("new Promise(done => setTimeout(done, 200))")
    assert any("Content Security Policy" in text for text in tab.complaints), (
        "the policy forbids requests of markup in data"
    )
