"""Grids."""

import pytest

from mscnn.recipe.grid import Request, read_grid
from tests.raises import fails


@pytest.mark.parametrize("option", ["model", "text", "protocol"])
def test_an_option_that_every_entry_states_itself_is_refused(option, tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("experiments:\n  - {model: text_cnn, protocol: loso5}\n  - {model: mdre, protocol: random10}\n")
    with fails("option-unused", f"--{option}"):
        read_grid(str(path), Request(), ["loso5"], [], given=["corpus", option])


def test_an_option_that_an_entry_omits_is_taken(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("experiments:\n  - {model: text_cnn}\n  - {model: mdre, protocol: random10}\n")
    requests = read_grid(str(path), Request(), ["loso5"], [], given=["grid", "protocol"])
    assert [request.protocol for request in requests] == ["loso5", "random10"]
