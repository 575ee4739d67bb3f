"""EmoBox's lists: read in both layouts, matched with our utterances, and what their folds share."""

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from mscnn.bin import leaks as command
from mscnn.config.corpus import Description
from mscnn.config.labels import LabelMap
from mscnn.corpora import declarative, emobox, iemocap, meld, msp_podcast
from mscnn.corpora.ids import valid_ids
from mscnn.data.datadir import DataDir
from mscnn.data.foldimport import import_folds
from mscnn.leakage import emobox as leaks
from mscnn.paths import ROOT, names
from tests.raises import fails

TABLE = ROOT / "docs" / "explanation" / "leaks.tsv"
ENTRIES = emobox.entries()


@pytest.fixture
def lists(shared_dir):
    """Folder of the lists, condensed."""
    folder = shared_dir / "data" / "emobox"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: lists of EmoBox are not in the repository")
    return folder


def rows_of(name: str, folder: Path) -> list[dict[str, str]]:
    with gzip.open(folder / f"{name}.tsv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def as_released(name: str, rows: list[dict[str, str]], folder: Path) -> Path:
    """Write lists as EmoBox does: a folder of a fold, a file of a part."""
    lines: dict[Path, list[str]] = {}
    for row in rows:
        for fold in (column for column in row if column.startswith("fold_")):
            for part in row[fold].replace("-", "").split("+"):
                if part:
                    path = folder / name / fold / f"{name}_{part}_{fold}.jsonl"
                    lines.setdefault(path, []).append(
                        json.dumps({"key": row["key"], "dataset": name, "wav": row["wav"]})
                    )
    for path, content in lines.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(content) + "\n", encoding="utf-8")
    return folder / name


def data_of(items) -> DataDir:
    """A data directory, not on disk, of these utterances."""
    return DataDir(
        path=Path("data"),
        wav={item.utt: item.wav for item in items if item.wav},
        text={item.utt: item.text for item in items},
        spk={item.utt: item.speaker for item in items},
        emo={item.utt: item.label for item in items},
        dur=dict.fromkeys((item.utt for item in items), 1.0),
        split={item.utt: item.split for item in items if item.split},
    )


TOY = [  # two speakers in both parts of the second fold
    {"key": f"emovo-dis-{speaker}-{sentence}", "wav": f"downloads/emovo/{speaker}/dis-{speaker}-{sentence}.wav"}
    | {"fold_1": "test" if speaker == "f1" else "train", "fold_2": "test+test" if sentence == "b1" else "train+train"}
    for speaker in ("f1", "m1")
    for sentence in ("b1", "b2")
]


def write_condensed(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join("\t".join(cells) for cells in (rows[0], *(row.values() for row in rows))) + "\n")


def test_both_layouts_give_the_same_rows(tmp_path):
    as_released("emovo", TOY, tmp_path / "released")
    write_condensed(tmp_path / "condensed" / "emovo.tsv.gz", TOY)
    for folder in ("released", "condensed"):
        recordings = emobox.read_lists(tmp_path / folder)["emovo"]
        first, second = leaks.count("emovo", ENTRIES["emovo"], recordings)
        assert (first.train, first.test, first.speakers, first.shared_speakers) == (2, 2, 1, 0)
        assert (second.speakers, second.shared_speakers) == (2, 2)
        assert (first.sentences, first.shared_sentences) == (2, 2)
        assert (second.sentences, second.shared_sentences) == (1, 0)


def test_a_data_directory_tells_speakers_and_texts(tmp_path):
    write_condensed(tmp_path / "emovo.tsv.gz", TOY)
    recordings = emobox.read_lists(tmp_path)["emovo"]
    items = declarative.parse(Description.load("emovo"), Path("/"), [row["wav"] for row in TOY]).items
    data = data_of(items[:1] + [replace(item, text="Ciao!") for item in items[1:]])
    (first, _) = leaks.count("emovo", ENTRIES["emovo"], recordings, data)
    assert (first.speakers, first.shared_speakers) == (1, 0)
    assert (first.sentences, first.shared_sentences) == (2, 1)


def test_a_missing_list_of_train_is_said_or_is_the_rest_of_a_partition(tmp_path):
    rows = [{k: v.replace("train", "-") for k, v in row.items()} for row in TOY]
    write_condensed(tmp_path / "emovo.tsv.gz", rows)
    recordings = emobox.read_lists(tmp_path)["emovo"]
    for row in leaks.count("emovo", ENTRIES["emovo"], recordings):
        assert row.train is None and row.shared_speakers is None and "train" in row.note
    halves = [replace(r, parts={1: r.parts[1], 2: {"test"} - r.parts[1]}) for r in recordings]
    assert [row.train for row in leaks.count("emovo", ENTRIES["emovo"], halves)] == [2, 2]


def test_the_command_writes_the_table(tmp_path, monkeypatch):
    write_condensed(tmp_path / "in" / "emovo.tsv.gz", TOY)
    write_condensed(tmp_path / "in" / "later.tsv.gz", TOY)  # a corpus that EmoBox may add
    arguments = ["leaks", "--lists", str(tmp_path / "in"), "--out", str(tmp_path / "out" / "leaks.tsv")]
    monkeypatch.setattr("sys.argv", arguments)
    command.main()
    assert [row.shared_speakers for row in leaks.read(tmp_path / "out" / "leaks.tsv")] == [0, 2]
    monkeypatch.setattr("sys.argv", [*arguments, "--data", f"nowhere={tmp_path}"])
    with fails("emobox-corpus-unknown", "nowhere"):
        command.main()


def test_tables_are_read_as_they_were_written(tmp_path):
    rows = leaks.read(TABLE)
    leaks.write(rows, tmp_path / "leaks.tsv")
    assert (tmp_path / "leaks.tsv").read_bytes() == TABLE.read_bytes()
    assert {row.corpus for row in rows} == ENTRIES.keys()


def test_names_and_folders_that_are_not_understood(tmp_path):
    with fails("fold-lists-absent", tmp_path):
        emobox.read_lists(tmp_path)
    write_condensed(
        tmp_path / "emovo.tsv.gz", [{k: v.replace("dis", "mal") for k, v in row.items()} for row in TOY[:1]] + TOY
    )
    with fails("corpus-name-unknown", "mal-f1-b1", "emovo"):
        leaks.count("emovo", ENTRIES["emovo"], emobox.read_lists(tmp_path)["emovo"])


def test_every_corpus_has_a_description_or_patterns():
    for name, entry in ENTRIES.items():
        assert entry.names or entry.corpus in names("corpora"), name
        entry.description()


@pytest.mark.parametrize("name", ["aesdd", "casia", "emodb", "enterface", "urdu"])
def test_lists_of_described_corpora_are_imported(lists, tmp_path, name):
    rows = rows_of(name, lists)
    wavs = [f"copy/{row['wav'].split('/', 2)[2]}" for row in rows]  # in another place than EmoBox has them
    data = data_of(valid_ids(declarative.parse(Description.load(name), Path("/"), wavs)).items)
    source = as_released(name, rows, tmp_path)
    _, folds, _ = import_folds(source, data, "theirs", tmp_path / "out", emobox.utterances)
    assert len(data.utts) == len(rows) - (6 if name == "enterface" else 0)
    assert all({*fold.train, *fold.dev, *fold.test} == {*data.utts} for fold in folds)
    for number, fold in enumerate(folds, 1):
        assert len(fold.test) >= sum(row[f"fold_{number}"].startswith("test") for row in rows) - 6


def test_lists_of_meld_are_imported_without_its_clips(lists, shared_dir, tmp_path):
    data = data_of(meld.parse(shared_dir / "data" / "meld").items)
    source = as_released("meld", rows_of("meld", lists), tmp_path)
    _, (fold,), _ = import_folds(source, data, "theirs", tmp_path / "out", emobox.utterances)
    assert [len(utts) for utts in fold.parts.values()] == [9988, 1108, 2610]
    assert all(data.split[utt] == part for part, utts in fold.parts.items() for utt in utts)


def test_names_and_labels_of_corpora_with_a_parser_agree(lists, shared_dir):
    ours = {item.utt.partition("-")[2]: item for item in meld.parse(shared_dir / "data" / "meld").items}
    for row in rows_of("meld", lists):
        assert ours.pop(str(meld.own_id(row["wav"]))).label == row["emotion"]
    assert {*ours} == {*meld.KNOWN_BAD}  # EmoBox lacks the clips that no copy has in order
    labels = LabelMap.load("msp_podcast8").mapping
    for row in rows_of("msppodcast", lists):
        assert msp_podcast.NAME.fullmatch(Path(row["wav"]).stem) and row["emotion"] in labels
    labels = LabelMap.load("iemocap4").mapping
    for row in rows_of("iemocap", lists):
        assert iemocap.UTTERANCE.fullmatch(Path(row["wav"]).stem) and labels[row["emotion"]]


def test_lists_of_another_corpus_are_refused(tmp_path):
    data = data_of(declarative.parse(Description.load("emodb"), Path("/"), ["wav/03a01Fa.wav"]).items)
    with fails("fold-lists-unmatched", "data", "03a01Fa", "dis-f1-b1"):
        import_folds(as_released("emovo", TOY, tmp_path), data, "theirs", tmp_path / "out", emobox.utterances)


@pytest.mark.slow
def test_the_table_is_what_the_lists_give(lists, shared_dir):
    data = {"meld": data_of(meld.parse(shared_dir / "data" / "meld").items)}
    counted = [
        row
        for name, of in emobox.read_lists(lists).items()
        for row in leaks.count(name, ENTRIES[name], of, data.get(name))
    ]
    assert counted == leaks.read(TABLE)
