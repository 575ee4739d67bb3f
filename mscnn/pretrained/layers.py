"""Layers of a pretrained network, as options name them; hidden state 0 is the input of the first layer."""

from __future__ import annotations

from mscnn.errors import UserError

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
