"""A bundle holds all of a system, answers as the experiment does, and nobody's bundle does anything but answer."""

import io
import json
import os
import random
import shutil
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mscnn.errors import UserError
from mscnn.inference import members
from mscnn.inference.bundle import Sample, check_bundle, load_bundle, load_predictor, read_description, write_bundle
from mscnn.inference.experiment import load_experiment
from mscnn.inference.load import load_model
from tests.raises import fails
from tests.unit.inference.conftest import RATE, tone

MUTATIONS = int(os.environ.get("MSCNN_TEST_MUTATIONS", "120"))  # 2000 before a release


@pytest.fixture(scope="session")
def folder(trained, tmp_path_factory) -> Path:
    """A bundle of audio and text as a folder."""
    out = tmp_path_factory.mktemp("bundles") / "fusion"
    return write_bundle(load_experiment(trained("mscnn_no_xvector"), "2"), out, "# Card\n")


def sign(folder: Path) -> None:
    """Make SHA256SUMS fit the files."""
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    (folder / "SHA256SUMS").write_text(members.sums_text(folder))


def zipped(folder: Path, out: Path, extra: dict[str, bytes] | None = None, **attributes) -> Path:
    """The files of a folder as a .zip, and further members whose digests are in SHA256SUMS."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()} | (extra or {})
    files["SHA256SUMS"] += b"".join(f"{sha256(v).hexdigest()}  {k}\n".encode() for k, v in (extra or {}).items())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if name in (extra or {}):
                for key, value in attributes.items():
                    setattr(info, key, value)
            archive.writestr(info, content)
    return out


@pytest.mark.parametrize("model", ["audio_cnn", "mscnn_no_xvector"])
@pytest.mark.parametrize("ending", ["", ".zip"])
def test_a_bundle_answers_as_its_experiment(model, ending, trained, voices, tmp_path):
    exp, wav = trained(model), voices / "wav" / "A1-3.wav"
    write_bundle(load_experiment(exp, "all"), tmp_path / f"b{ending}", "# Card\n")
    bundle = load_model(tmp_path / f"b{ending}")
    assert bundle.predict(wav, text="what a day") == load_model(exp).predict(wav, text="what a day")
    assert bundle.description == load_model(exp).description and bundle.card == "# Card\n"
    assert check_bundle(tmp_path / f"b{ending}")[1].label in bundle.classes
    with fails("out-exists"):
        write_bundle(load_experiment(exp, "all"), tmp_path / f"b{ending}", "")
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"b{ending}"]


def test_a_zip_depends_on_its_content_only(trained, tmp_path):
    for name in ("a.zip", "b.zip"):
        write_bundle(load_experiment(trained("audio_cnn"), "1"), tmp_path / name, "# Card\n")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_counters_of_batch_normalisation_stay_scalars(trained, tmp_path):
    loaded = load_experiment(trained("audio_cnn"), "1")
    counter = {"norm.num_batches_tracked": np.array(7)}
    loaded = replace(loaded, weights=[{**loaded.weights[0], **counter}])
    saved = load_bundle(write_bundle(loaded, tmp_path / "b", "", half=True)).weights[0]["norm.num_batches_tracked"]
    assert saved.shape == () and saved == 7 and saved.dtype == np.int64


def test_half_the_size_and_nearly_the_same_answers(trained, voices, folder, tmp_path):
    small = write_bundle(load_experiment(trained("mscnn_no_xvector"), "2"), tmp_path / "half", "", half=True)
    sizes = [(path / "model.safetensors").stat().st_size for path in (small, folder)]
    assert sizes[0] < 0.75 * sizes[1]  # names and statistics are as before
    wav = voices / "wav" / "A1-3.wav"
    answers = [load_predictor(path).predict(wav, text="what a day").probabilities["sad"] for path in (small, folder)]
    assert answers[0] == pytest.approx(answers[1], abs=1e-3)


def test_the_sample_of_the_self_test(trained, folder, tmp_path):
    soundfile.write(tmp_path / "a.flac", tone(1.0), RATE)
    sample = Sample(tmp_path / "a.flac", "oh no")
    bundle = write_bundle(load_experiment(trained("mscnn_no_xvector"), "1"), tmp_path / "b", "", sample=sample)
    assert check_bundle(bundle)[1].text == "oh no" and (bundle / "sample.flac").is_file()
    answer = json.loads((bundle / "expected.json").read_text())
    answer["probabilities"] = dict(zip(answer["probabilities"], [0.5, 0.5], strict=True))
    (bundle / "expected.json").write_text(json.dumps(answer))
    sign(bundle)
    with fails("bundle-selftest"):
        check_bundle(bundle)
    with fails("sample-type", ".mp3"):
        write_bundle(load_experiment(trained("audio_cnn"), "1"), tmp_path / "c", "", sample=Sample(Path("a.mp3")))
    assert not (tmp_path / "c").exists()


def test_what_a_bundle_cannot_hold(trained, tmp_path):
    loaded = load_experiment(trained("audio_cnn"), "1")
    system, audio = loaded.description.system, loaded.description.features["audio"]
    for code, changes in (
        ("bundle-family", {"system": replace(system, family="os.path")}),
        ("bundle-family", {"system": replace(system, family="baseline")}),
        ("bundle-pretrained", {"features": {"audio": replace(audio, options={"kind": "wav2vec2"})}}),
    ):
        with fails(code):
            write_bundle(replace(loaded, description=replace(loaded.description, **changes)), tmp_path / "b", "")
    assert not list(tmp_path.iterdir())


def test_foreign_members_are_refused(folder, tmp_path):
    outside = tmp_path / "outside.txt"
    for name in (
        "../outside.txt",
        "/tmp/outside.txt",
        "fold01/../../outside.txt",
        "..\\outside.txt",
        "model.pkl",
        "a.py",
    ):
        with fails("bundle-member"):
            load_bundle(zipped(folder, tmp_path / "b.zip", {name: b"import os"}))
        assert not outside.exists() and not Path("/tmp/outside.txt").exists()
    link = zipped(folder, tmp_path / "b.zip", {"CARD.md": b"/etc/passwd"}, external_attr=0o120777 << 16)
    with fails("bundle-member"):
        load_bundle(link)
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch planted'\ntR.")
    with fails("bundle-member", "model.pkl"):
        load_bundle(copy)
    (copy / "model.pkl").unlink()
    (copy / ".gitattributes").write_text("*.safetensors filter=lfs\n")  # of a hub
    assert load_bundle(copy)
    (copy / "CARD.md").unlink()
    (copy / "CARD.md").symlink_to("/etc/passwd")
    with fails("bundle-member", "CARD.md"):
        load_bundle(copy)
    assert not Path("planted").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["SHA256SUMS", "CARD.md"])
def test_other_compressions_are_refused(method, name, folder, tmp_path):
    """Their decoders have errors of their own, and the dictionary of lzma may take gigabytes."""
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                own = path.relative_to(folder).as_posix()
                archive.write(path, own, compress_type=method if own == name else zipfile.ZIP_STORED)
    with fails("bundle-member", name):
        load_bundle(tmp_path / "b.zip")


def test_bombs_and_oversize_members_are_refused(folder, tmp_path, monkeypatch):
    with fails("bundle-size"):
        load_bundle(zipped(folder, tmp_path / "b.zip", {"xvector/final.raw": bytes(64 << 20)}))
    with fails("bundle-size", "bundle.yaml"):
        copy = shutil.copytree(folder, tmp_path / "copy")
        (copy / "bundle.yaml").write_bytes(b"#" * (2 << 20))
        load_bundle(copy)
    monkeypatch.setattr(members, "MAX_MEMBERS", 3)
    with fails("bundle-size"):
        load_bundle(zipped(folder, tmp_path / "b.zip"))


def test_descriptions_that_are_refused(folder, tmp_path):
    text = (folder / "bundle.yaml").read_text()
    copy = shutil.copytree(folder, tmp_path / "copy")

    def refuses(code: str, changed: str) -> None:
        assert changed != text
        (copy / "bundle.yaml").write_text(changed)
        sign(copy)
        with fails(code, copy):
            check_bundle(copy)

    refuses("bundle-format", text.replace("format: 1", "format: 2"))
    refuses("bundle-format", "")
    refuses("bundle-content", text.replace("format: 1", "format: 1\nrun: import os"))
    refuses("bundle-content", f"{text}x: !!python/object/apply:os.system ['touch planted']\n")
    refuses("bundle-content", text + "a: &a [x]\nb: [*a, *a]\n")
    refuses("bundle-content", text + "b: " + "[" * 5000)
    refuses("config-value", text.replace("filters: 4", "filters: 4000000000"))
    refuses("weights-other", text.replace("filters: 4", "filters: 4000"))
    refuses("weights-other", text.replace("- happy\n", "- happy\n- new\n", 1))
    refuses("bundle-family", text.replace("family: mscnn", "family: tests.unit"))
    refuses("bundle-content", text.replace("n_mels: 128", "n_mels: 64"))
    refuses("vocabulary-unreadable", text.replace("fold: 2", "fold: 3"))
    refuses("bundle-content", text.replace("temperature: ", "temperature: -"))
    assert not Path("planted").exists()


def test_the_front_end_of_x_vectors_is_that_of_the_bundle(folder, tmp_path):
    """A folder of an x-vector model may have conf/ beside or above it; in a bundle that would be another's file."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    text = (copy / "bundle.yaml").read_text()
    facts = "xvector: {name: x, chunk_size: 100, unvoiced: zero, dim: 5}"
    (copy / "bundle.yaml").write_text(text.replace("xvector: null", facts).replace("xvector: false", "xvector: true"))
    (copy / "xvector").mkdir()
    for name in ("final.raw", "min_chunk_size", "max_chunk_size"):
        (copy / "xvector" / name).write_text("100\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "mfcc.conf").write_text("--num-ceps=5\n")
    sign(copy)
    with fails("bundle-content", "mfcc.conf"):
        load_bundle(copy)


def test_missing_files_and_wrong_digests(folder, tmp_path):
    with fails("bundle-missing"):
        load_bundle(tmp_path / "none.zip")
    (tmp_path / "text.zip").write_text("no zip")
    with fails("bundle-damaged"):
        load_bundle(tmp_path / "text.zip")
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "fold02/run1/vocabulary.txt").write_text("<pad>\n<unk>\nother\n")
    with fails("bundle-hash", "vocabulary.txt"):
        load_bundle(copy)
    (copy / "fold02/run1/vocabulary.txt").unlink()
    with fails("bundle-member", "vocabulary.txt"):
        load_bundle(copy)
    (copy / "model.safetensors").unlink()
    with fails("bundle-missing", "model.safetensors"):
        load_bundle(copy)


def mutant(rng: random.Random, folder: Path, out: Path) -> Path:
    """A damaged copy of a bundle: some bytes, a part, or a member changed; digests often fit the damage."""
    copy = Path(shutil.copytree(folder, out / "m"))
    names = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != "sample.wav"
    )
    for _ in range(rng.choice((1, 1, 3))):
        path = copy / rng.choice(["bundle.yaml", "bundle.yaml", *names])
        content = bytearray(path.read_bytes())
        kind = rng.choice(["flip", "remove", "repeat", "swap", "words", "zero"])
        at = rng.randrange(max(len(content), 1))
        if kind == "flip":
            for _ in range(rng.randrange(1, 20)):
                content[rng.randrange(len(content))] = rng.randrange(256)
        elif kind == "remove":
            del content[at : at + rng.choice((1, 10, 10**6))]
        elif kind == "repeat":
            content[at:at] = content[at : at + 100] * rng.choice((1, 50))
        elif kind == "swap":
            path.write_bytes((copy / rng.choice(names)).read_bytes())
            continue
        elif kind == "words":
            lines = bytes(content).split(b"\n")
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i].replace(b"1", rng.choice((b"-1", b"999999999999", b"x", b"1e400")))
            content = bytearray(b"\n".join(lines))
        else:
            content[at : at + 8] = bytes(8)
        path.write_bytes(content or b" ")
    if rng.random() < 0.7:
        sign(copy)
    if rng.random() < 0.5:
        return copy
    with open(out / "m.zip", "wb") as file:
        members.write_zip(copy, file)
    if rng.random() < 0.4:
        content = bytearray((out / "m.zip").read_bytes())
        for _ in range(5):
            content[rng.randrange(len(content))] = rng.randrange(256)
        (out / "m.zip").write_bytes(content)
    return out / "m.zip"


def test_mutated_bundles_answer_or_are_refused_with_one_error(folder, tmp_path, monkeypatch):
    """No exception but UserError, and no file outside the folder of the bundle."""
    monkeypatch.chdir(tmp_path)
    refused: dict[str, int] = {}
    for seed in range(MUTATIONS):
        out = tmp_path / str(seed)
        out.mkdir()
        bundle = mutant(random.Random(seed), folder, out)
        before = sorted(out.rglob("*"))
        try:
            check_bundle(bundle)
        except UserError as error:
            assert error.code and len(str(error)) < 4000, seed
            refused[error.code] = refused.get(error.code, 0) + 1
        assert sorted(out.rglob("*")) == before and [p.name for p in tmp_path.iterdir()] == [str(seed)], seed
        shutil.rmtree(out)
    assert sum(refused.values()) > 0.8 * MUTATIONS, refused
    print(refused)


def test_the_description_is_text_that_a_person_can_read(folder):
    description = read_description(folder / "bundle.yaml")
    assert description.system.family == "mscnn" and [one.fold for one in description.networks] == [2]
    assert not any(word.startswith("/") for word in (folder / "bundle.yaml").read_text().split())
    assert io.StringIO((folder / "SHA256SUMS").read_text()).readline().count("  ") == 1
