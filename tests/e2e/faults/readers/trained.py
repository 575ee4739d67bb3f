"""What training keeps, and what it is made into: experiments, weights, checkpoints, reports, bundles."""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from mscnn.config.model import ModelSpec
from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import read_attributes
from mscnn.evaluation.predictions import read_predictions
from mscnn.evaluation.system import load_experiment as load_system
from mscnn.files import read_yaml
from mscnn.inference import members
from mscnn.inference.bundle import check_bundle, write_bundle
from mscnn.inference.experiment import load_experiment
from mscnn.reporting.figures import read_history
from mscnn.reporting.marks import word_error_rate
from mscnn.reporting.ours import read_results
from mscnn.reporting.overview import read_rows
from mscnn.reporting.page.source import read_data
from mscnn.stamp import SEAL
from mscnn.training.network import read_weights
from tests.e2e.faults.readers.base import Read, Reader, of_files
from tests.unit.evaluation.conftest import make_experiment
from tests.unit.inference.conftest import make_voices, train_on

PREDICTIONS = "utt\ttruth\tpred\tp_a\tp_b\nu1\ta\ta\t0.600000\t0.400000\nu2\tb\ta\t0.700000\t0.300000\n"


def experiments(folder: Path) -> tuple[Sequence[Path], Read]:
    """An experiment without seals, its data and its word errors, as scores and comparisons read them."""
    exp = make_experiment(folder / "exp" / "try", text="sphinx")
    (folder / "data").mkdir()
    loaded = Experiment.load(exp)
    utts = sorted({utt for runs in loaded.parts["test"] for utt in runs[0].utts})
    for name, of in (("utt2spk", lambda u: u[:2]), ("utt2dur", lambda u: "1.5"), ("text", lambda u: "a day")):
        (folder / "data" / name).write_text("".join(f"{utt} {of(utt)}\n" for utt in utts))
    errors = folder / "exp" / "asr_sphinx" / "data"
    errors.mkdir(parents=True)
    lines = ["utt\tref\thyp\tedits\twords", *(f"{utt}\ta day\ta\t1\t2" for utt in utts)]
    (errors / "wer_detail.tsv").write_text("\n".join(lines) + "\n")
    (errors / "wer").write_text("%WER 50.00 [ 1 / 2, 0 ins, 1 del, 0 sub ]\n")
    (exp / "folds").mkdir()
    for number, runs in enumerate(loaded.parts["test"], 1):
        (exp / "folds" / f"fold{number:02d}.train").write_text("".join(f"{utt}\n" for utt in utts[:2]))
        (exp / "folds" / f"fold{number:02d}.test").write_text("".join(f"{utt}\n" for utt in runs[0].utts))
    files = [path for path in sorted([*exp.rglob("*"), *errors.iterdir()]) if path.is_file()]

    def read(_: Path) -> None:
        read_attributes(Experiment.load(exp), folder / "data")
        load_system(exp)
        word_error_rate(exp, "sphinx", "data")

    return [*files, *sorted((folder / "data").iterdir())], read


def configurations(folder: Path) -> tuple[Sequence[Path], Read]:
    """config.yaml as training writes it."""
    exp = _copy("mscnn_no_xvector", folder)
    return [exp / "config.yaml"], lambda path: ModelSpec.of_config(read_yaml(path))


def results(folder: Path) -> tuple[Sequence[Path], Read]:
    """A scored experiment, as its report, tables and overviews read it."""
    from mscnn.reporting.results import write_report

    exp = _copy("mscnn_no_xvector", folder)
    write_report(Experiment.load(exp))
    _unseal(exp)
    names = ["config.yaml", "score_test.txt", "score_dev.txt", "statistics.json", "fold01/run1/metrics.jsonl"]

    def read(_: Path) -> None:
        read_data(exp)
        read_history(exp / "fold01/run1/metrics.jsonl")
        read_results(exp.parent)
        read_rows([exp])

    return [exp / name for name in names], read


def systems(folder: Path) -> tuple[Sequence[Path], Read]:
    """What predictions read of an experiment."""
    exp = _copy("mscnn_no_xvector", folder)
    run = exp / "fold02/run1"
    files = [exp / "config.yaml", run / "model.safetensors", run / "vocabulary.txt", run / "predictions_dev.tsv"]
    return files, lambda _: load_experiment(exp, "2")


def weights(folder: Path) -> tuple[Sequence[Path], Read]:
    exp = _copy("audio_cnn", folder)
    return [exp / "fold01/run1/model.safetensors"], read_weights


def checkpoints(folder: Path) -> tuple[Sequence[Path], Read]:
    """A checkpoint that cannot be used is set aside."""
    import torch

    from mscnn.training import checkpoint

    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    checkpoint.save(folder, network, optimizer, checkpoint.State(epoch=1, history=[{"epoch": 1}]))
    return [folder / "checkpoint.pt"], lambda path: checkpoint.resume(folder, network, optimizer)


def bundles(folder: Path) -> tuple[Sequence[Path], Read]:
    """Members of a folder whose digests fit the damage, and a .zip."""
    made = write_bundle(load_experiment(_trained("mscnn_no_xvector"), "2"), folder / "b", "# Card\n")
    with open(folder / "b.zip", "wb") as out:
        members.write_zip(made, out)
    sums = made / members.SUMS

    def read(path: Path) -> None:
        if path.name == "b.zip":
            check_bundle(path)
            return
        if path != sums:
            sums.unlink()
            sums.write_text(members.sums_text(made))
        check_bundle(made)

    return [*(path for path in sorted(made.rglob("*")) if path.is_file()), folder / "b.zip"], read


def wav2vec2(folder: Path) -> tuple[Sequence[Path], Read]:
    from mscnn.pretrained.hub import WAV2VEC2, network, revision
    from tests import tiny_wav2vec2

    tiny_wav2vec2.write(folder / "w2v")

    def read(_: Path) -> None:
        revision.cache_clear()
        revision(str(folder / "w2v"), WAV2VEC2)
        network(str(folder / "w2v"), WAV2VEC2)

    return sorted((folder / "w2v").iterdir()), read


def alexnet(folder: Path) -> tuple[Sequence[Path], Read]:
    import torch
    from safetensors.torch import save_file

    from mscnn.models.ca_mser import load_alexnet

    network = torch.nn.Sequential(torch.nn.Linear(3, 2))
    state = {f"features.{name}": value for name, value in network.state_dict().items()}
    torch.save(state, folder / "alexnet.pth")
    save_file(state, folder / "alexnet.safetensors")
    return sorted(folder.iterdir()), lambda path: load_alexnet(network, str(path))


@cache
def _voices() -> Path:
    return make_voices(Path(mkdtemp(prefix="mscnn-test-")))


@cache
def _trained(model: str) -> Path:
    return train_on(_voices(), model)


def _copy(model: str, folder: Path) -> Path:
    """A copy of a trained experiment, without the seals that would notice every damage before it is read."""
    exp = folder / "exp" / model
    shutil.copytree(_trained(model), exp)
    _unseal(exp)
    return exp


def _unseal(exp: Path) -> None:
    for path in [*exp.rglob("done.json"), *exp.rglob(Path(SEAL).name)]:
        path.unlink()


READERS: dict[str, Reader] = {
    "predictions": of_files({"p.tsv": PREDICTIONS}, lambda path: read_predictions(path, ["a", "b"])),
    "experiments": experiments, "configurations": configurations, "results": results, "systems": systems,
    "weights": weights, "checkpoints": checkpoints, "bundles": bundles, "wav2vec2": wav2vec2, "alexnet": alexnet,
}  # fmt: skip
