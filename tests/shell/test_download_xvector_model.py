"""tools/download_xvector_model.sh, with local archives instead of downloads."""

import shutil
import tarfile

import pytest

from tests.shell.conftest import ROOT

DOWNLOAD = ROOT / "tools/download_xvector_model.sh"
MODEL = ROOT / "tests/unit/xvector/data"


@pytest.fixture
def archive(tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        for name in ("final.raw", "extract.config", "min_chunk_size", "max_chunk_size", "conf"):
            tar.add(MODEL / name, arcname=f"0007/exp/nnet/{name}")
    return tmp_path / "model.tar.gz"


def test_a_model_is_downloaded_checked_and_installed(sh, archive, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    result = sh(DOWNLOAD, "--url", archive.as_uri(), "--out", tmp_path / "my model")
    assert result.returncode == 0, result.stderr
    assert " 32 " in result.stderr and " 30 " in result.stderr
    assert (tmp_path / "my model" / "final.raw").read_bytes() == (MODEL / "final.raw").read_bytes()
    assert archive.as_uri() in (tmp_path / "my model" / "SOURCE").read_text()


def test_a_local_archive_needs_no_network(sh, archive, tmp_path):
    result = sh(DOWNLOAD, "--archive", archive, "--out", tmp_path / "mine", "--url", "http://127.0.0.1:1/nothing")
    assert result.returncode == 0 and (tmp_path / "mine" / "conf" / "vad.conf").is_file()


def test_a_failure_is_reported_and_leaves_no_files(sh, archive, tmp_path):
    mine = tmp_path / "mine"
    result = sh(DOWNLOAD, "--archive", archive, "--out", mine, "--sha256", "0" * 64)
    assert result.returncode == 1 and "error[digest-differs]: " in result.stderr and "0" * 64 in result.stderr
    if shutil.which("curl"):
        result = sh(DOWNLOAD, "--url", (tmp_path / "absent.tar.gz").as_uri(), "--out", mine)
        assert result.returncode == 1 and "https://kaldi-asr.org/models/m7" in result.stderr
    assert sh(DOWNLOAD, "--nmae", "x").returncode == 2
    assert not mine.exists()
