"""What tests of a described corpus share: its miniature with seeded irregularities, and the names that EmoBox lists."""

import csv
import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mscnn.config.corpus import Description
from mscnn.config.labels import LabelMap
from mscnn.corpora import counts, declarative, read
from mscnn.corpora.ids import valid_ids
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol, require_classes
from mscnn.synthetic import miniature
from mscnn.synthetic.miniature import Recording
from tests.conftest import ROOT
from tests.raises import fails

FORM = AudioForm(16000, 1, convert=True)


@dataclass
class Seeded:
    """What was seeded in a miniature. Utterances are ids; or paths or stems of their recordings.

    Attributes:
        excluded: code of an issue -> utterances that ``--on-bad skip`` excludes for it.
        kept: code -> issues that leave every utterance usable.
        notes: what is skipped -> how many files.
        added: further utterances that are used.
        dropped: utterances that the label map drops.
    """

    excluded: Mapping[str, Iterable[str]] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    added: Iterable[str] = ()
    dropped: Iterable[str] = ()


Seed = Callable[[Path, list[Recording]], Seeded]
Tables = Callable[[Path, list[Recording]], None]


def check_miniature(name: str, labels: str, tmp_path: Path, seed: Seed, tables: Tables | None = None) -> DataDir:
    """A miniature has exact counts; every seeded irregularity is named; ``--on-bad skip`` leaves exactly the rest.

    Returns:
        the data directory that is left.
    """
    root, label_map = tmp_path / name, LabelMap.load(labels)
    made = miniature.write(Description.load(name), root)
    if tables:
        tables(root, made)
    clean = read(name, root)
    assert clean.issues == [] and len(clean.items) == len(made)
    assert [*Counter(item.speaker for item in clean.items).values()] == [len(made) // 2] * 2
    first = clean.labelled_by(label_map.field)
    assert prepare(first, label_map, "all", FORM, tmp_path / "clean", skip=False).classes == sorted(label_map.classes)

    paths = {str(Path(item.wav).relative_to(root)): item.utt for item in clean.items}
    notes = {what: len(places) for what, places in clean.notes.items()}
    seeded = seed(root, made)
    corpus = read(name, root).labelled_by(label_map.field)
    assert {what: len(places) for what, places in corpus.notes.items()} == {**notes, **seeded.notes}
    stems = {Path(issue.where).stem: issue.utts[0] for issue in corpus.issues if issue.utts}
    ids = {**stems, **{Path(item.wav).stem: item.utt for item in corpus.items}, **paths}
    excluded = {ids.get(name, name): code for code, names in seeded.excluded.items() for name in names}
    stopping = Counter(seeded.kept) + Counter(code for code in excluded.values() if code != "known-bad")
    if stopping:
        with fails("corpus-issues", *(f"{code} {n}" for code, n in sorted(stopping.items()))) as caught:
            prepare(corpus, label_map, "all", FORM, tmp_path / "data", skip=False)
        assert Counter(issue.code for issue in caught.value.issues) == stopping
    data = prepare(corpus, label_map, "all", FORM, tmp_path / "data", skip=True)
    dropped = {ids[name] for name in seeded.dropped} | {i.utt for i in first.items if not label_map.mapping[i.label]}
    added = {ids.get(name, name) for name in seeded.added}
    assert {*data.utts} == {*paths.values(), *added} - excluded.keys() - dropped
    if excluded:
        rows = [line.split("\t") for line in (tmp_path / "data" / "excluded.tsv").read_text().splitlines()[1:]]
        assert {utt: code for utt, code, *_ in rows if utt != "-"} == excluded
    return data


def emobox(name: str, folder: Path) -> list[dict[str, str]]:
    """Rows of the list of a corpus in EmoBox: key, wav (below the corpus), emotion, seconds."""
    path = folder / "data" / "emobox" / f"{name}.tsv.gz"
    if not path.is_file():
        pytest.skip(f"{path} is absent: lists of EmoBox are not in the repository")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [{**row, "wav": row["wav"].partition("/")[2].partition("/")[2]} for row in rows]


def check_emobox(
    name: str,
    rows: list[dict[str, str]],
    same: Mapping[str, str],
    differences: Mapping[str, str] | None = None,
    complete: bool = True,
) -> None:
    """The description understands every name, with EmoBox's label, translated by ``same``.

    ``differences`` are keys that differ, with the reason. Where the list is that of a ``complete`` release, the counts
    of the description hold.
    """
    differences = differences or {}
    corpus = declarative.parse(Description.load(name), Path("/release"), [row["wav"] for row in rows])
    ours = {str(Path(item.wav).relative_to("/release")): item for item in corpus.items}
    found = {}
    for row in rows:
        item = ours.get(row["wav"])
        if item is None or item.label != same.get(row["emotion"], row["emotion"]):
            found[row["key"]] = item.label if item else "not understood"
    assert found.keys() == differences.keys(), dict(list(found.items())[:20])
    assert not complete or counts.differences(corpus.items, corpus.expected) == []


def check_recipe(name: str, rows: list[dict[str, str]]) -> None:
    """Label map and protocol of ``egs/<name>`` fit the names in ``rows``: parts share no speaker and lack no class."""
    facts = dict(
        re.findall(r"^(\w+)=\"?([^\"#\n]+?)\"?\s*(?:#.*)?$", (ROOT / "egs" / name / "run.sh").read_text(), re.M)
    )
    labels, protocol = LabelMap.load(facts["labels"]), Protocol.load(facts["protocol"])
    assert (facts["parser"], labels.corpus) == (name, name) and protocol.disjoint["train-test"] == ["speaker"]
    corpus = declarative.parse(Description.load(name), Path("/release"), [row["wav"] for row in rows])
    items = [item for item in valid_ids(corpus).items if labels.mapping[item.label]]
    data = DataDir(
        path=Path(name),
        wav={item.utt: item.wav for item in items},
        text={item.utt: item.text for item in items},
        spk={item.utt: item.speaker for item in items},
        emo={item.utt: str(labels.mapping[item.label]) for item in items},
        dur=dict.fromkeys((item.utt for item in items), 1.0),
        gender={item.utt: item.gender for item in items if item.gender},
    )
    require_classes(protocol, protocol.folds(data), data, labels.classes)
