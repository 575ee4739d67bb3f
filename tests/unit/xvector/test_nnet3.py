import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from mscnn.errors import UserError
from mscnn.xvector import nnet3
from mscnn.xvector.network import Network
from tests.raises import fails

RAW = Path(__file__).parent / "data" / "final.raw"
TRIES = 200


def test_writing_what_kaldi_wrote_gives_the_same_bytes(tmp_path):
    nnet3.write(nnet3.read(RAW), tmp_path / "copy.raw")
    assert (tmp_path / "copy.raw").read_bytes() == RAW.read_bytes()


def test_text_has_the_same_network(tmp_path):
    nnet = nnet3.read(RAW)
    nnet3.write(nnet, tmp_path / "final.txt", binary=False)
    text = nnet3.read(tmp_path / "final.txt")
    assert text.lines == nnet.lines
    for name, component in nnet.components.items():
        for tag, value in component.fields.items():
            np.testing.assert_array_equal(text.components[name].fields[tag], value, err_msg=f"{name} {tag}")


def test_kaldis_text_and_binary_are_the_same_network(shared_dir):
    binary, text = (
        nnet3.read(shared_dir / "kaldi_xvector" / "nnet" / f"final.{encoding}") for encoding in ("raw", "txt")
    )
    assert binary.lines == text.lines
    for name, component in binary.components.items():
        for tag, value in component.fields.items():
            np.testing.assert_allclose(text.components[name].fields[tag], value, rtol=1e-5, atol=1e-6)


def _load(path: Path) -> None:
    Network(nnet3.read(path))


@pytest.mark.parametrize("encoding", ["binary", "text"])
def test_truncated_files(tmp_path, encoding):
    path = tmp_path / "final"
    nnet3.write(nnet3.read(RAW), path, binary=encoding == "binary")
    whole = path.read_bytes().rstrip()
    for i in range(TRIES):
        path.write_bytes(whole[: len(whole) * i // TRIES])
        with pytest.raises(UserError, match=re.escape(f"{path}: ")):
            _load(path)


@pytest.mark.parametrize("encoding", ["binary", "text"])
def test_a_flipped_bit_is_an_error_or_another_number(tmp_path, encoding):
    path = tmp_path / "final"
    nnet3.write(nnet3.read(RAW), path, binary=encoding == "binary")
    whole, rng = path.read_bytes(), random.Random(0)
    structure = [match.start() for match in re.finditer(rb"</?[A-Za-z0-9]+> ", whole)]
    errors = 0
    for i in range(TRIES):
        damaged = bytearray(whole)
        # half of them in the structure, since most of the file are weights
        where = rng.randrange(len(whole)) if i % 2 else min(rng.choice(structure) + rng.randrange(30), len(whole) - 1)
        damaged[where] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            _load(path)
        except UserError:
            errors += 1
    assert errors > TRIES // 4


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        (b"\0B<Nnet3>", b"\0B<Nnet2>", "does not start with <Nnet3>"),
        (b"\0B<Nnet3>", b"RIFF", ["<Nnet3>"]),
        (b"<NaturalGradientAffineComponent> ", b"<LstmNonlinearityComponent> ", ["tdnn1.affine", "<Lstm", "AffineC"]),
        (b"FM \x04@\0\0\0", b"FM \x04\xff\xff\xff\x7f", ["byte"]),
        (b"FM \x04@\0\0\0", b"FM \x04\xff\xff\xff\xff", ["-1"]),
        (b"<NumComponents> \x04\x19", b"<NumComponents> \x04\x1a", ["<ComponentName>", "</Nnet3>"]),
        (b"<ComponentName> tdnn1.relu", b"<ComponentName> tdnn1.affine", ["tdnn1.affine"]),
    ],
)
def test_wrong_files(tmp_path, old, new, names):
    data = RAW.read_bytes()
    assert old in data
    (tmp_path / "final.raw").write_bytes(data.replace(old, new, 1))
    code = "xvector-network" if b"Lstm" in new else "xvector-model-damaged"
    with fails(code, tmp_path / "final.raw", *names):
        nnet3.read(tmp_path / "final.raw")


def test_numbers_must_be_finite(tmp_path):
    nnet = nnet3.read(RAW)
    nnet.components["tdnn1.affine"].fields["BiasParams"][3] = np.nan
    nnet3.write(nnet, tmp_path / "final.raw")
    with fails("xvector-model-damaged", "tdnn1.affine", "<BiasParams>"):
        nnet3.read(tmp_path / "final.raw")


def test_a_pointer_of_git_lfs_is_recognised(tmp_path):
    (tmp_path / "final.raw").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 33\n")
    with fails("lfs-pointer", tmp_path / "final.raw"):
        nnet3.read(tmp_path / "final.raw")


def crafted(tmp_path, old: bytes, new: bytes) -> Path:
    data = RAW.read_bytes()
    assert old in data
    (tmp_path / "final.raw").write_bytes(data.replace(old, new, 1))
    return tmp_path / "final.raw"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"FV \x04@", b"FV " * 5000 + b"\x04@"),  # an array instead of a size
        (b"FM \x04@\0\0\0", b"FM \x08" + struct.pack("<d", float("nan"))),
        (b"<NumComponents> \x04\x19\0\0\0", b"<NumComponents> \x08" + struct.pack("<d", 1e300)),
        (b"<Dim> \x04@\0\0\0<BlockDim>", b"<Dim> T<BlockDim>"),
        (b"<Dim> \x04@\0\0\0<BlockDim>", b"<Dim> FV \x04\0\0\0\0<BlockDim>"),
        (b"<Dim> \x04@\0\0\0<BlockDim>", b"<Dim> \x04\xff\xff\xff\x7f<BlockDim>"),
        (b"<BlockDim> \x04@", b"<BlockDim> \x04\0"),
        (b"<Epsilon> \x04", b"<Epsilom> \x04"),
        (b"<TestMode> F<Count> \x08", b"<TestMode> F<Counter> \x08"),
        (b"<OutputStddevs> T", b"<OutputStddevs> \x04\0\0\0\0"),
        (b"<VarianceFloor> \x04\xff\xe6\xdb.", b"<VarianceFloor> \x04\xff\xe6\xdb\xae"),
        (b"<RightContext> \x04\x10'\0\0", b"<RightContext> \x04\xff\xff\xff\xff"),
        (b"dim=30", b"dim=" + b"9" * 5000),
        (b"input=tdnn1.affine\n", b"input=" + b" " * 9000 + b"tdnn1.affine(\n"),
        (b"input=tdnn1.affine\n", b"input=" + b" " * 200_000 + b"tdnn1.affine\n"),
        (b"input=tdnn1.affine\n", b"input=Append(" + b"input, " * 300_000 + b"input)\n"),
    ],
)
def test_crafted_files_are_one_error(tmp_path, old, new):
    path = crafted(tmp_path, old, new)
    with pytest.raises(UserError):
        _load(path)


def test_long_chains_and_unusual_names_of_nodes_are_accepted(tmp_path):
    chain = "".join(f"component-node name=n{i} component=tdnn1.relu input=n{i - 1}\n" for i in range(1, 3000)).encode()
    chain = b"component-node name=n0 component=tdnn1.relu input=tdnn1.affine\n" + chain
    old = b"component-node name=tdnn1.relu component=tdnn1.relu input=tdnn1.affine"
    _load(crafted(tmp_path, old, chain + old.replace(b"tdnn1.affine", b"n2999")))
    for name in (b"type", b"train", b"forward", b"keys", b"float"):
        data = RAW.read_bytes()
        for there in (b"name=tdnn1.relu ", b"input=tdnn1.relu\n"):
            data = data.replace(there, there.replace(b"tdnn1.relu", name))
        (tmp_path / "final.raw").write_bytes(data)
        _load(tmp_path / "final.raw")
