"""Checks of the contract in mscnn/models/base.py, which fail for a family that breaks it."""

import ast
import inspect
from collections.abc import Collection
from dataclasses import MISSING, fields, is_dataclass
from types import ModuleType

import torch
from torch import nn

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.errors import UserError
from mscnn.models.base import WORD_VECTORS, Classifier
from mscnn.models.inputs import Inputs, Limits, Sizes

LABELS = torch.tensor([0, 3, 1])


def check_module(module: ModuleType) -> None:
    """``Model`` is a Classifier; nothing of another family is imported."""
    assert issubclass(module.Model, Classifier)
    imported = [
        f"{node.module}.{alias.name}." if isinstance(node, ast.ImportFrom) else f"{alias.name}."
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    shared = tuple(f"{name}." for name in models.SHARED)
    others = [name for name in imported if name.startswith("mscnn.models.") and not name.startswith(shared)]
    assert others == [], "a digest of its code would not cover these"


def check_options(module: ModuleType, spec: ModelSpec) -> None:
    """The YAML states every option, the frozen dataclass no default; ``legacy_*`` are booleans, and off."""
    assert is_dataclass(module.Options) and module.Options.__dataclass_params__.frozen
    known = {field.name: field for field in fields(module.Options)}
    assert spec.options.keys() == known.keys()
    assert [field.name for field in known.values() if field.default is not MISSING] == []
    values = vars(models.options(spec))
    assert [name for name in known if name.startswith("legacy_") and values[name] is not False] == []


def check_class(spec: ModelSpec) -> None:
    """Limits are those of the options; pretrained weights have digests or revisions as text."""
    values = vars(models.options(spec))
    limits, named = models.limits(spec), (values.get("max_frames"), values.get("max_tokens"))
    assert isinstance(limits, Limits) and limits == named
    pretrained = models.pretrained(spec)
    assert all(isinstance(text, str) for pair in pretrained.items() for text in pair)


def check_network(model: Classifier, spec: ModelSpec, sizes: Sizes, inputs: Inputs) -> None:
    """Scores, loss and word embeddings have their shapes; unknown official weights are refused."""
    assert model.sizes is sizes and vars(model.options) == vars(models.options(spec))
    scores = model(inputs)
    assert scores.shape == (3, sizes.classes) and scores.isfinite().all()
    assert model.criterion(scores, LABELS).shape == model.loss(inputs, LABELS).shape == ()
    assert hasattr(model, "embedding") == spec.words == (WORD_VECTORS in model.state_dict())
    if spec.words:
        vectors = torch.randn(sizes.vocabulary, sizes.embedding, dtype=torch.float64)
        assert isinstance(model.embedding, nn.Embedding) and model.embedding.padding_idx == 0
        model.set_word_vectors(vectors)
        assert torch.equal(model.state_dict()[WORD_VECTORS], vectors)
    total = sum(p.numel() for p in model.parameters())
    assert model.num_parameters() == total - spec.words * sizes.vocabulary * sizes.embedding
    try:
        model.load_official({"no.such.weight": torch.zeros(1)})
    except UserError as error:
        assert error.code in ("official-weights", "official-weights-none")
    else:
        raise AssertionError("weights of another network are accepted")


def check_batch(model: Classifier, inputs: Inputs) -> None:
    """In eval mode the scores of an utterance depend neither on the others in its batch nor on padding."""
    with torch.no_grad():
        together = model.eval()(inputs)
        assert torch.equal(together, model(inputs))
        for row in range(len(together)):
            torch.testing.assert_close(model(alone(inputs, row)), together[row : row + 1], atol=1e-9, rtol=0)


def check_gradients(model: Classifier, inputs: Inputs, without: Collection[str] = ()) -> None:
    """A training step changes every parameter that requires a gradient, except those in ``without``."""
    model.zero_grad()
    model.train().loss(inputs, LABELS).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    assert {name for name, gradient in gradients.items() if gradient is None or not gradient.any()} == {*without}


def batch(spec: ModelSpec, sizes: Sizes, lengths: tuple[int, int, int]) -> Inputs:
    """Three utterances (or segments) of ``lengths`` frames and 6, 3, 8 tokens, with the inputs of the configuration."""
    torch.manual_seed(1)
    segments, inputs = spec.segments, Inputs()
    if spec.audio:
        inputs.audio, inputs.audio_len = _padded(sizes.audio, lengths)
    for name, dim in sizes.extra.items():
        # as long as the audio, or as the segmentation rule states, or one row per utterance
        input_lengths = lengths
        if name == "text_encoder":
            input_lengths = (6, 3, 8)
        elif not segments or segments.streams.get(name) != segments.frames:
            input_lengths = (segments.streams[name] * max(lengths) // segments.frames if segments else 1,) * 3
        inputs.extra[name], inputs.extra_len[name] = _padded(dim, input_lengths)
    if spec.words:
        inputs.token_len = torch.tensor([6, 3, 8])
        tokens = torch.randint(1, sizes.vocabulary, (3, 8))
        inputs.tokens = tokens * (torch.arange(8) < inputs.token_len[:, None])
    if spec.xvector:
        inputs.xvector = torch.randn(3, sizes.xvector, dtype=torch.float64)
    return inputs


def alone(inputs: Inputs, row: int) -> Inputs:
    """One utterance of a batch, without padding."""

    def unpadded(values: torch.Tensor | None, lengths: torch.Tensor | None) -> tuple:
        return (None, None) if values is None else (values[row : row + 1, ..., : lengths[row]], lengths[row : row + 1])

    extra = {name: unpadded(values, inputs.extra_len[name]) for name, values in inputs.extra.items()}
    return Inputs(
        *unpadded(inputs.audio, inputs.audio_len),
        *unpadded(inputs.tokens, inputs.token_len),
        None if inputs.xvector is None else inputs.xvector[row : row + 1],
        *({name: pair[i] for name, pair in extra.items()} for i in (0, 1)),
    )


def _padded(dim: int, lengths: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    values, sizes = torch.rand(len(lengths), dim, max(lengths), dtype=torch.float64), torch.tensor(lengths)
    return values * (torch.arange(max(lengths)) < sizes[:, None])[:, None], sizes
