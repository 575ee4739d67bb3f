"""Releases of corpora, tables of recordings of one's own, lists of EmoBox."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from mscnn import corpora
from mscnn.config.corpus import Description
from mscnn.config.labels import LabelMap
from mscnn.corpora.emobox import read_lists
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.corpora.tables.source import Source, read_source
from mscnn.synthetic import miniature
from tests.e2e.faults.readers.base import Read, Reader
from tests.unit.corpora import test_meld, test_msp_improv, test_msp_podcast
from tests.unit.corpora.conftest import Release
from tests.unit.corpora.tables.conftest import TEN
from tests.unit.corpora.tables.test_formats import FORMATS

RATE = 16000


def _stage1(name: str, labels: str, folder: Path) -> Read:
    """Stage 1 of the release in ``folder``; what cannot be used is excluded every other time."""
    form, number = AudioForm(RATE, 1, convert=True), iter(range(1 << 60))

    def read(_: Path) -> None:
        out, map_ = folder.parent / "data", LabelMap.load(labels)
        corpus = corpora.read(name, folder).labelled_by(map_.field)
        prepare(corpus, map_, "all", form, out, skip=next(number) % 2 == 0)

    return read


def iemocap(folder: Path) -> tuple[Sequence[Path], Read]:
    release = Release(folder / "IEMOCAP_full_release")
    turns = [("M000", "neu", "Who is it?"), ("F000", "hap", "It is me."), ("M001", "exc", "[LAUGHTER] Come in!")]
    release.add("Ses01F_impro01", [*turns, ("F001", "xxx", "Well.")])
    release.add("Ses01M_script01_1", [("F000", "ang", "Go away."), ("M000", "sad", ""), ("M001", "fru", "No.")])
    files = [of(name) for name in ("Ses01F_impro01", "Ses01M_script01_1") for of in (release.labels, release.texts)]
    return files, _stage1("iemocap", "iemocap4", release.root)


def meld(folder: Path) -> tuple[Sequence[Path], Read]:
    root = folder / "MELD.Raw"
    root.mkdir()
    for split, lines in (("train", test_meld.TRAIN), ("dev", test_meld.DEV), ("test", test_meld.TEST)):
        text = test_meld.HEAD + "".join(f"{line}\r\n" for line in lines)
        (root / f"{split}_sent_emo.csv").write_bytes(text.encode())
    return sorted(root.glob("*.csv")), _stage1("meld", "meld7", root)


def _noise(path: Path, seed: int, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.5, 0.5, 400), rate, subtype="PCM_16")


def msp_improv(folder: Path) -> tuple[Sequence[Path], Read]:
    root, turns = folder / "MSP-IMPROV", list(test_msp_improv.turns())[:8]
    for n, (name, _) in enumerate(turns):
        scene, speaker, kind = name.split("-")[1:4]
        _noise(root / "Audio" / f"session{speaker[2]}" / scene / kind / f"MSP-{name}.wav", n)
    (root / "Evalution.txt").write_text("\n".join(test_msp_improv.block(*turn) for turn in turns))
    return [root / "Evalution.txt"], _stage1("msp_improv", "msp_improv4", root)


def msp_podcast(folder: Path) -> tuple[Sequence[Path], Read]:
    root, rows = folder / "MSP-Podcast", list(test_msp_podcast.rows())[::5]
    for n, row in enumerate(rows):
        _noise(root / "Audios" / row[0], n)
    (root / "Labels").mkdir()
    table = "\n".join([test_msp_podcast.HEAD, *(",".join(row) for row in rows), ""])
    (root / "Labels" / "labels_consensus.csv").write_text(table)
    return [root / "Labels" / "labels_consensus.csv"], _stage1("msp_podcast", "msp_podcast8", root)


def described(folder: Path) -> tuple[Sequence[Path], Read]:
    """A corpus with a table of its own beside the recordings."""
    root = folder / "nemo"
    made = miniature.write(Description.load("nemo"), root)
    (root / "nEMO").mkdir(exist_ok=True)
    names = [Path(one.path).name for one in made]
    table = "file_id,raw_text,normalized_text\n" + "".join(f"{name},Raz,raz\n" for name in names)
    (root / "data.csv").write_text(table)
    return [root / "data.csv"], _stage1("nemo", "nemo6", root)


def _own(make: Callable[[Path, Path], tuple[Path, dict]]) -> Reader:
    """A table of ten recordings in a format; with issues skipped every other time."""

    def reader(folder: Path) -> tuple[Sequence[Path], Read]:
        audio, tables = folder / "ten", folder / "tables"
        for n, one in enumerate(TEN):
            _noise(audio / one.path, n)
        tables.mkdir()
        table, options = make(tables, audio)
        files = [path for path in sorted(tables.rglob("*")) if path.is_file() and not path.is_symlink()]
        number = iter(range(1 << 60))

        def read(_: Path) -> None:
            given = {"audio_root": str(audio), **options, "skip": next(number) % 2 == 0}
            read_source(Source(table=table, **given), folder / "own" / "my")

        return files, read

    return reader


def emobox(folder: Path) -> tuple[Sequence[Path], Read]:
    """Lists of EmoBox in both layouts."""
    import gzip

    lists = folder / "lists" / "ten" / "fold_1"
    lists.mkdir(parents=True)
    for part, chosen in (("train", TEN[:6]), ("test", TEN[6:])):
        entries = [{"key": f"ten-{Path(one.path).stem}", "dataset": "ten", "wav": one.path} for one in chosen]
        (lists / f"ten_{part}_fold_1.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    rows = "".join(
        f"k{n}\t{one.path}\t{one.label}\t0.2\t{'train+valid' if n else 'test'}\n" for n, one in enumerate(TEN)
    )
    packed = folder / "lists" / "other.tsv.gz"
    packed.write_bytes(gzip.compress(f"key\twav\temotion\tseconds\tfold_1\n{rows}".encode(), mtime=0))
    return [*sorted(lists.iterdir()), packed], lambda _: read_lists(folder / "lists")


OWN = ["csv", "tsv", "utf-16", "json", "json lines", "json of columns", "parquet", "audformat", "EmoBox", "s3prl"]
OWN += ["SpeechBrain", "MSP-Podcast", "Kaldi", "AudioFolder"]
READERS: dict[str, Reader] = {
    "iemocap": iemocap, "meld": meld, "msp_improv": msp_improv, "msp_podcast": msp_podcast, "described": described,
    "emobox-lists": emobox, **{f"table-{name.replace(' ', '-')}": _own(FORMATS[name]) for name in OWN},
}  # fmt: skip
