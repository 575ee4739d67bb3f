"""Systems with a network: training by the loop, and prediction with trained weights."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from mscnn import heap, models
from mscnn.config.model import ModelSpec
from mscnn.device import WORKSPACE, tf32
from mscnn.errors import UserError
from mscnn.files import atomic
from mscnn.models import trial
from mscnn.models.inputs import Sizes
from mscnn.training.short import shortest
from mscnn.training.sources import Recordings, Sources
from mscnn.training.task import Outcome, Task

if TYPE_CHECKING:
    import numpy as np

    from mscnn.models.base import Classifier
    from mscnn.training.examples import Examples
    from mscnn.training.normalise import Normalisers
    from mscnn.training.splits import Splits
    from mscnn.training.task import Scores
    from mscnn.training.words import Tokens

WEIGHTS = "model.safetensors"
USUAL = (3747, 300)  # number and dimension of word vectors, for the number of parameters


class Network:
    """A system with a network."""

    refitted = False

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.learns_tokens = spec.words

    def train(self, task: Task) -> Outcome:
        """Train, select the best epoch on dev; returns the scores of dev and test with its weights."""
        import torch

        from mscnn.training.loop import fit, predict
        from mscnn.training.optimizer import class_weights
        from mscnn.training.outputs import write_tensorboard
        from mscnn.training.splits import make_splits

        directory, device, seed = task.directory, task.device, task.seed
        with reproducible(device):
            splits = make_splits(task.spec, task.sources, task.fold, task.classes, cache=task.cache, seed=seed)
            torch.manual_seed(seed)
            model = untrained(task.spec, splits).to(device)
            options = task.spec.training
            weights = class_weights(options, splits.train.targets, task.classes)
            model.class_weights = None if weights is None else weights.to(device)
            state = fit(model, splits.train, splits.dev, options, seed=seed, device=device, directory=directory)
            scores = {"dev": predict(model, splits.dev, device), "test": predict(model, splits.test, device)}
        files = [directory / WEIGHTS, directory / "metrics.jsonl"]
        _write_weights(files[0], model, splits.statistics, task.classes)
        if splits.words is not None:
            files.append(splits.words.vocabulary.save(directory))
        if task.tensorboard:
            write_tensorboard(directory, state.history)
        return Outcome(scores, files)

    def predict(self, task: Task, text: str) -> Scores:
        """Scores of dev and test with trained weights; ``text`` is the source of the transcripts."""
        from mscnn.training.loop import predict

        sources = task.sources.of_text(text)
        with reproducible(task.device):
            model, examples = restore(
                task.spec, sources, task.classes, task.directory, {"dev": task.fold.dev, "test": task.fold.test}
            )
            model.to(task.device)
            return {split: predict(model, examples[split], task.device) for split in examples}

    def parameters(self, sources: Sources, classes: Sequence[str]) -> int:
        """Number of parameters, excluding word vectors, of the network, which takes the shortest utterances.

        Raises:
            UserError: it does not, or is larger than memory; see :mod:`mscnn.models.trial`.
        """
        from mscnn.text.vocabulary import Vocabulary
        from mscnn.training.loop import predict
        from mscnn.training.splits import make_sizes, read_examples

        utts = shortest(self.spec, sources)
        with reproducible("cpu"):
            examples = read_examples(self.spec, sources, utts, Vocabulary.build(()) if self.spec.text else None)
            sizes = make_sizes(self.spec, len(classes), sources, examples, USUAL if self.spec.text else None)
            model = trial.build(self.spec, sizes)
            with trial.fitting(self.spec, f"{' or '.join(utts)} of {sources.data.path}"):
                predict(model, examples, "cpu")
        return model.num_parameters()

    def pretrained(self) -> Mapping[str, str]:
        """Identities of the pretrained weights in its options."""
        return models.pretrained(self.spec)


@dataclass(frozen=True)
class Trained:
    """A trained network on the CPU, in eval mode, with the normalisation and the vocabulary of its training."""

    spec: ModelSpec
    model: Classifier
    normalisers: Normalisers
    vocabulary: Tokens | None

    @classmethod
    def of(
        cls, spec: ModelSpec, saved: Mapping[str, np.ndarray], sizes: Sizes, vocabulary: Tokens | None, where: object
    ) -> Trained:
        """The network whose weights and statistics are ``saved``; ``where`` names their file or folder.

        Raises:
            UserError: they are of another network.
        """
        import torch

        from mscnn.training.normalise import Normalisers
        from mscnn.training.words import further

        normalisers = Normalisers(spec)
        try:
            normalisers.restore(saved)
            model = models.build(spec, sizes)
            model.load_state_dict({name: torch.from_numpy(saved[name]) for name in model.state_dict() if name in saved})
            if (vectors := further(vocabulary)) is not None:
                model.add_word_vectors(torch.from_numpy(vectors))
        except (KeyError, RuntimeError) as error:
            raise _other_network(where, error) from None
        return cls(spec, model.eval(), normalisers, vocabulary)

    def examples(self, sources: Recordings, utts: Sequence[str]) -> Examples:
        """Input of the network for utterances, normalised and without labels; raises where an input is missing."""
        from mscnn.training.splits import read_examples

        examples = read_examples(self.spec, sources, utts, self.vocabulary)
        self.normalisers.apply(examples)
        return examples


def _other_network(where: object, error: Exception) -> UserError:
    reason = shorten(str(error), 200, placeholder=" …")
    return UserError(f"{where}: weights of another network: {reason}; train it again", code="weights-other")


def untrained(spec: ModelSpec, splits: Splits) -> Classifier:
    """A network with random weights and initial word vectors, on the CPU."""
    import torch

    from mscnn.training.words import further

    model = models.build(spec, splits.sizes)
    if splits.words is not None:
        model.set_word_vectors(torch.from_numpy(splits.words.embedding))
        if (vectors := further(splits.words.vocabulary)) is not None:
            model.add_word_vectors(torch.from_numpy(vectors))
    return model


def restore(
    spec: ModelSpec, sources: Sources, classes: Sequence[str], directory: Path, sets: Mapping[str, Sequence[str]]
) -> tuple[Classifier, dict[str, Examples]]:
    """A trained network on the CPU, in eval mode, and its input for each of ``sets``.

    Weights, vocabulary and statistics of normalisation are those of training. Words that the vocabulary lacks are
    looked up in the table of pretrained vectors, where the experiment has one.

    Args:
        directory: folder of the run, two below that of the experiment.
        sets: utterance ids of each set, by any names.

    Raises:
        UserError: the weights are missing or of another network, or an input is missing.
    """
    from mscnn.models.base import WORD_VECTORS
    from mscnn.training.splits import make_sizes, read_examples
    from mscnn.training.words import read_table, read_vocabulary

    saved = read_weights(directory / WEIGHTS)
    table = read_table(directory.parents[1], sources.text) if spec.words else None
    vocabulary = read_vocabulary(directory, table) if spec.words else None
    examples = {name: read_examples(spec, sources, utts, vocabulary) for name, utts in sets.items()}
    try:
        embedding = saved[WORD_VECTORS].shape if spec.words else None
    except KeyError as error:
        raise _other_network(directory, error) from None
    sizes = make_sizes(spec, len(classes), sources, next(iter(examples.values())), embedding)
    trained = Trained.of(spec, saved, sizes, vocabulary, directory)
    for one_set in examples.values():
        trained.normalisers.apply(one_set)
    return trained.model, examples


@contextlib.contextmanager
def reproducible(device: str) -> Iterator[None]:
    """Context with deterministic algorithms, and without TF32; settings and random states are restored at its end.

    Memory that is freed in it is kept for it. PyTorch does not fill new memory, a debugging aid of these algorithms.
    """
    import numpy as np
    import torch
    import torch.utils.deterministic

    if device == "cuda":
        os.environ.setdefault(*WORKSPACE)
        torch.cuda.empty_cache()  # what an earlier training of this process reserved
    before = torch.get_deterministic_debug_mode()
    aids: Any = torch.utils.deterministic
    filled = aids.fill_uninitialized_memory
    state = np.random.get_state()
    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms(True) also imports the compiler: 1.3 s
    aids.fill_uninitialized_memory = False
    cuda = [torch.cuda.current_device()] if device == "cuda" else []
    try:
        with heap.kept(), tf32(False), torch.random.fork_rng(cuda):
            yield
    finally:
        aids.fill_uninitialized_memory = filled
        np.random.set_state(state)
        torch.set_deterministic_debug_mode(before)


def _write_weights(path: Path, model: Classifier, statistics: Mapping[str, np.ndarray], classes: Sequence[str]) -> None:
    from safetensors.numpy import save

    weights = {name: weight.cpu().numpy() for name, weight in model.state_dict().items()}
    with atomic(path, "wb") as out:
        out.write(save(weights | dict(statistics), metadata={"classes": " ".join(classes)}))


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Weights of a network, and the statistics of its training split."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{path}: weights cannot be read: {error}; train this fold again", code="weights-unreadable"
        ) from None
