"""Recurrent layers over utterances of different lengths, and attention that pools their outputs.

Time is the second axis here: (B, T, D). Padding has no influence, and outputs for it are 0.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.models.layers import length_mask, masked_softmax


class GRU(nn.Module):
    """The GRU of TensorFlow 1 (``GRUCell``), one layer, forward in time: (B, T, D), lengths (B,) -> (B, T, H).

        r, u = s(W [x, h] + b),   c = tanh(V [x, r * h] + d),   h' = u * h + (1 - u) * c

    ``nn.GRU`` is not equivalent: here the reset gate acts on h before the product, and a gate has one bias.
    Columns of the weights are [input, state], rows of the gates [reset, update]: TensorFlow's kernels, transposed.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_weight = nn.Parameter(torch.empty(2 * hidden, dim + hidden))
        self.gate_bias = nn.Parameter(torch.empty(2 * hidden))
        self.candidate_weight = nn.Parameter(torch.empty(hidden, dim + hidden))
        self.candidate_bias = nn.Parameter(torch.empty(hidden))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Orthogonal kernels; biases 1 for the gates, so that a new cell keeps its state, and 0 for the candidate."""
        nn.init.orthogonal_(self.gate_weight)
        nn.init.ones_(self.gate_bias)
        nn.init.orthogonal_(self.candidate_weight)
        nn.init.zeros_(self.candidate_bias)

    def gate_activation(self, x: Tensor) -> Tensor:
        """Activation function of the gates."""
        return x.sigmoid()

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """States at every frame; padding comes last, so its states are set to 0. The loop has what needs the state."""
        dim, hidden = x.shape[2], len(self.candidate_bias)
        gate_inputs = F.linear(x, self.gate_weight[:, :dim], self.gate_bias).unbind(1)
        candidate_inputs = F.linear(x, self.candidate_weight[:, :dim], self.candidate_bias).unbind(1)
        gate_weight, candidate_weight = self.gate_weight[:, dim:].T, self.candidate_weight[:, dim:].T
        state, states = x.new_zeros(len(x), hidden), []
        for gates, candidate in zip(gate_inputs, candidate_inputs, strict=True):
            reset, update = self.gate_activation(torch.addmm(gates, state, gate_weight)).chunk(2, dim=1)
            candidate = torch.addmm(candidate, reset * state, candidate_weight).tanh()
            state = torch.lerp(candidate.to(state), state, update.to(state))  # products may be in bfloat16
            states.append(state)
        return torch.stack(states, dim=1).masked_fill(~length_mask(lengths, x.shape[1])[:, :, None], 0)


class KerasGRU(GRU):
    """The GRU of Keras before TensorFlow 2 (``reset_after=False``): other gates and initialisation than GRU."""

    def reset_parameters(self) -> None:
        """Glorot-uniform input kernel and orthogonal recurrent kernel, each over its three blocks; biases 0."""
        hidden, width = self.candidate_weight.shape
        kernel, recurrent = torch.empty(width - hidden, 3 * hidden), torch.empty(hidden, 3 * hidden)
        nn.init.xavier_uniform_(kernel)
        nn.init.orthogonal_(recurrent)
        self.load_state_dict(keras_gru(kernel, recurrent, torch.zeros(3 * hidden)))

    def gate_activation(self, x: Tensor) -> Tensor:
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


class LSTM(nn.LSTM):
    """LSTM, one layer, forward in time: (B, T, D), lengths (B,) -> (B, T, H)."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__(dim, hidden, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:  # type: ignore[override]  # its weights keep their names
        """States at every frame; padding comes last, so its states are set to 0."""
        return super().forward(x)[0].masked_fill(~length_mask(lengths, x.shape[1])[:, :, None], 0)


class Bidirectional(nn.Module):
    """Two cells of a kind, one of them backwards in time, concatenated: (B, T, D), lengths (B,) -> (B, T, 2H).

    PyTorch's own would need packed sequences, whose gradient on a CPU takes time that grows with T squared: ten times
    this one's at 400 frames.
    """

    def __init__(self, cell: type[nn.Module], dim: int, hidden: int) -> None:
        super().__init__()
        self.ahead = cell(dim, hidden)
        self.back = cell(dim, hidden)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        back = reverse(self.back(reverse(x, lengths), lengths), lengths)
        return torch.cat([self.ahead(x, lengths), back], dim=2)


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Reverse every sequence within its length; padding keeps its place: (B, T, D) -> (B, T, D)."""
    steps = torch.arange(x.shape[1], device=x.device)
    index = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return x.gather(1, index[:, :, None].expand_as(x))


def last(states: Tensor, lengths: Tensor) -> Tensor:
    """State at the last frame of each utterance: (B, T, H), lengths (B,) -> (B, H)."""
    return states[torch.arange(states.shape[0], device=states.device), lengths - 1]


def both_ends(states: Tensor, lengths: Tensor) -> Tensor:
    """Final states, forward at the last frame and backward at the first: (B, T, 2H), (B,) -> (B, 2H)."""
    ahead, back = states.chunk(2, dim=2)
    return torch.cat([last(ahead, lengths), back[:, 0]], dim=1)


def luong(query: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Dot-product attention (Luong et al., EMNLP 2015): a = softmax_t(q . v_t), sum_t a_t v_t; no parameters.

    Args:
        query: (B, C).
        values: (B, T, C), also the keys.
        mask: (B, T) false for padding.

    Returns:
        The sum (B, C), and the weights a (B, T).
    """
    weights = masked_softmax(torch.einsum("bc,btc->bt", query, values), mask)
    return torch.einsum("bt,btc->bc", weights, values), weights


class HanAttention(nn.Module):
    """Attention pooling over words (Yang et al., NAACL 2016): a = softmax_t(u . tanh(W x_t + b)), sum_t a_t x_t."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, dim)
        self.context = nn.Parameter(torch.empty(dim))
        nn.init.uniform_(self.context, -((3 / dim) ** 0.5), (3 / dim) ** 0.5)  # Glorot, fan in and fan out dim

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, C), mask (B, T) -> (B, C)."""
        weights = masked_softmax(self.project(x).tanh() @ self.context, mask)
        return torch.einsum("bt,btc->bc", weights, x)
