"""Preflight: whether this machine and this corpus have what a run needs, each answer with its cure."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mscnn.errors import UserError
from mscnn.paths import ROOT

PINS = ROOT / "tools" / "requirements.txt"
INSTALL = "tools/install.sh, or in an environment of your own: pip install -r tools/requirements.txt"
LFS_POINTER_BYTES = 200  # a git-LFS pointer is smaller, any recording larger
LITTLE_DISK, TOO_LITTLE_DISK = 5e9, 5e8  # bytes; the features of IEMOCAP take 1.7 GB


@dataclass(frozen=True)
class Finding:
    """One line of the report: ``level`` is ok, warn (can be lived with) or FAIL (nothing should start)."""

    level: str
    message: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.level:4} {self.message}" + (f" -> {self.cure}" if self.cure else "")


@dataclass(frozen=True)
class Needs:
    """What the run at hand is going to use; what is empty is not needed."""

    labels: str = ""
    features: Sequence[str] = ()
    models: Sequence[str] = ()
    protocols: Sequence[str] = ()
    corpus: str = ""
    corpus_root: str = ""
    voices: bool = False
    engines: Sequence[str] = ()
    asr_model: str = ""
    asr_table: str = ""
    xvector_model: str = ""
    xvector_backend: str = "auto"
    wav2vec2: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"


def examine(needs: Needs) -> Iterator[Finding]:
    """Look at everything in turn; a check that meets a fault of the user's yields a FAIL, the others still run."""
    for check in CHECKS:
        try:
            yield from check(needs)
        except (UserError, OSError) as error:
            yield Finding("FAIL", str(error))


def _python(needs: Needs) -> Iterator[Finding]:
    yield Finding("ok", f"python: {platform.python_version()} ({sys.executable})")


def _packages(needs: Needs) -> Iterator[Finding]:
    if not PINS.is_file():
        return
    pinned: dict[str, list[str]] = {}
    for name, number in re.findall(r"^([\w.-]+)==([\w.]+)", PINS.read_text(encoding="utf-8"), re.MULTILINE):
        pinned.setdefault(name, []).append(number)
    found = {name: _version(name) for name in pinned}
    missing = [name for name, number in found.items() if not number]
    other = [
        f"{n} {found[n]} (pinned: {' or '.join(pinned[n])})" for n in found if found[n] and found[n] not in pinned[n]
    ]
    if missing:
        yield Finding("FAIL", f"packages: {', '.join(missing)} missing", INSTALL)
    elif other:
        yield Finding("warn", f"packages: other versions than the pinned ones: {', '.join(other)}", INSTALL)
    else:
        yield Finding("ok", f"packages: {len(pinned)}, all in the pinned versions")


def _version(name: str) -> str:
    """Installed version without its local part (``2.13.0`` of ``2.13.0+cpu``), empty where the package is missing."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return ""


def _torch(needs: Needs) -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("FAIL", f"torch: cannot be imported: {error}", INSTALL)
        return
    cuda = torch.cuda.is_available()
    if needs.device == "cuda" and not cuda:
        yield Finding(
            "FAIL", f"torch: {torch.__version__} sees no CUDA device", "--device cpu, or mend the NVIDIA driver"
        )
        return
    device = torch.cuda.get_device_name() if cuda and needs.device != "cpu" else f"cpu, {os.cpu_count()} cores"
    yield Finding("ok", f"torch: {torch.__version__}, {device}")


def _kaldi(needs: Needs) -> Iterator[Finding]:
    from mscnn.xvector import kaldi

    missing, without = kaldi.missing(), "x-vectors are made without it"
    if not missing:
        yield Finding("ok", f"kaldi: {kaldi.version()}, {kaldi.programs()['nnet3-xvector-compute']}")
    elif needs.xvector_backend == "kaldi":
        yield Finding("FAIL", f"kaldi: not found: {', '.join(missing)}", kaldi.FIX)
    elif root := os.environ.get("KALDI_ROOT"):
        cure = "compile Kaldi (INSTALL in its root), or unset KALDI_ROOT"
        yield Finding("warn", f"kaldi: {root}/src lacks {', '.join(missing)}; {without}", cure)
    else:
        yield Finding("ok", f"kaldi: KALDI_ROOT is not set, {without}")


def _xvector_model(needs: Needs) -> Iterator[Finding]:
    if needs.xvector_model:
        from mscnn.xvector.modeldir import XvectorModel

        network = XvectorModel.load(needs.xvector_model).network()
        parameters = sum(p.numel() for p in network.parameters())
        yield Finding("ok", f"x-vector model: {needs.xvector_model}, {network.dim} values, {parameters:,} parameters")


def _backend(needs: Needs) -> Iterator[Finding]:
    from mscnn.jobs import BACKENDS

    name = os.environ.get("MSCNN_BACKEND", "local")
    if name in BACKENDS:
        yield Finding("ok", f"jobs: {name}")
    else:
        yield Finding(
            "FAIL", f"jobs: no backend {name!r}", f"in cmd.sh, choose MSCNN_BACKEND from: {', '.join(BACKENDS)}"
        )


def _feature(name: str) -> None:
    """A feature is well formed, and what it needs (a package) is at hand."""
    from mscnn.features.config import Feature

    feature = Feature.load(name)
    if feature.kind != "wav2vec2":  # _wav2vec2 looks at that: the run may name another model
        feature.extractor.check()


def _configuration(needs: Needs) -> Iterator[Finding]:
    """Label map, features, systems and protocols are there and well formed, and so is the wav2vec 2.0 they name."""
    from mscnn.config.labels import LabelMap
    from mscnn.config.model import ModelSpec
    from mscnn.data.protocols import Protocol

    named: list[tuple[str, Callable[[str], object]]] = [(needs.labels, LabelMap.load)]
    named += [(name, _feature) for name in needs.features] + [(name, ModelSpec.load) for name in needs.models]
    named += [(name, Protocol.load) for name in needs.protocols]
    for name, load in named:
        if name:
            load(name)
    if any(name for name, _ in named):
        yield Finding("ok", f"configuration: {', '.join(name for name, _ in named if name)}")
    yield from _wav2vec2(needs)


def _wav2vec2(needs: Needs) -> Iterator[Finding]:
    """The models of wav2vec 2.0 that features and systems name are whole; those on the hub are fetched now."""
    from mscnn.config.model import ModelSpec
    from mscnn.features.config import Feature
    from mscnn.pretrained.wav2vec2 import network

    features = [Feature.load(name) for name in needs.features]
    named = {feature.extractor.model for feature in features if feature.kind == "wav2vec2"}
    named |= {str(ModelSpec.load(name).options.get("wav2vec2") or "") for name in needs.models} - {""}
    if needs.wav2vec2 and named:
        named = {needs.wav2vec2} - {"none"}
    for name in sorted(named):
        model = network(name)
        parameters = sum(p.numel() for p in model.parameters())
        yield Finding("ok", f"wav2vec 2.0: {name}, {model.config.hidden_size} values, {parameters:,} parameters")


def _engines(needs: Needs) -> Iterator[Finding]:
    """Every recogniser is ready: package, model, credentials. One that fetches its model does so now."""
    from mscnn.asr import make_engine

    if not needs.engines:
        yield Finding("ok", "asr: not needed")
    for engine in needs.engines:
        make_engine(engine, model=needs.asr_model or None, table=needs.asr_table or None)
        yield Finding("ok", f"asr: {engine}")


def _voices(needs: Needs) -> Iterator[Finding]:
    if not needs.voices:
        return
    from mscnn.synthetic.espeak import Espeak

    yield Finding("ok", f"voices: espeak-ng, {Espeak().rate} Hz")


def _files(needs: Needs) -> Iterator[Finding]:
    for option, path in needs.files.items():
        if os.path.isfile(path):
            yield Finding("ok", f"file: {path}")
        else:
            yield Finding("FAIL", f"file: {os.path.abspath(path)} is not there", f"give {option} a file that is")


def _disk(needs: Needs) -> Iterator[Finding]:
    free = shutil.disk_usage(".").free
    message = f"disk: {free / 1e9:.1f} GB free in {os.getcwd()}"
    if free < TOO_LITTLE_DISK:
        yield Finding("FAIL", message, "make room: features and models would not fit")
    elif free < LITTLE_DISK:
        yield Finding("warn", message, "enough for a small corpus; the features of IEMOCAP take 1.7 GB")
    else:
        yield Finding("ok", message)


def _corpus(needs: Needs) -> Iterator[Finding]:
    """The parser finds its way, and the recordings are recordings; what is wrong with single ones, stage 1 lists."""
    if not needs.corpus:
        return
    from mscnn.audio.check import BadAudio, read_headers
    from mscnn.corpora import CORPORA

    if needs.corpus not in CORPORA:
        yield Finding("FAIL", f"corpus: no parser {needs.corpus!r}", f"--parser {'|'.join(CORPORA)}")
        return
    found = CORPORA[needs.corpus](Path(needs.corpus_root))
    wavs = [item.wav for item in found.items if item.wav]
    small = [wav for wav in wavs if os.path.exists(wav) and os.path.getsize(wav) < LFS_POINTER_BYTES]
    pointers = [
        wav for wav, header in zip(small, read_headers(small), strict=True)
        if isinstance(header, BadAudio) and header.kind == "lfs-pointer"
    ]  # fmt: skip
    if pointers:
        message = f"corpus: {len(pointers)} of {len(wavs)} recordings are git-LFS pointers, as {pointers[0]}"
        yield Finding("FAIL", message, f"git -C {needs.corpus_root} lfs pull")
        return
    faults = f"; {len(found.issues)} issues, which stage 1 lists" if found.issues else ""
    listeners = [*needs.features, *(["x-vectors"] if needs.xvector_model else []), *({*needs.engines} - {"file"})]
    if wavs:
        yield Finding("ok", f"corpus: {needs.corpus}, {len(wavs)} recordings in {needs.corpus_root}{faults}")
    elif not any(item.seconds for item in found.items):
        yield Finding("FAIL", f"corpus: no recording in {needs.corpus_root}", "unpack the release again, whole")
    elif listeners:
        message = f"corpus: {needs.corpus} has no recordings, which {', '.join(listeners)} are made from"
        yield Finding("FAIL", message, "choose models that read words only, such as text_cnn, and --text gt")
    else:
        yield Finding("ok", f"corpus: {needs.corpus}, {len(found.items)} utterances, words only{faults}")


CHECKS = (_python, _packages, _torch, _kaldi, _xvector_model, _backend, _configuration, _engines, _voices, _files,
          _disk, _corpus)  # fmt: skip
