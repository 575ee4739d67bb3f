"""Word vectors, vocabularies, x-vectors and the networks that compute them."""

import gzip
import io
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mscnn.text.embeddings import load_embeddings
from mscnn.text.install import install
from mscnn.text.subwords import Subwords
from mscnn.text.vectors import WordVectors
from mscnn.training.words import read_vocabulary
from mscnn.xvector.modeldir import XvectorModel
from mscnn.xvector.native import embed, select_frames
from mscnn.xvector.vectors import model_name, read_vectors
from tests.conftest import ROOT
from tests.e2e.faults.readers.base import Read, Reader

DIM = 6
NAMES = [",", "the", "café", "at", "n't", "7", "home", "unwanted"]
WORDS = ["<pad>", "<unk>", "home", "the", "nowhere", "café", "at", "7"]
XVECTOR = ROOT / "tests/unit/xvector/data"


def word_vectors(folder: Path) -> tuple[Sequence[Path], Read]:
    """Text and binary files of GloVe, word2vec and fastText, plain and packed."""
    from gensim.models import FastText, KeyedVectors
    from gensim.models.fasttext import save_facebook_model

    values = np.random.default_rng(0).standard_normal((len(NAMES), DIM)).astype(np.float32)
    vectors = KeyedVectors(DIM)
    vectors.add_vectors(NAMES, values)
    vectors.save_word2vec_format(str(folder / "w2v.vec"))
    vectors.save_word2vec_format(str(folder / "w2v.bin"), binary=True)
    text = (folder / "w2v.vec").read_bytes()
    (folder / "glove.txt").write_bytes(text.partition(b"\n")[2])
    fasttext = FastText([NAMES] * 3, vector_size=DIM, min_count=1, epochs=1, bucket=50, workers=1)
    save_facebook_model(fasttext, str(folder / "facebook.bin"))
    for name in ("w2v.vec", "w2v.bin", "facebook.bin"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes(), mtime=0))
    files, cache = sorted(folder.iterdir()), folder / "cache"

    def read(path: Path) -> None:
        try:
            load_embeddings(path, WORDS, cache=cache)
        finally:
            shutil.rmtree(cache, ignore_errors=True)

    return files, read


def vector_archive(folder: Path) -> tuple[Sequence[Path], Read]:
    """A zip archive of GloVe."""
    lines = "".join(f"{name} {' '.join(f'{0.1 * n:.2f}' for n in range(DIM))}\n" for name in NAMES)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("glove.small.txt", lines)
    (folder / "glove.zip").write_bytes(out.getvalue())

    def read(path: Path) -> None:
        shutil.rmtree(folder / "glove.small", ignore_errors=True)
        install(path, folder / "glove.small", words=4)

    return [folder / "glove.zip"], read


def vocabulary(folder: Path) -> tuple[Sequence[Path], Read]:
    (folder / "vocabulary.txt").write_text("".join(f"{word}\n" for word in WORDS))
    values = np.random.default_rng(0).standard_normal((len(NAMES), DIM)).astype(np.float32)
    WordVectors(NAMES, values).save(folder / WordVectors.FILE)

    def read(_: Path) -> None:
        tokens = read_vocabulary(folder, WordVectors.load(folder / WordVectors.FILE))
        tokens.encode("the unwanted home")

    return [folder / "vocabulary.txt", folder / WordVectors.FILE], read


def subwords(folder: Path) -> tuple[Sequence[Path], Read]:
    Subwords.train(["what a day", "oh no not now", "the home of the café"] * 3, size=40).save(folder)
    return [folder / Subwords.FILE], lambda _: read_vocabulary(folder).encode("what a lovely day")


def xvectors(folder: Path) -> tuple[Sequence[Path], Read]:
    """Binary and text vectors, a matrix of one row, and the tables."""
    vector = np.arange(4, dtype="<f4").tobytes()
    binary, size = b"\0BFV \4" + (4).to_bytes(4, "little") + vector, 4 + 10 + 16
    matrix = b"\0BFM \4" + (1).to_bytes(4, "little") + b"\4" + (4).to_bytes(4, "little") + vector
    ark = folder / "x.ark"
    ark.write_bytes(b"a-1 " + binary + b"a-2 " + binary + b"a-3 " + matrix + b"a-4 [ 0 1 2 3 ]\n")
    starts = [4, size + 4, 2 * size + 4, 2 * size + 4 + len(matrix) + 4]
    scp = "".join(f"a-{n} {ark}:{start}\n" for n, start in enumerate(starts, 1))
    (folder / "xvector.scp").write_text(scp)
    (folder / "xvector.yaml").write_text("name: small\nmodel: x\n")

    def read(_: Path) -> None:
        read_vectors(folder / "xvector.scp", ["a-1", "a-2", "a-3", "a-4"])
        model_name(folder / "xvector.scp")

    return [ark, folder / "xvector.scp", folder / "xvector.yaml"], read


def xvector_model(folder: Path) -> tuple[Sequence[Path], Read]:
    """A model of Kaldi's: the network, binary, with its configuration; a vector of a second of noise is computed."""
    model = folder / "model"
    shutil.copytree(XVECTOR, model, ignore=shutil.ignore_patterns("wav", "expected.npz", "README"))
    return [path for path in sorted(model.rglob("*")) if path.is_file()], _extract(model)


def xvector_model_in_text(folder: Path) -> tuple[Sequence[Path], Read]:
    from mscnn.xvector import nnet3

    xvector_model(folder)
    model = folder / "model"
    nnet3.write(nnet3.read(XVECTOR / "final.raw"), model / "final.raw", binary=False)
    return [model / "final.raw"], _extract(model)


def _extract(model: Path) -> Read:
    samples = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)

    def read(_: Path) -> None:
        loaded = XvectorModel.load(model)
        network = loaded.network()
        frames, *_ = select_frames(loaded, samples, all_frames=True)
        embed(network, {"a": frames}, loaded.max_chunk, loaded.min_chunk, 10_000)

    return read


READERS: dict[str, Reader] = {
    "word-vectors": word_vectors, "vector-archives": vector_archive, "vocabularies": vocabulary, "subwords": subwords,
    "x-vectors": xvectors, "x-vector-models": xvector_model, "x-vector-models-in-text": xvector_model_in_text,
}  # fmt: skip
