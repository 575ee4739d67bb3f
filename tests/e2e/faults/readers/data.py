"""What the stages keep: data directories, lists of folds, features, transcripts; and what replaces them."""

import json
from collections.abc import Sequence
from pathlib import Path

from mscnn.asr.journal import Journal
from mscnn.asr.table import TranscriptTable
from mscnn.data.datadir import DataDir
from mscnn.data.foldimport import import_folds
from mscnn.data.foldlists import read_folds, write_lists
from mscnn.data.protocols import Protocol, make_folds
from mscnn.features.archive import FeatureDir
from mscnn.files import write_table
from mscnn.inference.recordings import expanded
from mscnn.leakage.result import AuditResult
from mscnn.xvector.trials import read_trials
from tests.e2e.faults.readers.base import Read, Reader
from tests.unit.training.conftest import make_toy

FEW = 3  # utterances whose features are read


def data_directory(folder: Path) -> tuple[Sequence[Path], Read]:
    toy = make_toy(folder)
    out = toy / "data/toy"
    data = DataDir.load(out)
    write_table(out / "utt2gender", {utt: "mf"[utt[0] == "A"] for utt in data.utts})
    write_table(out / "utt2scene", {utt: f"impro0{utt[-1]}" for utt in data.utts})
    write_table(out / "utt2split", {utt: "train" for utt in data.utts})
    protocol = Protocol.load(str(toy / "toy4.yaml"))
    return sorted(out.iterdir()), lambda _: make_folds(protocol, DataDir.load(out))


def segments(folder: Path) -> tuple[Sequence[Path], Read]:
    """A data directory whose utterances are parts of recordings."""
    toy = make_toy(folder)
    out = toy / "data/toy"
    data = DataDir.load(out)
    write_table(out / "segments", {utt: f"{utt[:2]} {n}.5 {n + 1}.0" for n, utt in enumerate(data.utts)})
    write_table(out / "wav.scp", {utt[:2]: toy / "x.wav" for utt in data.utts})
    DataDir.load(out)
    return [out / "segments", out / "wav.scp", out / "utt2dur"], lambda _: DataDir.load(out)


def fold_lists(folder: Path) -> tuple[Sequence[Path], Read]:
    toy = make_toy(folder)
    data, lists = DataDir.load(toy / "data/toy"), toy / "folds"
    protocol = Protocol.load(str(toy / "toy4.yaml"))
    write_lists([fold.parts for fold in make_folds(protocol, data)], lists)
    return sorted(lists.iterdir()), lambda _: read_folds(lists, data)


def fold_import(folder: Path) -> tuple[Sequence[Path], Read]:
    """Plain lists with the protocol beside them, and lists of EmoBox."""
    toy = make_toy(folder)
    data, plain, emobox = DataDir.load(toy / "data/toy"), toy / "plain", toy / "emobox"
    folds = make_folds(Protocol.load(str(toy / "toy4.yaml")), data)
    write_lists([fold.parts for fold in folds], plain)
    (plain / "p.yaml").write_bytes((toy / "toy4.yaml").read_bytes())
    for number, fold in enumerate(folds, 1):
        for part, utts in (("train", fold.train), ("valid", fold.dev), ("test", fold.test)):
            path = emobox / f"fold_{number}" / f"toy_{part}_fold_{number}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [json.dumps({"key": f"toy-{utt}", "dataset": "toy", "wav": f"{utt}.wav"}) for utt in utts]
            path.write_text("".join(f"{line}\n" for line in lines))
    files = [path for path in sorted([*plain.rglob("*"), *emobox.rglob("*")]) if path.is_file()]

    def read(path: Path) -> None:
        import_folds(plain if plain in path.parents else emobox, data, "p", toy / "out")

    return files, read


def features(folder: Path) -> tuple[Sequence[Path], Read]:
    toy = make_toy(folder)
    files = ["feature.yaml", "feats.scp", "utt2num_frames", "feats.1.ark"]

    def read(_: Path) -> None:
        archive = FeatureDir.load(toy / "feats")
        for utt in archive.utts[:FEW]:
            archive.read(utt)

    return [toy / "feats" / name for name in files], read


def transcripts(folder: Path) -> tuple[Sequence[Path], Read]:
    """A table for ``--engine file``."""
    data, table = DataDir.load(make_toy(folder) / "data/toy"), folder / "asr"
    write_table(table, {utt: "hello you" for utt in data.utts})
    return [table], lambda _: TranscriptTable(str(table)).transcribe(data, folder / "out", 1)


def journal(folder: Path) -> tuple[Sequence[Path], Read]:
    (folder / "done.tsv").write_text("a-1\tab12\thello\na-2\tab13\t\n")
    (folder / "partial.1.tsv").write_text("a-3\tab12\thello\na-4\tab13\tyou")
    partial = (folder / "partial.1.tsv").read_bytes()

    def read(_: Path) -> None:
        Journal(folder).collect()
        (folder / "partial.1.tsv").write_bytes(partial)

    return [folder / "done.tsv", folder / "partial.1.tsv"], read


def trials(folder: Path) -> tuple[Sequence[Path], Read]:
    data = DataDir.load(make_toy(folder) / "data/toy")
    (folder / "trials").write_text("A1-0 A1-1 target\nA1-0 A2-1 nontarget\nB1-0 A2-1 nontarget\n")
    return [folder / "trials"], lambda path: read_trials(path, data)


def recordings(folder: Path) -> tuple[Sequence[Path], Read]:
    """Tables of what is to be predicted."""
    (folder / "a.wav").write_bytes(b"RIFF")
    (folder / "x.csv").write_text("path,text\na.wav,hello\nb.wav,you\n")
    (folder / "x.tsv").write_text("file\ttext\na.wav\thello\nb.wav\tyou\n")
    (folder / "wav.scp").write_text("a-1 a.wav\na-2 b.wav\n")
    (folder / "text").write_text("a-1 hello\na-2 you\n")

    def read(path: Path) -> None:
        with expanded([str(folder / "wav.scp" if path.name == "text" else path)], "text"):
            pass

    return [folder / name for name in ("x.csv", "x.tsv", "wav.scp", "text")], read


def audits(folder: Path) -> tuple[Sequence[Path], Read]:
    spread = {"mean": 1.0, "worst": 2.0, "pooled": None}
    texts = {"all": {"verbatim": spread, "near": spread}}
    facts = {"name": "p", "hash": "aff4", "aggregate": "pooled", "disjoint": {}, "selection": "dev", "version": 1}
    audit = {
        "protocol": facts,
        "data": "d",
        "utterances": 3,
        "inputs": "",
        "features_digest": None,
        "leaks": [],
        "near": 0.8,
    }
    audit |= {
        "features": None,
        "shared": {"speaker": spread},
        "texts": texts,
        "scores": {"tfidf_lr": None},
        "folds": [],
    }
    (folder / "p.json").write_text(json.dumps(audit))

    def read(path: Path) -> None:
        if result := AuditResult.read(path):
            result.disjoint  # noqa: B018

    return [folder / "p.json"], read


READERS: dict[str, Reader] = {
    "data-directories": data_directory, "segments": segments, "fold-lists": fold_lists, "fold-import": fold_import,
    "archives": features, "transcripts": transcripts, "journals": journal, "trials": trials, "recordings": recordings,
    "audits": audits,
}  # fmt: skip
