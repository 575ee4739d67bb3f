"""Layers of a pretrained network, as options name them; hidden state 0 is the input of the first layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mscnn.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

ALL, LAST = "all", "last"


def layer_numbers(layer: str, layers: int, model: str) -> list[int]:
    """Numbers of the hidden states that ``last``, ``all``, a number, or a range ``a-b`` means.

    Args:
        layers: number of layers, and of the last hidden state; 0 where only that can be had.
        model: the network, for messages.

    Raises:
        UserError: the network lacks one, or a range begins with the higher one (``pretrained-layer``).
    """
    if layer == LAST:
        return [layers]
    first, _, last = (f"0-{layers}" if layer == ALL else layer).partition("-")
    chosen = range(int(first), int(last or first) + 1)
    if not layers or not chosen or chosen[-1] > layers:
        has = f"layers 0 to {layers}" if layers else "no layer but the last"
        raise UserError(f"layer {layer}: {model} has {has}; a range begins with the lower one", code="pretrained-layer")
    return list(chosen)


def hidden_states(network: Any, inputs: Mapping[str, Tensor], states: Sequence[int], layers: int) -> list[Tensor]:
    """Hidden states (B, T, width) of these numbers, of a network with so many ``layers``.

    The last one is the output of the network, after its last normalisation; it is computed without keeping the others
    where no other is wanted.
    """
    import torch

    with torch.inference_mode():
        output = network(**inputs, output_hidden_states=[*states] != [layers])
    every = [*(output.hidden_states or [None] * (layers + 1))[:layers], output.last_hidden_state]
    return [every[state] for state in states]
