"""The page of an audit: its table and its leaks."""

from dataclasses import replace
from pathlib import Path

import pytest

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold, Protocol
from mscnn.leakage.measures import measure
from mscnn.leakage.result import AuditResult
from mscnn.reporting.audit import page
from tests.unit.leakage.test_measures import FOLDS, PROTOCOL, UTTS


@pytest.fixture
def data() -> DataDir:
    spk, session, scene, emo, text = ({u: facts[k] for u, facts in UTTS.items()} for k in range(5))
    return DataDir(Path("toy"), {u: f"{u}.wav" for u in UTTS}, text, spk, emo, {}, session=session, scene=scene)


def audit(data: DataDir, protocol: Protocol = PROTOCOL, folds: list[Fold] = FOLDS, **recordings: str) -> AuditResult:
    return measure(protocol, folds, data, {u: u for u in UTTS} | recordings)


def table(text: str) -> list[list[str]]:
    """Cells of the table of a page, without the rule below its head."""
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines() if line.startswith("|")]
    return [rows[0], *rows[2:]]


def test_one_row_per_measure(data):
    result = audit(data)
    head, *rows = table(page(result))
    assert head[3:] == ["improvised", "scripted"]
    assert [row[1:3] for row in rows[:4]] == [["0.5", "1"], ["1", "1"], ["1.5", "2"], ["0", "0"]]
    assert [row[1:] for row in rows[4:6]] == [["25.0", "50.0", "50.0", "0.0"], ["50.0", "100.0", "50.0", "33.3"]]
    assert rows[7][1:] == ["16.7 / 25.0", "33.3 / 50.0", "0.0 / 0.0", "33.3 / 50.0"]
    assert rows[8][1:] == ["–"] * 4  # no features
    text = page(result)
    assert text.startswith(f"# Audit of toy@{result.protocol.hash}\n") and str(result) in text and "LEAK" not in text


def test_pooled_protocols_show_pooled_scores(data):
    head, *rows = table(page(audit(data, replace(PROTOCOL, aggregate="pooled"))))
    assert rows[4][1:3] == ["20.0", "50.0"] and rows[7][1:3] == ["20.0 / 25.0", "33.3 / 50.0"]


def test_a_corpus_without_text(data):
    _, *rows = table(page(audit(replace(data, text=dict.fromkeys(UTTS, "")))))
    assert [cell for row in rows[4:] for cell in row[1:]] == ["–"] * 20


def test_leaks_are_listed(data):
    leaks = [line for line in page(audit(data, b1="a1")).splitlines() if line.startswith("LEAK: ")]
    assert len(leaks) == 1 and "a1" in leaks[0] and "b1" in leaks[0]
