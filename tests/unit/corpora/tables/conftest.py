"""Ten recordings of three speakers, and functions that read a table of them."""

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.config.labels import LabelMap
from mscnn.corpora import read
from mscnn.corpora.prepare import AudioForm, prepare
from mscnn.corpora.tables.source import OwnCorpus, Source, read_source
from mscnn.data.datadir import DataDir

RATE = 16000


@dataclass(frozen=True)
class Recording:
    """One recording: its path below the folder of audio, its label and its speaker."""

    path: str
    label: str
    speaker: str


NAMES = [(f"s{who}", label) for who in range(1, 6) for label in ("angry", "sad")]
TEN = [Recording(f"{label}/{who}_{label}_1.wav", label, who) for who, label in NAMES]


@pytest.fixture(scope="session")
def audio(tmp_path_factory) -> Path:
    """Folder with the ten recordings, noise of 0.25 s each."""
    folder = tmp_path_factory.mktemp("ten")
    for one in TEN:
        samples = np.random.default_rng(random.Random(one.path).getrandbits(32)).uniform(-0.5, 0.5, RATE // 4)
        (folder / one.path).parent.mkdir(exist_ok=True)
        soundfile.write(folder / one.path, samples, RATE)
    return folder


def table(rows: Sequence[Mapping[str, object]], separator: str = ",") -> str:
    """Rows as text, the names of the columns first."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def rows(**names: str) -> list[dict[str, object]]:
    """The ten recordings as rows; ``names`` are other names of the columns path, label and speaker."""
    columns = {what: names.get(what, what) for what in ("path", "label", "speaker")}
    return [{name: getattr(one, what) for what, name in columns.items()} for one in TEN]


Reader = Callable[..., OwnCorpus]


@pytest.fixture
def read_own(tmp_path, audio) -> Reader:
    """Function that reads a table; a text is written to a file first: (table, **options of Source)."""

    def run(given: Path | str | bytes, **options: object) -> OwnCorpus:
        path = given
        if not isinstance(given, Path):
            path = tmp_path / "my.csv"
            path.write_bytes(given if isinstance(given, bytes) else given.encode())
        options = {"audio_root": str(audio), **options}
        return read_source(Source(table=path, **options), tmp_path / "own" / "my")

    return run


@pytest.fixture
def stage1(tmp_path, read_own) -> Callable[..., DataDir]:
    """Function that reads a table as :func:`read_own` and makes its data directory, as stage 1 does."""

    def run(given: Path | str | bytes, **options: object) -> DataDir:
        own = read_own(given, **options)
        labels = LabelMap.load(str(own.labels))
        corpus = read("own", own.labels.parent)
        skip = bool(options.get("skip"))
        return prepare(corpus, labels, "all", AudioForm(), tmp_path / "data" / "my", skip=skip)

    return run
