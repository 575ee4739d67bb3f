"""Every family keeps the contract of mscnn/models/base.py; the checks detect violations; custom families work too.

MSCNN_MODEL=/path/to/mine.yaml checks the family of this configuration as well.
"""

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.config.schema import read
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Limits, Sizes
from mscnn.paths import conf, names
from mscnn.stamp import source_digest
from tests.raises import fails
from tests.unit.models import contract
from tests.unit.models.systems import FRAMES, SMALL, spec_of, widths

FAMILY = {name: read(conf("models", name)).get("family") for name in names("models")}
ROOTS = [name for name, family in FAMILY.items() if family not in (None, "baseline")]
WITHOUT_GRADIENT = {"adsrnn": ["attentions.0.weight"]}  # a softmax over one slice is 1 whatever the score


def test_every_family_has_a_root_configuration():
    assert sorted(filter(None, FAMILY.values())) == sorted(models.FAMILIES), (
        "one configuration without a base per family"
    )


@pytest.fixture(params=[*ROOTS, *filter(None, [os.environ.get("MSCNN_MODEL")])])
def system(request, wav2vec2_folder):
    """A configuration, the same with small options, its sizes, and a batch."""
    spec = ModelSpec.load(request.param)
    dims = widths(spec, wav2vec2_folder)
    audio = {"audio": dims.pop("audio")} if spec.audio else {}
    sizes = Sizes(classes=4, vocabulary=20, embedding=6, xvector=5, extra=dims, **audio)
    small = spec_of(request.param, **SMALL.get(spec.family, {}))
    longest = FRAMES.get(spec.family) or int(small.options.get("frames", 30))
    return spec, small, sizes, contract.batch(small, sizes, (longest, longest - longest // 3, longest // 2))


def test_a_family_keeps_the_contract(system):
    spec, small, sizes, inputs = system
    module = import_module(models.FAMILIES.get(spec.family, spec.family))
    contract.check_module(module)
    contract.check_options(module, spec)
    contract.check_class(spec)
    torch.manual_seed(0)
    model = models.build(small, sizes).double()
    contract.check_network(model, small, sizes, inputs)
    contract.check_batch(model, inputs)
    contract.check_gradients(model, inputs, WITHOUT_GRADIENT.get(spec.family, ()))


def test_options_of_baselines_have_no_defaults():
    contract.check_options(import_module(models.FAMILIES["baseline"]), ModelSpec.load("majority"))


CUSTOM = """
from dataclasses import dataclass

import torch
from torch import nn

from mscnn.models.base import Classifier
from mscnn.models.inputs import Sizes
from mscnn.models.layers import length_mask, masked_mean


@dataclass(frozen=True)
class Options:
    units: int


class Mean(Classifier[Options]):
    def __init__(self, options, sizes):
        super().__init__(options, sizes)
        self.dense = nn.Linear(sizes.audio, options.units)
        self.output = nn.Linear(options.units, sizes.classes)

    def forward(self, inputs):
        mean = masked_mean(inputs.audio, length_mask(inputs.audio_len, inputs.audio.shape[2]))
        return self.output(torch.tanh(self.dense(mean)))


Model = Mean
"""
SIZES = Sizes(classes=4, audio=7)


@pytest.fixture
def custom(tmp_path, monkeypatch):
    """Configuration of a custom model: one file of code, one of configuration."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    monkeypatch.delitem(sys.modules, "my_models.mean", raising=False)
    (tmp_path / "my_models").mkdir()
    (tmp_path / "my_models" / "mean.py").write_text(CUSTOM)
    facts = {"family": "my_models.mean", "inputs": {"audio": "mfcc96"}, "options": {"units": 5}}
    (tmp_path / "mean.yaml").write_text(yaml.safe_dump(facts))
    return ModelSpec.load(str(tmp_path / "mean.yaml"))


def code_of(spec: ModelSpec) -> list[str]:
    importlib.invalidate_caches()
    return [source_digest(name) for name in models.source_modules(spec)]


def test_a_custom_model_is_one_file_and_one_yaml(custom):
    module, inputs = import_module("my_models.mean"), contract.batch(custom, SIZES, (9, 6, 4))
    contract.check_module(module)
    contract.check_options(module, custom)
    contract.check_class(custom)
    model = models.build(custom, SIZES).double()
    contract.check_network(model, custom, SIZES, inputs)
    contract.check_batch(model, inputs)
    contract.check_gradients(model, inputs)
    before = code_of(custom)
    Path(module.__file__).write_text(CUSTOM.replace("torch.tanh", "torch.relu"))
    assert code_of(custom) != before


@pytest.mark.parametrize("regular", [True, False], ids=["package", "namespace"])
def test_helpers_of_a_custom_model_are_its_code(custom, tmp_path, regular):
    """Experiments are stale when a helper beside the family, or below it, changes."""
    digests = []
    if regular:
        (tmp_path / "my_models" / "__init__.py").write_text("")
    (tmp_path / "my_models" / "more").mkdir()
    for helper in ("helper.py", "more/helper.py"):
        for value in (1, 2):
            (tmp_path / "my_models" / helper).write_text(f"SCALE = {value}\n")
            digests.append(tuple(code_of(custom)))
    assert len({*digests}) == len(digests)


def test_the_code_of_a_family_has_the_readers_of_its_pretrained_weights():
    assert "mscnn.pretrained" in models.source_modules(ModelSpec.load("ca_mser"))
    for name in ("glam", "majority"):
        assert "mscnn.pretrained" not in models.source_modules(ModelSpec.load(name))


BROKEN = [  # a violation of the contract, and the check that detects it
    ("module", "class Mean(Classifier[Options])", "class Mean(nn.Module)"),
    ("options", "(frozen=True)", ""),
    ("module", "import nn", "import nn\n\nimport mscnn.models.glam"),
    ("module", "import nn", "import nn\n\nfrom mscnn import models"),
    ("module", "import nn", "import nn\n\nfrom mscnn.models import glam"),
    ("options", "units: int", "units: int = 5"),
    ("options", "units: int", "units: int\n    depth: int"),
    ("class", "units: int", "units: int\n    max_frames: int"),
    ("options", "units: int", "units: int\n    legacy_mean: bool"),
    (
        "class",
        "Model =",
        "Mean.pretrained = classmethod(lambda cls, options: {'weights': options.units})\n\n\nModel =",
    ),
    ("network", "super().__init__(options, sizes)", "super().__init__(options, Sizes(4))"),
    ("network", "sizes.classes)", "1)"),
    ("network", "sizes.classes)", "sizes.classes)\n        self.embedding = nn.Embedding(3, 2)"),
    ("network", "return self.output(", "return self.output(torch.inf * "),
    ("network", "Model =", "Mean.load_official = lambda self, weights: None\n\n\nModel ="),
    ("network", "Model =", "Mean.criterion = lambda self, scores, labels: scores.exp()\n\n\nModel ="),
    ("batch", "length_mask(inputs.audio_len, inputs.audio.shape[2])", "torch.ones_like(inputs.audio[:, 0])"),
    ("batch", "torch.tanh(", "nn.functional.dropout("),
    ("batch", "self.dense(mean)", "self.dense(mean - mean.mean(dim=0))"),
    ("gradients", "sizes.classes)", "sizes.classes)\n        self.unused = nn.Linear(2, 2)"),
]


@pytest.mark.parametrize(("check", "old", "new"), BROKEN)
def test_a_violation_of_the_contract_is_detected(custom, tmp_path, check, old, new):
    (tmp_path / "my_models" / "mean.py").write_text(CUSTOM.replace(old, new, 1))
    changes = {name: value for name, value in (("max_frames", 9), ("legacy_mean", True)) if name in new}
    custom, module = replace(custom, options={**custom.options, **changes}), import_module("my_models.mean")
    inputs = contract.batch(custom, SIZES, (9, 6, 4))
    with pytest.raises(AssertionError):
        if check == "module":
            contract.check_module(module)
        elif check == "options":
            contract.check_options(module, custom)
        elif check == "class":
            contract.check_class(custom)
        elif check == "network":
            contract.check_network(models.build(custom, SIZES).double(), custom, SIZES, inputs)
        elif check == "batch":
            contract.check_batch(models.build(custom, SIZES).double(), inputs)
        else:
            contract.check_gradients(models.build(custom, SIZES).double(), inputs)


def test_a_family_of_text_without_word_embeddings_is_detected(custom, tmp_path):
    code = CUSTOM.replace("units: int", "units: int\n    inputs = 'audio', 'text'", 1)
    (tmp_path / "my_models" / "mean.py").write_text(code)
    custom = replace(custom, text=True)
    model = models.build(custom, SIZES).double()
    with pytest.raises(AssertionError):
        contract.check_network(model, custom, SIZES, contract.batch(custom, SIZES, (9, 6, 4)))


def test_an_input_that_a_custom_family_does_not_state_is_refused(custom):
    with fails("input-unsupported", "inputs.text", "inputs.audio"):
        models.options(replace(custom, text=True))


def test_a_missing_option_is_named(custom):
    with fails("config-missing-key", "units"):
        models.options(replace(custom, options={}))


def test_a_missing_family(custom, tmp_path):
    def refused(family: str, code: str, *said: str) -> None:
        with fails(code, *said):
            models.build(replace(custom, family=family), SIZES)

    refused("gla", "family-unknown", "gla", "glam")
    refused("layers", "family-unknown", "layers")  # a shared module is no family
    refused("my_models.absent", "family-not-importable", "my_models.absent")
    refused("no_such.module", "family-not-importable", "no_such")
    (tmp_path / "my_models" / "mean.py").write_text("import no_such_library\n")
    refused("my_models.mean", "family-not-importable", "no_such_library")
    refused("mscnn.models.layers", "family-incomplete", "mscnn.models.layers", "Model")


def test_defaults_of_a_family():
    model = Classifier(None, SIZES)
    assert (model.limits(None), model.pretrained(None)) == (Limits(), {})
    with fails("official-weights-none", "Classifier"):
        model.load_official({})
    with pytest.raises(NotImplementedError):
        model(Inputs())


def test_names_of_models_are_known_without_torch():
    code = "import sys, mscnn.models; assert mscnn.models.FAMILIES and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
