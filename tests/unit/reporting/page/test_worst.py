"""The worst utterances, by hand; players that find their files."""

import base64
import io
import math
import re
import shutil
from urllib.parse import unquote, urljoin, urlparse

import pytest
import soundfile

from mscnn.evaluation.experiment import Experiment
from mscnn.files import read_table, write_table
from mscnn.reporting.page.audio import player
from mscnn.reporting.page.source import read_source
from mscnn.reporting.page.worst import worst, worst_section
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import make_experiment


def test_losses_are_means_over_runs_and_the_worst_stands_first(scored):
    # every prediction has 0.9; t1-03 (calm), t1-10 (cross) and t2-10 (cross) are wrong in run 1 only
    found = worst(read_source(scored))
    half = (math.log(1 / 0.1) + math.log(1 / 0.9)) / 2
    assert [miss.utt for miss in found] == ["t1-03", "t1-10", "t2-10"], "of equals the first id"
    assert [miss.loss for miss in found] == pytest.approx([half] * 3)
    assert found[0].said == {"calm": 1, "cross": 1} and found[0].truth == "calm"
    assert found[0].prob.tolist() == pytest.approx([0.5, 0.5])
    assert [miss.utt for miss in worst(read_source(scored), most=2)] == ["t1-03", "t1-10"]


def test_the_table_has_words_speakers_and_players(scored):
    body = worst_section(read_source(scored), "near")
    assert body.count("<audio") == 3 and "what a day it was" in body and "calm 1, cross 1" in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body and "<script" not in body
    assert "<audio" not in worst_section(read_source(scored), "none")


def test_players_lead_to_the_files_inside_and_outside_the_recipe(scored, tmp_path, tmp_path_factory):
    def lead(utt):
        return re.search('src="([^"]*)"', player(read_source(scored), utt, "near"))[1]

    assert lead("t1-00") == "../../my%20corpus/t1-00.wav"
    assert (scored / unquote(lead("t1-00"))).resolve() == tmp_path / "my corpus" / "t1-00.wav"
    outside = tmp_path_factory.mktemp("else where#") / "a?b.wav"
    shutil.copy(tmp_path / "my corpus" / "t1-00.wav", outside)
    table = read_table(tmp_path / "data" / "toy" / "wav.scp")
    write_table(tmp_path / "data" / "toy" / "wav.scp", {**table, "t1-00": outside, "t1-01": tmp_path / "gone.wav"})
    url = urlparse(lead("t1-00"))
    assert (url.scheme, url.query, url.fragment) == ("", "", "") and url.path.startswith("../../../")
    assert (scored / unquote(url.path)).resolve() == outside
    assert player(read_source(scored), "t1-01", "near") is None


def test_players_of_an_experiment_behind_a_link_are_found_by_a_browser(scored, tmp_path):
    """A browser takes ``..`` off the address as it is written."""
    (tmp_path / "exp").rename(tmp_path / "large disk")
    (tmp_path / "exp").symlink_to(tmp_path / "large disk")
    src = re.search('src="([^"]*)"', player(read_source(scored), "t1-00", "near"))[1]
    page = (tmp_path / "exp" / "try" / "report.html").as_uri()
    assert unquote(urlparse(urljoin(page, src)).path) == str(tmp_path / "my corpus" / "t1-00.wav")


def test_nobody_wrong_is_no_fault(tmp_path):
    right = [[[[3, 0], [0, 2]]], [[[2, 0], [0, 2]]]]
    folder = make_experiment(tmp_path / "exp" / "try", right)
    write_report(Experiment.load(folder))
    body = worst_section(read_source(folder), "near")
    assert "every run is right" in body and "<table" not in body


def test_a_part_of_a_recording_is_played_alone(scored, tmp_path):
    data = tmp_path / "data" / "toy"
    table = read_table(data / "wav.scp")
    write_table(data / "segments", {utt: f"{utt} 0.05 0.15" for utt in table})
    source = read_source(scored)
    assert 'src="../../my%20corpus/t1-00.wav#t=0.05,0.15"' in player(source, "t1-00", "near")
    inside = player(source, "t1-00", "embed")
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(re.search('base64,([^"]*)', inside)[1])))
    assert (len(samples), rate) == (800, 8000) and 'preload="none"' in inside


def test_commands_and_files_that_are_no_audio_have_no_player_in_the_page(scored, tmp_path):
    data = tmp_path / "data" / "toy"
    (tmp_path / "my corpus" / "t1-01.wav").write_bytes(b"RIFF")
    write_table(data / "wav.scp", {**read_table(data / "wav.scp"), "t1-00": "touch pwned |"})
    assert player(read_source(scored), "t1-00", "near") is None
    assert player(read_source(scored), "t1-01", "embed") is None
    assert "not at hand" in worst_section(read_source_without_recordings(data, scored), "near")


def read_source_without_recordings(data, scored):
    (data / "wav.scp").unlink()
    return read_source(scored)
