"""The page of ``mscnn serve`` in a browser: a file, and a microphone, become a timeline; nothing else is requested.

SERVE_SCREENSHOT=docs/images/serve.png writes the picture of docs/howto/serve.md.
"""

import os
import threading
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile

import mscnn
from mscnn.inference.server.limits import Limits
from mscnn.inference.server.serve import bind, server
from tests.e2e.browser import browser, find_chromium

CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium"),
]
UNTIL = """new Promise((done, fail) => {{ let tries = 600; (function look() {{
    if ({condition}) done(true); else if (--tries) setTimeout(look, 100); else fail('never: {condition}');
    }})(); }})"""
PARTS = "document.querySelectorAll('#timeline tbody tr').length"
WAVE = "document.getElementById('wave')"


@pytest.fixture(scope="module")
def model(mini):
    """The system of the mini recipe; its paths are relative to the recipe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(mini.path)
        return mscnn.load_model(mini.exp)


@pytest.fixture(scope="module")
def site(model):
    """Address of a server."""
    bound, running = bind("127.0.0.1", 0), server(model, Limits())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
    thread.start()
    yield "http://{}:{}/".format(*bound.getsockname())
    running.should_exit = True
    thread.join()
    bound.close()


@pytest.fixture(scope="module")
def speech(mini, tmp_path_factory):
    """Five seconds of the corpus, silence, and two seconds more."""
    wavs = sorted(mini.path.glob("corpus/**/sentences/wav/*/Ses*.wav"))[::40]
    parts = [soundfile.read(path)[0] for path in wavs]
    samples = np.concatenate(parts)[: 16000 * 7]
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundfile.write(path, np.insert(samples, 16000 * 5, np.zeros(24000)), 16000, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def tab(site, speech):
    """A browser whose microphone has the speech again and again."""
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={speech}",
    )
    with browser(CHROMIUM, *flags) as window:
        yield window


def wait(tab, condition):
    assert tab.value(UNTIL.format(condition=condition.replace("'", '"')))


def choose(tab, path):
    """Give a file to the page, as a user does."""
    root = tab.call("DOM.getDocument")["root"]["nodeId"]
    node = tab.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    tab.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])


def text(tab, name):
    return tab.value(f"document.getElementById('{name}').textContent")


def only_from(tab, site):
    """No message of the console, and no request to another server."""
    assert tab.complaints == []
    others = [url for url in tab.requests if urlsplit(url).scheme not in ("data", "blob") and not url.startswith(site)]
    assert others == []


def test_a_file_has_an_answer_and_a_timeline(tab, site, speech, model):
    tab.open(site)
    wait(tab, "document.getElementById('model').textContent.length > 1")
    choose(tab, speech)
    wait(tab, "document.getElementById('status').textContent.startsWith('speech.wav: ')")
    expected = model.predict(speech)
    assert text(tab, "answer").startswith(f"{expected.label}, confidence {expected.confidence:.1%}".replace("%", " %"))
    rows = tab.value("[...document.querySelectorAll('#probabilities tbody tr')].map(r => r.innerText.split(/\\s+/))")
    assert [row[0] for row in rows] == [*model.classes]
    np.testing.assert_allclose([float(row[1]) / 100 for row in rows], [*expected.probabilities.values()], atol=0.006)
    timeline = model.timeline(speech)
    shown = tab.value("[...document.querySelectorAll('#timeline tbody tr')].map(r => r.cells[2].textContent)")
    assert shown == [part.result.label or "–" for part in timeline] and "–" in shown
    assert tab.value(f"{WAVE}.ariaLabel").startswith("Waveform of 8.5 s")
    duration = "new Promise(done => { const p = document.getElementById('player'); p.preload = 'auto';"
    duration += " p.readyState ? done(p.duration) : p.addEventListener('loadedmetadata', () => done(p.duration)); })"
    assert tab.value(duration) == pytest.approx(8.5, abs=0.1)
    only_from(tab, site)
    if picture := os.environ.get("SERVE_SCREENSHOT"):
        tab.screenshot(Path(picture), whole=True)


def test_the_microphone_has_a_timeline(tab, site):
    tab.open(site)
    wait(tab, "document.getElementById('model').textContent.length > 1")
    tab.value("document.getElementById('record').click()")
    wait(tab, f"{PARTS} >= 6")  # the first three come after three seconds
    assert tab.value("document.getElementById('record').ariaPressed") == "true"
    tab.value("document.getElementById('record').click()")
    wait(tab, "document.getElementById('status').textContent.startsWith('microphone.wav: ')")
    seconds = float(tab.value(f"{WAVE}.ariaLabel.match(/Waveform of ([0-9.]+) s/)[1]"))
    assert seconds >= 4 and tab.value(PARTS) == int(-(-seconds // 0.5))
    only_from(tab, site)


def test_an_error_is_shown(tab, site, tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    tab.open(site)
    wait(tab, "document.getElementById('model').textContent.length > 1")
    tab.complaints.clear()
    choose(tab, tmp_path / "text.wav")
    wait(tab, "document.getElementById('status').className === 'error'")
    assert "audio-unreadable" in text(tab, "status") and "text.wav" in text(tab, "status")
    tab.complaints.clear()  # the browser notes the answer 422


def test_everything_has_a_name_and_can_be_reached(tab, site):
    """For the keyboard and for screen readers."""
    tab.open(site, width=390)
    assert tab.value("document.documentElement.scrollWidth") == 390
    tree = tab.call("Accessibility.getFullAXTree")["nodes"]
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
    assert [role for role, name in roles if role in ("button", "link", "textbox", "img", "table") and not name] == []
    names = {name for role, name in roles if role == "button"}
    assert {"Choose an audio file", "Record from the microphone"} <= names
    reached = set()
    for _ in range(6):
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.add(tab.value("document.activeElement.id || document.activeElement.getAttribute('href')"))
    assert {"file", "record", "card"} <= reached
    only_from(tab, site)


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_the_ground(tab, site, dark):
    tab.open(site, dark=dark)
    luminance = """(c => { const [r, g, b] = c.match(/[0-9.]+/g).map(v => (v /= 255) <= 0.04045 ? v / 12.92
        : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; })"""
    ground = "getComputedStyle(document.body).backgroundColor"
    for name in ("body", "h1", "header p", "a", "#status"):
        ink = f"getComputedStyle(document.querySelector('{name}')).color"
        low, high = sorted(tab.value(f"{luminance}({colour})") for colour in (ground, ink))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name
    assert tab.value(f"{luminance}({ground})") > 0.8 or dark
