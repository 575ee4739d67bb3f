"""tools/download_glove.sh, with a local server and local archives instead of downloads."""

import http.server
import shutil
import threading
import zipfile
from pathlib import Path

import pytest

from mscnn.config import embeddings
from mscnn.files import file_digest
from tests.shell.conftest import ROOT

DOWNLOAD = ROOT / "tools/download_glove.sh"
NAME = "glove.toy.3d"
LINES = [f"word{k} {k}.5 -1 0.25\n" for k in range(5000)]


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "toy.zip", "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(f"some/../../{NAME}.txt", "".join(LINES))
        packed.writestr("README.txt", "not this one")
    return tmp_path / "toy.zip"


@pytest.fixture
def server(archive):
    """Address of the archive; the server breaks off the first download, and continues later ones."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    content, ranges = archive.read_bytes(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
            ranges.append(start)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            self.wfile.write(content[start : 40_000 if len(ranges) == 1 else None])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/toy.zip", ranges
    server.shutdown()
    server.server_close()


def test_an_interrupted_download_continues(sh, server, archive, tmp_path):
    url, ranges = server
    out = tmp_path / "my vectors"
    size, digest = archive.stat().st_size, file_digest(archive)
    command = (DOWNLOAD, "--name", NAME, "--url", url, "--out", out, "--size", size, "--sha256", digest)
    first = sh(*command)
    assert first.returncode == 1 and "--archive" in first.stderr and not (out / NAME).exists()
    assert (out / ".toy.zip.part").stat().st_size == 40_000
    second = sh(*command)
    assert second.returncode == 0, second.stderr
    assert ranges == [0, 40_000]
    assert (out / NAME / f"{NAME}.txt").read_text() == "".join(LINES)
    assert (out / NAME / "SOURCE").read_text().split() == [url, "sha256", digest, "words", "5000"]
    assert sorted(path.name for path in out.iterdir()) == [NAME], "neither archive nor parts are left"


def test_a_damaged_download_is_not_installed_and_not_kept(sh, server, tmp_path):
    url, ranges = server
    ranges.append(0)  # this download is complete
    out = tmp_path / "out"
    result = sh(DOWNLOAD, "--name", NAME, "--url", url, "--out", out, "--sha256", "0" * 64)
    assert result.returncode == 1 and "error[digest-differs]: " in result.stderr
    assert not list(out.iterdir())
    result = sh(DOWNLOAD, "--name", NAME, "--url", url, "--out", out, "--size", 7)
    assert result.returncode == 1 and "error[size-differs]: " in result.stderr


def test_a_local_archive_is_trimmed_and_kept(sh, archive, tmp_path):
    command = (DOWNLOAD, "--archive", archive, "--name", NAME, "--out", tmp_path, "--words")
    for words in (2000, 7):  # the second installation replaces the first
        result = sh(*command, words)
        assert result.returncode == 0, result.stderr
    assert archive.is_file() and [p.name for p in (tmp_path / NAME).glob("*.txt")] == [f"{NAME}.7.txt"]
    assert (tmp_path / NAME / f"{NAME}.7.txt").read_text() == "".join(LINES[:7])
    assert {path.name for path in tmp_path.iterdir()} == {"toy.zip", NAME}, "no path of the archive is used"


def test_what_is_not_the_archive_is_refused(sh, archive, tmp_path):
    def code(path, *options):
        result = sh(DOWNLOAD, "--archive", path, "--out", tmp_path / "out", *options)
        assert result.returncode == 1
        return result.stderr.split("error[")[-1].split("]")[0]

    assert code(archive) == "size-differs", "glove.840B.300d has a known size and digest"
    assert code(archive, "--name", "another") == "vectors-missing"
    (tmp_path / "page.zip").write_text("<html>not found</html>")
    assert code(tmp_path / "page.zip", "--name", NAME) == "archive-unreadable"
    (tmp_path / "out" / NAME).mkdir(parents=True)
    assert code(archive, "--name", NAME) == "out-not-ours"
    assert sh(DOWNLOAD, "--name", "nothing").returncode == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [NAME]


def test_names_are_found_where_the_tool_puts_them(monkeypatch, tmp_path):
    assert embeddings.FOLDER == ROOT / "tools" / "embeddings"
    monkeypatch.setattr(embeddings, "FOLDER", tmp_path)
    folder = tmp_path / "glove.840B.300d"
    folder.mkdir()
    (folder / "SOURCE").touch()
    (folder / "glove.840B.300d.400000.txt").touch()
    assert embeddings.locate("glove.840B.300d") == folder / "glove.840B.300d.400000.txt"
    assert embeddings.title("glove.840B.300d") == "glove.840B.300d.400000", "a trimmed file is named as such"
    assert embeddings.title("glove.42B.300d") == "glove.42B.300d" and embeddings.title(None) == "word2vec"
    assert embeddings.title(str(Path("x/crawl-300d-2M.vec.gz"))) == "crawl-300d-2M"
