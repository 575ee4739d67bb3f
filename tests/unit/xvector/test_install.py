import io
import tarfile
from pathlib import Path

import pytest

from mscnn.files import file_digest
from mscnn.xvector.install import install
from tests.raises import fails

DATA = Path(__file__).parent / "data"
NAMES = ("final.raw", "extract.config", "min_chunk_size", "max_chunk_size")
PUBLIC = {name: f"0007_voxceleb_v2_1a/exp/xvector_nnet_1a/{name}" for name in NAMES}


def archive_of(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def members() -> dict[str, bytes]:
    model = {PUBLIC[name]: (DATA / name).read_bytes() for name in NAMES}
    conf = {f"0007_voxceleb_v2_1a/conf/{n}": (DATA / "conf" / n).read_bytes() for n in ("mfcc.conf", "vad.conf")}
    return model | conf | {"0007_voxceleb_v2_1a/exp/xvectors_train/plda": b"plda", "README.txt": b"hello"}


def test_only_the_model_is_extracted(tmp_path, members):
    archive = archive_of(tmp_path / "a.tar.gz", members)
    digest = file_digest(archive)
    model = install(archive, tmp_path / "models" / "mine", sha256=digest, source="https://example.org/a.tar.gz")
    files = sorted(str(p.relative_to(model.path)) for p in model.path.rglob("*") if p.is_file())
    assert files == ["SOURCE", "conf/mfcc.conf", "conf/vad.conf", *sorted(NAMES)]
    assert (model.path / "SOURCE").read_text() == f"https://example.org/a.tar.gz\nsha256 {digest}\n"
    assert model.network().dim == 32
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["mine"]


def test_without_conf_that_of_voxceleb_is_used(tmp_path, members):
    members = {name: content for name, content in members.items() if "/conf/" not in name}
    model = install(archive_of(tmp_path / "a.tar.gz", members), tmp_path / "mine")
    assert model.frontend.options.num_ceps == 30 and model.frontend.options.mel_opts.high_freq == 7600


def test_paths_in_the_archive_are_ignored(tmp_path, members):
    evil = {f"../../../{tmp_path}/evil/{name}": content for name, content in members.items()}
    evil["/" + str(tmp_path / "evil" / "conf" / "mfcc.conf")] = members["0007_voxceleb_v2_1a/conf/mfcc.conf"]
    install(archive_of(tmp_path / "a.tar.gz", evil), tmp_path / "models" / "mine")
    assert not (tmp_path / "evil").exists()


def test_errors_leave_the_installed_model(tmp_path, members):
    out = tmp_path / "mine"
    good = archive_of(tmp_path / "a.tar.gz", members)
    install(good, out)
    truncated = members | {PUBLIC["final.raw"]: members[PUBLIC["final.raw"]][:9999]}
    (tmp_path / "truncated.tar.gz").write_bytes(good.read_bytes()[:20000])
    (tmp_path / "page.html").write_text("<html>404</html>")
    for archive, options, code, names in [
        (tmp_path / "absent.tar.gz", {}, "file-unreadable", ["absent.tar.gz"]),
        (good, {"sha256": "0" * 64}, "digest-differs", ["0" * 64]),
        (tmp_path / "truncated.tar.gz", {}, "archive-unreadable", ["truncated.tar.gz"]),
        (tmp_path / "page.html", {}, "archive-unreadable", ["page.html"]),
        (archive_of(tmp_path / "b.tar.gz", {"README.txt": b""}), {}, "xvector-model-missing", ["b.tar.gz", 0]),
        (archive_of(tmp_path / "c.tar.gz", truncated), {}, "xvector-model-damaged", ["final.raw", "byte"]),
    ]:
        with fails(code, *names):
            install(archive, out, **options)
    assert (out / "final.raw").read_bytes() == (DATA / "final.raw").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_other_folders_are_never_replaced(tmp_path, members):
    archive = archive_of(tmp_path / "a.tar.gz", members)
    home, file, link = tmp_path / "home", tmp_path / "file", tmp_path / "link"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    file.write_text("x")
    link.symlink_to(home)
    for out in (home, file, link):
        with fails("out-not-ours", out):
            install(archive, out)
    assert (home / "thesis.txt").read_text() == "years of work"
    for _ in range(2):  # a model is
        install(archive, tmp_path / "mine")
    (tmp_path / "a.tar.xz").write_bytes(b"\xfd7zXZ\0" + b"\0" * 100)
    with fails("archive-unreadable", "a.tar.xz"):
        install(tmp_path / "a.tar.xz", tmp_path / "mine")
