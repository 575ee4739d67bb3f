"""TDNN-LSTM: counts, the authors' code, attention by loop, frame-wise loss, padding."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mscnn.models import options
from mscnn.models.inputs import Inputs
from mscnn.models.sarma2018 import MIN_SAMPLES, RawFrontEnd, Sarma2018, TimeRestrictedAttention
from tests.raises import fails
from tests.unit.models.conv_systems import build, padding_changes, segments, without_gradient
from tests.unit.models.fingerprint import filled, wave
from tests.unit.models.systems import count, spec_of


def small(name: str, audio: int = 1, **changes: object) -> Sarma2018:
    torch.manual_seed(0)
    return build(name, audio, units=8, heads=2, **changes).double().eval()


def test_parameter_count():
    assert count(build("sarma_krishna", 1)) == 980_804


def test_front_end_makes_311_frames_of_ten_seconds():
    frames, lengths = RawFrontEnd()(torch.zeros(1, 1, 160_000), torch.tensor([160_000]))
    assert frames.shape == (1, 128, 311) and lengths.tolist() == [311]


@pytest.mark.parametrize("samples", [MIN_SAMPLES, MIN_SAMPLES - 1])
def test_min_samples(samples):
    _, lengths = RawFrontEnd()(torch.zeros(1, 1, MIN_SAMPLES), torch.tensor([samples]))
    assert lengths.tolist() == [1 if samples == MIN_SAMPLES else 0]
    scores = small("sarma2018")(Inputs(audio=wave(1, 1, 900), audio_len=torch.tensor([900])))
    assert scores.isfinite().all()


def krishna_code(v: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Emo_Raw_TDNN at test: samples (B, 1, S) -> logits."""
    for n, (padding, pool) in enumerate([(3, 1), (3, 0), (0, 0)]):
        x = F.conv1d(x, v[f"cnn_frontend.conv{n + 1}.weight"], v.get(f"cnn_frontend.conv{n + 1}.bias"), 4, padding)
        norm = [v[f"cnn_frontend.bn{n + 1}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        x = F.max_pool1d(F.batch_norm(x, *norm).relu(), 4, 2, pool)
    x = x.transpose(1, 2)
    for kind, n, context, dilation in [
        ("tdnn", 1, 3, 1), ("lstm", 1, 0, 0), ("tdnn", 2, 7, 3), ("tdnn", 3, 7, 3), ("lstm", 2, 0, 0),
        ("tdnn", 4, 7, 3), ("tdnn", 5, 7, 3), ("lstm", 3, 0, 0),
    ]:  # fmt: skip
        if kind == "tdnn":
            x = F.unfold(x[:, None], (context, x.shape[2]), dilation=(dilation, 1)).transpose(1, 2)
            x = (x @ v[f"tdnn{n}.kernel.weight"].T + v[f"tdnn{n}.kernel.bias"]).relu()
        else:
            lstm = nn.LSTM(x.shape[2], 4, bidirectional=True, batch_first=True).double()
            lstm.load_state_dict({k.removeprefix(f"lstm{n}."): w for k, w in v.items() if k.startswith(f"lstm{n}.")})
            x = lstm(x)[0]
    return torch.cat([x.mean(dim=1), x.var(dim=1)], dim=1) @ v["classify.weight"].T + v["classify.bias"]


def test_krishna_weights_give_the_output_of_the_code():
    shapes, channels = {"classify.weight": (4, 16), "classify.bias": (4,)}, [1, 64, 128, 128]
    for n in range(3):
        shapes[f"cnn_frontend.conv{n + 1}.weight"] = (channels[n + 1], channels[n], 7)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"cnn_frontend.bn{n + 1}.{part}"] = (channels[n + 1],)
        for suffix in ("", "_reverse"):
            shapes |= {f"lstm{n + 1}.weight_{part}_l0{suffix}": (16, size) for part, size in (("ih", 8), ("hh", 4))}
            shapes |= {f"lstm{n + 1}.bias_{part}_l0{suffix}": (16,) for part in ("ih", "hh")}
    shapes["cnn_frontend.conv3.bias"] = (128,)
    for n in range(5):
        shapes |= {f"tdnn{n + 1}.kernel.weight": (8, 384 if n == 0 else 56), f"tdnn{n + 1}.kernel.bias": (8,)}
    torch.manual_seed(0)
    theirs = {name: 0.2 * torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
    for n in range(3):
        theirs[f"cnn_frontend.bn{n + 1}.running_var"] = theirs[f"cnn_frontend.bn{n + 1}.running_var"].abs() + 0.1
    counters = {f"cnn_frontend.bn{n}.num_batches_tracked": torch.tensor(0) for n in (1, 2, 3)}
    model = small("sarma_krishna", samples=50_000)
    model.load_official(theirs | counters)
    x = wave(2, 1, 50_000, step=0.0037)
    scores = model(Inputs(audio=x, audio_len=torch.tensor([50_000] * 2)))
    torch.testing.assert_close(scores, krishna_code(theirs, x))
    longer = Inputs(audio=F.pad(x, (0, 100), value=9.0), audio_len=torch.tensor([50_100] * 2))
    torch.testing.assert_close(model(longer), scores)  # truncated


@pytest.mark.parametrize(("name", "audio", "frames"), [("sarma2018", 1, 9000), ("sarma2018_mfcc", 40, 60)])
def test_padding_changes_nothing(name, audio, frames):
    model = filled(build(name, audio, units=8, heads=2))
    assert padding_changes(model, frames, audio, extra=1500) < 1e-9


def test_padding_of_krishna_counts_up_to_ten_seconds():
    model = small("sarma_krishna", samples=50_000)
    assert padding_changes(model, frames=40_000, dim=1, extra=1500) < 1e-9


def test_attention_by_loop():
    narrow = options(spec_of("sarma2018", units=4, heads=2, reach=2))
    layer, x, lengths = TimeRestrictedAttention(3, narrow).double(), wave(2, 3, 7), [7, 5]
    out, _ = layer(x, torch.tensor(lengths))
    for b, length in enumerate(lengths):
        q, k, v = (layer.project.weight[..., 0] @ x[b] + layer.project.bias[:, None]).unflatten(0, (3, 2, 2))
        for head in range(2):
            for t in range(length):
                near = [s for s in range(length) if abs(s - t) <= 2]
                scores = torch.stack([q[head, :, t] @ k[head, :, s] / 2**0.5 for s in near])
                summary = sum(a * v[head, :, s] for a, s in zip(scores.softmax(dim=0), near, strict=True))
                torch.testing.assert_close(out[b, 2 * head : 2 * head + 2, t], summary.relu())
    assert out[1, :, 5:].abs().sum() == 0


def test_every_frame_has_the_label():
    model = small("sarma2018_mfcc", 40)
    inputs, labels = segments(2, dim=40, frames=30, lengths=[30, 12]), torch.tensor([3, 1])
    frames, lengths = model.frames(inputs)
    assert lengths.tolist() == [30, 12]
    logs = [(model.classifier.weight @ frames[b] + model.classifier.bias[:, None]).log_softmax(dim=0) for b in range(2)]
    unpadded = [log_p[:, :n] for log_p, n in zip(logs, (30, 12), strict=True)]
    torch.testing.assert_close(model(inputs), torch.stack([log_p.mean(dim=1) for log_p in unpadded]))
    torch.testing.assert_close(model.loss(inputs, labels), -(unpadded[0][3].sum() + unpadded[1][1].sum()) / 42)


@pytest.mark.parametrize(("name", "audio", "frames"), [("sarma2018", 1, 9000), ("sarma2018_mfcc", 40, 60)])
def test_every_parameter_learns(name, audio, frames):
    without = without_gradient(small(name, audio), segments(4, dim=audio, frames=frames))
    assert without == []


def test_every_parameter_of_krishna_learns():
    model = small("sarma_krishna", samples=50_000, dropout=0.0)
    assert without_gradient(model, segments(4, dim=1, frames=50_000)) == []


@pytest.mark.parametrize(
    ("option", "code", "names"),
    [
        ({"front_end": "fbank"}, "config-value", ["front_end", "raw", "mfcc"]),
        ({"pooling": "max"}, "config-value", ["pooling", "frames", "statistics"]),
        ({"heads": 3}, "option-conflict", ["units 256", "heads, 6"]),
        ({"layers": ["tdnn 3"]}, "option-value", ["tdnn 3", "CONTEXT DILATION"]),
    ],
)
def test_invalid_options_are_refused(option, code, names):
    with fails(code, *names):
        build("sarma2018", 1, **option)
