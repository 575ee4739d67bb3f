"""Options that do not fit what a network takes are one error before training: every number of every family is tried."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest
import torch

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.models import trial
from mscnn.models.inputs import Sizes
from mscnn.paths import names
from tests.raises import fails
from tests.unit.models.contract import batch
from tests.unit.models.systems import SMALL, spec_of, widths
from tests.unit.training.test_device import in_single

NETWORKS = {ModelSpec.load(name).family: name for name in reversed(names("models"))}  # one configuration of a family
NETWORKS |= {"ca_mser": "ca_mser_no_wav2vec2"}
WIDE = 1 << 14
VALUES = (1, 100, WIDE, 10**7)
MEMORY = 300 << 20


def small(family: str) -> ModelSpec:
    """The network of a family with small options; one of segments takes short ones, with a whole number of slices."""
    spec = spec_of(NETWORKS[family], **SMALL.get(family, {}))
    return replace(spec, segments=spec.segments and replace(spec.segments, frames=spec.options["frames"]))


def sizes_of(spec: ModelSpec) -> Sizes:
    dims = widths(spec, Path())
    audio = {"audio": dims.pop("audio")} if spec.audio else {}
    return Sizes(classes=4, vocabulary=20, embedding=6, xvector=5, extra=dims, **audio)


def changed(spec: ModelSpec) -> Iterator[tuple[int, ModelSpec]]:
    """The configuration with each of its numbers at each of the values, and the value."""
    hints = get_type_hints(import_module(models.FAMILIES[spec.family]).Options)
    for name, old in spec.options.items():
        numbers = type(old) in (int, float) or (isinstance(old, list) and all(isinstance(one, int) for one in old))
        for value in VALUES if numbers and hints[name] is not bool else ():
            if value != WIDE or not name.startswith(("kernel", "audio_widths")):  # slow: kernels are padded
                yield (
                    value,
                    replace(
                        spec,
                        options={
                            **spec.options,
                            name: [value] * len(old) if numbers and isinstance(old, list) else value,
                        },
                    ),
                )


@pytest.mark.parametrize("family", sorted(set(NETWORKS) - {"baseline"}))
def test_every_number_of_every_family_is_refused_or_trains(family, monkeypatch):
    """No value ends in another error than one of the user, and what is not refused trains a step."""
    monkeypatch.setattr(trial, "memory", lambda: MEMORY)
    refused = 0
    for value, spec in changed(small(family)):
        sizes = sizes_of(spec)
        inputs = example(spec, sizes)
        try:
            models.options(spec)
            trial.check_segments(spec, sizes)
            model = trial.build(spec, sizes)
            with trial.fitting(spec), torch.inference_mode():
                model.eval()(inputs)
        except UserError as error:
            assert error.code, error
            refused += 1
            continue
        if value < WIDE:
            model.train().loss(inputs, torch.tensor([0, 1, 2])).backward()
    assert refused


def example(spec: ModelSpec, sizes: Sizes):
    longest = spec.segments.frames if spec.segments else 9000 if spec.audio == "raw16k" else 30
    return batch(spec, sizes, (longest, longest - longest // 3, longest // 2)).mapped(in_single)


def test_a_pool_larger_than_its_input_names_the_setting():
    spec = ModelSpec.load("acrnn_paper", ["pool=[100,100]"])
    with fails("model-shape", "acrnn_paper", "pool=[100,100]", "300 frames"):
        trial.check_segments(spec, sizes_of(spec))


def test_a_network_larger_than_memory_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr(trial, "memory", lambda: MEMORY)
    spec = ModelSpec.load("text_cnn", ["filters=16384", "fc_dim=16384"])
    with fails("model-too-large", "text_cnn", "filters=16384", "0.3 GB"):
        trial.build(spec, sizes_of(spec))


def test_what_does_not_fit_in_memory_at_work_is_refused(monkeypatch):
    monkeypatch.setattr(trial, "memory", lambda: MEMORY)
    with fails("model-too-large", "glam", "500000000"), trial.fitting(ModelSpec.load("glam")):
        torch.empty(500_000_000, dtype=torch.uint8)
    assert len(torch.zeros(500_000_000, dtype=torch.uint8)) == 500_000_000, "the limit is over"
