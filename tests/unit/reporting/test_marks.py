"""Marks: what differs in an experiment from the paper of its system, from its configuration."""

import pytest

from mscnn.config.model import ModelSpec
from mscnn.reporting.marks import dagger, marks

ATT, GLAM, FINETUNED = "mscnn_spu_att", "glam", "ca_mser_finetuned"
GIVEN = {"xvector": "exp/xvector/iemocap4/xvector.scp", "xvector_model": "voxceleb"}
GLOVE = {"text_options": {"tokens": "word", "embeddings": "/d/glove.840B.300d.txt"}}


def config(model, **changes):
    """``config.yaml`` of an experiment as its paper has it, with changes."""
    spec = ModelSpec.load(model)
    usual = {"data": "data/iemocap4", "text": "gt" if spec.text else "none", "xvector": "none", "legacy": []}
    if spec.xvector:
        usual |= GIVEN
    if spec.text:
        usual |= GLOVE
    return {**spec.describe(), **usual, "changed": [], "partial": "", "protocol": {"legacy": []}, **changes}


@pytest.mark.parametrize("model", [ATT, GLAM, "audio_cnn", "text_cnn", "majority", "mscnn_no_xvector"])
def test_an_experiment_as_its_paper_has_it_has_none(model, tmp_path):
    assert marks(config(model), tmp_path) == ()


WORD2VEC = {"text_options": {"tokens": "word", "embeddings": None}}
PICKED = {"text_options": {"tokens": "word", "embeddings": "/d/fasttext.vec"}}
SPEC = ModelSpec.load(FINETUNED)
IMAGENET = {"model_options": {**SPEC.options, "alexnet": "/w/alexnet.pth"}}
TINY = {"model_options": {**IMAGENET["model_options"], "wav2vec2": "/w/tiny"}}
FROZEN = {**SPEC.options, "alexnet": "x", "wav2vec2": ""}


@pytest.mark.parametrize(
    ("model", "changes", "code", "words", "daggered"),
    [
        (ATT, {"xvector_model": "espeak"}, "xvectors", ["espeak", "demonstration"], True),
        (ATT, {"xvector": "none", "xvector_model": "none"}, "no-xvectors", [], True),
        (ATT, {"xvector_model": "given"}, "xvectors-given", [], False),
        (ATT, WORD2VEC, "word-vectors", ["word2vec", "GloVe"], True),
        (ATT, PICKED, "word-vectors", ["fasttext.vec"], True),
        (FINETUNED, {}, "alexnet", ["ImageNet"], True),
        (FINETUNED, TINY, "wav2vec2", ["`tiny`", "facebook/wav2vec2-base-960h"], True),
        ("ca_mser", {"model_options": FROZEN, "features": {"wav2vec2": "wav2vec2 model=a/b"}}, "wav2vec2", ["b"], True),
        (ATT, {"changed": ["training.max_steps=2", "embeddings=x"]}, "changed", ["max_steps=2"], False),
        (ATT, {"partial": "2/10"}, "partial", ["2 of 10"], False),
        (GLAM, {"protocol": {"legacy": ["legacy_test_best"]}}, "legacy", ["test"], False),
        (GLAM, {"segments": {"frames": 57, "short": "drop"}, "short_excluded": 423}, "short-dropped", ["423"], False),
    ],
)
def test_each_difference_is_marked(model, changes, code, words, daggered, tmp_path):
    (note,) = marks(config(model, **changes), tmp_path)
    assert (note.code, bool(dagger([note]))) == (code, daggered)
    assert all(word in note.text for word in words)


def test_an_omitted_branch_has_no_mark(tmp_path):
    without = config("ca_mser_no_spectrogram")
    assert [note.code for note in marks(without, tmp_path)] == []


def test_transcripts_have_the_word_error_rate_of_stage_4(tmp_path):
    (note,) = marks(config("text_cnn", text="pocketsphinx"), tmp_path / "a")
    assert note.code == "asr" and "pocketsphinx" in note.text and "%" not in note.text
    folder = tmp_path / "asr_pocketsphinx" / "iemocap4"
    folder.mkdir(parents=True)
    (folder / "wer").write_text(
        "# normalisation: x\n%WER 44.43 [ 4 / 9, 1 ins, 1 del, 2 sub ] a\n%WER 1.00 [ 1 / 9 ] b\n"
    )
    (note,) = marks(config("text_cnn", text="pocketsphinx"), tmp_path / "a")
    assert "44.43 %" in note.text


def test_an_unknown_configuration_is_no_error(tmp_path):
    assert marks({**config("audio_cnn"), "model": "of another version"}, tmp_path) == ()
