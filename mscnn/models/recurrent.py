"""Recurrent layers over utterances of unlike length, and the attention that pools what they give.

Time is the second axis here: (B, T, D). Frames beyond an utterance's own length are never read, and come out as zero.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from mscnn.models.layers import masked_softmax


class GRU(nn.Module):
    """The GRU of TensorFlow 1 (``GRUCell``), one layer, forward in time: (B, T, D), lengths (B,) -> (B, T, H).

        r, u = s(W [x, h] + b),   c = tanh(V [x, r * h] + d),   h' = u * h + (1 - u) * c

    ``nn.GRU`` cannot stand in for it: here the reset gate acts on h before the product, and a gate has one bias.
    Columns of the weights are [input, state], rows of the gates' are [reset, update]: TensorFlow's kernels, transposed.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_weight = nn.Parameter(torch.empty(2 * hidden, dim + hidden))
        self.gate_bias = nn.Parameter(torch.empty(2 * hidden))
        self.candidate_weight = nn.Parameter(torch.empty(hidden, dim + hidden))
        self.candidate_bias = nn.Parameter(torch.empty(hidden))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Orthogonal kernels; biases 1 for the gates, so that a new cell remembers, and 0 for the candidate."""
        nn.init.orthogonal_(self.gate_weight)
        nn.init.ones_(self.gate_bias)
        nn.init.orthogonal_(self.candidate_weight)
        nn.init.zeros_(self.candidate_bias)

    def squash(self, x: Tensor) -> Tensor:
        """The gates' activation."""
        return x.sigmoid()

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """States at every frame. The loop keeps to what needs the state before, and to utterances not yet over."""
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        dim, sizes = x.shape[2], packed.batch_sizes.tolist()
        gate_inputs = F.linear(packed.data, self.gate_weight[:, :dim], self.gate_bias).split(sizes)
        candidate_inputs = F.linear(packed.data, self.candidate_weight[:, :dim], self.candidate_bias).split(sizes)
        gate_weight, candidate_weight = self.gate_weight[:, dim:].T, self.candidate_weight[:, dim:].T
        state = x.new_zeros(len(x), len(self.candidate_bias))
        states = []
        for gates, candidate in zip(gate_inputs, candidate_inputs, strict=True):
            state = state[: len(gates)]
            reset, update = self.squash(torch.addmm(gates, state, gate_weight)).chunk(2, dim=1)
            candidate = torch.addmm(candidate, reset * state, candidate_weight).tanh()
            state = torch.lerp(candidate, state, update)
            states.append(state)
        packed = PackedSequence(torch.cat(states), packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
        return pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])[0]


class KerasGRU(GRU):
    """The GRU of Keras before TensorFlow 2 (``reset_after=False``): TensorFlow 1's but for gates and first weights."""

    def reset_parameters(self) -> None:
        """Glorot-uniform input kernel and orthogonal recurrent kernel, each over its three blocks; biases 0."""
        hidden, width = self.candidate_weight.shape
        kernel, recurrent = torch.empty(width - hidden, 3 * hidden), torch.empty(hidden, 3 * hidden)
        nn.init.xavier_uniform_(kernel)
        nn.init.orthogonal_(recurrent)
        self.load_state_dict(keras_gru(kernel, recurrent, torch.zeros(3 * hidden)))

    def squash(self, x: Tensor) -> Tensor:
        """Keras's hard sigmoid, of slope 0.2 (PyTorch's has 1/6)."""
        return (0.2 * x + 0.5).clamp(0, 1)


def keras_gru(kernel: Tensor, recurrent: Tensor, bias: Tensor) -> dict[str, Tensor]:
    """Keras's weights as the state of a :class:`KerasGRU`.

    Args:
        kernel, recurrent, bias: (D, 3H), (H, 3H) and (3H,), blocks in Keras's order: update, reset, candidate.
    """
    update, reset, candidate = torch.cat([kernel, recurrent]).T.chunk(3)
    update_bias, reset_bias, candidate_bias = bias.chunk(3)
    return {
        "gate_weight": torch.cat([reset, update]),
        "gate_bias": torch.cat([reset_bias, update_bias]),
        "candidate_weight": candidate,
        "candidate_bias": candidate_bias,
    }


class BiGRU(nn.Module):
    """Two Keras GRUs, one of them backwards in time, side by side: (B, T, D), lengths (B,) -> (B, T, 2H)."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.ahead = KerasGRU(dim, hidden)
        self.back = KerasGRU(dim, hidden)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        back = reverse(self.back(reverse(x, lengths), lengths), lengths)
        return torch.cat([self.ahead(x, lengths), back], dim=2)


class BiLSTM(nn.Module):
    """Bidirectional LSTM, one layer: (B, T, D), lengths (B,) -> (B, T, 2H)."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Turn every sequence around within its own length, padding left where it is: (B, T, D) -> (B, T, D)."""
    steps = torch.arange(x.shape[1], device=x.device)
    index = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return x.gather(1, index[:, :, None].expand_as(x))


def last(states: Tensor, lengths: Tensor) -> Tensor:
    """State at the last own frame: (B, T, H), lengths (B,) -> (B, H)."""
    return states[torch.arange(len(states), device=states.device), lengths - 1]


def both_ends(states: Tensor, lengths: Tensor) -> Tensor:
    """Where each direction has heard everything, forward at T and backward at 1: (B, T, 2H), (B,) -> (B, 2H)."""
    ahead, back = states.chunk(2, dim=2)
    return torch.cat([last(ahead, lengths), back[:, 0]], dim=1)


def luong(query: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Dot-product attention (Luong et al., EMNLP 2015): a = softmax_t(q . v_t), sum_t a_t v_t; no parameters.

    Args:
        query: (B, C).
        values: (B, T, C), the keys also.
        mask: (B, T) true for an utterance's own frames.

    Returns:
        The sum (B, C), and the weights a (B, T).
    """
    weights = masked_softmax(torch.einsum("bc,btc->bt", query, values), mask)
    return torch.einsum("bt,btc->bc", weights, values), weights


class HanAttention(nn.Module):
    """Attention to words (Yang et al., NAACL 2016): a = softmax_t(u . tanh(W x_t + b)), sum_t a_t x_t."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, dim)
        self.context = nn.Parameter(torch.empty(dim))
        nn.init.uniform_(self.context, -((3 / dim) ** 0.5), (3 / dim) ** 0.5)  # Glorot, dim in and dim out

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, C), mask (B, T) -> (B, C)."""
        weights = masked_softmax(self.project(x).tanh() @ self.context, mask)
        return torch.einsum("bt,btc->bc", weights, x)
