"""Pretrained word vectors: words that training lacks are looked up, in training, prediction and other transcripts."""

import dataclasses
import logging
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mscnn import models
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol, make_folds
from mscnn.evaluation.experiment import Experiment
from mscnn.files import write_table
from mscnn.inference.predict import Request, predict_experiments
from mscnn.models.inputs import Sizes
from mscnn.text.vectors import WordVectors
from mscnn.training import loop
from mscnn.training.network import Network, reproducible, untrained
from mscnn.training.runner import train_experiments
from mscnn.training.sources import Reader, TextOptions
from mscnn.training.splits import make_splits
from mscnn.training.words import further
from tests.raises import fails
from tests.unit.training.conftest import toy_experiment

ONLY = {"A1": "marvel wonder", "A2": "gloom", "B1": "shine", "B2": "what"}  # words that one speaker alone has
FREQUENT = ["the", "of", "elsewhere"]
WORDS = ["what", "a", "day", "oh", "no", "not", "now", "marvel", "wonder", "gloom", "shine", "gone", "never"]


@pytest.fixture
def setup(toy):
    """text_cnn with vectors of all words, on speakers who each have words of their own; fold 1 tests A1."""
    data = DataDir.load(toy / "data" / "toy")
    write_table(data.path / "text", {utt: f"{text} {ONLY[utt[:2]]}" for utt, text in data.text.items()})
    write_table(data.path / "text.engine", {utt: "oh what a shine gone" for utt in data.text})
    words = [
        *FREQUENT,
        *["what", "a", "day", "oh", "no", "not", "now", "marvel", "wonder", "gloom", "shine", "gone", "never"],
    ]
    rows = np.random.default_rng(0).normal(size=(len(words), 8))
    lines = [f"{word} {' '.join(f'{x:.5f}' for x in row)}" for word, row in zip(words, rows, strict=True)]
    (toy / "glove.toy.8d.txt").write_text("\n".join(lines) + "\n")
    text = TextOptions(embeddings=str(toy / "glove.toy.8d.txt"), words=3)
    return toy_experiment(toy, "text_cnn", settings=("filters=4", "max_epochs=3"), text=text, folds=1)


def splits_of(setup, **changes):
    setup = dataclasses.replace(setup, text=dataclasses.replace(setup.text, **changes))
    spec, reader = setup.spec(), Reader()
    data = reader.data(setup.data)
    fold = make_folds(Protocol.load(setup.protocol), data)[0]
    return make_splits(spec, setup.sources(spec, data, reader), fold, ["happy", "sad"], cache=setup.exp.parent, seed=1)


def test_no_token_with_a_vector_is_unknown(setup, caplog):
    with caplog.at_level(logging.INFO):
        splits = splits_of(setup)
    assert all(token != 1 for split in (splits.train, splits.dev, splits.test) for ids in split.tokens for token in ids)
    vocabulary, table = splits.words.vocabulary, splits.words.vocabulary.vectors
    assert not {"marvel", "wonder", "gloom"} & {*vocabulary.words}, "words of dev and test are not in what is saved"
    assert len(vocabulary) == len(vocabulary.words) == len(splits.words.embedding)
    assert all(token < len(vocabulary) for ids in splits.train.tokens for token in ids), "all trained"
    rows = [token - len(vocabulary) for ids in splits.test.tokens for token in ids if token >= len(vocabulary)]
    assert {table.words[row] for row in rows} == {"marvel", "wonder"}
    assert re.findall(r"(\w+) 100.0 % of \d+ words \(100.0 %", caplog.text) == ["train", "dev", "test"]


def test_words_without_a_vector_are_unknown_outside_of_training(setup, caplog):
    path = Path(setup.text.embeddings)
    path.write_text(re.sub(r"(?m)^(marvel|day) .*\n", "", path.read_text()))
    with caplog.at_level(logging.INFO):
        splits = splits_of(setup)
    assert any(1 in tokens for tokens in splits.test.tokens)
    assert not any(1 in tokens for tokens in splits.train.tokens), "a training word has a row of its own"
    assert "100.0 % of" not in caplog.text.split("test ")[-1]


def test_word2vec_has_no_further_words(setup):
    splits = splits_of(setup, embeddings=None, dim=8)
    assert further(splits.words.vocabulary) is None
    assert any(1 in tokens for tokens in splits.test.tokens)


def test_a_table_has_all_transcripts_and_the_most_frequent_words(setup, in_process):
    train_experiments([setup], nj=1)
    words = WordVectors.load(setup.exp / WordVectors.FILE).words
    assert {*FREQUENT, "gone", "wonder"} <= {*words} and "never" not in words
    cached = list((setup.exp.parent / "embeddings").glob("*.safetensors"))
    assert [path.samefile(setup.exp / WordVectors.FILE) for path in cached] == [True], "no second copy on disk"


def test_predictions_equal_those_of_a_vocabulary_that_had_the_words(setup):
    """Reference: a network with a row for each word of dev and test, which training leaves as they are."""
    spec, splits, options = setup.spec(), splits_of(setup), setup.spec().training
    (setup.exp / "a").mkdir(parents=True)
    (setup.exp / "b").mkdir()
    with reproducible("cpu"):
        torch.manual_seed(0)
        model = untrained(spec, splits)
        matrix = torch.from_numpy(np.concatenate([splits.words.embedding, further(splits.words.vocabulary)]))
        sizes = Sizes(2, vocabulary=len(matrix), embedding=8)
        whole = models.build(spec, sizes)
        whole.load_state_dict({**model.state_dict(), "embedding.weight": matrix})
        scores = []
        for network, name in ((model, "a"), (whole, "b")):
            loop.fit(network, splits.train, splits.dev, options, seed=3, device="cpu", directory=setup.exp / name)
            scores.append(loop.predict(network, splits.test, "cpu"))
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
    own = len(splits.words.embedding)
    assert model.embedding.weight.shape == (own, 8), "the weights of a fold have the words of training only"
    torch.testing.assert_close(whole.embedding.weight[own:], matrix[own:], rtol=0, atol=0)
    assert not torch.equal(whole.embedding.weight[2:own], matrix[2:own]), "rows of training words are tuned"
    assert (setup.exp / "a" / "metrics.jsonl").read_text() == (setup.exp / "b" / "metrics.jsonl").read_text()


def test_prediction_looks_words_up_in_the_table_of_the_experiment(setup, toy, in_process):
    train_experiments([setup], nj=1)
    (toy / "glove.toy.8d.txt").unlink()  # only the table is needed
    predict_experiments([Request(setup.exp, toy / "exp" / "same"), Request(setup.exp, toy / "exp" / "asr", "engine")])
    same = toy / "exp" / "same"
    for part in ("dev", "test"):
        name = f"fold01/run1/predictions_{part}.tsv"
        assert (same / name).read_bytes() == (setup.exp / name).read_bytes()
    before = Experiment.load(toy / "exp" / "asr").parts["test"][0][0].prob
    table = WordVectors.load(setup.exp / WordVectors.FILE)
    table.matrix[table.words.index("gone")] += 5  # no speaker's reference transcript has it
    table.save(setup.exp / WordVectors.FILE)
    with fails("experiment-damaged", WordVectors.FILE):
        predict_experiments([Request(setup.exp, toy / "exp" / "moved", "engine")])
    (setup.exp / "written.json").unlink()  # which has its checksum
    predict_experiments([Request(setup.exp, toy / "exp" / "moved", "engine")])
    assert np.abs(Experiment.load(toy / "exp" / "moved").parts["test"][0][0].prob - before).max() > 1e-3
    (setup.exp / WordVectors.FILE).unlink()
    with fails("vectors-missing", "vectors.safetensors"):
        predict_experiments([Request(setup.exp, toy / "exp" / "lost", "engine")])


def test_baselines_need_no_vectors(setup, in_process):
    tfidf = dataclasses.replace(setup, model="tfidf_lr", settings=(), exp=setup.exp.parent / "w")
    train_experiments([tfidf], nj=1)
    assert not (tfidf.exp / WordVectors.FILE).exists()
    assert Network(setup.spec()).learns_tokens
