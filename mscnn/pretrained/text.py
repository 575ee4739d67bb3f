"""Text encoders by the package transformers, from a folder or the Hugging Face hub, with the pooling of their authors.

A folder of sentence-transformers is one of transformers with three more files: ``modules.json`` names its modules,
``1_Pooling/config.json`` states how a sentence vector is made of those of its tokens, and ``sentence_bert_config.json``
how many tokens are read.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mscnn.errors import UserError
from mscnn.pretrained.hub import Kind, configuration, network, unreadable
from mscnn.pretrained.layers import hidden_states

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

BATCH_TOKENS = {"cpu": 2048, "cuda": 32768}  # of texts that are encoded at a time
MODES = ("cls_token", "mean_tokens", "max_tokens")  # poolings of sentence-transformers that are known here
POSITIONS_AFTER_PADDING = ("camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl")
MODULES = {"Transformer", "Pooling", "Normalize"}
TEXT = Kind(
    "text encoder",
    "sentence-transformers/all-MiniLM-L6-v2",
    unused=("pooler.",),  # a layer for next-sentence prediction, which some published models lack
    described_by=("*.json", "*.txt", "*.model", "*/config.json"),  # of tokenizer and pooling
)


@dataclass(frozen=True)
class Pooling:
    """How a sentence vector is made of token vectors; ``unit``: it has length 1. See MODES."""

    mode: str = "mean_tokens"
    unit: bool = False

    def __call__(self, states: Tensor) -> Tensor:
        """Sentence vectors (B, D) of token vectors (B, T, D), none of which is padding."""
        if self.mode == "cls_token":
            vectors = states[:, 0]
        else:
            vectors = states.mean(dim=1) if self.mode == "mean_tokens" else states.amax(dim=1)
        return vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12) if self.unit else vectors


@dataclass(frozen=True)
class TextModel:
    """A text encoder on a device, in evaluation mode; ``most`` is the number of tokens that it reads, or None."""

    network: Any
    tokenizer: Any
    pooling: Pooling
    most: int | None
    device: str
    lower: bool = False  # whether texts are made lower-case first
    lock: threading.Lock = field(default_factory=threading.Lock)  # of the tokenizer, which has a state

    def tokens(self, texts: Sequence[str]) -> tuple[list[list[int]], list[bool]]:
        """Token ids of each text with its special tokens, and whether it was truncated."""
        texts = [text.lower() for text in texts] if self.lower else texts
        with self.lock:
            ids = [list(self.tokenizer(text, verbose=False)["input_ids"]) for text in texts]
            long = [self.most is not None and len(one) > self.most for one in ids]
            for i in (i for i, is_long in enumerate(long) if is_long):
                ids[i] = list(self.tokenizer(texts[i], truncation=True, max_length=self.most)["input_ids"])
        return ids, long

    def encode(
        self, ids: Sequence[Sequence[int]], unit: Literal["token", "sentence"], states: Sequence[int]
    ) -> list[np.ndarray]:
        """Vectors of texts, float32 (tokens, D) or (1, D): the mean of the hidden states ``states``, or its pooling.

        Texts with as many tokens are encoded together, without padding. A text without tokens, not even special ones,
        has one vector of zeros.
        """
        import numpy as np
        import torch

        config = self.network.config
        vectors = [np.zeros((1, config.hidden_size), np.float32)] * len(ids)
        with torch.inference_mode():
            for batch in _batches(ids, BATCH_TOKENS[self.device]):
                inputs = torch.tensor([list(ids[i]) for i in batch], device=self.device)
                given = {"input_ids": inputs, "attention_mask": torch.ones_like(inputs)}
                hidden = hidden_states(self.network, given, states, config.num_hidden_layers)
                mean = torch.stack(hidden).mean(dim=0) if len(hidden) > 1 else hidden[0]
                made = self.pooling(mean)[:, None] if unit == "sentence" else mean
                for i, matrix in zip(batch, made.float().cpu().numpy(), strict=True):
                    vectors[i] = matrix
        return vectors


def _batches(ids: Sequence[Sequence[int]], most: int) -> Iterator[list[int]]:
    """Numbers of texts with as many tokens, at most ``most`` tokens at a time; texts without tokens are skipped."""
    same: defaultdict[int, list[int]] = defaultdict(list)
    for i, one in enumerate(ids):
        same[len(one)].append(i)
    for length, members in sorted(same.items()):
        size = max(1, most // length) if length else len(members)
        for start in range(0, len(members) if length else 0, size):
            yield members[start : start + size]


@lru_cache(maxsize=4)
def text_model(name: str, device: str = "cpu") -> TextModel:
    """The text encoder in a folder or on the hub; it is downloaded where it is not in the local cache.

    Raises:
        UserError: as :func:`described` and :func:`mscnn.pretrained.hub.network`; or there is no tokenizer
            (``pretrained-unreadable``).
    """
    config, pooling, most, lower = described(name)
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except Exception as error:  # the library raises many kinds of errors for a damaged folder
        raise unreadable(name, TEXT, error) from None
    limits = [most, _positions(config), tokenizer.model_max_length]
    if wrong := [limit for limit in limits if not isinstance(limit, int | float | None)]:
        raise unreadable(name, TEXT, ValueError(f"{wrong[0]!r} is no number of tokens"))
    known = [limit for limit in limits if limit and limit < 1 << 30]  # tokenizers without a limit state a huge one
    return TextModel(network(name, TEXT).to(device), tokenizer, pooling, min(known, default=None), device, lower)


@lru_cache(maxsize=4)
def described(name: str) -> tuple[Any, Pooling, int | None, bool]:
    """Configuration of a model, its pooling, the tokens that its authors read, and whether they make text lower-case.

    A model without ``modules.json`` has the mean over its tokens, special ones included.

    Raises:
        UserError: as :func:`mscnn.pretrained.hub.configuration`; or it is no encoder, or has modules or a pooling that
            are not known here (``pretrained-kind``), or the configuration of its pooling is missing
            (``pretrained-incomplete``).
    """
    config = configuration(name, TEXT)
    try:
        modules = _json(name, "modules.json") or []
        kinds = {str(module["type"]).rpartition(".")[2]: str(module["path"]) for module in modules}
        pooling = _json(name, f"{kinds['Pooling']}/config.json") if "Pooling" in kinds else None
        reading = _json(name, "sentence_bert_config.json") or {}
        limit, lower = reading.get("max_seq_length"), reading.get("do_lower_case") or False
        if not isinstance(pooling, dict | None):
            raise ValueError(f"{kinds['Pooling']}/config.json is no mapping")
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise ValueError(f"max_seq_length is {limit!r}, no number from 1")
        if not isinstance(lower, bool):
            raise ValueError(f"do_lower_case is {lower!r}, neither true nor false")
    except Exception as error:
        raise unreadable(name, TEXT, error) from None
    if config.is_encoder_decoder or not hasattr(config, "hidden_size"):
        raise UserError(f"text encoder {name}: {config.model_type} is no text encoder", code="pretrained-kind")
    if unknown := sorted(kinds.keys() - MODULES) or (["Transformer in a folder"] if kinds.get("Transformer") else []):
        raise UserError(
            f"text encoder {name}: modules.json has {unknown[0]}; known are {', '.join(sorted(MODULES))}",
            code="pretrained-kind",
        )
    if "Pooling" in kinds and pooling is None:
        raise UserError(
            f"text encoder {name}: modules.json names {kinds['Pooling']}, whose config.json is missing: copy it from "
            "where the model is from",
            code="pretrained-incomplete",
        )
    return config, _pooling(name, pooling, "Normalize" in kinds), limit, lower


def _pooling(name: str, stated: Mapping[str, Any] | None, unit: bool) -> Pooling:
    """The pooling of a configuration of sentence-transformers; one of its options is true."""
    if stated is None:
        return Pooling(unit=unit)
    prefix = "pooling_mode_"
    modes = [key.removeprefix(prefix) for key, on in stated.items() if key.startswith(prefix) and on is True]
    modes = modes or [{"cls": "cls_token"}.get(str(stated.get("pooling_mode")), f"{stated.get('pooling_mode')}_tokens")]
    if len(modes) != 1 or modes[0] not in MODES:
        raise UserError(
            f"text encoder {name}: pools {' and '.join(modes)}; known are {', '.join(MODES)}, one at a time",
            code="pretrained-kind",
        )
    return Pooling(modes[0], unit)


def _positions(config: Any) -> int | None:
    """Tokens for which a network has positions; None: any number."""
    positions = getattr(config, "max_position_embeddings", None)
    if not positions or config.model_type not in POSITIONS_AFTER_PADDING:
        return positions
    return positions - config.pad_token_id - 1


def _json(name: str, file: str) -> Any:
    """Content of a file of a model; None where it has no such file."""
    from transformers.utils import cached_file

    path = cached_file(name, file, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_gated_repo=False)
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else None
