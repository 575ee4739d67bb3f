"""Reference output of Kaldi for a few utterances: a small part is here, all of it in ../shared where available."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mscnn.xvector.modeldir import XvectorModel

HERE = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Reference:
    """Utterances (wav files by name), Kaldi's output on them (``mfcc/UTT``, …), the model."""

    wavs: dict[str, Path]
    expected: dict[str, np.ndarray]
    model: XvectorModel


@pytest.fixture(scope="session", params=["part", "whole"])
def reference(request, tmp_path_factory) -> Reference:
    folder = HERE
    if request.param == "whole":
        folder = request.getfixturevalue("shared_dir") / "kaldi_xvector"
    with np.load(folder / "expected.npz") as arrays:
        expected = dict(arrays)
    model = folder if folder == HERE else folder / "nnet"  # conf/ is beside nnet/
    return Reference({p.stem: p for p in sorted((folder / "wav").glob("*.wav"))}, expected, XvectorModel.load(model))
