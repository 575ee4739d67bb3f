"""Embeddings of every format, against the matrix that was written."""

import gzip
import os
import re
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from gensim.models import FastText, KeyedVectors
from gensim.models.fasttext import save_facebook_model

from mscnn.text import vectorfiles
from mscnn.text.embeddings import load_embeddings, pretrained, train_word2vec
from mscnn.text.vectors import WordVectors
from tests.raises import fails

DIM = 6
NAMES = [",", "the", "café", "at", "n't", "7", "home", "unwanted"]
VECTORS = np.random.default_rng(0).standard_normal((len(NAMES), DIM)).astype(np.float32)
WORDS = ["<pad>", "<unk>", "home", "the", "nowhere", "café", "at", "7"]
WANTED = {name: VECTORS[NAMES.index(name)] for name in WORDS if name in NAMES}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of each format; names do not say which."""
    folder = tmp_path_factory.mktemp("vectors")
    vectors = KeyedVectors(DIM)
    vectors.add_vectors(NAMES, VECTORS)
    text, binary = folder / "w2v.txt", folder / "w2v.bin"
    vectors.save_word2vec_format(str(text))
    vectors.save_word2vec_format(str(binary), binary=True)
    lines = text.read_bytes().splitlines(keepends=True)[1:]
    spaced = b"at name@domain.com" + b" 9.0" * DIM + b"\n. . ." + b" 9.0" * DIM + b"\nhome" + b" 9.0" * DIM + b"\n"
    fasttext = FastText([NAMES] * 3, vector_size=DIM, min_count=1, epochs=1, bucket=50, workers=1)
    fasttext.wv.vectors_vocab[:] = fasttext.wv.vectors[:] = VECTORS[[NAMES.index(w) for w in fasttext.wv.index_to_key]]
    save_facebook_model(fasttext, str(folder / "facebook"))
    made = {
        "glove": b"".join(lines) + spaced,
        "glove-no-newline": (b"".join(lines) + spaced)[:-1],
        "word2vec-text": text.read_bytes(),
        "fasttext-vec": b"%d %d\n" % (len(NAMES), DIM) + b"".join(line[:-1] + b" \n" for line in lines),
        "word2vec-binary": binary.read_bytes(),
        "google-binary": b"%d %d\n" % (len(NAMES), DIM)
        + b"".join(n.encode() + b" " + v.tobytes() + b"\n" for n, v in zip(NAMES, VECTORS, strict=True)),
        "facebook": (folder / "facebook").read_bytes(),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return folder


FORMATS = ["glove", "glove-no-newline", "word2vec-text", "fasttext-vec", "word2vec-binary", "google-binary"]


@pytest.mark.parametrize("name", [*FORMATS, *(f"{name}.gz" for name in FORMATS)])
def test_formats(files, name, tmp_path, monkeypatch):
    monkeypatch.setattr(vectorfiles, "CHUNK", 64)  # records of binary files come in parts
    matrix, coverage = load_embeddings(files / name, WORDS, cache=tmp_path, seed=1)
    assert (matrix.shape, matrix.dtype, coverage) == ((len(WORDS), DIM), np.float32, 5 / 6)
    assert not matrix[0].any()
    for row, word in enumerate(WORDS[1:], 1):
        if word in WANTED:
            np.testing.assert_allclose(matrix[row], WANTED[word], rtol=1e-5)
        else:
            assert np.abs(matrix[row]).max() <= 0.25
            assert np.unique(matrix[row]).size == DIM


@pytest.mark.parametrize("name", ["facebook", "facebook.gz"])
def test_fasttext_own_format(files, name, tmp_path):
    """Its vectors of whole words are means with those of their parts, so gensim's own lookup is the reference."""
    from gensim.models.fasttext import load_facebook_vectors

    matrix, coverage = load_embeddings(files / name, WORDS, cache=tmp_path)
    reference = load_facebook_vectors(str(files / "facebook"))
    np.testing.assert_allclose(matrix[2], reference["home"], rtol=1e-6)
    assert coverage == 5 / 6


def test_unknown_words_depend_on_seed_and_word_only(files, tmp_path):
    def of(word, words, seed=0):
        return load_embeddings(files / "glove", words, cache=tmp_path, seed=seed)[0][words.index(word)]

    other = ["<pad>", "<unk>", "x", "nowhere", "home"]
    assert np.array_equal(of("nowhere", WORDS), of("nowhere", other))
    assert np.array_equal(of("<unk>", WORDS), of("<unk>", other))
    assert not np.array_equal(of("nowhere", WORDS), of("nowhere", WORDS, seed=1))
    assert not np.array_equal(of("nowhere", WORDS), of("<unk>", WORDS))
    many = load_embeddings(files / "glove", ["<pad>", *map(str, range(100, 3000))], cache=tmp_path)[0][1:]
    assert abs(many.mean()) < 0.01
    assert many.std() == pytest.approx(0.25 / 3**0.5, rel=0.02)


def test_the_cache_depends_on_content_and_words(files, tmp_path):
    copy = tmp_path / "copy"
    copy.write_bytes((files / "glove").read_bytes())

    def kept() -> dict[str, int]:
        """Vectors that are kept, and when they were written."""
        return {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cache").glob("*.safetensors")}

    first, _ = load_embeddings(copy, WORDS, cache=tmp_path / "cache")
    before = kept()
    again, _ = load_embeddings(files / "glove", WORDS[:2] + WORDS[:1:-1], cache=tmp_path / "cache")
    assert kept() == before and len(before) == 1  # another file of the same content, the same words in another order
    np.testing.assert_array_equal(np.concatenate([again[:2], again[:1:-1]]), first)
    load_embeddings(copy, WORDS[:-1], cache=tmp_path / "cache")
    assert len(kept()) == 2
    copy.write_bytes(copy.read_bytes().replace(b"home ", b"away ", 1))
    os.utime(copy, (1, 1))
    assert load_embeddings(copy, WORDS, cache=tmp_path / "cache")[0][2] == pytest.approx(9.0)
    assert len(kept()) == 3


def damage(content, how):
    return {
        "truncated": lambda: content[: len(content) - 10],
        "half": lambda: content[: len(content) // 2],
        "nan": lambda: re.sub(rb"home \S+", b"home nan", content),
        "word": lambda: re.sub(rb"home \S+", b"home x", content),
        "short": lambda: content.replace(b"home ", b"home\nhome ", 1),
        "random": lambda: np.random.default_rng(0).bytes(4000),
        "zip": lambda: b"PK\x03\x04" + content,
        "empty": lambda: b"",
        "html": lambda: b"<!DOCTYPE html>\n<html>not found</html>\n",
        "no-spaces": lambda: content[: content.index(b"\n") + 1] + b"x" * 5000,
    }[how]()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *[("word2vec-text", how) for how in ("word", "short", "random", "zip", "empty", "html")],
        *[("glove", how) for how in ("truncated", "nan", "word", "empty")],
        *[("word2vec-binary", how) for how in ("truncated", "no-spaces")],
        *[(f"{name}.gz", "truncated") for name in ("glove", "word2vec-binary")],
        ("facebook", "half"),
    ],
)
def test_damaged_files_are_refused(files, name, how, tmp_path):
    bad = tmp_path / "bad.gz" if name.endswith(".gz") else tmp_path / "bad"
    bad.write_bytes(damage((files / name).read_bytes(), how))
    with fails("embeddings-unreadable", bad):
        load_embeddings(bad, WORDS, cache=tmp_path / "cache")
    assert not [file for file in (tmp_path / "cache").iterdir() if file.suffix == ".tmp"]


def test_no_file(tmp_path):
    with fails("embeddings-unreadable", tmp_path / "none"):
        load_embeddings(tmp_path / "none", WORDS, cache=tmp_path)


@pytest.mark.parametrize("name", ["glove", "word2vec-text", "word2vec-binary.gz", "facebook"])
def test_the_first_words_of_a_file_come_along(files, name, tmp_path):
    """Three words in lower case, in the order of the file, besides the wanted ones."""
    capitals = files / name
    if name == "glove":
        capitals = tmp_path / "capitals"
        capitals.write_bytes(b"The" + b" 1.0" * DIM + b"\n" + (files / name).read_bytes())
    table = WordVectors.load(pretrained(capitals, {"home", "nowhere"}, cache=tmp_path, most=3))
    first = [*table.words][:3] if name == "facebook" else [",", "the", "café"]
    assert [*table.words] == list(dict.fromkeys([*first, "home"])) and table.matrix.shape == (len(table), DIM)
    assert "home" in table and "nowhere" not in table
    np.testing.assert_array_equal(table.matrix[table.row("home")], table["home"])


def test_damaged_tables_are_refused(tmp_path):
    table = WordVectors(["a", "b"], np.ones((2, 3), np.float32))
    path = tmp_path / WordVectors.FILE
    table.save(path)
    assert WordVectors.load(path).words == ["a", "b"]
    for content in (b"", path.read_bytes()[:-4], b"{}"):
        path.write_bytes(content)
        with fails("vectors-unreadable", path):
            WordVectors.load(path)
    WordVectors(["a", "b"], np.ones((3, 3), np.float32)).save(path)
    with fails("vectors-unreadable", path):
        WordVectors.load(path)
    path.unlink()
    with fails("vectors-missing", path):
        WordVectors.load(path)


@pytest.mark.parametrize("name", ["glove", "word2vec-binary"])
def test_a_file_without_any_of_the_words_is_refused(files, name, tmp_path):
    with fails("embeddings-foreign", files / name, "0 of the 2 words"):
        load_embeddings(files / name, ["<pad>", "<unk>", "zebra", "7", ",", "zoo"], cache=tmp_path)
    assert not list(tmp_path.glob("*.safetensors")), "nor is it used the next time"
    for others in (["7", ","], []):
        assert load_embeddings(files / name, ["<pad>", "<unk>", *others], cache=tmp_path)[0].shape[1] == DIM


def rewritten(content, how):
    """A file of word vectors as others write it."""
    header, _, body = content.partition(b"\n")
    return {
        "tab after the word": lambda: header + b"\n" + re.sub(rb"(?m)^(\S+) ", rb"\1\t", body),
        "tabs": lambda: content.replace(b" ", b"\t"),
        "aligned columns": lambda: header + b"\n" + body.replace(b" ", b"    "),
        "carriage returns": lambda: content.replace(b"\n", b"\r\n"),
        "blank lines": lambda: content.replace(b"\n", b"\n\n") + b" \n",
        "byte order mark": lambda: b"\xef\xbb\xbf" + content,
        "byte order mark, no header": lambda: b"\xef\xbb\xbf" + body,
        "one word too many": lambda: b"%d %d\n" % (len(NAMES) + 1, DIM) + body,
        "one word too few": lambda: b"%d %d\n" % (len(NAMES) - 1, DIM) + body,
    }[how]()


@pytest.mark.parametrize(
    "how",
    [
        "tab after the word",
        "tabs",
        "aligned columns",
        "carriage returns",
        "blank lines",
        "byte order mark",
        "byte order mark, no header",
    ],
)
def test_other_layouts_are_read(files, how, tmp_path):
    path = tmp_path / "other"
    path.write_bytes(rewritten((files / "word2vec-text").read_bytes(), how))
    matrix, coverage = load_embeddings(path, WORDS, cache=tmp_path)
    assert coverage == 5 / 6
    np.testing.assert_array_equal(matrix, load_embeddings(files / "word2vec-text", WORDS, cache=tmp_path)[0])


@pytest.mark.parametrize("how", ["one word too many", "one word too few"])
def test_a_header_that_counts_wrongly_is_named(files, how, tmp_path, caplog):
    path = tmp_path / "other"
    path.write_bytes(rewritten((files / "word2vec-text").read_bytes(), how))
    assert load_embeddings(path, WORDS, cache=tmp_path)[1] == 5 / 6
    assert f"there are {len(NAMES)}" in caplog.text
    binary = (files / "word2vec-binary").read_bytes().partition(b"\n")[2]
    path.write_bytes(b"%d %d\n" % (len(NAMES) + 1, DIM) + binary)
    assert load_embeddings(path, WORDS, cache=tmp_path)[1] == 5 / 6


def test_prefixes_of_one_language_are_no_part_of_words(files, tmp_path):
    path = tmp_path / "numberbatch"
    path.write_bytes(re.sub(rb"(?m)^(?=\S+ \S+ )", b"/c/en/", (files / "word2vec-text").read_bytes()))
    expected = load_embeddings(files / "word2vec-text", WORDS, cache=tmp_path)[0]
    np.testing.assert_array_equal(load_embeddings(path, WORDS, cache=tmp_path)[0], expected)
    path.write_bytes(path.read_bytes().replace(b"/c/en/at", b"/c/fr/at"))
    with fails("embeddings-unreadable", "word 4", "/c/en/"):
        load_embeddings(path, WORDS, cache=tmp_path)


@pytest.mark.parametrize("name", ["facebook", "facebook.gz"])
def test_truncated_files_of_fasttext_are_refused_wherever_they_end(files, name, tmp_path):
    """Inside a word of the vocabulary, as an interrupted download may, among other places."""
    whole, path = (files / name).read_bytes(), tmp_path / name
    for size in [*range(4, 400, 23), *range(400, len(whole), len(whole) // 10), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with fails("embeddings-unreadable", path):
            load_embeddings(path, WORDS, cache=tmp_path / "cache")


def test_lines_and_dimensions_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(vectorfiles, "MAX_LINE", 5000)
    path = tmp_path / "long.gz"
    path.write_bytes(gzip.compress(b"home 1.0 2.0\nx" + b"x" * 10_000_000))
    with fails("embeddings-unreadable", "word 2", 5000):
        load_embeddings(path, WORDS, cache=tmp_path)
    path.write_bytes(b"1 99999999999\nhome " + b"1" * 100)
    with fails("embeddings-unreadable", 99999999999):
        load_embeddings(path, WORDS, cache=tmp_path)


SENTENCES = [["my", "cat", "sleeps"], ["my", "dog", "sleeps"], ["the", "stock", "market", "fell"]] * 60
VOCABULARY = ["<pad>", "<unk>", "cat", "dog", "fell", "market", "my", "never", "sleeps", "stock", "the"]


def test_word2vec_learns_which_words_occur_together():
    matrix = train_word2vec([*SENTENCES, [], ["<unk>", "held", "out"]], VOCABULARY, dim=20, seed=3)
    assert (matrix.shape, matrix.dtype) == ((11, 20), np.float32)
    assert not matrix[0].any()
    lengths = np.linalg.norm(matrix[2:], axis=1)
    np.testing.assert_allclose(np.delete(lengths, 5), 0.25 * (20 / 3) ** 0.5, rtol=1e-5)
    assert np.abs(matrix[[1, 7]]).max() <= 0.25, "what training never saw is drawn"
    cat, dog, market = (matrix[VOCABULARY.index(word)] for word in ("cat", "dog", "market"))
    assert cat @ dog > cat @ market


@pytest.mark.parametrize("sentences", [[], [[]], [["elsewhere"]]])
def test_word2vec_without_words(sentences):
    matrix = train_word2vec(sentences, ["<pad>", "<unk>"], dim=4)
    assert matrix.shape == (2, 4)
    assert np.isfinite(train_word2vec([["one"]], ["<pad>", "<unk>", "one"], dim=4)).all()


def test_same_in_every_process():
    code = (
        "from hashlib import sha256\n"
        "from mscnn.text.vocabulary import Vocabulary\n"
        "from mscnn.text.embeddings import train_word2vec\n"
        "texts = ['my cat sleeps', 'the stock market fell', 'my dog'] * 40\n"
        "v = Vocabulary.build(texts)\nm = train_word2vec([v.split(t) for t in texts], v.words, dim=20, seed=2**40)\n"
        "print(v.words, sha256(m.tobytes()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True
        )
        for seed in ("1", "2")
    ]
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout


def bodies() -> dict[str, bytes]:
    """Files of the words of VECTORS in forms that are refused, each with a part of the reason."""
    rows = [(word, np.array(values, np.float32)) for word, values in SPELT.items()]
    lines = [f"{word} {' '.join(map(str, values))}\n" for word, values in rows]
    head = f"{len(rows)} 3\n".encode()
    return {
        "6 dimensions": f"{len(rows)} 6\n{''.join(lines)}".encode(),
        "not UTF-8": "".join(lines).encode("latin-1"),
        "little-endian": head + b"".join(w.encode() + b" " + v.astype(">f4").tobytes() + b"\n" for w, v in rows),
        "of 3": head + b"".join(w.encode() + b" " + v.astype("<f8").tobytes() + b"\n" for w, v in rows),
    }


SPELT = {"the": (0.1, 0.2, 0.3), "caf\u00e9": (0.4, 0.5, 0.6), "sch\u00f6n": (0.7, 0.8, 0.9)}


@pytest.mark.parametrize("reason", bodies())
def test_vectors_of_another_form_are_refused(reason, tmp_path):
    (tmp_path / "v").write_bytes(bodies()[reason])
    with fails("embeddings-unreadable", tmp_path / "v", reason):
        load_embeddings(tmp_path / "v", ["<pad>", "<unk>", *SPELT], cache=tmp_path)


@pytest.mark.parametrize("binary", [False, True])
def test_decomposed_words_and_a_header_that_counts_fewer(binary, tmp_path):
    rows = [(unicodedata.normalize("NFD", word).encode(), np.array(v, "<f4")) for word, v in SPELT.items()]
    made = [w + b" " + (v.tobytes() if binary else " ".join(map(str, v)).encode()) + b"\n" for w, v in rows]
    (tmp_path / "v").write_bytes(b"2 3\n" + b"".join(made))
    matrix, share = load_embeddings(tmp_path / "v", ["<pad>", "<unk>", *SPELT], cache=tmp_path)
    assert share == 1 and np.allclose(matrix[2:], [*SPELT.values()])
