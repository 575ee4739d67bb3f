"""Bundles: a trained system as a folder or a .zip, without pickles, code or absolute paths. docs/reference/bundle.md"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.files import atomic, written_to, yaml_value
from mscnn.inference import members
from mscnn.inference.description import FORMAT, Description, check
from mscnn.inference.load import Loaded, predictor

if TYPE_CHECKING:
    import numpy as np

    from mscnn.inference.predictor import Predictor
    from mscnn.inference.result import Result

TOLERANCE = 1e-3  # of probabilities of the self-test; other machines and versions of libraries round differently
HOSTILE = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
SAMPLES = ("sample.wav", "sample.flac")


@dataclass(frozen=True)
class Sample:
    """The recording of the self-test, and its transcript."""

    path: Path
    text: str | None = None


def load_bundle(path: str | os.PathLike) -> Loaded:
    """The system in a bundle.

    Raises:
        UserError: as :func:`mscnn.inference.members.opened`; the bundle has another format (``bundle-format``), or a
            content that does not fit (``bundle-content``, ``weights-other``, …).
    """
    with _read(path) as (folder, description):
        return _load(folder, description)


def load_predictor(path: str | os.PathLike, device: str = "cpu", asr: Any = None) -> Predictor:
    """The predictor of the system in a bundle; raises as :func:`load_bundle`."""
    with _read(path) as (folder, description):
        return predictor(_load(folder, description), device, asr)


def check_bundle(path: str | os.PathLike) -> tuple[Predictor, Result | None]:
    """Load a bundle and predict its sample; returns the predictor, and the result, None without a sample.

    Raises:
        UserError: as :func:`load_bundle`, or the result is not the expected one (``bundle-selftest``).
    """
    with _read(path) as (folder, description):
        model = predictor(_load(folder, description))
        sample = next((folder / name for name in SAMPLES if (folder / name).is_file()), None)
        if sample is None or not (folder / members.EXPECTED).is_file():
            return model, None
        expected = _expected(folder / members.EXPECTED, description)
        result = model.predict(sample, text=expected["text"])
        worst = max(abs(p - expected["probabilities"][name]) for name, p in result.probabilities.items())
        if result.label != expected["label"] or not worst <= TOLERANCE:
            raise UserError(
                f"{path}: the self-test gives {result.label} where {expected['label']} is expected, and probabilities "
                f"differ by {worst:.2g}; compare the versions of packages with those in {members.DESCRIPTION}",
                code="bundle-selftest",
            )
        return model, result


def write_bundle(
    loaded: Loaded, out: str | os.PathLike, card: str, *, sample: Sample | None = None, half: bool = False
) -> Path:
    """Write a bundle: a .zip where ``out`` ends so, else a folder; returns its path.

    Args:
        card: content of CARD.md.
        sample: recording of the self-test; None: a synthetic sound.
        half: store weights in 16 bits, half the size; probabilities then differ from those of the experiment.

    Raises:
        UserError: the system cannot be in a bundle (``bundle-family``, ``bundle-pretrained``), or ``out`` exists.
    """
    out = Path(out)
    check(loaded.description)
    if out.exists() or out.is_symlink():
        raise UserError(f"{out}: exists; choose another --out, or remove it", code="out-exists")
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_to(out), tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
        folder = Path(temporary) / "bundle"
        folder.mkdir()
        _write_parts(loaded, folder, half)
        (folder / members.CARD).write_text(card, encoding="utf-8", newline="\n")
        _write_sample(folder, loaded.description, sample)
        (folder / members.SUMS).write_text(members.sums_text(folder), encoding="utf-8", newline="\n")
        if out.suffix == ".zip":
            with atomic(out, "wb") as file:
                members.write_zip(folder, file)
        else:
            os.replace(folder, out)
    return out


@contextmanager
def _read(path: str | os.PathLike) -> Iterator[tuple[Path, Description]]:
    """The folder of a checked bundle, and its description; what a hostile content raises is one clear error."""
    with members.opened(path) as folder:
        try:
            yield folder, read_description(folder / members.DESCRIPTION)
        except UserError as error:  # files of a .zip are in a temporary folder, which nobody knows
            told = str(error).replace(f"{folder}/", "")
            raise UserError(told if str(path) in told else f"{path}: {told}", code=error.code) from None
        except HOSTILE as error:
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            raise UserError(
                f"{path}: its content does not fit together ({reason}); make the bundle again", code="bundle-content"
            ) from None


def read_description(path: Path) -> Description:
    """The content of ``bundle.yaml``, checked.

    Raises:
        UserError: it is no YAML of this kind (``bundle-content``), of another format (``bundle-format``), or names what
            a bundle cannot have.
    """
    try:
        text = path.read_text(encoding="utf-8")
        yaml_value(text)  # has no tags
        values = schema.parse(text, path.name)
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path.name}: not valid YAML: {str(error)[:200]}", code="bundle-content") from None
    except UserError as error:
        raise UserError(str(error), code="bundle-content") from None
    if not isinstance(values, dict) or values.get("format") != str(FORMAT):
        found = values.get("format") if isinstance(values, dict) else None
        raise UserError(
            f"{path.name}: format {str(found)[:20]}, this version of mscnn reads format {FORMAT}; use the version of "
            "mscnn that wrote it, or make the bundle again",
            code="bundle-format",
        )
    try:
        description = schema.build(Description, values, path.name)
    except UserError as error:
        raise UserError(str(error)[:2000], code="bundle-content") from None
    check(description)
    return description


def _load(folder: Path, description: Description) -> Loaded:
    from mscnn.features.config import Feature
    from mscnn.inference.trained import read_vocabulary
    from mscnn.text.vectors import WordVectors
    from mscnn.xvector.modeldir import XvectorModel

    features = {}
    for name, facts in description.features.items():
        features[name] = Feature.of(facts.name, facts.options, f"{members.DESCRIPTION}: features.{name}")
        if features[name].hash != facts.hash or features[name].extractor.dim != facts.dim:
            raise UserError(f"the options of feature {facts.name} are not those of its hash", code="bundle-content")
    typed = {name: replace(facts, options=features[name].options) for name, facts in description.features.items()}
    description = replace(description, features=typed)
    folders = [folder / one.folder for one in description.networks]
    own = [folder / "xvector" / name for name in ("model.safetensors", "conf/mfcc.conf")]
    if description.xvector and not any(path.is_file() for path in own):  # else conf/ is sought outside
        raise ValueError("xvector/conf/mfcc.conf is missing")
    takes_text = description.text != "none"
    table = WordVectors.load(folder / WordVectors.FILE) if (folder / WordVectors.FILE).is_file() else None
    card = folder / members.CARD
    return Loaded(
        description,
        features,
        _read_weights(folder / members.WEIGHTS, description),
        [read_vocabulary(one, table) if takes_text else None for one in folders],
        XvectorModel.load(folder / "xvector") if description.xvector else None,
        card.read_text(encoding="utf-8") if card.is_file() else "",
    )


def _read_weights(path: Path, description: Description) -> list[dict[str, np.ndarray]]:
    """Weights of each network, in single precision."""
    import numpy as np

    from mscnn.training.network import read_weights

    saved = read_weights(path)
    networks = []
    for one in description.networks:
        prefix = f"{one.folder}/"
        own = {name.removeprefix(prefix): value for name, value in saved.items() if name.startswith(prefix)}
        networks.append({name: _single(np.asarray(value)) for name, value in own.items()})
    return networks


def _single(value: np.ndarray) -> np.ndarray:
    if value.dtype.kind not in "fiub":
        raise ValueError(f"weights of type {value.dtype}")
    return value.astype("float32") if value.dtype.kind == "f" else value


def _write_parts(loaded: Loaded, folder: Path, half: bool) -> None:
    """Write description, weights, vocabularies, the table of word vectors and the x-vector network."""
    import numpy as np
    from safetensors.numpy import save_file

    from mscnn.text.vocabulary import Extended

    with atomic(folder / members.DESCRIPTION) as file:
        yaml.safe_dump(plain(asdict(loaded.description)), file, sort_keys=False, allow_unicode=True, width=120)
    weights: dict[str, np.ndarray] = {}
    for facts, saved, vocabulary in zip(loaded.description.networks, loaded.weights, loaded.vocabularies, strict=True):
        for name, value in saved.items():
            statistic = name.rsplit(".", 1)[-1] in ("mean", "std", "min", "max")
            halved = half and value.dtype == np.float32 and not statistic
            weights[f"{facts.folder}/{name}"] = np.asarray(value, np.float16 if halved else value.dtype, order="C")
        if vocabulary is not None:
            (folder / facts.folder).mkdir(parents=True)
            vocabulary.save(folder / facts.folder)
        if isinstance(vocabulary, Extended) and not (folder / vocabulary.vectors.FILE).exists():  # one for all networks
            vocabulary.vectors.save(folder / vocabulary.vectors.FILE, half=half)
    save_file(weights, folder / members.WEIGHTS)
    os.chmod(folder / members.WEIGHTS, 0o644)
    if loaded.xvector:
        for name, path in loaded.xvector.members.items():
            (folder / "xvector" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / "xvector" / name)


def _write_sample(folder: Path, description: Description, sample: Sample | None) -> None:
    """Copy or make the recording of the self-test, predict it, and write the expected answer."""
    from mscnn.inference.sample import write_synthetic

    text = sample.text if sample else "this is a test" if description.text != "none" else None
    if sample is None:
        target = folder / SAMPLES[0]
        write_synthetic(target)
    else:
        target = folder / f"sample{sample.path.suffix.lower()}"
        if target.name not in SAMPLES:
            raise UserError(f"{sample.path}: expected a .wav or .flac file as sample", code="sample-type")
        shutil.copyfile(sample.path, target)
    result = predictor(_load(folder, description)).predict(target, text=text)
    answer = {"text": text, "label": result.label, "probabilities": dict(result.probabilities)}
    with atomic(folder / members.EXPECTED) as file:
        json.dump(answer, file, indent=1, ensure_ascii=False)
        file.write("\n")


def _expected(path: Path, description: Description) -> Mapping[str, Any]:
    """The expected answer of the self-test."""
    answer = json.loads(path.read_text(encoding="utf-8"))
    right = (
        isinstance(answer, dict)
        and isinstance(answer.get("text"), (str, type(None)))
        and answer.get("label") in description.classes
        and isinstance(answer.get("probabilities"), dict)
        and all(type(answer["probabilities"].get(name)) in (int, float) for name in description.classes)
    )
    if not right:
        raise ValueError(f"{path.name} has no text, label and probabilities of all classes")
    return answer


def plain(value: Any) -> Any:
    """``value`` with lists in place of tuples, and dictionaries in place of other mappings, for YAML."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
