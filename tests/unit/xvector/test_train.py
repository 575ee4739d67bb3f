"""Training: a small network learns speakers, and its export is equivalent."""

import json
import math
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import kaldiio
import numpy as np
import pytest
import soundfile
import torch

from mscnn.bin.train_xvector import main
from mscnn.data.datadir import DataDir
from mscnn.paths import ROOT
from mscnn.xvector import nnet3
from mscnn.xvector import train as training
from mscnn.xvector.frontend import sliding_cmn
from mscnn.xvector.modeldir import XvectorModel
from mscnn.xvector.network import Network
from mscnn.xvector.tdnn import CONTEXT, CONTEXTS, EXTRACT_CONFIG, Tdnn
from mscnn.xvector.train import (
    Speakers,
    TrainingOptions,
    accuracy,
    fit,
    minibatches,
    read_utterances,
    select_speakers,
    train,
)
from mscnn.xvector.trials import score
from tests.raises import fails

pytestmark = pytest.mark.slow

CONF = ROOT / "conf/xvector/espeak/conf"
RATE = 16000
SMALL = TrainingOptions(
    (16, 16, 16, 16, 24), 12, (20, 40), min_frames=40, min_utts=3, epochs=30, batch=8, lr=(1e-2, 1e-3)
)


def hum(speaker: int, seed: int, seconds: float = 0.6) -> np.ndarray:
    """A pulse train of random pitch through two resonances, which are those of the speaker."""
    rng = np.random.default_rng([speaker, seed])
    spectrum = np.fft.rfft(np.arange(int(seconds * RATE)) % rng.integers(80, 160) == 0)
    f = np.linspace(0, RATE / 2, len(spectrum))
    gain = sum(np.exp(-(((f - centre) / 150) ** 2)) for centre in (400 + 150 * speaker, 1500 + 400 * speaker))
    sound = np.fft.irfft(spectrum * (gain + 0.01))
    sound += 0.01 * np.abs(sound).max() * rng.normal(size=len(sound))
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def directory(folder: Path, speakers: int = 4, utterances: int = 6, seconds: float = 0.6) -> DataDir:
    spk, wavs = {}, {}
    for speaker in range(speakers):
        for number in range(utterances):
            utt = f"s{speaker}-{number}"
            spk[utt], wavs[utt] = f"s{speaker}", folder / f"{utt}.wav"
            soundfile.write(wavs[utt], hum(speaker, number, seconds), RATE)
    constant = {"text": "m", "utt2emo": "neu", "utt2dur": seconds}
    tables = {name: dict.fromkeys(spk, value) for name, value in constant.items()}
    DataDir.write(folder / "data", {"wav.scp": wavs, "utt2spk": spk, **tables})
    return DataDir.load(folder / "data")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Data, model directory, and accuracy on the held-out utterances."""
    folder = tmp_path_factory.mktemp("trained")
    data = directory(folder)
    return data, folder / "model", train(data, CONF, folder / "model", SMALL, device="cpu", convert=False)


def test_loss_and_accuracy_improve(trained):
    _, model, accuracy_on_held_out = trained
    history = [json.loads(line) for line in (model / "log/metrics.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in history] == [*range(1, 31)]
    assert history[-1]["loss"] < 0.3 < 1 < history[0]["loss"] < 2  # ln 4 = 1.39 by chance
    assert accuracy_on_held_out == history[-1]["accuracy"] == 1.0  # 0.25 by chance


def test_the_model_directory_is_complete(trained):
    _, path, _ = trained
    model = XvectorModel.load(path)
    assert model.conf == path / "conf" and model.extract_config.read_text() == EXTRACT_CONFIG
    assert (model.min_chunk, model.max_chunk) == (25, 10000)
    network = model.network()
    assert (network.input_dim, network.dim, network.context) == (30, 12, CONTEXT)


def test_its_vectors_distinguish_speakers(trained):
    """Few errors, unlike the vectors of an untrained network."""
    data, path, _ = trained
    model = XvectorModel.load(path)
    frames = read_utterances(data, model.frontend, False)
    torch.manual_seed(0)
    untrained = Tdnn(30, 4, SMALL.widths, SMALL.embedding).eval()
    nnet3.write(untrained.export(), path.parent / "untrained.raw")
    networks = [model.network(), Network(nnet3.read(path.parent / "untrained.raw"), EXTRACT_CONFIG)]
    rates = []
    for network in networks:
        vectors = network(torch.from_numpy(np.concatenate([*frames.values()])), [*map(len, frames.values())]).numpy()
        scp = path.parent / "xvector.scp"
        kaldiio.save_ark(str(scp.with_suffix(".ark")), dict(zip(frames, vectors, strict=True)), scp=str(scp))
        rates.append(score(scp, data).centred)
    assert rates[0] < 0.1 < 0.2 < rates[1]


def trained_network() -> Tdnn:
    """A network with weights and batch statistics other than the initial ones."""
    torch.manual_seed(1)
    net = Tdnn(30, 7, (8, 9, 10, 11, 12), 13).train()
    for _ in range(5):
        net(3 * torch.randn(6, 30, 30) + 1)
    return net.eval()


@pytest.mark.parametrize("binary", [True, False])
def test_export_gives_the_same_embedding(tmp_path, binary):
    net = trained_network()
    nnet3.write(net.export(), tmp_path / "final.raw", binary)
    network = Network(nnet3.read(tmp_path / "final.raw"), EXTRACT_CONFIG)
    lengths = [15, 40, 333]
    frames = [3 * torch.randn(length, 30) for length in lengths]
    with torch.inference_mode():
        expected = torch.cat([net.embed(x[None]) for x in frames])
        torch.testing.assert_close(network(torch.cat(frames), lengths), expected, rtol=1e-5, atol=1e-5)


def test_export_gives_the_same_posteriors(tmp_path):
    net = trained_network()
    nnet3.write(net.export(), tmp_path / "final.raw")
    frames = torch.randn(50, 30)
    with torch.inference_mode():
        posteriors = Network(nnet3.read(tmp_path / "final.raw"))(frames, [50])
        torch.testing.assert_close(posteriors, net(frames[None]).log_softmax(1), rtol=1e-5, atol=1e-5)


def test_export_has_the_structure_of_a_kaldi_file(reference):
    """Nodes, descriptors, component types and their tags are those of a file that Kaldi itself wrote."""
    kaldi = nnet3.read(reference.model.path / "final.raw")
    ours = trained_network().export()
    assert [*ours.components] == [*kaldi.components]
    sizes = re.compile(r"\bdim=\d+")
    assert [sizes.sub("", line) for line in ours.lines] == [sizes.sub("", line) for line in kaldi.lines]
    for name, component in ours.components.items():
        assert (component.type, [*component.fields]) == (kaldi.components[name].type, [*kaldi.components[name].fields])


def test_full_size_has_the_published_number_of_parameters():
    net = Tdnn(30, 7323)
    parts = [p.numel() for p in net.parameters()]
    assert sum(parts) == 8_239_223
    assert sum(parts) - sum(p.numel() for p in [*net.tdnn7.parameters(), *net.output.parameters()]) == 4_219_868
    assert CONTEXT == 15 and [*CONTEXTS[1]] == [-2, 0, 2]


def test_pooling_of_constant_frames_has_a_gradient():
    net = Tdnn(30, 3, (4, 4, 4, 4, 4), 4)
    net(torch.ones(2, 20, 30, requires_grad=True)).sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_features_are_voiced_frames_with_the_mean_of_all(trained):
    data, path, _ = trained
    frontend = XvectorModel.load(path).frontend
    samples = np.concatenate([hum(1, 0), np.zeros(RATE, np.float32)])
    soundfile.write(data.path.parent / "paused.wav", samples, RATE, subtype="FLOAT")
    paused = DataDir(data.path, {"u": str(data.path.parent / "paused.wav")}, {}, {"u": "s"}, {}, {})
    frames = read_utterances(paused, frontend, False)["u"]
    mfcc = frontend.mfcc(samples)
    assert 50 < len(frames) < 80 < 150 < len(mfcc)
    np.testing.assert_array_equal(frames, sliding_cmn(mfcc)[frontend.vad(mfcc)])


def test_chunks():
    """All lengths within the range, one per minibatch; every frame may occur; speakers equally often."""
    options = TrainingOptions(chunk=(20, 24), min_frames=24, batch=6)
    utterance = np.arange(24, dtype=np.float32)[:, None]
    voices = [[utterance + 100 * speaker + 1000 * number for number in range(3)] for speaker in range(4)]
    lengths, counts, seen = set(), np.zeros(4, int), set()
    for frames, labels in minibatches(voices, 60, options, np.random.default_rng(0)):
        assert len(frames) == len(labels) == 6
        lengths.add(frames.shape[1])
        counts += np.bincount(labels, minlength=4)
        for chunk, label in zip(frames[:, :, 0].numpy(), labels, strict=True):
            assert (np.diff(chunk) == 1).all() and chunk[0] % 1000 // 100 == label
            seen |= {*chunk.astype(int)}
    assert lengths == {20, 21, 22, 23, 24}
    assert [*counts] == [90] * 4
    assert len(seen) == 4 * 3 * 24


def test_learning_rate_falls_exponentially(monkeypatch):
    rates = []
    step = torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda self, *a: (rates.append(self.param_groups[0]["lr"]), step(self, *a))[1]
    )
    rng = np.random.default_rng(0)
    voices = Speakers([[rng.normal(size=(60, 30)).astype(np.float32)] * 4 for _ in range(3)], [])
    voices.held_out.append((0, voices.train[0][0]))
    options = TrainingOptions((4,) * 5, 4, chunk=(20, 40), min_frames=40, epochs=3, batch=4, lr=(1e-2, 1e-4))
    fit(Tdnn(30, 3, options.widths, 4), voices, options, "cpu")
    assert len(rates) == 3 * (3 * 4 * 60 // 30 // 4)
    np.testing.assert_allclose(np.diff(np.log(rates)), np.log(1e-2) / len(rates), rtol=1e-6)
    assert rates[0] == 1e-2


def test_held_out_utterances_are_not_trained_on():
    options = TrainingOptions(chunk=(20, 30), min_frames=30, min_utts=2)
    utterances = {f"{s}-{i}": np.full((30 + i, 30), i, np.float32) for s in "abc" for i in range(4)}
    voices = select_speakers(utterances, {utt: utt[0] for utt in utterances}, options, Path("x"))
    assert [speaker for speaker, _ in voices.held_out] == [0, 1, 2]
    assert [len(matrices) for matrices in voices.train] == [3, 3, 3]
    for speaker, matrix in voices.held_out:
        assert not any(np.array_equal(matrix, other) for other in voices.train[speaker])
    assert voices.frames == sum(map(len, utterances.values())) - sum(len(m) for _, m in voices.held_out)


def test_accuracy():
    class Mean(torch.nn.Module):
        def forward(self, frames):
            return torch.nn.functional.one_hot(frames.mean((1, 2)).round().long(), 3).float()

    held_out = [(label, np.full((50, 2), value, np.float32)) for label, value in ((0, 0), (1, 1), (2, 1), (1, 1))]
    assert (
        accuracy(Mean(), Speakers([], held_out), TrainingOptions(chunk=(20, 30), min_frames=30, batch=3), "cpu") == 0.75
    )


def test_few_speakers_or_utterances_or_frames():
    utterances = {
        f"{s}-{i}": np.zeros((length, 30), np.float32)
        for s, n, length in (("a", 8, 400), ("b", 7, 400), ("c", 9, 399))
        for i in range(n)
    }
    spk = {utt: utt[0] for utt in utterances}
    with fails("too-few-speakers", "data/x", "15 of 24 utterances", "1 of 3 speakers"):
        select_speakers(utterances, spk, TrainingOptions(), Path("data/x"))
    assert len(select_speakers(utterances, spk, TrainingOptions(min_utts=7), Path("data/x")).train) == 2
    assert (
        len(select_speakers(utterances, spk, TrainingOptions(min_frames=300, chunk=(200, 300)), Path("data/x")).train)
        == 2
    )


@pytest.mark.parametrize(
    "options, names",
    [
        ({"chunk": (200, 500)}, ["200 to 500", "400", "15"]),
        ({"chunk": (300, 200)}, ["300 to 200"]),
        ({"chunk": (14, 200)}, ["14 to 200"]),
        ({"min_utts": 1}, ["--min-utts", 2]),
        ({"batch": 1}, ["--batch", 2]),
        ({"lr": (0.0, 0.0)}, ["--lr"]),
        ({"lr": (-1.0, 1.0)}, ["--lr -1 1"]),
        ({"lr": (1.0, -1.0)}, ["--lr"]),
        ({"lr": (1.0, 0.0)}, ["--lr"]),
        ({"lr": (math.nan, math.nan)}, ["--lr"]),
        ({"lr": (1.0, math.inf)}, ["--lr"]),
        ({"seed": -1}, ["--seed -1"]),
        ({"seed": 2**63}, ["--seed", 2**63]),
    ],
)
def test_wrong_options(options, names):
    with fails("option-value", *names):
        TrainingOptions(**options)


def test_a_loss_that_is_not_finite_is_an_error(tmp_path):
    data = directory(tmp_path, 2, 3)
    options = TrainingOptions((4,) * 5, 4, (20, 40), 40, 3, epochs=1, batch=4, lr=(1e30, 1e30))
    with fails("loss-not-finite", "epoch 1", "nan", "--lr"):
        train(data, CONF, tmp_path / "model", options, device="cpu", convert=False)
    assert not (tmp_path / "model").exists()


def test_the_same_seed_gives_the_same_bytes_and_done_work_is_kept(trained, tmp_path, monkeypatch):
    data, _, _ = trained
    here, there = tmp_path / "here", tmp_path / "there"
    words = [
        *("--data", data.path, "--feature-conf", CONF, "--widths", 16, 16, 16, 16, 24, "--embedding-dim", 12),
        *("--chunk", 20, 40, "--min-frames", 40, "--min-utts", 3, "--epochs", 2, "--batch", 8, "--lr", 1e-2, 1e-3),
        *("--device", "cpu"),
    ]

    def run(*more: object) -> None:
        monkeypatch.setattr(sys, "argv", ["train_xvector", *map(str, words), *map(str, more)])
        main()

    command = [sys.executable, "-m", "mscnn.bin.train_xvector", *map(str, words), "--out", str(there)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    run("--out", here)
    files = sorted(p.relative_to(here) for p in here.rglob("*") if p.is_file() and p.suffix != ".stamp")
    assert all((there / name).read_bytes() == (here / name).read_bytes() for name in files)
    before, first = (here / "final.raw").stat().st_mtime_ns, (here / "final.raw").read_bytes()
    run("--out", here)
    assert (here / "final.raw").stat().st_mtime_ns == before
    run("--out", here, "--seed", 1)
    assert (here / "final.raw").read_bytes() != first


def test_other_rates_are_converted_only_on_demand(tmp_path):
    data = directory(tmp_path, 2, 3)
    for path in data.wav.values():
        soundfile.write(path, soundfile.read(path)[0], 22050)
    options = TrainingOptions((4,) * 5, 4, (20, 30), 30, 3, epochs=1, batch=4)
    with fails("utterances-unusable", "22050 Hz"):
        train(data, CONF, tmp_path / "model", options, device="cpu", convert=False)
    train(data, CONF, tmp_path / "model", options, device="cpu", convert=True)
    assert (tmp_path / "model/final.raw").is_file()


TINY = TrainingOptions((4,) * 5, 4, (20, 30), 30, 3, epochs=1, batch=4)


def test_work_is_done_again_when_a_recording_or_library_or_the_device_changes(tmp_path, monkeypatch):
    data, model = directory(tmp_path, 2, 3), tmp_path / "model"

    def again(device: str = "cpu") -> bool:
        return train(data, CONF, model, TINY, device=device, convert=False) is not None

    assert again() and not again()
    before = (model / "final.raw").read_bytes()
    soundfile.write(data.wav["s0-0"], hum(7, 7), RATE)  # same length, same path
    assert again() and not again()
    assert (model / "final.raw").read_bytes() != before
    assert again("cpu:0") and again()
    for library in ("kaldi-native-fbank", "numpy", "torch"):
        with monkeypatch.context() as other:
            other.setattr(training, "version", lambda name, new=library: "0" if name == new else metadata.version(name))
            assert again()
        assert again() and not again()


def test_the_conf_of_the_model_itself_can_be_given(tmp_path):
    data, model = directory(tmp_path, 2, 3), tmp_path / "model"
    shutil.copytree(CONF, model / "conf")
    (model / "final.raw").write_text("of before")
    for done in (False, True):
        assert (train(data, model / "conf", model, TINY, device="cpu", convert=False) is None) == done
        assert XvectorModel.load(model).network().dim == 4
        assert all((model / "conf" / name).read_bytes() == (CONF / name).read_bytes() for name in training.CONF_FILES)


def test_all_unusable_recordings_are_listed(tmp_path, monkeypatch):
    data = directory(tmp_path, 2, 13)
    for utt in data.utts[:-1]:
        Path(data.wav[utt]).write_bytes(b"RIFF")
    with fails("utterances-unusable", 25, "s0-0.wav") as caught:
        train(data, CONF, tmp_path / "model", TINY, device="cpu", convert=False)
    assert [(issue.code, issue.message.split(":")[0]) for issue in caught.value.issues] == [
        ("audio-unreadable", utt) for utt in data.utts[:-1]
    ]
    assert "15" in str(caught.value).splitlines()[-1].split()  # those that are not listed
    assert not (tmp_path / "model").exists()


def test_an_utterance_shorter_than_a_frame_is_not_trained_on(tmp_path):
    data = directory(tmp_path, 2, 3)
    soundfile.write(data.wav["s0-0"], np.zeros(10), RATE)
    frames = read_utterances(data, XvectorModel.load(CONF.parent).frontend, False)
    assert frames["s0-0"].shape == (0, 30) and len(frames) == 6
