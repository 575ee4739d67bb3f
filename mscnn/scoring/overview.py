"""All experiments of a recipe in one table a protocol: as Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.paths import read_yaml
from mscnn.scoring.lines import read_score
from mscnn.scoring.markdown import table, with_sd

COST = ("gflop_per_second", "seconds_per_epoch")
NOTHING = "–"
LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "±": r"$\pm$", "–": "--"}


@dataclass(frozen=True)
class Row:
    """One experiment; scores in percent, fold means on test and their spread. Not run yet: all but ``path`` empty.

    ``cut`` is protocol and hash with the data set, and what is legacy about it: rows of different cuts are not
    comparable. ``folds`` is what was done of what the protocol has. ``cost`` holds what benchmarks/systems.py measured.
    """

    path: str
    cut: str = ""
    system: str = ""
    text: str = ""
    xvector: str = ""
    changed: str = ""
    folds: str = ""
    runs: str = ""
    ua: str = ""
    ua_sd: str = ""
    wa: str = ""
    wa_sd: str = ""
    f1: str = ""
    dev_ua: str = ""
    parameters: str = ""
    gflop_per_second: str = ""
    seconds_per_epoch: str = ""


def read_costs(path: str | os.PathLike) -> dict[str, dict[str, str]]:
    """Read the table that ``benchmarks/systems.py --out`` wrote: system -> its cost.

    Raises:
        UserError: the file cannot be read, or has other columns.
    """
    try:
        rows = list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines(), delimiter="\t"))
        return {row["model"]: {key: row[key] for key in COST} for row in rows}
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise UserError(f"{path}: not a table of benchmarks/systems.py: {error!r}") from None


def read_rows(exps: Sequence[str | os.PathLike], costs: Mapping[str, Mapping[str, str]] = {}) -> list[Row]:  # noqa: B006
    """A row for each folder of an experiment, in their order; those without scores are rows, too."""
    return [_row(Path(exp), costs) for exp in exps]


def _row(exp: Path, costs: Mapping[str, Mapping[str, str]]) -> Row:
    if not (exp / "score_test.txt").is_file() or not (exp / "config.yaml").is_file():
        return Row(str(exp))
    facts, line, dev = (
        read_yaml(exp / "config.yaml"),
        read_score(exp / "score_test.txt"),
        read_score(exp / "score_dev.txt"),
    )
    legacy = f", legacy: {line.fields['legacy']}" if "legacy" in line.fields else ""
    trained = f" (trained on {line.fields['trained_on']})" if "trained_on" in line.fields else ""
    return Row(
        path=str(exp),
        cut=f"{line.fields['protocol']} ({Path(facts['data']).name}{legacy})",
        system=facts["model"],
        text=facts["text"] + trained,
        xvector=line.fields.get("xvector", "none"),
        changed=line.fields.get("changed", ""),
        folds=line.fields.get("partial", f"{facts['folds']}/{facts['folds']}"),
        runs=str(facts["runs"]),
        **{key: f"{value:.2f}" for key, value in line.values.items()},
        **{key: line.fields[key] for key in ("ua_sd", "wa_sd") if key in line.fields},
        dev_ua=f"{dev.values['ua']:.2f}",
        parameters=str(facts.get("parameters") or ""),
        **costs.get(facts["model"], {}),
    )


def write_overview(rows: Sequence[Row], stem: str | os.PathLike) -> str:
    """Write ``stem.md``, ``stem.csv`` and ``stem.tex``; returns the Markdown."""
    text = markdown(rows, Path(stem).name)
    for ending, content in ((".md", text), (".csv", _csv(rows)), (".tex", latex(rows))):
        with atomic(f"{stem}{ending}") as out:
            out.write(content)
    return text


def markdown(rows: Sequence[Row], title: str) -> str:
    """A table a cut, best system first, with what was not done said in each row."""
    lines = [f"# {title}", ""]
    for cut, some in _by_cut(rows).items():
        lines += [f"## {cut}", "", *table(*_cells(some), left=3), ""]
    lines += [
        "UA, WA: mean over folds ± sample sd over folds, averaged over runs. Partial rows have fewer folds than the"
    ]
    lines += ["protocol; changed: options that are not those of conf/models. Models are selected on dev.", ""]
    waiting = [row.path for row in rows if not row.cut]
    if waiting:
        lines += ["Not run yet, or not scored:", "", *(f"* {path}" for path in waiting), ""]
    return "\n".join(lines)


def latex(rows: Sequence[Row]) -> str:
    """The same tables, to be put into a paper (package booktabs)."""
    lines = []
    for cut, some in _by_cut(rows).items():
        head, body = _cells(some)
        lines += [f"% {cut}", rf"\begin{{tabular}}{{lll{'r' * (len(head) - 3)}}}", r"\toprule"]
        lines += [_latex_line(head), r"\midrule", *map(_latex_line, body), r"\bottomrule", r"\end{tabular}", ""]
    return "\n".join(lines)


def _latex_line(cells: Sequence[str]) -> str:
    plain = ("".join(LATEX.get(char, char) for char in cell.replace("**", "").replace("`", "")) for cell in cells)
    return " & ".join(plain) + r" \\"


def _by_cut(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows that can be compared, best UA first; whole ones before partial ones."""
    cuts: dict[str, list[Row]] = {}
    for row in sorted((r for r in rows if r.cut), key=lambda r: (r.cut, _partial(r), -float(r.ua), r.path)):
        cuts.setdefault(row.cut, []).append(row)
    return cuts


def _partial(row: Row) -> bool:
    done, _, whole = row.folds.partition("/")
    return done != whole


def _cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and body; columns that are empty in all rows are left out."""
    columns = {
        "system": [f"`{r.system}`" for r in rows],
        "text": [r.text for r in rows],
        "changed": [r.changed for r in rows],
        "x-vectors": [r.xvector.replace("none", "") for r in rows],
        "folds": [f"**partial {r.folds}**" if _partial(r) else r.folds for r in rows],
        "runs": [r.runs for r in rows],
        "UA": [with_sd(r.ua, r.ua_sd or None) for r in rows],
        "WA": [with_sd(r.wa, r.wa_sd or None) for r in rows],
        "dev UA": [r.dev_ua for r in rows],
        "parameters": [f"{int(r.parameters):,}" if r.parameters else "" for r in rows],
        "GFLOP / s of speech": [r.gflop_per_second.replace("-", NOTHING) for r in rows],
        "s / epoch": [r.seconds_per_epoch.replace("-", NOTHING) for r in rows],
    }
    kept = {head: cells for head, cells in columns.items() if any(cells)}
    return list(kept), [list(row) for row in zip(*kept.values(), strict=True)]


def _csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [f.name for f in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return out.getvalue()
