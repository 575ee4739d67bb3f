"""From a trained system to an ONNX file: which network, what its metadata say, and int8 where dev agrees."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn import __version__, models
from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.inference import onnx
from mscnn.inference.load import load_model
from mscnn.inference.onnx_example import example_code

if TYPE_CHECKING:
    from mscnn.inference.description import Description
    from mscnn.training.examples import Examples
    from mscnn.training.network import Trained

AGREEMENT = 99.9  # percent of dev on which int8 must predict the same class


@dataclass(frozen=True)
class Exported:
    """What was written: the files, the largest difference of scores, and the agreement on dev in percent (int8)."""

    path: Path
    example: Path
    difference: float
    agreement: float | None = None


def export_model(
    model: str | os.PathLike, out: str | os.PathLike, *, fold: str = "best-dev", run: int = 1, int8: bool = False
) -> Exported:
    """Write one network of a bundle or experiment as ONNX, and beside it a script that uses it without mscnn.

    Args:
        model: a bundle, or the folder ``exp/TAG``.
        out: the ``.onnx`` file; the script has its name and the suffix ``.py``.
        fold, run: the network; ``best-dev`` is that of the best fold on dev, or the only one of a bundle.
        int8: 8-bit products and tables; needs an experiment, whose dev part is predicted by both.

    Raises:
        UserError: there is no such network, it cannot be exported (see :func:`mscnn.inference.onnx.export`), or int8
            changes too many predictions (``onnx-int8``).
    """
    out = Path(out)
    if out.suffix != ".onnx":
        raise UserError(f"{out}: expected a name that ends with .onnx", code="onnx-name")
    is_experiment = (Path(model) / "config.yaml").is_file()
    if int8 and not is_experiment:
        raise UserError(
            f"{model}: int8 is checked on the dev part of an experiment; give exp/TAG, or omit int8", code="onnx-int8"
        )
    predictor = load_model(model, fold=fold, run=run) if is_experiment else load_model(model)
    description = predictor.description
    index = _choose(description, "all" if is_experiment else fold)
    trained = predictor.networks[index]
    facts = metadata(description, index, trained)
    content, difference = onnx.convert(trained.model, trained.spec, trained.normalisers.statistics)
    agreement = None
    if int8:
        content, agreement = _quantised(content, _dev(Path(model), description, index), description.name)
        facts["int8"] = f"{agreement:.2f} % of dev have the class of single precision"
    example, code = out.with_suffix(".py"), example_code(facts)
    with atomic(out, "wb") as file:
        file.write(onnx.with_metadata(content, facts))
    with atomic(example) as file:
        file.write(code)
    return Exported(out, example, difference, agreement)


def metadata(description: Description, index: int, trained: Trained) -> dict[str, Any]:
    """``metadata_props`` of network number ``index``: what a caller does before and after the graph.

    ``features`` are the options of each feature, ``segments`` the rule of segmentation or null; ``vocabulary`` has the
    words by their ids, ``subwords`` a sentencepiece model in base64; ``temperature`` divides scores for calibrated
    posteriors, below ``reject`` of which an answer is uncertain.
    """
    spec, network, limits = trained.spec, description.networks[index], models.limits(trained.spec)
    return {
        "mscnn": __version__,
        "model": description.name,
        "network": network.folder,
        "classes": list(description.classes),
        "features": {name: {"name": one.name, **one.options} for name, one in description.features.items()},
        "segments": asdict(spec.segments) if spec.segments else None,
        "max_frames": limits.max_frames,
        "max_tokens": limits.max_tokens,
        "text": description.text,
        "xvector": description.xvector.name if description.xvector else None,
        "normalisation": "in the graph",
        "temperature": network.temperature,
        "reject": description.reject.confidence,
        "scores": list(description.scores),
        "corpus": description.corpus.name,
        "licence": description.corpus.licence,
        **_tokens(trained),
    }


def _tokens(trained: Trained) -> dict[str, Any]:
    from mscnn.text.subwords import Subwords

    vocabulary = trained.vocabulary
    if vocabulary is None:
        return {}
    if isinstance(vocabulary, Subwords):
        return {"subwords": base64.b64encode(vocabulary.model).decode()}
    return {"vocabulary": list(vocabulary.listing)}


def _choose(description: Description, fold: str) -> int:
    """Number of the network of a fold in a description."""
    folds = [network.fold for network in description.networks]
    if len(folds) == 1:
        return 0
    if fold.isdecimal() and int(fold) in folds:
        return folds.index(int(fold))
    raise UserError(
        f"{description.name} averages {len(folds)} networks, and an ONNX file has one; give --fold, one of "
        f"{', '.join(map(str, folds))}",
        code="onnx-many-networks",
    )


def _quantised(content: bytes, dev: Examples, name: str) -> tuple[bytes, float]:
    """The graph in int8, and its agreement with ``content`` on dev in percent; raises UserError where it is too low."""
    small = onnx.quantised(content)
    classes = [onnx.scores(onnx.open_session(one), dev).argmax(axis=1) for one in (content, small)]
    agreement = 100 * float((classes[0] == classes[1]).mean())
    if agreement < AGREEMENT:
        raise UserError(
            f"{name}: int8 predicts the class of single precision for {agreement:.2f} % of {len(dev.utts)} utterances "
            f"of dev, less than {AGREEMENT} %; omit int8",
            code="onnx-int8",
        )
    return small, agreement


def _dev(exp: Path, description: Description, index: int) -> Examples:
    """The dev part of a network, before normalisation."""
    from mscnn.data.foldlists import read_list
    from mscnn.evaluation.experiment import Experiment
    from mscnn.inference.trained import options_of, read_table, read_vocabulary
    from mscnn.training.sources import Reader
    from mscnn.training.splits import read_examples

    experiment, network = Experiment.load(exp), description.networks[index]
    options, reader, spec = options_of(experiment.path, experiment.config), Reader(), description.spec()
    sources = options.sources(spec, reader.data(experiment.data), reader)
    utts = read_list(experiment.path / "folds" / f"fold{network.fold:02d}.dev")
    table = read_table(experiment.path, options.text) if spec.words else None
    vocabulary = read_vocabulary(experiment.path / network.folder, table) if spec.words else None
    return read_examples(spec, sources, utts, vocabulary)


def summary(exported: Exported) -> Sequence[str]:
    """Lines for the user."""
    lines = [f"wrote {exported.path}: scores differ by at most {exported.difference:.1e} from those of PyTorch"]
    if exported.agreement is not None:
        lines.append(f"int8: the class of single precision for {exported.agreement:.2f} % of dev")
    return [*lines, f"wrote {exported.example}, which uses it without mscnn"]
