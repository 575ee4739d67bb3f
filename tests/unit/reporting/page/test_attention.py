"""Attention weights against NumPy, and the choice of the utterance."""

import csv
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

from mscnn.errors import UserError
from mscnn.evaluation.predictions import Predictions
from mscnn.features.archive import FeatureDir
from mscnn.reporting.page.attention import attends, attention, choose
from mscnn.reporting.page.sound import attention_section, envelope, picture
from mscnn.reporting.page.source import read_data
from mscnn.text.vocabulary import Vocabulary
from tests.raises import fails
from tests.unit.reporting.page.conftest import OPTIONS, change, predict_again, save_model, words_of


def maps(x, weights, prefix, scales):
    """Convolutions of x (D, T), zero padding (one less on the left for even widths), ReLU; (scales · filters, T)."""
    rows = []
    for scale in range(scales):
        kernel, bias = (weights[f"{prefix}.convs.{scale}.{name}"] for name in ("weight", "bias"))
        width = kernel.shape[2]
        left = (width - 1) // 2
        padded = np.pad(x, ((0, 0), (left, width - 1 - left)))
        rows += [
            [max(0, (padded[:, t : t + width] * k).sum() + b) for t in range(x.shape[1])]
            for k, b in zip(kernel, bias, strict=True)
        ]
    return np.array(rows)


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def expected(root, folder, utt, per_scale=False, words=None):
    weights = load_file(folder / "model.safetensors")
    features = (FeatureDir.load(root / "dump" / "mfcc96" / "toy").read(utt) - 0.5) / 2
    numbers = Vocabulary.load(folder).encode(words or words_of(utt))[:8]
    audio = maps(features.T, weights, "audio_cnn", 2)
    keys = maps(weights["embedding.weight"][numbers].T, weights, "text_cnn", 2)
    queries = (audio.max(axis=1), audio.mean(axis=1), audio.std(axis=1))
    scales = [slice(0, 5), slice(5, 10)] if per_scale else [slice(0, 10)]
    return np.array([softmax(q[scale] @ keys[scale]) for q in queries for scale in scales])


@pytest.mark.parametrize(
    "mode, rows",
    [
        ("concat", ["max", "avg", "std"]),
        ("per_scale", ["max, width 2", "max, width 3", "avg, width 2", "avg, width 3", "std, width 2", "std, width 3"]),
    ],
)
def test_weights_are_those_of_the_paper(scored, tmp_path, mode, rows):
    folder = change(scored, model_options={**OPTIONS, "att_mode": mode})
    for utt, fold in (("t1-00", 1), ("t2-11", 2)):
        result = attention(read_data(folder), utt)
        reference = expected(tmp_path, folder / f"fold0{fold}" / "run1", utt, mode == "per_scale")
        np.testing.assert_allclose(result.weights, reference, atol=2e-5)
        assert reference.max() > 1.5 / reference.shape[1], "weights that differ too little test nothing"
        assert (result.fold, result.rows) == (fold, rows)
        assert result.weights.shape == (len(rows), len(result.tokens))


def test_scaled_scores_and_padding_that_counts(scored):
    folder = change(scored, model_options={**OPTIONS, "legacy_no_mask": True, "max_frames": 30, "max_tokens": 16})
    result = attention(read_data(folder), "t2-11")
    assert (result.weights.sum(axis=1) < 0.99).all() and result.weights.shape[1] == 5
    assert attention_section(read_data(folder), "t2-11", "none")[1]["lost"] > 0.01


def test_tokens_audio_and_label(scored):
    result = attention(read_data(scored), "t1-00")
    assert result.tokens == ["oh", "no", "<", "script", ">", "alert", "(", "1"]
    assert not any(result.unknown) and result.truth == "calm" and len(result.samples) == 2000 and result.rate == 8000
    assert attention(read_data(scored), "t1-01").unknown == [False, False, False, False, True]
    low, high = np.array(list(envelope(np.array([0, 3, -2, 1.0]))))[1:3].T
    assert (low.tolist(), high.tolist()) == ([3, -2], [3, -2])


def test_the_figure_has_a_panel_for_each_input(scored, tmp_path):
    result = attention(read_data(scored), "t1-00")
    assert [len(picture(result, words=w).axes) for w in (True, False)] == [3, 2]
    written = [text.get_text() for text in picture(result).axes[2].texts]
    assert written == [f"{100 * w:.0f}" for w in result.weights.flat]
    (tmp_path / "my corpus" / "t1-00.wav").unlink()
    assert len(picture(attention(read_data(scored), "t1-00")).axes) == 2


def test_the_table_shows_every_weight(written):
    plot, table = written.page["plot-attention"], written.page["table-attention"].all("table")[0]
    with (written.folder / "figures" / "attention.csv").open() as file:
        rows = list(csv.reader(file))[1:]
    weights = [f"{100 * float(weight):.1f}" for _, _, weight in rows]
    assert [cell for row in table.rows[1:] for cell in row[1:]] == weights and len(weights) > 10
    shades = [cell.attributes["style"] for cell in table.all("td")]
    assert shades == [f"--w:{float(weight):.3f}" for _, _, weight in rows]
    assert plot.all("svg")[0].attributes["role"] == "img" and len(written.page["attention"].all("audio")) == 1
    assert [row[0] for row in table.rows[1:]] == ["max", "avg", "std"] and "padding-weight" not in written.page


def test_the_most_confident_short_correct_utterance_is_chosen():
    prob = np.array([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.99, 0.01]])
    test = Predictions(("a", "b", "c", "d"), np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), prob)
    assert choose(test, {"a": "x" * 4, "b": "x" * 5, "c": "x" * 15, "d": "x" * 9}) == "b"
    assert choose(test, {"a": "x" * 4, "b": "x" * 5, "c": "x" * 15, "d": "x" * 9} | {"a": "x" * 6}) == "a"
    assert choose(test, dict.fromkeys("abcd", "x")) == "d"


def test_models_without_attention_have_no_section(scored):
    folder = change(scored, model_options={**OPTIONS, "attention": False})
    assert not attends(read_data(folder).config) and not attends({"family": "glam"})
    assert attention_section(read_data(folder), None, "near") is None
    with fails("no-attention", "--utterance t1-00", "mscnn_spu"):
        attention_section(read_data(folder), "t1-00", "near")


def test_errors_name_their_reason(scored):
    data = read_data(scored)
    with fails("utterance-unknown", "--utterance t1-0", "exp/try", "t1-0"):
        attention(data, "t1-0")
    save_model(scored / "fold01" / "run1", {**OPTIONS, "filters": 6})
    with pytest.raises(UserError) as caught:
        attention(data, "t1-00")
    assert "audio_cnn" in str(caught.value), "weights of another network"
    (scored / "fold01" / "run1" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(UserError) as caught:
        attention(data, "t1-00")
    assert "fold01/run1" in str(caught.value), "no weights"


def test_features_must_be_those_of_the_training(scored, tmp_path):
    before = attention(read_data(scored), "t1-00").weights
    (tmp_path / "dump" / "mfcc96" / "toy").rename(tmp_path / "elsewhere")
    config = scored / "config.yaml"
    config.write_text(config.read_text().replace("dump/mfcc96/toy", "elsewhere"))
    np.testing.assert_array_equal(attention(read_data(scored), "t1-00").weights, before)
    facts = tmp_path / "elsewhere" / "feature.yaml"
    facts.write_text(facts.read_text().replace("content: '0'", "content: '1'"))  # made anew, otherwise
    with pytest.raises(UserError) as caught:
        attention(read_data(scored), "t1-00")
    assert "features" in str(caught.value)


def test_predictions_on_asr_transcripts_use_the_trained_models(scored, tmp_path):
    """The tokens are those of the ASR transcripts, with the embeddings of the trained vocabulary."""
    folder = predict_again(scored, "not a day")
    result = attention(read_data(folder), "t1-00")
    assert result.tokens == ["not", "a", "day"] and result.weights.shape == (3, 3)
    run = tmp_path / "exp" / "try" / "fold01" / "run1"
    np.testing.assert_allclose(result.weights, expected(tmp_path, run, "t1-00", words="not a day"), atol=2e-5)
    table = tmp_path / "data" / "toy" / "text.ear"
    table.write_text(table.read_text().replace("t1-00 not a day", "t1-00 oh no"))
    with fails("text-changed", "data/toy", "text ear", "python -m"):
        attention(read_data(folder), "t1-00")
    shutil.rmtree(tmp_path / "exp" / "try")
    with fails("models-missing", "exp/try"):
        attention(read_data(folder), "t1-00")
