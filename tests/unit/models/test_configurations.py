"""Every file of conf/models: its features exist, and its network can be built and described."""

import pytest
import yaml

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.models.inputs import Sizes
from mscnn.paths import conf, names
from tests.raises import fails
from tests.unit.models.systems import widths

NAMES = names("models")
REQUIRED = """
mscnn_spu_att mscnn_spu audio_cnn audio_cnn_xvector text_cnn are tre mdre mdrea audio_bre text_bre mha1 mha2 mha3
xu2019_paper xu2019_delta satt2017 sarma2018 sarma_krishna adsrnn_fig128 adsrnn_code64 adrnn adrnn_donghyun asrnn
asrnn_donghyun asrnn_auditory acrnn_donghyun acrnn_paper acrnn_code glam glam5 res_multi_conv3 res_multi_conv5
mh_res_multi_conv3 aa_res_multi_conv3 gmlp_res_conv3 gmlp_res_conv5 gmlp_multi_conv mhcnn aacnn cnn_attn_pooling ca_mser
superb_head emobox_head emotion2vec_head attentive_stats mscnn_ssl mscnn_ssl_att majority tfidf_lr logmel_lr
"""


def test_every_system_is_there():
    assert {*REQUIRED.split()} <= {*NAMES}
    assert {ModelSpec.load(name).family for name in NAMES} == {*models.FAMILIES}


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_built_for_its_features(name, wav2vec2_folder):
    spec = ModelSpec.load(name)
    if spec.options.get("wav2vec2"):
        spec = ModelSpec.load(name, [f"wav2vec2={wav2vec2_folder}"])
    assert not spec.legacy(), "defects of the authors are off"
    dims = widths(spec, wav2vec2_folder)
    yaml.safe_dump(spec.describe())
    if spec.family != "baseline":
        audio = {"audio": dims.pop("audio")} if "audio" in dims else {}
        model = models.build(spec, Sizes(classes=4, extra=dims, **audio))
        assert sum(p.numel() for p in model.parameters()) > 0
        assert spec.words == hasattr(model, "embedding")


@pytest.mark.parametrize("name", NAMES)
def test_its_options_are_written_as_the_family_types_them(name):
    """The first file of a family gives options their types: a number that may be a fraction is written as one."""
    spec = ModelSpec.load(name)
    typed = vars(models.options(spec))
    assert typed.keys() == spec.options.keys()
    for key, value in spec.options.items():
        expected = list(typed[key]) if isinstance(typed[key], tuple) else typed[key]
        assert repr(value) == repr(expected), key


@pytest.mark.parametrize("name", NAMES)
def test_it_is_restored_from_config_yaml(name):
    spec = ModelSpec.load(name)
    sources = {"text": "gt" if spec.text else "none", "xvector": "x.scp" if spec.xvector else "none"}
    config = yaml.safe_load(yaml.safe_dump({**spec.describe(), **sources}))
    config["features"] = {key: f"{feature} trim_db=30" for key, feature in config["features"].items()}
    restored = ModelSpec.of_config(config)
    assert restored.describe() == spec.describe()
    for what in ("audio", "extra", "text", "xvector", "training", "segments"):
        assert getattr(restored, what) == getattr(spec, what)
    options = spec.describe()["model_options"]
    assert spec.options.items() <= options.items() and restored.options == options


@pytest.mark.parametrize("name", ["audio_cnn_xvector", "text_cnn", "are", "adrnn", "sarma2018", "logmel_lr"])
def test_mixup_is_refused_where_it_would_mix_only_a_part(name):
    """X-vectors, text and prosody would not be mixed; center loss and frame-wise losses would be skipped."""
    with fails("mixup-unsupported", name):
        models.options(ModelSpec.load(name, ["mixup=0.2"]))
    assert models.options(ModelSpec.load("glam", ["mixup=0.2"]))


@pytest.mark.parametrize(
    "name, setting, words",
    [
        ("logmel_lr", "inputs.text=true", ["inputs.text", "takes inputs.audio"]),
        ("tfidf_lr", "inputs.audio=mfcc40", ["inputs.audio", "takes inputs.text"]),
        ("majority", "inputs.audio=mfcc40", ["inputs.audio"]),
        ("glam", "inputs.extra.foo=mfcc26_seg18", ["inputs.extra.foo", "takes inputs.audio"]),
        ("glam", "inputs.text=true", ["inputs.text"]),
        ("glam", "inputs.xvector=true", ["inputs.xvector"]),
        ("audio_cnn", "inputs.text=true", ["inputs.text", "takes inputs.audio"]),
        ("mscnn_spu", "options.audio_pool=[]", ["inputs.audio", "takes inputs.text, inputs.xvector"]),
        ("xu2019_paper", "inputs.xvector=true", ["inputs.xvector", "takes inputs.audio, inputs.text"]),
        ("mdre", "inputs.extra.more=mfcc40", ["inputs.extra.more", "inputs.extra.prosody"]),
        ("ca_mser", "inputs.extra.wave=raw16k", ["inputs.extra.wave", "inputs.extra.wav2vec2"]),
    ],
)
def test_an_input_that_the_network_would_ignore_is_refused(name, setting, words):
    """Score lines name the inputs."""
    with fails("input-unsupported", name, *words):
        models.options(ModelSpec.load(name, [setting]))


@pytest.mark.parametrize(
    "name, setting, key",
    [
        ("sarma2018", "inputs.audio=null", "inputs.audio"),
        ("majority", "kind=text", "inputs.text"),
        ("xu2019_paper", "inputs.text=false", "inputs.text"),
        ("text_cnn", "audio_pool=[max]", "inputs.audio"),
    ],
)
def test_an_input_that_the_network_needs_is_missing(name, setting, key):
    with fails("input-missing", name, key):
        models.options(ModelSpec.load(name, [setting]))


@pytest.mark.parametrize("name, setting", [("glam", "inputs.audio=mfcc40"), ("mdre", "inputs.extra.prosody=lld34")])
def test_another_feature_of_an_input_is_allowed(name, setting):
    assert models.options(ModelSpec.load(name, [setting]))


def test_an_option_of_a_wrong_type_has_its_place(tmp_path):
    text = conf("models", "mscnn_spu_att").read_text()
    line = next(i for i, one in enumerate(text.splitlines()) if one.strip().startswith("filters:"))
    lines = text.splitlines()
    lines[line] = lines[line].split(":")[0] + ": many"
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(lines) + "\n")
    with fails("config-value", f"{path}:{line + 1}: ", "filters", "'many'"):
        models.options(ModelSpec.load(str(path)))


def test_segments_are_refused_where_there_is_no_network():
    """A baseline takes statistics of whole utterances; segments would change nothing."""
    with fails("segments-unsupported", "logmel_lr", "segments"):
        models.options(ModelSpec.load("logmel_lr", ["segments.frames=300"]))
