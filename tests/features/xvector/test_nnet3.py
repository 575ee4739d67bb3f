import random
import re
from pathlib import Path

import numpy as np
import pytest

from mscnn.errors import UserError
from mscnn.features.xvector import nnet3
from mscnn.features.xvector.network import Network

RAW = Path(__file__).parent / "data" / "final.raw"
TRIES = 200


def test_writing_what_kaldi_wrote_gives_the_same_bytes(tmp_path):
    nnet3.write(nnet3.read(RAW), tmp_path / "copy.raw")
    assert (tmp_path / "copy.raw").read_bytes() == RAW.read_bytes()


def test_text_holds_the_same_network(tmp_path):
    nnet = nnet3.read(RAW)
    nnet3.write(nnet, tmp_path / "final.txt", binary=False)
    text = nnet3.read(tmp_path / "final.txt")
    assert text.lines == nnet.lines
    for name, component in nnet.components.items():
        for tag, value in component.fields.items():
            np.testing.assert_array_equal(text.components[name].fields[tag], value, err_msg=f"{name} {tag}")


def test_kaldis_text_and_binary_are_the_same_network(shared_dir):
    binary, text = (nnet3.read(shared_dir / "kaldi_xvector" / "nnet" / f"final.{form}") for form in ("raw", "txt"))
    assert binary.lines == text.lines
    for name, component in binary.components.items():
        for tag, value in component.fields.items():
            np.testing.assert_allclose(text.components[name].fields[tag], value, rtol=1e-5, atol=1e-6)


def _load(path: Path) -> None:
    Network(nnet3.read(path))


@pytest.mark.parametrize("form", ["binary", "text"])
def test_a_file_cut_anywhere_gives_one_error(tmp_path, form):
    path = tmp_path / "final"
    nnet3.write(nnet3.read(RAW), path, binary=form == "binary")
    whole = path.read_bytes().rstrip()
    for i in range(TRIES):
        path.write_bytes(whole[: len(whole) * i // TRIES])
        with pytest.raises(UserError, match=f"{path}: "):
            _load(path)


@pytest.mark.parametrize("form", ["binary", "text"])
def test_a_flipped_bit_is_an_error_or_another_number(tmp_path, form):
    path = tmp_path / "final"
    nnet3.write(nnet3.read(RAW), path, binary=form == "binary")
    whole, rng = path.read_bytes(), random.Random(0)
    structure = [match.start() for match in re.finditer(rb"</?[A-Za-z0-9]+> ", whole)]
    errors = 0
    for i in range(TRIES):
        damaged = bytearray(whole)
        # half of them in the structure, where every byte counts; weights are most of the file
        where = rng.randrange(len(whole)) if i % 2 else min(rng.choice(structure) + rng.randrange(30), len(whole) - 1)
        damaged[where] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            _load(path)
        except UserError:
            errors += 1
    assert errors > TRIES // 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"\0B<Nnet3>", b"\0B<Nnet2>", "does not start with <Nnet3>"),
        (b"\0B<Nnet3>", b"RIFF", "does not start with <Nnet3>"),
        (b"<NaturalGradientAffineComponent> ", b"<LstmNonlinearityComponent> ", r"'tdnn1.affine', is a <Lstm.*AffineC"),
        (b"FM \x04@\0\0\0", b"FM \x04\xff\xff\xff\x7f", "cut short or damaged: .* more bytes expected"),
        (b"FM \x04@\0\0\0", b"FM \x04\xff\xff\xff\xff", "has the shape"),
        (b"<NumComponents> \x04\x19", b"<NumComponents> \x04\x1a", "expected <ComponentName>, found '</Nnet3>'"),
        (b"<ComponentName> tdnn1.relu", b"<ComponentName> tdnn1.affine", "'tdnn1.affine' a second time"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, message):
    data = RAW.read_bytes()
    assert old in data
    (tmp_path / "final.raw").write_bytes(data.replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        nnet3.read(tmp_path / "final.raw")


def test_numbers_must_be_finite(tmp_path):
    nnet = nnet3.read(RAW)
    nnet.components["tdnn1.affine"].fields["BiasParams"][3] = np.nan
    nnet3.write(nnet, tmp_path / "final.raw")
    with pytest.raises(UserError, match="'tdnn1.affine', has numbers in <BiasParams> that are not finite"):
        nnet3.read(tmp_path / "final.raw")


def test_a_pointer_of_git_lfs_is_recognised(tmp_path):
    (tmp_path / "final.raw").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 33\n")
    with pytest.raises(UserError, match="git lfs pull"):
        nnet3.read(tmp_path / "final.raw")
