"""mscnn predict, timeline, bundle and push as people call them."""

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import soundfile

from mscnn.bin import bundle, predict, timeline
from mscnn.inference.load import SHIPPED
from tests.conftest import ROOT
from tests.raises import fails


@pytest.fixture
def call(monkeypatch, capsys):
    """A function that runs an entry point and returns its standard output."""

    def run(module, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
        try:
            module.main()
        finally:
            out = capsys.readouterr().out
            run.out = out
        return out

    return run


@pytest.fixture
def long_wav(tmp_path):
    """The sample twice, with three seconds of silence between."""
    samples, rate = soundfile.read(SHIPPED / "sample.wav", dtype="float32")
    soundfile.write(tmp_path / "long.wav", np.concatenate([samples, np.zeros(3 * rate, np.float32), samples]), rate)
    return tmp_path / "long.wav"


def rows(text: str) -> list[dict[str, str]]:
    header, *lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_the_first_command_of_a_visitor(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (row,) = rows(call(predict, "demo", "sample.wav"))
    assert row["label"] == "angry" and row["state"] == "ok" and float(row["p_angry"]) > 0.5


def test_files_folders_tables_and_scp_in_their_order(call, tmp_path):
    folder = tmp_path / "wavs"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.wav", "a.wav", "sub/c.flac"):
        samples, rate = soundfile.read(SHIPPED / "sample.wav")
        soundfile.write(folder / name, samples, rate)
    (folder / "notes.txt").write_text("no audio")
    (tmp_path / "list.tsv").write_text("id\tpath\ttext\n1\twavs/a.wav\twhat a day\n2\twavs/b.wav\t\n")
    (tmp_path / "wav.scp").write_text(f"one {folder / 'a.wav'}\ntwo wavs/b.wav\n")
    given = (folder, tmp_path / "list.tsv", tmp_path / "wav.scp")
    names = [row["recording"] for row in rows(call(predict, "demo", *given))]
    assert names == [str(folder / n) for n in ("a.wav", "b.wav", "sub/c.flac")] + [
        "wavs/a.wav", "wavs/b.wav", "one", "two"
    ]  # fmt: skip
    (tmp_path / "commands.scp").write_text("one cat a.wav |\n")
    (tmp_path / "columns.csv").write_text("name\nx\n")
    (tmp_path / "none").mkdir()
    for code, word in (("scp-command", "commands.scp"), ("table-columns", "columns.csv"), ("folder-empty", "none")):
        with fails(code, word):
            call(predict, "demo", tmp_path / word)
    with fails("table-columns", "words"):
        call(predict, "demo", tmp_path / "list.tsv", "--text-column", "words")


def test_bad_files_are_listed_at_the_end_and_the_others_are_done(call, tmp_path):
    (tmp_path / "bad.wav").write_text("no audio")
    with fails("recordings-unusable", "bad.wav", "none.wav", "2 of 4"):
        call(predict, "demo", "sample.wav", tmp_path / "bad.wav", "none.wav", "sample.wav")
    assert [row["label"] for row in rows(call.out)] == ["angry", "angry"]


def test_standard_input(call, monkeypatch):
    class Stdin:
        buffer = io.BytesIO((SHIPPED / "sample.wav").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin)
    (row,) = rows(call(predict, "demo", "-"))
    assert (row["recording"], row["label"]) == ("stdin", "angry")
    for module, code in ((predict, "recordings-unusable"), (timeline, "audio-unreadable")):
        Stdin.buffer = io.BytesIO(b"no audio")
        with fails(code, "stdin") as caught:
            call(module, "demo", "-")
        assert tempfile.gettempdir() not in str(caught.value)


def test_a_timeline_is_of_one_recording(call, tmp_path):
    (tmp_path / "list.tsv").write_text("path\nsample.wav\nsample.wav\n")
    with fails("format-single", "list.tsv"):
        call(timeline, "demo", tmp_path / "list.tsv")


def test_formats_of_answers(call, long_wav):
    answers = {name: call(timeline, "demo", long_wav, "--out", name) for name in predict.FORMATS}
    table = rows(answers["tsv"])
    assert [row["label"] for row in table] == ["angry", "", "angry"] and table[1]["state"] == "silent"
    assert answers["csv"] == answers["tsv"].replace("\t", ",")
    objects = json.loads(answers["json"])
    assert objects == [json.loads(line) for line in answers["jsonl"].splitlines()]
    assert [o["label"] for o in objects] == ["angry", None, "angry"] and objects[0]["start"] == 0
    assert all(a["end"] == b["start"] for a, b in zip(objects, objects[1:], strict=False))
    speakers = [line.split() for line in answers["rttm"].splitlines()]
    assert [(len(s), s[0], s[7]) for s in speakers] == [(10, "SPEAKER", "angry")] * 2
    assert answers["textgrid"].startswith('File type = "ooTextFile"') and "intervals: size = 3" in answers["textgrid"]
    assert [line.count("\t") for line in answers["audacity"].splitlines()] == [2, 2, 2]
    assert answers["srt"].startswith("1\n00:00:00,000 --> 00:00:01,")
    every = rows(call(timeline, "demo", long_wav, "--merge", "false", "--hop", "0.25", "--vad", "none"))
    assert len(every) == -(-soundfile.info(long_wav).duration // 0.25) and all(row["label"] for row in every)
    with fails("format-single", "srt"):
        call(predict, "demo", "sample.wav", "sample.wav", "--out", "srt")


def test_the_old_command_of_stage_5_names_the_new_one(call, capsys):
    with pytest.raises(SystemExit) as end:
        call(predict, "--plan", "exp/plan.jsonl")
    assert end.value.code == 2


def test_a_bundle_with_its_card(call, trained, tmp_path):
    out = tmp_path / "b.zip"
    call(bundle, "--exp", trained("mscnn_no_xvector"), "--out", out, "--fold", "best-dev")
    call(bundle, "--check", out)
    with fails("coverage-value"):
        call(bundle, "--exp", trained("audio_cnn"), "--out", tmp_path / "c.zip", "--coverage", 101)
    (row,) = rows(call(predict, out, "sample.wav", "--text", "what a day"))
    assert row["text"] == "what a day"
    from mscnn.inference.bundle import load_bundle

    loaded = load_bundle(out)
    assert loaded.description.without_text is not None
    front, body = loaded.card.split("---\n", 2)[1:]
    assert "pipeline_tag: audio-classification" in front and "onnxruntime" in body


class Hub(BaseHTTPRequestHandler):
    """The part of the hub's HTTP API that an upload uses; it keeps what it gets."""

    files: dict[str, bytes] = {}
    created: list[dict] = []

    def log_message(self, *_: object) -> None:
        pass

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, value: object, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer({"error": "no such file"}, 404)

    do_HEAD = do_GET

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(parts)

    def do_POST(self) -> None:
        body = self.body()
        if self.headers.get("Authorization") != "Bearer right":
            self.answer({"error": "Invalid credentials"}, 401)
        elif self.path == "/api/repos/create":
            self.created.append(json.loads(body))
            self.answer({"url": f"{self.endpoint}/me/angry", "name": "me/angry"})
        elif "/preupload/" in self.path:
            paths = [one["path"] for one in json.loads(body)["files"]]
            modes = [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]
            self.answer({"files": modes})
        elif "/commit/" in self.path:
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    self.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            self.answer({"success": True, "commitOid": "1" * 40, "commitUrl": f"{self.endpoint}/me/angry/commit/1"})
        else:
            self.answer({}, 404 if "resolve" in self.path else 200)


def test_push(tmp_path):
    pytest.importorskip("huggingface_hub")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def push(token: str) -> subprocess.CompletedProcess:
        address = f"http://127.0.0.1:{server.server_port}"
        hub = {"HF_ENDPOINT": address, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "mscnn", "push", str(SHIPPED / "demo.zip"), "me/angry", "--private", "true"]
        environment = {**os.environ, **hub, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
        return subprocess.run(command, env=environment, text=True, capture_output=True)

    try:
        refused, done = push("wrong"), push("right")
    finally:
        server.shutdown()
    assert refused.returncode == 1 and "error[hub-refused]" in refused.stderr and "Traceback" not in refused.stderr
    assert done.returncode == 0, done.stderr
    created = Hub.created[0]
    assert created["name"] == "angry" and (created.get("private") or created.get("visibility") == "private")
    assert Hub.files["README.md"] == Hub.files["CARD.md"] and Hub.files["README.md"].startswith(b"---\nlicense:")
    assert {"bundle.yaml", "model.safetensors", "SHA256SUMS", "expected.json", "sample.wav"} < set(Hub.files)
