"""``--set``: which value a key sets, and how invalid keys and values are refused."""

import pytest

from mscnn.config.model import ModelSpec
from tests.raises import fails


def option(name: str, setting: str, key: str):
    return ModelSpec.load(name, [setting]).options[key]


@pytest.mark.parametrize(
    "setting, key, value",
    [
        ("training.lr=1e-4", "lr", 1e-4),
        ("lr=1e-4", "lr", 1e-4),
        ("clip=2", "clip", 2.0),
        ("balance=300", "balance", "300"),
        ("balance=oversample", "balance", "oversample"),
        ("betas=[0.5, 0.9]", "betas", (0.5, 0.9)),
        ("nesterov=true", "nesterov", True),
        ("max-epochs=3", "max_epochs", 3),
        ("training.select=ua", "select", "ua"),
    ],
)
def test_training(setting, key, value):
    assert getattr(ModelSpec.load("glam", [setting]).training, key) == value


@pytest.mark.parametrize("key", ["fc_dim", "options.fc_dim", "fc-dim"])
def test_options_are_typed_by_the_first_file_of_the_family(key):
    assert option("audio_cnn", f"{key}=64", "fc_dim") == 64
    assert option("audio_cnn", "dropout=0", "dropout") == 0.0
    assert option("audio_cnn", "options.audio_widths=[3, 5]", "audio_widths") == [3, 5]
    assert option("audio_cnn", "att_mode=no", "att_mode") == "no"  # the network checks it
    assert option("ca_mser", "alexnet=123", "alexnet") == "123"


def test_segments():
    rule = ModelSpec.load("glam", ["segments.hop=10", "long=ends"]).segments
    assert (rule.frames, rule.hop, rule.long) == (57, 10, "ends")
    assert ModelSpec.load("glam", ["hop=10"]).segments.hop == 10
    streams = ModelSpec.load("ca_mser", ["segments.streams.mfcc=150"]).segments.streams
    assert streams == {"mfcc": 150, "wav2vec2": 149}


def test_a_model_of_whole_utterances_can_be_given_segments():
    rule = ModelSpec.load("audio_cnn", ["segments.frames=300", "segments.aggregate=mean_logits"]).segments
    assert (rule.frames, rule.hop, rule.aggregate) == (300, 0, "mean_logits")
    with fails("segments-without-frames", "--set segments.hop=10", "audio_cnn", "segments.frames"):
        ModelSpec.load("audio_cnn", ["segments.hop=10"])
    with fails("segments-no-audio", "text_cnn"):
        ModelSpec.load("text_cnn", ["segments.frames=300"])


def test_inputs_and_their_normalisation():
    assert ModelSpec.load("glam", ["inputs.audio=mfcc40"]).audio == "mfcc40"
    assert ModelSpec.load("mscnn_spu", ["inputs.audio=null"]).audio is None
    spec = ModelSpec.load("mdre", ["inputs.extra.prosody=prosody35_opensmile", "normalise.prosody=zscore"])
    assert (spec.extra, spec.normalise["prosody"]) == ({"prosody": "prosody35_opensmile"}, "zscore")
    assert ModelSpec.load("audio_cnn", ["normalise.audio=none"]).normalise == {"audio": "none"}
    assert ModelSpec.load("mscnn_spu", ["xvec-norm=length"]).xvec_norm == "length"
    for model, setting in (("audio_cnn", "xvec_norm=length"), ("text_cnn", "normalise.audio=minmax")):
        with fails("option-conflict", f"--set {setting}", model, "remove"):
            ModelSpec.load(model, [setting])


def test_options_that_follow_inputs_have_their_values():
    spec = ModelSpec.load("mscnn_spu", ["xvector=false"])
    assert not spec.xvector and spec.options["xvector"] is False
    assert spec.describe() == {**ModelSpec.load("mscnn_no_xvector").describe(), "model": "mscnn_spu"}
    spec = ModelSpec.load("mdre", ["inputs.extra={}", "normalise.prosody=null", "text=false"])
    assert [spec.options[key] for key in ("audio", "text", "prosody")] == [True, False, False]
    for setting in ("options.prosody=false", "prosody=false"):
        with fails("option-follows", "options.prosody", "inputs.extra.prosody"):
            ModelSpec.load("mdre", [setting])


def test_weights_of_classes_by_name():
    assert ModelSpec.load("glam", ["class_weights=balanced"]).training.class_weights == "balanced"
    settings = ["training.class_weights.happy=2", "training.class_weights.sad=0.5"]
    assert ModelSpec.load("glam", settings).training.class_weights == {"happy": 2.0, "sad": 0.5}


def test_later_settings_win_and_the_file_stays_as_it_is():
    assert ModelSpec.load("glam", ["lr=1", "training.lr=2"]).training.lr == 2.0
    assert ModelSpec.load("glam").training.lr == 0.001


@pytest.mark.parametrize(
    "name, setting, code, names",
    [
        ("mscnn_spu_att", "fc_dmi=3", "option-unknown", ["fc_dmi", "options.fc_dim?", "training.lr", "segments.hop"]),
        ("mscnn_spu_att", "options.fc_dmi=3", "option-unknown", ["options.fc_dim?"]),
        ("mscnn_spu_att", "training.lrr=3", "option-unknown", ["training.lr?"]),
        ("mscnn_spu_att", "mask_frame=10", "option-unknown", ["training.mask_frames?"]),
        ("mscnn_spu_att", "qqq=3", "option-unknown", ["options.fc_dim", "training.mixup", "xvec_norm", "inputs.audio"]),
        ("mscnn_spu_att", "inputs.extra.=3", "option-unknown", []),
        ("glam", "frames=60", "option-ambiguous", ["options.frames", "segments.frames"]),
        ("glam", "lr", "option-syntax", ["--set lr"]),
        ("glam", "lr=[", "config-yaml", ["--set lr=["]),
        ("glam", "lr=fast", "config-value", ["--set lr=fast", "training.lr", "'fast'"]),
        ("glam", "lr=0", "config-value", ["training.lr", "'0'"]),
        ("glam", "patience=0", "config-value", ["training.patience"]),
        ("glam", "balance=some", "config-value", ["training.balance", "'some'"]),
        ("glam", "class_weight=balanced", "option-unknown", ["training.class_weights?", "training.balance"]),
        ("glam", "class_weights=some", "config-value", ["training.class_weights", "'some'"]),
        ("glam", "training.class_weights.happy=0", "config-value", ["training.class_weights.happy", "'0'"]),
        ("glam", "optimizer=lamb", "config-value", ["training.optimizer", "'adamw'"]),
        ("glam", "segments.hop=-1", "config-value", ["segments.hop", "'-1'"]),
        ("glam", "segments.long=all", "config-value", ["segments.long", "'slide'"]),
        ("glam", "xvec_norm=l2", "config-value", ["xvec_norm", "'length'"]),
        ("glam", "normalise.audio=l2", "config-value", ["normalise.audio", "'minmax'"]),
        ("glam", "normalise.adio=none", "config-unknown-key", ["--set normalise.adio=none", "audio"]),
        ("glam", "heads=many", "config-value", ["--set heads=many", "options.heads", "'many'"]),
        ("glam", "heads=0.5", "config-value", ["options.heads", "'0.5'"]),
        ("glam", "residual=1", "config-value", ["options.residual", "'1'"]),
        ("glam", "area_dropout=true", "config-value", ["options.area_dropout", "'true'"]),
        ("glam", "area_dropout=1e999", "config-value", ["options.area_dropout"]),
        ("glam", "kernels=3", "config-value", ["options.kernels", "'3'"]),
        ("glam", "kernels=[a]", "config-value", ["options.kernels"]),
        ("glam", "fusion=[a]", "config-value", ["options.fusion"]),
    ],
)
def test_invalid_settings_are_refused_at_once(name, setting, code, names):
    with fails(code, *names):
        ModelSpec.load(name, [setting])
