"""benchmarks/step.py: the plain networks compute what ours compute; the table of ratios."""

import pytest
import torch

from benchmarks import step
from benchmarks.as_written import AsWritten
from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.models.inputs import Sizes


@pytest.mark.parametrize("name", ["audio_cnn", "mscnn_spu_att"])
def test_networks_as_written_have_the_same_scores(name):
    torch.manual_seed(0)
    model = models.build(ModelSpec.load(name), Sizes(4)).double().eval()
    inputs = step.random_inputs(model.sizes, 3, 40)
    inputs.audio, inputs.xvector = inputs.audio.double(), inputs.xvector.double()
    torch.testing.assert_close(AsWritten(model).double().eval()(inputs), model(inputs))


def test_the_table_has_shares_and_ratios():
    seconds = {("product", name): 0.1 for name in step.GEMM} | {("glam", "single"): 0.4, ("glam", "bf16"): 0.2}
    rate = 2 * step.SIZE**3 / 1e9 / 0.1
    lines = step.table(seconds | {("glam", "official"): 0.5}, {"glam": 0.2 * rate})
    cells = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    assert cells[2:] == ["400", "50%", "50%", "200", "2.00", "500", "1.25", "2.50"]
    assert step.table(seconds, {"glam": 0.2 * rate})[-1].count("–") == 3


def test_the_fastest_of_the_repeats_counts(monkeypatch):
    clock = iter([0, 9, 10, 12, 20, 21])
    monkeypatch.setattr(step.time, "process_time", lambda: next(clock))
    assert step.fastest({("a", "single"): lambda: None}, 2) == {("a", "single"): 1}
