"""Our results beside published ones; a column never holds two protocols."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.paths import read_yaml
from mscnn.scoring.lines import ScoreLine, read_score
from mscnn.scoring.markdown import table, with_sd

NOT_RUN = "–"
log = get_logger(__name__)


@dataclass(frozen=True)
class Row:
    """A published result, WA and UA in percent or None; ``model`` is our system, None where we have none.

    ``text`` is none, gt, asr (any recogniser) or the recogniser; ``protocol`` names an entry of published.yaml.
    """

    system: str
    text: str
    wa: float | None
    ua: float | None
    protocol: str
    model: str | None = None
    xvector: bool = False


@dataclass(frozen=True)
class Result:
    """A scored experiment of ours: fold mean on the whole test part, and dev UA to choose between equals."""

    model: str
    text: str
    xvector: bool
    protocol: str
    column: str
    disjoint: Mapping[str, Sequence[str]]
    line: ScoreLine
    dev_ua: float
    path: str


def make_table(name: str, published: str | os.PathLike, exp_root: str | os.PathLike) -> str:
    """Markdown of the published table ``name`` with our results from ``exp_root/*/score_test.txt``.

    Raises:
        UserError: ``published`` has no such table or is malformed.
    """
    facts = read_yaml(Path(published))
    try:
        chosen = facts["tables"].get(name)
        if chosen is None:
            raise UserError(f"{published}: no table {name}; it has: {', '.join(facts['tables'])}")
        rows = [Row(**row) for row in chosen["rows"]]
        sections = {row.protocol: facts["protocols"][row.protocol] for row in rows}
        results = read_results(exp_root)
        lines = [f"# {chosen['title']}", "", chosen["note"], ""]
        for protocol, stated in sections.items():
            source = facts["sources"][protocol]
            selection = f"Model selected on test: {stated['selection_on_test']}."
            lines += [f"## {source}", "", f"Protocol: {stated['stated']}. {selection}", ""]
            lines += [*_section([row for row in rows if row.protocol == protocol], stated.get("like"), results), ""]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{published}: not a file of published results: {error!r}") from None
    return "\n".join(lines)


def read_results(exp_root: str | os.PathLike) -> list[Result]:
    """Every scored experiment directly under ``exp_root``, by path; those not scored yet are named in the log."""
    results = []
    for config in sorted(Path(exp_root).glob("*/config.yaml")):
        files = {part: config.parent / f"score_{part}.txt" for part in ("test", "dev")}
        if not all(file.is_file() for file in files.values()):
            log.info("%s: not scored yet, left out of the table", config.parent)
            continue
        test, dev = (read_score(file) for file in files.values())
        facts = read_yaml(config)
        legacy = f", legacy: {test.fields['legacy']}" if "legacy" in test.fields else ""
        results.append(
            Result(
                model=facts["model"],
                text=facts["text"],
                xvector=facts["xvector"] != "none",
                protocol=facts["protocol"]["name"],
                column=f"`{test.fields['protocol']}` ({Path(facts['data']).name}{legacy})",
                disjoint=facts["protocol"]["disjoint"],
                line=test,
                dev_ua=dev.values["ua"],
                path=str(config.parent),
            )
        )
    return results


def _section(rows: Sequence[Row], like: str | None, results: Sequence[Result]) -> Iterator[str]:
    """One table: rows of one published protocol, a column for each of ours, then what there is to know about them."""
    results = [r for r in results if any(r.model == row.model for row in rows)]
    columns = {r.column: r.protocol for r in sorted(results, key=lambda r: (r.protocol != like, r.column))}
    if like and like not in columns.values():
        columns = {f"`{like}`": like, **columns}
    head = ["system", "text", "published WA / UA", *(f"ours {column} WA / UA" for column in columns)]
    body, used, commands = [], [], []
    for row in _by_engine(rows, results):
        cells = []
        for column, protocol in columns.items():
            best = _best(row, column, results)
            cells.append(_cell(row, best) if best or row.model is None else NOT_RUN)
            if best:
                used.append(best)
            elif row.model:
                commands.append(_command(row, protocol))
        body.append((row.system, row.text, _published(row), *cells))
    yield from table(head, body, left=2)
    yield from _notes(rows, used, columns, like, commands)


def _by_engine(rows: Sequence[Row], results: Sequence[Result]) -> Iterator[Row]:
    """A row for each recogniser whose words one of our systems read, where the published text is ``asr``."""
    for row in rows:
        engines = (
            sorted({r.text for r in results if r.model == row.model} - {"gt", "none"}) if row.text == "asr" else []
        )
        yield from [Row(**{**vars(row), "text": engine}) for engine in engines] or [row]


def _best(row: Row, column: str, results: Sequence[Result]) -> Result | None:
    """Our result for a cell; of several, the one with the best dev UA: test results choose nothing."""
    fits = [r for r in results if (r.model, r.text, r.column) == (row.model, row.text, column)]
    return max(fits, key=lambda r: (r.dev_ua, r.path), default=None)


def _cell(row: Row, best: Result | None) -> str:
    if best is None:
        return ""
    wa, ua = (with_sd(f"{best.line.values[key]:.2f}", best.line.fields.get(f"{key}_sd")) for key in ("wa", "ua"))
    return f"{wa} / {ua}" + (" †" if row.xvector and not best.xvector else "")


def _published(row: Row) -> str:
    if row.wa is row.ua is None:
        return ""
    return " / ".join("not given" if value is None else f"{value:.1f}" for value in (row.wa, row.ua))


def _command(row: Row, protocol: str) -> str:
    text = "ENGINE" if row.text == "asr" else row.text
    return f"`./run.sh --model {row.model} --text {text} --protocol {protocol}`"


def _notes(
    rows: Sequence[Row], used: Sequence[Result], columns: Mapping[str, str], like: str | None, commands: Sequence[str]
) -> Iterator[str]:
    if used:
        yield from ["", "Ours: mean over folds ± sample sd over folds, averaged over runs.", ""]
    if any(row.xvector and r.model == row.model and not r.xvector for row in rows for r in used):
        yield "* † without x-vectors, which the published system has"
    for column, protocol in columns.items():
        shared = next((r.disjoint["train-test"] for r in used if r.column == column), None)
        if shared is not None:
            apart = f"share no {' and no '.join(shared)}" if shared else "share speakers and texts"
            nearest = (
                "the nearest to the published one"
                if protocol == like
                else "not to be compared with the published column"
            )
            yield f"* {column}: training and test {apart}; {nearest}"
    if used:
        yield f"* from {', '.join(sorted({r.path for r in used}))}"
    if commands:
        yield from ["", f"{NOT_RUN} not run yet:", "", *(f"* {command}" for command in dict.fromkeys(commands))]
