"""What a system with text loses without transcripts, measured on dev."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mscnn.errors import UserError
from mscnn.evaluation.experiment import Experiment
from mscnn.features.archive import FeatureDir
from mscnn.inference.description import Description, WithoutText
from mscnn.inference.experiment import ua_of_present
from mscnn.inference.load import Loaded
from mscnn.inference.networks import make_network
from mscnn.log import get_logger

NO_TOKENS = (1,)  # a text without tokens is one unknown token


def measured(loaded: Loaded, path: Path) -> Description:
    """The description of the experiment ``path`` with ``without_text``: UA on dev with and without transcripts.

    It is as before where the system takes no text, or inputs of the experiment are gone.
    """
    description = loaded.description
    if description.text == "none":
        return description
    try:
        return replace(description, without_text=_measure(loaded, Experiment.load(path)))
    except UserError as error:
        get_logger(__name__).warning("not measured what missing transcripts cost: %s", error)
        return description


def _measure(loaded: Loaded, exp: Experiment) -> WithoutText:
    from mscnn.data.datadir import DataDir
    from mscnn.training.examples import TokenIds
    from mscnn.training.loop import predict
    from mscnn.training.sources import Sources, TextOptions

    description, spec, config = loaded.description, loaded.description.spec(), exp.config
    features = {name: FeatureDir.load(exp.locate(config["feature_dirs"][name])) for name in spec.features}
    scp = Path(config["xvector"])
    xvector = exp.locate(str(scp.parent)) / scp.name if spec.xvector else None
    sources = Sources(DataDir.load(exp.data), features, TextOptions(description.text), xvector)
    with_text, without = [], []
    for facts, weights, vocabulary in zip(description.networks, loaded.weights, loaded.vocabularies, strict=True):
        dev = exp.parts["dev"][facts.fold - 1][facts.run - 1]
        network = make_network(description, spec, weights, vocabulary, exp.path / facts.folder)
        examples = network.examples(sources, dev.utts)
        if spec.words:
            examples.tokens = TokenIds.of([NO_TOKENS] * len(dev.utts))
        silent = predict(network.model, examples, "cpu").argmax(axis=1)
        with_text.append(ua_of_present(dev.truth, dev.pred, len(exp.classes)))
        without.append(ua_of_present(dev.truth, silent, len(exp.classes)))
    return WithoutText(*(round(100 * float(np.mean(uas)), 2) for uas in (with_text, without)))
