"""Words that training lacks and the table of pretrained vectors has: in experiments, bundles and ONNX."""

import numpy as np
import pytest

from mscnn.inference import onnx
from mscnn.inference.bundle import load_predictor, write_bundle
from mscnn.inference.experiment import load_experiment
from mscnn.inference.load import load_model
from mscnn.inference.members import sums_text
from mscnn.text.vectors import WordVectors
from mscnn.training.runner import train_experiments
from mscnn.training.sources import TextOptions
from tests.raises import fails
from tests.unit.inference.conftest import SETTINGS
from tests.unit.training.conftest import toy_experiment

WORDS = ["what", "a", "day", "oh", "no", "not", "now", "marvel", "gloom"]  # the last two are in no transcript


@pytest.fixture(scope="module")
def exp(voices):
    rows = np.random.default_rng(0).normal(size=(len(WORDS), 8))
    lines = [f"{word} {' '.join(f'{x:.5f}' for x in row)}\n" for word, row in zip(WORDS, rows, strict=True)]
    (voices / "glove.txt").write_text("".join(lines))
    setup = toy_experiment(
        voices,
        "mscnn_no_xvector",
        exp="glove",
        settings=SETTINGS["mscnn_no_xvector"],
        feature_dirs=(voices / "voiced",),
        text=TextOptions(embeddings=str(voices / "glove.txt")),
        folds=2,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSCNN_BACKEND", "debug")
        train_experiments([setup], nj=1)
    return setup.exp


def answers(model, voices, *texts):
    return [model.predict(voices / "wav" / "A1-3.wav", text=text).probabilities["sad"] for text in texts]


def test_a_bundle_knows_the_words_of_its_table(exp, voices, tmp_path):
    bundle = write_bundle(load_experiment(exp), tmp_path / "b", "")
    small = write_bundle(load_experiment(exp), tmp_path / "small", "", half=True)
    texts = ("marvel", "gloom", "unheardof")
    own = answers(load_model(exp), voices, *texts)
    assert answers(load_predictor(bundle), voices, *texts) == own and len(set(own)) == 3
    assert answers(load_predictor(small), voices, *texts) == pytest.approx(own, abs=2e-3)
    assert [path.name for path in bundle.rglob("vectors.*")] == [WordVectors.FILE], "one for all networks"
    table = WordVectors.load(bundle / WordVectors.FILE)
    WordVectors(table.words, table.matrix[:, :5]).save(bundle / WordVectors.FILE)
    (bundle / "SHA256SUMS").unlink()
    (bundle / "SHA256SUMS").write_text(sums_text(bundle))
    with fails("weights-other"):
        load_predictor(bundle)


def test_onnx_knows_the_words_of_the_table(exp, voices):
    trained = load_model(exp, fold=1).networks[0]
    listing = trained.vocabulary.listing
    ids = {word: number for number, word in enumerate(listing)}
    assert ids["day"] < len(trained.vocabulary) <= ids["marvel"] and "day" not in listing[len(trained.vocabulary) :]
    assert {word: trained.vocabulary.id_of(word) for word in WORDS} == {word: ids[word] for word in WORDS}
    statistics = dict(trained.normalisers.statistics)
    content, _ = onnx.convert(trained.model, trained.spec, statistics)
    inputs = onnx.example(trained.spec, trained.model.sizes, [40, 60])
    session = onnx.open_session(content)
    scores = []
    for word in ("marvel", "gloom"):
        inputs["tokens"][:] = np.where(inputs["tokens"] > 0, ids[word], 0)
        scores.append(session.run([onnx.OUTPUT], inputs)[0])
    assert np.abs(scores[0] - scores[1]).max() > 1e-4
