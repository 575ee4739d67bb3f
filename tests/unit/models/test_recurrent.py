"""Recurrent layers and attention against their equations in NumPy, float64."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from mscnn.models.recurrent import (
    GRU,
    LSTM,
    Bidirectional,
    HanAttention,
    KerasGRU,
    both_ends,
    keras_gru,
    last,
    luong,
    reverse,
)

LENGTHS = torch.tensor([4, 7, 1, 7])


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64)


def frames(dim: int = 3) -> torch.Tensor:
    return randn(len(LENGTHS), int(LENGTHS.max()), dim)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def tf_gru(x, gates_kernel, gates_bias, candidate_kernel, candidate_bias):
    """TensorFlow 1's GRUCell over the frames x (T, D), with its layout of weights."""
    h, states = np.zeros(len(candidate_bias)), []
    for frame in x:
        r, u = np.split(sigmoid(np.concatenate([frame, h]) @ gates_kernel + gates_bias), 2)
        c = np.tanh(np.concatenate([frame, r * h]) @ candidate_kernel + candidate_bias)
        h = u * h + (1 - u) * c
        states.append(h)
    return np.stack(states)


def old_keras_gru(x, kernel, recurrent, bias):
    """Keras's GRU with ``reset_after=False`` over the frames x (T, D), with its layout of weights."""
    units = len(recurrent)
    (wz, wr, wh), (uz, ur, uh) = np.split(kernel, 3, axis=1), np.split(recurrent, 3, axis=1)
    bz, br, bh = np.split(bias, 3)
    h, states = np.zeros(units), []
    for frame in x:
        z = np.clip(0.2 * (frame @ wz + h @ uz + bz) + 0.5, 0, 1)
        r = np.clip(0.2 * (frame @ wr + h @ ur + br) + 0.5, 0, 1)
        h = z * h + (1 - z) * np.tanh(frame @ wh + (r * h) @ uh + bh)
        states.append(h)
    return np.stack(states)


def test_gru_is_that_of_tensorflow():
    gru, x = GRU(3, 5).double(), frames()
    weights = [w.detach().numpy().T for w in (gru.gate_weight, gru.gate_bias, gru.candidate_weight, gru.candidate_bias)]
    states = gru(x, LENGTHS)
    for row, length in enumerate(LENGTHS):
        expected = tf_gru(x[row, :length].numpy(), *weights)
        np.testing.assert_allclose(states[row, :length].detach().numpy(), expected, atol=1e-12)
        assert states[row, length:].abs().sum() == 0


def test_keras_gru_is_that_of_old_keras():
    x, weights = frames(), (4 * randn(3, 15), randn(5, 15), randn(15))  # large enough to saturate the gates
    gru = KerasGRU(3, 5).double()
    gru.load_state_dict(keras_gru(*weights))
    states = gru(x, LENGTHS)
    for row, length in enumerate(LENGTHS):
        expected = old_keras_gru(x[row, :length].numpy(), *(w.numpy() for w in weights))
        np.testing.assert_allclose(states[row, :length].detach().numpy(), expected, atol=1e-12)


def test_gru_gradient():
    gru = GRU(2, 3).double()
    names = [name for name, _ in gru.named_parameters()]
    x = randn(3, 4, 2).requires_grad_()

    def run(x, *weights):
        return torch.func.functional_call(gru, dict(zip(names, weights, strict=True)), (x, torch.tensor([2, 4, 1])))

    assert torch.autograd.gradcheck(run, (x, *gru.parameters()))


def test_initial_weights():
    gru, keras = GRU(6, 4), KerasGRU(6, 4)
    assert (gru.gate_bias == 1).all() and (gru.candidate_bias == 0).all()
    torch.testing.assert_close(gru.gate_weight @ gru.gate_weight.T, torch.eye(8))
    torch.testing.assert_close(gru.candidate_weight @ gru.candidate_weight.T, torch.eye(4))
    assert (keras.gate_bias == 0).all() and (keras.candidate_bias == 0).all()
    recurrent = torch.cat([keras.gate_weight, keras.candidate_weight])[:, 6:]
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(4))
    bound = (6 / (6 + 12)) ** 0.5
    kernel = torch.cat([keras.gate_weight, keras.candidate_weight])[:, :6]
    assert 0.8 * bound < kernel.abs().max() <= bound


@pytest.mark.parametrize("kind", [GRU, KerasGRU, LSTM, partial(Bidirectional, GRU), partial(Bidirectional, LSTM)])
def test_utterances_are_independent_of_their_batch(kind):
    """The output of an utterance does not depend on padding and on the rest of its batch."""
    layer, x = kind(3, 5).double(), frames()
    x[0, 4:], x[2, 1:] = 99.0, -99.0
    states = layer(nn.functional.pad(x, (0, 0, 0, 3), value=7.0), LENGTHS)
    assert states.shape[1] == x.shape[1] + 3
    for row, length in enumerate(LENGTHS):
        alone = layer(x[row : row + 1, :length], LENGTHS[row : row + 1])[0]
        torch.testing.assert_close(states[row, :length], alone, atol=1e-12, rtol=0)
        assert states[row, length:].abs().sum() == 0


def test_bidirectional_starts_backwards_at_each_end():
    layer, x = Bidirectional(KerasGRU, 3, 5).double(), frames()
    states = layer(x, LENGTHS)
    for row, length in enumerate(LENGTHS):
        utterance = x[row : row + 1, :length]
        back = layer.back(utterance.flip(1), LENGTHS[row : row + 1]).flip(1)
        expected = torch.cat([layer.ahead(utterance, LENGTHS[row : row + 1]), back], dim=2)
        torch.testing.assert_close(states[row, :length], expected[0])


def test_reverse():
    x = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7]])[:, :, None]
    assert reverse(x, torch.tensor([3, 4])).flatten(1).tolist() == [[3, 2, 1, 0], [7, 6, 5, 4]]


def test_last_and_both_ends():
    states = torch.arange(16).view(2, 4, 2)  # (B, T, 2H), H = 1
    assert last(states, torch.tensor([2, 4])).tolist() == [[2, 3], [14, 15]]
    assert both_ends(states, torch.tensor([2, 4])).tolist() == [[2, 1], [14, 9]]


def test_luong_by_loop():
    query, values, lengths = randn(2, 4), randn(2, 6, 4), (6, 3)
    context, weights = luong(query, values, torch.arange(6) < torch.tensor(lengths)[:, None])
    for b, n in enumerate(lengths):
        a = np.exp([float(query[b] @ values[b, t]) for t in range(n)])
        a /= a.sum()
        np.testing.assert_allclose(weights[b, :n], a)
        np.testing.assert_allclose(context[b], sum(a[t] * values[b, t].numpy() for t in range(n)))
        assert weights[b, n:].abs().sum() == 0


def test_han_by_loop():
    layer, x, lengths = HanAttention(4).double(), randn(2, 6, 4), (6, 3)
    pooled = layer(x, torch.arange(6) < torch.tensor(lengths)[:, None]).detach()
    w, b, u = (p.detach().numpy() for p in (layer.project.weight, layer.project.bias, layer.context))
    for row, n in enumerate(lengths):
        words = x[row, :n].numpy()
        a = np.exp([u @ np.tanh(w @ word + b) for word in words])
        np.testing.assert_allclose(pooled[row], (a / a.sum()) @ words)


@pytest.mark.parametrize("layer", [GRU, KerasGRU])
def test_a_gru_under_autocast_keeps_its_state_in_single_precision(layer):
    gru, x = layer(3, 5), frames().float()
    with torch.autocast("cpu", torch.bfloat16):
        states = gru(x, LENGTHS)
    assert states.dtype == torch.float32
    torch.testing.assert_close(states, gru(x, LENGTHS), atol=0.05, rtol=0)
