"""Documents: generated pages are fresh, the site builds, links lead somewhere, commands have the options they show."""

import re
import subprocess
import sys
import types
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn import asr
from mscnn.evaluation.metrics import METRICS
from mscnn.paths import names
from mscnn.reporting.lines import FIELDS, ScoreLine
from tests.conftest import ROOT
from tests.documents import PAGES, blocks, commands

sys.path.insert(0, str(ROOT / "tools"))
from docpages import program  # noqa: E402

IN_CONF = {"--model": "models", "--protocol": "protocols", "--grid": "grids", "--labels": "labels"}
TITLES = {page: str(page.relative_to(ROOT)) for page in PAGES}


@cache
def options_of(command: str, page: Path) -> set[str]:
    """Options of a command, by their long names."""
    if command.endswith("run.sh"):
        voices = "mini_voices" in command or page.parent.name == "mini_voices"
        text = (ROOT / ("egs/mini_voices/run.sh" if voices else "utils/stages.sh")).read_text()
        section = text.partition("# begin configuration")[2].partition("# end configuration")[0]
        if "own" in (page.parent.name, page.stem.partition("_")[0]) or "egs/own" in command:
            section += (ROOT / "egs/own/run.sh").read_text().partition("# begin configuration")[2]
        return {"--help", *(f"--{name}".replace("_", "-") for name in re.findall(r"^(\w+)=", section, re.MULTILINE))}
    return {name for action in program.parser_of(command)._actions for name in action.option_strings}


def test_generated_pages_are_fresh():
    result = subprocess.run(
        [sys.executable, ROOT / "tools" / "make_docs.py", "--check"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_site_builds_without_warnings(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    pages = (tmp_path / "site").rglob("*.html")
    assert not [page for page in pages if re.search(r'<(?:link|script)[^>]+(?:href|src)="https?:', page.read_text())]


def anchors(page: Path) -> set[str]:
    """Names that headings of a page have, as GitHub and MkDocs make them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "")).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=TITLES.get)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```|`[^`\n]*`(?!\])", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{TITLES[page]}: {target}"
        assert not anchor or anchor in anchors(path), f"{TITLES[page]}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=TITLES.get)
def test_commands_have_the_options_that_pages_show(page):
    if page.name == "changelog.md":
        return
    for command, arguments in commands(page):
        known = options_of(command, page)
        for given in (re.split(r"[=\s]", word)[0].replace("_", "-") for word in arguments if word.startswith("--")):
            assert given in known, f"{TITLES[page]}: {command} {given}"
        if not command.endswith("run.sh") or "mini_voices" in f"{command} {page}":
            continue
        for option, values in zip(arguments, arguments[1:], strict=False):
            for name in values.split() if option in IN_CONF else ():
                if re.fullmatch(r"[a-z0-9_]+", name) and name != "mymodel":
                    assert name in names(IN_CONF[option]), f"{TITLES[page]}: {option} {name}"


def test_score_lines_in_results_have_keys_that_are_documented():
    made = {f"{name}{end}" for name in METRICS for end in ("", "_sd", "_run_sd")}
    lines = [line for page in PAGES for line in page.read_text().splitlines() if re.match(r"`?%UA \d+\.\d\d %WA", line)]
    whole = [ScoreLine.parse(line.strip("`")) for line in lines if "…" not in line]
    assert len(whole) > 5
    assert {key for line in whole for key in line.fields} <= {*FIELDS, *made}


def test_the_parser_of_the_page_on_corpora_reads_a_corpus(tmp_path):
    (source, *_) = [block.code for block in blocks(ROOT / "docs/howto/add_corpus.md") if block.kind == "python"]
    module: dict = {}
    exec(source, module)
    for name in ("ann_angry_01", "ben_sad_01", "noise"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(1600), 16000)
    corpus = module["parse"](tmp_path)
    assert [(item.utt, item.label) for item in corpus.items] == [
        ("ann-ann_angry_01", "angry"),
        ("ben-ben_sad_01", "sad"),
    ]
    assert [issue.code for issue in corpus.issues] == ["malformed-name"]


@pytest.mark.parametrize("recipe", sorted(path.parent.name for path in ROOT.glob("egs/*/run.sh")))
def test_pages_of_a_recipe_have_the_same_sections(recipe):
    heads = {
        name: re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
        for name in ("README.md", "RESULTS.md")
        if (path := ROOT / "egs" / recipe / name).is_file()
    }
    last = ["Results", "What to read into them"]
    assert heads["README.md"] == ["Corpus", "Licence", "Get it", "Run", *last]
    assert heads.get("RESULTS.md", ["Command", *last])[:3] == ["Command", *last]


def test_the_page_on_architecture_has_the_rooms_in_the_order_of_the_layers():
    layers = (ROOT / "pyproject.toml").read_text().partition("layers = [")[2].partition("]")[0]
    rooms = [re.findall(r"\w+", layer) for layer in reversed(re.findall(r'"(.*)"', layers))]
    page = (ROOT / "docs/explanation/architecture.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page.partition("## Rooms")[2].partition("\n## ")[0], re.MULTILINE)
    shown = [name for row in rows for name in re.findall(r"\w+", row)]
    assert [name for name in shown if name not in rooms[0]] == [
        name for room in rooms[1:] for name in room if name not in ("bin", "cli", "__main__")
    ] + ["bin", "cli"]
    assert {*rooms[0]} == {*shown[: len(rooms[0])]}


def test_the_engine_of_the_page_on_asr_is_one(monkeypatch):
    module, entry = [block.code for block in blocks(ROOT / "docs/howto/add_asr_engine.md") if block.kind == "python"]
    mine = types.ModuleType("mscnn.asr.mine")
    monkeypatch.setitem(sys.modules, "mscnn.asr.mine", mine)
    monkeypatch.setitem(sys.modules, "my_package", types.ModuleType("my_package"))
    exec(module, vars(mine))
    monkeypatch.setattr(asr, "ENGINES", dict(asr.ENGINES))
    exec(entry, vars(asr))
    assert asr.make_engine("mine", model="large").identity == {"engine": "mine", "model": "large"}
