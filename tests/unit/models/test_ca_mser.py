"""CA-MSER: parameter counts, fingerprint of the authors' network, Pillow's image, wav2vec 2.0, names of weights."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from mscnn import models
from mscnn.config.model import ModelSpec
from mscnn.config.training import Training
from mscnn.features.store import Frames
from mscnn.models import ca_mser
from mscnn.models.ca_mser import CAMSER
from mscnn.models.inputs import Inputs, Sizes
from mscnn.models.layers import renamed
from mscnn.training import loop
from mscnn.training.examples import Examples, Stream
from tests.raises import fails
from tests.unit.models.fingerprint import filled, wave
from tests.unit.models.systems import build, count

FINGERPRINT = [[0.315767, 0.066552, -0.184776, 0.121806], [0.315741, 0.066561, -0.184751, 0.121795]]
SIZES = Sizes(classes=4, audio=200, extra={"mfcc": 40, "wav2vec2": 768, "wave": 1})
ALEXNET, CLASSIFIER, WAV2VEC2 = 2_469_696, 54_550_532, 94_371_712
COUNTS = {
    "alexnet": ALEXNET,
    "alexnet_classifier": CLASSIFIER,
    "spectrum": 1_179_776,
    "lstm": 2_187_264,
    "cepstrum": 19_660_928,
    "co_attention": 38_293,
    "speech": 98_432,
    "head": 49_280 + 16_512 + 516,
}
ALL = 174_622_941


class FakeWav2Vec2(nn.Module):
    """Replaces wav2vec 2.0: one convolution with its receptive field and hop."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=8, conv_kernel=(400,), conv_stride=(320,))
        self.conv = nn.Conv1d(1, 8, 400, stride=320)

    def forward(self, wave):
        self.wave = wave
        return SimpleNamespace(last_hidden_state=self.conv(wave[:, None]).transpose(1, 2))


def small(monkeypatch=None, **changes) -> CAMSER:
    """A system that takes segments of 60 frames; with ``monkeypatch``, waveforms too."""
    if monkeypatch:
        monkeypatch.setattr(ca_mser, "network", lambda name, kind: FakeWav2Vec2())
        changes["wav2vec2"] = "fake"
    torch.manual_seed(0)
    return build("ca_mser", SIZES, frames=60, **changes).double().eval()


def segments(lengths: tuple[int, int] = (60, 60)) -> Inputs:
    """Two segments of 60 frames, zero beyond the given lengths."""
    mask = (torch.arange(60) < torch.tensor(lengths)[:, None])[:, None]
    samples = mask.repeat_interleave(160, dim=2)
    return Inputs(
        audio=(0.5 + 0.5 * wave(2, 200, 60)) * mask,
        audio_len=torch.tensor(lengths),
        extra={"mfcc": wave(2, 40, 60) * mask, "wav2vec2": wave(2, 768, 29), "wave": wave(2, 1, 9600) * samples},
        extra_len={"wave": torch.tensor(lengths) * 160, "wav2vec2": torch.tensor([29, 29])},
    )


def test_parameter_counts():
    with torch.device("meta"):
        model = build("ca_mser", SIZES, legacy_alexnet_classifier=True)
        assert {name: count(module) for name, module in model.named_children() if count(module)} == COUNTS
        assert count(model) + WAV2VEC2 == ALL
        assert count(build("ca_mser", SIZES)) + CLASSIFIER + WAV2VEC2 == ALL


def test_published_parameter_count(monkeypatch):
    monkeypatch.setattr(ca_mser, "network", lambda name, kind: Wav2Vec2Model(Wav2Vec2Config()))
    with torch.device("meta"), torch.no_grad():
        model = build("ca_mser", SIZES, legacy_alexnet_classifier=True, wav2vec2="base").eval()
        assert count(model) == ALL
        assert model.wav2vec2(torch.zeros(1, 48_000)).last_hidden_state.shape == (1, 149, 768)


def test_fingerprint():
    model = filled(build("ca_mser", SIZES))
    with torch.no_grad():
        logits = model.classify(wave(2, 3, 256, 384), wave(2, 300, 40), wave(2, 149, 768))
    torch.testing.assert_close(logits, torch.tensor(FINGERPRINT, dtype=torch.float64), atol=1e-6, rtol=0)


def test_image_equals_pillow():
    from PIL import Image as image

    spectrogram = torch.rand(2, 200, 300, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1
    result = ca_mser.as_image(spectrogram)
    assert result.shape == (2, 3, 256, 384)
    for segment, ours in zip(spectrogram.numpy(), result, strict=True):
        expected = (np.clip(segment, 0, 1) * 255).astype(np.uint8)[::-1]
        expected = np.asarray(image.fromarray(expected).resize((384, 256), image.Resampling.BILINEAR)) / np.float32(255)
        for channel, mean, std in zip(ours, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True):
            assert np.abs(channel.numpy() - (expected - mean) / std).max() < 1e-5


def test_every_parameter_learns(monkeypatch):
    for model in (small(), small(monkeypatch)):
        model.loss(segments(), torch.tensor([1, 3])).backward()
        assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_padding_of_a_short_batch_is_zero(monkeypatch):
    full = segments((40, 33))
    shorter = Inputs(
        audio=full.audio[..., :40],
        audio_len=full.audio_len,
        extra={"mfcc": full.extra["mfcc"][..., :40], "wave": full.extra["wave"][..., : 40 * 160]},
        extra_len=full.extra_len,
    )
    model = small(monkeypatch)
    torch.testing.assert_close(model(shorter), model(full), atol=1e-12, rtol=0)
    with fails("segment-too-long", 60, 61):
        model(Inputs(audio=wave(2, 200, 61), extra=full.extra))


def test_loudness_of_mfcc_and_waveform_does_not_matter(monkeypatch):
    model, inputs = small(monkeypatch), segments()
    louder = segments()
    louder.extra = {"mfcc": 7 * inputs.extra["mfcc"], "wave": 5 * inputs.extra["wave"] + 2}
    torch.testing.assert_close(model(inputs), model(louder), atol=1e-6, rtol=0)
    assert abs(model.wav2vec2.wave.mean()) < 1e-9
    assert abs(model.wav2vec2.wave.var(correction=0) - 1) < 1e-6


def test_co_attention_by_loop():
    """The weights are outputs of a ReLU over the steps of wav2vec 2.0, not normalised."""
    model = small()
    captured = {}
    model.co_attention.register_forward_hook(lambda *args: captured.update(scores=args[2]))
    model.speech.register_forward_pre_hook(lambda _, args: captured.update(summary=args[0]))
    inputs = segments()
    model(inputs)
    for b in range(2):
        expected = sum(
            max(score, 0.0) * inputs.extra["wav2vec2"][b, :, t]
            for t, score in enumerate(captured["scores"][b].tolist())
        )
        torch.testing.assert_close(captured["summary"][b], expected)


def test_legacy_leftpad_wav_moves_the_padding_of_waveforms(monkeypatch):
    ours, theirs, inputs = small(monkeypatch), small(monkeypatch, legacy_leftpad_wav=True), segments((60, 40))
    assert not torch.allclose(ours(inputs), theirs(inputs), atol=1e-6)
    behind, before = ours.wav2vec2.wave, theirs.wav2vec2.wave
    assert torch.equal(behind[0], before[0])
    torch.testing.assert_close(behind[1, : 40 * 160], before[1, 20 * 160 :])
    with fails("option-conflict", "legacy_leftpad_wav", "wav2vec2"):
        small(legacy_leftpad_wav=True)


def test_legacy_pad0db_pads_white():
    captured = []
    for model in (small(), small(legacy_pad0db=True)):
        model.alexnet.register_forward_pre_hook(lambda _, args: captured.append(args[0]))
        model(segments((60, 40)))
    white, black = (1 - 0.485) / 0.229, -0.485 / 0.229
    assert torch.equal(captured[0][0], captured[1][0])
    ours, theirs = (images[1, 0, :, -25:] for images in captured)  # 76 columns of an image for 60 frames
    torch.testing.assert_close(ours, torch.full_like(ours, black))
    torch.testing.assert_close(theirs, torch.full_like(theirs, white))


def test_legacy_alexnet_classifier_changes_only_the_count():
    torch.manual_seed(0)
    plain, counted = small(), small(legacy_alexnet_classifier=True)
    missing, unexpected = counted.load_state_dict(plain.state_dict(), strict=False)
    assert count(counted) - count(plain) == CLASSIFIER
    assert unexpected == []
    assert all(name.startswith("alexnet_classifier.") for name in missing)
    assert torch.equal(plain(segments()), counted(segments()))


def alexnet_state() -> dict[str, torch.Tensor]:
    """Names and shapes of torchvision's AlexNet, values by position."""
    convs = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
    return {
        f"features.{i}.{part}": torch.full(shape if part == "weight" else shape[:1], i + 0.5)
        for i, shape in convs.items()
        for part in ("weight", "bias")
    }


def test_alexnet_file(tmp_path):
    path = tmp_path / "alexnet.pth"
    torch.save({**alexnet_state(), "classifier.1.bias": torch.zeros(4096)}, path)
    model = small(alexnet=str(path))
    assert model.alexnet[8].weight.unique() == 8.5
    save_file(alexnet_state(), tmp_path / "alexnet.safetensors")
    again = small(alexnet=str(tmp_path / "alexnet.safetensors"))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    torch.save({"layer1.weight": torch.zeros(1)}, path)
    (tmp_path / "invalid.safetensors").write_bytes(b"invalid")
    for file in (path, tmp_path / "absent.pth", tmp_path / "absent.safetensors", tmp_path / "invalid.safetensors"):
        with fails("pretrained-weights", file):
            small(alexnet=str(file))


def official_state() -> dict[str, torch.Tensor]:
    """Names and shapes of the authors' state dict, for segments of 60 frames."""
    linears = {
        "post_spec_layer": (128, 9216),
        "post_mfcc_layer": (128, 512 * 60),
        "post_spec_mfcc_att_layer": (29, 256),
        "post_wav_layer": (128, 768),
        "post_att_layer_1": (128, 384),
        "post_att_layer_2": (128, 128),
        "post_att_layer_3": (4, 128),
    }
    shapes = {f"{name}.weight": shape for name, shape in linears.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in linears.items()}
    for layer, size in (("l0", 40), ("l0_reverse", 40), ("l1", 512), ("l1_reverse", 512)):
        shapes |= {f"lstm_mfcc.weight_ih_{layer}": (1024, size), f"lstm_mfcc.weight_hh_{layer}": (1024, 256)}
        shapes |= {f"lstm_mfcc.bias_ih_{layer}": (1024,), f"lstm_mfcc.bias_hh_{layer}": (1024,)}
    state = {name: torch.full(shape, float(i)) for i, (name, shape) in enumerate(shapes.items())}
    return state | {f"alexnet_model.{name}": value for name, value in alexnet_state().items()}


def test_official_weights(monkeypatch):
    state = official_state()
    unused = {
        "alexnet_model.classifier.1.bias": torch.zeros(4096),
        "wav2vec2_model.masked_spec_embed": torch.zeros(768),
    }
    model = small()
    model.load_official({**state, **unused})
    assert sum(value.numel() for value in state.values()) == count(model)
    assert torch.equal(model.head[4].weight, state["post_att_layer_2.weight"].double())
    assert torch.equal(model.lstm.weight_ih_l1_reverse, state["lstm_mfcc.weight_ih_l1_reverse"].double())
    assert torch.equal(model.alexnet[10].bias, state["alexnet_model.features.10.bias"].double())

    with_wav2vec2 = small(monkeypatch)
    parameters = with_wav2vec2.wav2vec2.named_parameters()
    theirs = {f"wav2vec2_model.{name}": torch.full_like(p, 3.0) for name, p in parameters}
    with_wav2vec2.load_official({**state, **theirs, "post_wav_layer.weight": torch.zeros(128, 8)})
    assert with_wav2vec2.wav2vec2.conv.weight.unique() == 3


def test_official_weights_of_wav2vec2_from_before_torch_2(wav2vec2_folder):
    model, old = tuned(wav2vec2_folder), {}
    for name, value in model.wav2vec2.state_dict().items():
        for new, before in (("original0", "weight_g"), ("original1", "weight_v")):
            name = name.replace(f"parametrizations.weight.{new}", before)
        old[f"wav2vec2_model.{name}"] = value + 1
    assert sum("pos_conv_embed.conv.weight_" in name for name in old) == 2
    rest = {name: value for name, value in model.state_dict().items() if not name.startswith("wav2vec2.")}
    theirs = {ours: name for name, ours in ca_mser.OFFICIAL.items()}
    before = {name: value.clone() for name, value in model.wav2vec2.state_dict().items()}
    model.load_official(renamed(rest, theirs) | old)
    assert all(torch.equal(value, before[name] + 1) for name, value in model.wav2vec2.state_dict().items())


def tuned(folder, frames: int = 60) -> CAMSER:
    """A system that also trains the tiny wav2vec 2.0."""
    torch.manual_seed(0)
    return build("ca_mser", SIZES, frames=frames, wav2vec2=str(folder))


def part(seed: int) -> Examples:
    """Four utterances of 40 to 60 frames, of four classes."""
    rng, lengths = np.random.default_rng(seed), np.array([60, 40, 52, 60])
    streams = {"audio": (1, 200), "mfcc": (1, 40), "wave": (160, 1)}
    streams = {
        name: Stream.whole(Frames.flat(rng.random((lengths.sum() * rate, width), np.float32), lengths * rate))
        for name, (rate, width) in streams.items()
    }  # fmt: skip
    return Examples(list("abcd"), streams, labels=np.arange(4))


def test_sizes_follow_the_speech_model(wav2vec2_folder, monkeypatch):
    model = tuned(wav2vec2_folder, frames=300)
    assert (model.co_attention.out_features, model.speech.in_features) == (149, 16)
    frozen = build("ca_mser", Sizes(classes=4, audio=200, extra={"mfcc": 40, "wav2vec2": 16}))
    assert (frozen.co_attention.out_features, frozen.speech.in_features) == (149, 16)
    assert not [name for name, _ in frozen.named_parameters() if name.startswith("wav2vec2")]
    quick = FakeWav2Vec2()
    quick.config.conv_stride, quick.conv = (160,), nn.Conv1d(1, 8, 400, stride=160)
    monkeypatch.setattr(ca_mser, "network", lambda name, kind: quick)
    model = tuned("quick").double()
    assert model.co_attention.out_features == 58 and model(segments()).shape == (2, 4)


def test_the_speech_model_is_trained_and_saved_in_the_checkpoint(wav2vec2_folder, tmp_path):
    model, given = tuned(wav2vec2_folder), Wav2Vec2Model.from_pretrained(wav2vec2_folder).state_dict()
    assert all(torch.equal(value, given[name]) for name, value in model.wav2vec2.state_dict().items())
    model.wav2vec2.config.layerdrop = 0.0  # otherwise training skips random layers
    loop.fit(model, part(1), part(2), Training(lr=1e-3, batch_size=4, max_epochs=1), seed=1, device="cpu",
             directory=tmp_path)  # fmt: skip
    grads = {name: p.grad for name, p in model.wav2vec2.named_parameters()}
    assert [name for name, grad in grads.items() if grad is None or not grad.any()] == []
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["model"]
    assert {name for name in saved if name.startswith("wav2vec2.")} == {f"wav2vec2.{name}" for name in given}
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items())
    assert not [name for name, value in given.items() if torch.equal(value, saved[f"wav2vec2.{name}"])]


def test_masking_only_in_training_and_exact_resume(wav2vec2_folder, tmp_path):
    model, waves = tuned(wav2vec2_folder).wav2vec2, wave(2, 9600).float()

    def states(seed: int) -> torch.Tensor:
        torch.manual_seed(0)
        np.random.seed(seed)
        return model(waves).last_hidden_state

    assert model.config.mask_time_prob == 0.05 and not model.training
    assert torch.equal(states(1), states(2))
    model.train()
    assert torch.equal(states(1), states(1)) and not torch.equal(states(1), states(2))

    def train(name: str, epochs: int) -> CAMSER:
        np.random.seed(len(name))  # any state of the generator
        model = tuned(wav2vec2_folder)
        options = Training(optimizer="adamw", lr=1e-3, batch_size=2, max_epochs=epochs, patience=9, select="loss")
        loop.fit(model, part(1), part(2), options, seed=1, device="cpu", directory=tmp_path / name)
        return model

    whole = train("whole", 2)
    train("broken", 1)
    resumed = train("broken", 2)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    metrics = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("whole", "broken")]
    assert metrics[0] == metrics[1]


@pytest.mark.parametrize("name", ["ca_mser", "ca_mser_finetuned"])
def test_every_input_is_segmented_as_the_spectrogram(name):
    spec = ModelSpec.load(name)
    lengths = {"mfcc": 300, "wave": 48_000, "wav2vec2": 149}  # 3 s
    assert {key: spec.segments.streams.get(key) for key in spec.extra} == {key: lengths[key] for key in spec.extra}
    assert (spec.segments.frames, spec.segments.hop, spec.segments.tail) == (300, 300, "pad")


def test_hidden_states_of_other_segments_are_refused():
    inputs = segments()
    inputs.extra["wav2vec2"], inputs.extra_len["wav2vec2"] = wave(2, 768, 28), torch.tensor([28, 28])
    with fails("feature-size", "wav2vec2", 29, 60):
        small()(inputs)


def test_an_input_that_the_configuration_lacks_is_named():
    for folder, extra, absent in (
        ("", {"mfcc": 40, "wave": 1}, "wav2vec2"),
        ("x", {"mfcc": 40, "wav2vec2": 768}, "wave"),
    ):
        with fails("input-missing", f"input {absent}"):
            build("ca_mser", Sizes(classes=4, audio=200, extra=extra), wav2vec2=folder)


@pytest.mark.parametrize("shape", [(7, 11), (6, 6), (7, 1), (3, 13)])
def test_average_pool_is_adaptive_pooling(shape):
    x = wave(2, 3, *shape)
    torch.testing.assert_close(ca_mser.average_pool(x, 6), nn.functional.adaptive_avg_pool2d(x, 6))


def test_pretrained_weights_are_named(tmp_path, wav2vec2_folder):
    path = tmp_path / "alexnet.pth"
    path.write_bytes(b"one")
    first = models.pretrained(ModelSpec.load("ca_mser_finetuned", [f"alexnet={path}", f"wav2vec2={wav2vec2_folder}"]))
    path.write_bytes(b"two")
    second = models.pretrained(ModelSpec.load("ca_mser_finetuned", [f"alexnet={path}", f"wav2vec2={wav2vec2_folder}"]))
    assert first.keys() == {"alexnet", "wav2vec2"} and first["wav2vec2"] == second["wav2vec2"]
    assert first["alexnet"] != second["alexnet"]
    assert models.pretrained(ModelSpec.load("ca_mser")) == models.pretrained(ModelSpec.load("mscnn_spu")) == {}
