"""Configurations of models: chains of files, and how invalid files are refused."""

import itertools
import re
import subprocess
import sys

import pytest

from mscnn.config.layers import Layers
from mscnn.config.model import ModelSpec
from mscnn.config.schema import read
from mscnn.paths import CONF, conf, names
from tests.raises import fails


@pytest.fixture
def model(tmp_path):
    """Function that loads a configuration from a YAML text."""

    def load(text: str, *settings: str) -> ModelSpec:
        (tmp_path / "mine.yaml").write_text(text)
        return ModelSpec.load(str(tmp_path / "mine.yaml"), settings)

    return load


def test_names_are_unique_over_all_families_and_folders_are_families():
    files = sorted((CONF / "models").rglob("*.yaml"))
    assert len(files) == len({path.stem for path in files}) == len(names("models"))
    for path in files:
        family = ModelSpec.load(path.stem).family
        assert path.parent.name == {"baseline": "baselines"}.get(family, family)


@pytest.mark.parametrize("name", names("models"))
def test_only_the_first_file_of_a_family_has_no_base_and_every_file_has_a_header(name):
    layers = Layers.read(name)
    assert ("base" in read(conf("models", name))) == (layers.path != layers.first)
    assert layers.first.parent == layers.path.parent
    assert layers.path.read_text(encoding="utf-8").startswith("# ")


HEADER = ("Source", "Published", "Deviations", "Needs")


@pytest.mark.parametrize("kind, name", [(kind, name) for kind in ("models", "features") for name in names(kind)])
def test_headers_have_one_form(kind, name):
    """The form that conf/models/README.md describes, so that readers, and the generated pages, find each fact."""
    lines = conf(kind, name).read_text(encoding="utf-8").splitlines()
    header = [line.removeprefix("# ") for line in itertools.takewhile(lambda line: line.startswith("#"), lines)]
    groups = [re.match(r"[\w, ]+(?=: )", line) for line in header]
    labels = [{*group[0].split(", ")} if group else set() for group in groups]
    stated = [label for group in labels for label in HEADER if label in group]
    assert not labels[0] & {*HEADER}
    assert stated == sorted(set(stated), key=HEADER.index)


def test_a_file_changes_only_the_values_that_it_states(model):
    spec = model(
        "base: glam\ninputs: {audio: mfcc40}\noptions: {heads: 2}\ntraining: {lr: 1e-5}\nsegments: {hop: 19}\n"
    )
    base = ModelSpec.load("glam")
    assert (spec.name, spec.audio, spec.family) == ("mine", "mfcc40", "glam")
    assert spec.options == {**base.options, "heads": 2}
    assert (spec.training.lr, spec.training.gamma) == (1e-5, base.training.gamma)
    assert (spec.segments.hop, spec.segments.frames) == (19, 57)


def test_a_custom_model_names_its_module(model):
    text = "family: my_package.my_module\ninputs: {audio: mfcc96}\noptions: {width: 3, name: no, sizes: []}\n"
    spec = model(text, "width=4", "sizes=[1, 2]")
    assert spec.family == "my_package.my_module" and spec.options == {"width": 4, "name": "no", "sizes": [1, 2]}


@pytest.mark.parametrize("section", ["options", "training", "segments", "normalise", "inputs"])
def test_an_empty_section_changes_nothing(model, section):
    spec, base = model(f"base: glam\n{section}:\n"), ModelSpec.load("glam")
    assert {**spec.describe(), "model": "glam"} == base.describe()


@pytest.mark.parametrize(
    "text, code, expected",
    [
        ("base: glam\noption: {heads: 2}\n", "config-unknown-key", ["mine.yaml:2", "option", "options"]),
        ("base: glam\noptions:\n  head: 2\n", "config-unknown-key", ["mine.yaml:3", "options.head", "options.heads?"]),
        ("base: glam\noptions:\n  heads: x\n", "config-value", ["mine.yaml:3", "options.heads", "'x'"]),
        ("base: glam\ntraining:\n  lrr: 2\n", "config-unknown-key", ["mine.yaml:3", "training.lrr", "training.lr?"]),
        ("base: glam\ntraining: {lr: x}\n", "config-value", ["mine.yaml:2", "training.lr", "'x'"]),
        ("base: glam\nsegments: {hops: 3}\n", "config-unknown-key", ["mine.yaml:2", "segments.hops"]),
        ("base: glam\nsegments: {streams: {foo: 3}}\n", "input-unsupported", ["mine.yaml", "segments.streams.foo"]),
        ("base: glam\ninputs: {text: yes}\n", "config-value", ["mine.yaml:2", "inputs.text", "'yes'"]),
        ("base: glam\nnormalise: {prosody: none}\n", "config-unknown-key", ["mine.yaml", "normalise.prosody"]),
        ("base: glam\nxvec_norm: l2\n", "config-value", ["mine.yaml:2", "xvec_norm", "'l2'"]),
        ("base: glam\nbase: glam5\n", "config-key-twice", ["mine.yaml:2", "base"]),
        ("base: gloom\n", "conf-unknown", ["gloom", "glam"]),
        ("inputs: {audio: mfcc96}\n", "config-missing-key", ["mine.yaml", "family"]),
    ],
)
def test_an_error_names_key_and_line(model, text, code, expected):
    with fails(code, *expected):
        model(text)


def test_a_base_may_be_a_file_beside_its_own(tmp_path, model):
    (tmp_path / "other.yaml").write_text("base: glam\noptions: {heads: 2}\n")
    assert model("base: other.yaml\noptions: {stem: 5}\n").options.items() >= {"heads": 2, "stem": 5}.items()
    with fails("conf-unknown", "none.yaml"):
        model("base: none.yaml\n")


def test_a_configuration_cannot_be_its_own_base(tmp_path):
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(f"base: {two}\n")
    two.write_text(f"base: {one}\n")
    with fails("config-base-loop", "one.yaml", "two.yaml"):
        ModelSpec.load(str(one))


def test_no_network_is_loaded():
    code = (
        "import sys; from mscnn.config.model import ModelSpec; ModelSpec.load('ca_mser', ['lr=1'])\n"
        "print([name for name in ('torch', 'numpy', 'mscnn.models', 'mscnn.data') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
