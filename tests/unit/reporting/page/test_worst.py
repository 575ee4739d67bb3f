"""The misclassified utterances with the largest loss, and their audio players."""

import base64
import io
import math
import shutil
from urllib.parse import unquote, urljoin, urlparse

import soundfile

from mscnn.evaluation.experiment import Experiment
from mscnn.files import read_table, write_table
from mscnn.reporting.page.audio import recording
from mscnn.reporting.page.source import read_data
from mscnn.reporting.page.worst import worst
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import make_experiment
from tests.unit.reporting.page.conftest import EVIL, show


def test_the_table_has_transcripts_speakers_and_players(written):
    """Every prediction has 0.9; t1-03 (calm), t1-10 (cross) and t2-10 (cross) are wrong in run 1 only."""
    table = written.page["table-worst"]
    head, *rows = table.all("table")[0].rows
    column = {name: [row[i] for row in rows] for i, name in enumerate(head)}
    assert [one.text for one in table.all("code")] == ["t1-03", "t1-10", "t2-10"]
    assert "what a day it was t1-03" in column["utterance"] and f"oh no {EVIL} not now t1-10" in column["utterance"]
    assert column["truth"] == ["calm", "cross", "cross"] and column["predicted"] == ["calm 1, cross 1"] * 3
    assert column["loss"] == [f"{(math.log(1 / 0.1) + math.log(1 / 0.9)) / 2:.2f}"] * 3
    assert column["p calm"] == column["p cross"] == ["0.500"] * 3
    assert column["speaker"] == [EVIL, EVIL, "t2"]
    assert len(table.all("audio")) == 3 and all(one.attributes["preload"] == "none" for one in table.all("audio"))


def test_players_link_to_files_inside_and_outside_the_recipe(scored, tmp_path, tmp_path_factory):
    def lead(utt):
        return recording(read_data(scored), utt, "near").src

    assert lead("t1-00") == "../../my%20corpus/t1-00.wav"
    assert (scored / unquote(lead("t1-00"))).resolve() == tmp_path / "my corpus" / "t1-00.wav"
    outside = tmp_path_factory.mktemp("else where#") / "a?b.wav"
    shutil.copy(tmp_path / "my corpus" / "t1-00.wav", outside)
    table = read_table(tmp_path / "data" / "toy" / "wav.scp")
    write_table(tmp_path / "data" / "toy" / "wav.scp", {**table, "t1-00": outside, "t1-01": tmp_path / "gone.wav"})
    url = urlparse(lead("t1-00"))
    assert (url.scheme, url.query, url.fragment) == ("", "", "") and url.path.startswith("../../../")
    assert (scored / unquote(url.path)).resolve() == outside
    assert recording(read_data(scored), "t1-01", "near") is None


def test_players_of_an_experiment_behind_a_symbolic_link(scored, tmp_path):
    """A browser resolves ``..`` in the address without symbolic links."""
    (tmp_path / "exp").rename(tmp_path / "large disk")
    (tmp_path / "exp").symlink_to(tmp_path / "large disk")
    src = recording(read_data(scored), "t1-00", "near").src
    page = (tmp_path / "exp" / "try" / "report.html").as_uri()
    assert unquote(urlparse(urljoin(page, src)).path) == str(tmp_path / "my corpus" / "t1-00.wav")


def test_an_experiment_without_misclassified_utterances(tmp_path):
    right = [[[[3, 0], [0, 2]]], [[[2, 0], [0, 2]]]]
    folder = make_experiment(tmp_path / "exp" / "try", right)
    write_report(Experiment.load(folder))
    page = show("worst", folder, lambda data: worst(data, "near"))
    assert "nothing-wrong" in page and not page.all("table")


def test_a_segment_of_a_recording_is_played(scored, tmp_path):
    folder = tmp_path / "data" / "toy"
    write_table(folder / "segments", {utt: f"{utt} 0.05 0.15" for utt in read_table(folder / "wav.scp")})
    data = read_data(scored)
    assert recording(data, "t1-00", "near").src == "../../my%20corpus/t1-00.wav#t=0.05,0.15"
    inside = recording(data, "t1-00", "embed").src
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(inside.removeprefix("data:audio/wav;base64,"))))
    assert (len(samples), rate) == (800, 8000) and recording(data, "t1-00", "none") is None


def test_pipes_and_files_that_are_not_audio_have_no_player(scored, tmp_path):
    folder = tmp_path / "data" / "toy"
    (tmp_path / "my corpus" / "t1-01.wav").write_bytes(b"RIFF")
    write_table(folder / "wav.scp", {**read_table(folder / "wav.scp"), "t1-00": "touch pwned |"})
    data = read_data(scored)
    assert recording(data, "t1-00", "near") is None and recording(data, "t1-01", "embed") is None
    assert not worst(data, "near")["silent"] and not worst(data, "none")["silent"]
    (folder / "wav.scp").unlink()
    assert worst(read_data(scored), "near")["silent"]
