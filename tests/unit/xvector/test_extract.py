import shutil

import numpy as np
import pytest
import soundfile
import torch

from mscnn.data.datadir import DataDir
from mscnn.files import read_table
from mscnn.xvector import nnet3
from mscnn.xvector.extract import extract
from mscnn.xvector.modeldir import XvectorModel
from mscnn.xvector.native import GROUP_SIZE, embed, pad
from mscnn.xvector.vectors import read_vectors
from tests.raises import fails
from tests.unit.xvector.conftest import HERE

OPTIONS = {"backend": "native", "unvoiced": "all-frames", "chunk_size": 0, "convert": False, "device": "cpu", "nj": 1}


def data_of(wavs, path) -> DataDir:
    tables = {
        "wav.scp": {utt: str(wav) for utt, wav in wavs.items()},
        "text": dict.fromkeys(wavs, "words"),
        "utt2spk": {utt: utt.partition("-")[0] for utt in wavs},
        "utt2emo": dict.fromkeys(wavs, "neutral"),
        "utt2dur": {utt: soundfile.info(wav).duration for utt, wav in wavs.items()},
    }
    DataDir.write(path, tables)
    return DataDir.load(path)


@pytest.mark.parametrize("chunk_size", [10000, 300])
def test_vectors_equal_kaldis(reference, tmp_path, chunk_size):
    data = data_of(reference.wavs, tmp_path / "data")
    options = OPTIONS | {"chunk_size": chunk_size}
    assert extract(data, reference.model, tmp_path / "out", **options) == (len(data.utts), 1)
    vectors = dict(zip(data.utts, read_vectors(tmp_path / "out" / "xvector.scp", data.utts), strict=True))
    prefix = f"xvector_chunk{chunk_size}/"
    expected = {k.removeprefix(prefix): v for k, v in reference.expected.items() if k.startswith(prefix)}
    assert expected.keys() == set(data.utts) - {"spk3-silence"}
    for utt, vector in expected.items():
        assert np.linalg.norm(vectors[utt] - vector) < 1e-4 * np.linalg.norm(vector), utt


@pytest.fixture
def part(tmp_path):
    """Three utterances and their data directory; the last one is silent."""
    wavs = {wav.stem: wav for wav in sorted((HERE / "wav").glob("*.wav"))}
    return data_of(wavs, tmp_path / "data"), XvectorModel.load(HERE)


def test_utterances_without_a_voiced_frame(part, tmp_path):
    data, model = part
    vectors = {}
    for unvoiced in ("all-frames", "zero", "drop"):
        out = tmp_path / unvoiced
        made, silent = extract(data, model, out, **OPTIONS | {"unvoiced": unvoiced})
        assert (made, silent) == (2 if unvoiced == "drop" else 3, 1)
        assert (out / "unvoiced.txt").read_text() == "spk3-silence\n"
        table = read_table(out / "xvector.scp")
        assert sorted(table) == data.utts[:made]
        vectors[unvoiced] = read_vectors(out / "xvector.scp", list(table))
    assert np.array_equal(vectors["drop"], vectors["zero"][:2])
    assert np.array_equal(vectors["drop"], vectors["all-frames"][:2])
    assert not vectors["zero"][2].any() and vectors["all-frames"][2].any()
    with fails("xvector-missing", "1 of 3", "spk3-silence"):
        read_vectors(tmp_path / "drop" / "xvector.scp", data.utts)


def test_vectors_do_not_depend_on_processes_and_finished_work_is_kept(part, tmp_path):
    data, model = part
    wavs = {f"spk1-{i:02d}": data.wav["spk1-short"] for i in range(GROUP_SIZE)} | {"spk2-0": data.wav["spk1-angry"]}
    data = data_of(wavs, tmp_path / "many")
    for nj in (1, 7):
        extract(data, model, tmp_path / f"{nj}", **OPTIONS | {"nj": nj})
    one, many = (read_vectors(tmp_path / f"{nj}" / "xvector.scp", data.utts) for nj in (1, 7))
    assert np.array_equal(one, many)
    assert (tmp_path / "7" / "xvector.2.ark").exists()
    before = (tmp_path / "7" / "xvector.1.ark").stat().st_mtime_ns
    extract(data, model, tmp_path / "7", **OPTIONS | {"nj": 7})
    assert (tmp_path / "7" / "xvector.1.ark").stat().st_mtime_ns == before
    extract(data, model, tmp_path / "7", **OPTIONS)
    assert not (tmp_path / "7" / "xvector.2.ark").exists()
    assert np.array_equal(read_vectors(tmp_path / "7" / "xvector.scp", data.utts), one)


def test_audio_that_cannot_be_used_is_listed(part, tmp_path):
    data, model = part
    soundfile.write(tmp_path / "spk9-slow.wav", np.ones(4000), 8000)
    soundfile.write(tmp_path / "spk9-tiny.wav", np.ones(70), 16000)
    data = data_of({"spk9-slow": tmp_path / "spk9-slow.wav", "spk9-tiny": tmp_path / "spk9-tiny.wav"}, tmp_path / "bad")
    with fails("jobs-failed", "utterances-unusable", "spk9-slow", "8000 Hz", "spk9-tiny"):
        extract(data, model, tmp_path / "out", **OPTIONS)
    assert not (tmp_path / "out" / "xvector.scp").exists() and not list((tmp_path / "out").glob("*.ark"))
    assert extract(data, model, tmp_path / "out", **OPTIONS | {"convert": True, "unvoiced": "zero"}) == (2, 1)


def test_a_network_of_another_rate_is_no_issue_of_the_recordings(part, tmp_path):
    data, _ = part
    shutil.copytree(HERE, tmp_path / "model", ignore=shutil.ignore_patterns("wav"))
    conf = tmp_path / "model" / "conf" / "mfcc.conf"
    lines = [
        line for line in conf.read_text().splitlines() if not line.startswith(("--sample-frequency", "--high-freq"))
    ]
    conf.write_text("\n".join([*lines, "--sample-frequency=8000", "--high-freq=3700", ""]))
    made, _ = extract(data, XvectorModel.load(tmp_path / "model"), tmp_path / "out", **OPTIONS)
    notices = (tmp_path / "out" / "notices.tsv").read_text().splitlines()
    assert made == len(data.utts) == sum("resampled from 16000 Hz" in notice for notice in notices)


def test_a_damaged_model_is_reported_once(part, tmp_path):
    data, _ = part
    shutil.copytree(HERE, tmp_path / "model", ignore=shutil.ignore_patterns("wav"))
    (tmp_path / "model" / "final.raw").write_bytes((HERE / "final.raw").read_bytes()[:5000])
    with fails("xvector-model-damaged", "final.raw", "byte"):
        extract(data, XvectorModel.load(tmp_path / "model"), tmp_path / "out", **OPTIONS)
    assert not list((tmp_path / "out").glob("xvector.*"))


def test_a_chunk_below_the_minimum_is_refused(part, tmp_path):
    with fails("chunk-too-small", "--chunk-size 20", 25):
        extract(*part, tmp_path / "out", **OPTIONS | {"chunk_size": 20})


def test_padding():
    frames = np.arange(4.0, dtype=np.float32)[:, None]
    assert pad(frames, 4).tolist() == pad(frames, 3).tolist() == frames.tolist()
    assert pad(frames, 7)[:, 0].tolist() == [0, 0, 1, 2, 3, 3, 3]


class Mean(torch.nn.Module):
    """An embedding that can be computed by hand: the mean of the frames."""

    dim = 1

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.seen: list[list[int]] = []

    def forward(self, frames: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        self.seen.append(lengths)
        return torch.stack([part.mean(0) for part in frames.split(lengths)])


def test_chunks_are_weighted_by_their_length():
    network = Mean()
    frames = {
        "a": np.arange(7.0, dtype=np.float32)[:, None],
        "b": np.full((2, 1), 5, np.float32),
        "c": np.zeros((0, 1)),
    }
    vectors = embed(network, frames, chunk_size=4, min_chunk=3, batch=8)
    # a: chunks 0 1 2 3 and 4 5 6; b: padded to three
    assert network.seen == [[4, 3], [3]]
    assert vectors["a"] == pytest.approx([(4 * 1.5 + 3 * 5) / 7])
    assert vectors["b"] == pytest.approx([5]) and vectors["c"] == [0]
    # a last chunk of one frame, padded, has the weight of one frame
    assert embed(network, {"a": frames["a"][:5]}, 4, 3, 8)["a"] == pytest.approx([(4 * 1.5 + 1 * 4) / 5])


def test_a_killed_run_leaves_no_table_of_two_models(part, tmp_path, monkeypatch):
    data, model = part
    extract(data, model, tmp_path / "out", **OPTIONS)

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("mscnn.features.archive_jobs.run_jobs", killed)
    with pytest.raises(KeyboardInterrupt):
        extract(data, model, tmp_path / "out", **OPTIONS | {"chunk_size": 300})
    assert not (tmp_path / "out" / "xvector.scp").exists() and not (tmp_path / "out" / "xvector.yaml").exists()


def test_vectors_that_are_not_finite_are_an_error(part, tmp_path):
    data, model = part
    shutil.copytree(HERE, tmp_path / "model", ignore=shutil.ignore_patterns("wav"))
    nnet = nnet3.read(HERE / "final.raw")
    nnet.components["tdnn5.batchnorm"].fields["TargetRms"] = np.float32(3e38)
    nnet3.write(nnet, tmp_path / "model" / "final.raw")
    with fails("jobs-failed", "xvector-not-finite", "spk1-angry"):
        extract(data, XvectorModel.load(tmp_path / "model"), tmp_path / "out", **OPTIONS)
    assert not (tmp_path / "out" / "xvector.scp").exists()


def test_dropping_everything_is_an_error(part, tmp_path):
    data, model = part
    data = data_of({"spk3-silence": data.wav["spk3-silence"]}, tmp_path / "silent")
    with fails("no-voiced-frame", "--unvoiced drop"):
        extract(data, model, tmp_path / "out", **OPTIONS | {"unvoiced": "drop"})
