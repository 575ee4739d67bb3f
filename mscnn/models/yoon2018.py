"""ARE, TRE, MDRE and MDREA: recurrent encoders of audio, of text, and of both.

Yoon, Byun, Jung, "Multimodal Speech Emotion Recognition Using Audio and Text", SLT 2018, pp. 112-118, and the authors'
TensorFlow code (github.com/david-yoon/multimodal-speech-emotion), which is followed where the paper differs or does not
state a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, Probability, Size
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Limits, Sizes
from mscnn.models.layers import length_mask, load_weights
from mscnn.models.recurrent import GRU, last, luong

WEIGHT_RANGE = 0.25  # initial linear weights are uniform within ± this


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/yoon2018/mdre.yaml explains each."""

    audio: bool
    text: bool
    attention: bool
    prosody: bool
    hidden: Size
    dropout_audio: Probability
    dropout_text: Probability
    loss: Literal["sigmoid_bce", "softmax_ce"]
    max_frames: Length
    max_tokens: Length

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs that the network takes: those of its branches."""
        taken = {"audio": self.audio, "text": self.text, "extra.prosody": self.prosody}
        return tuple(name for name, branch in taken.items() if branch)

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if not (self.audio or self.text):
            raise UserError("audio and text are both false: there is no input to classify", code="option-conflict")
        if self.attention and not (self.audio and self.text):
            raise UserError(
                "attention is from audio to text: set audio=true and text=true, or attention=false",
                code="option-conflict",
            )
        if self.prosody and not self.audio:
            raise UserError("prosody needs the audio branch: set audio=true, or prosody=false", code="option-conflict")


class ScalarBiasLinear(nn.Module):
    """Linear layer whose outputs share one bias, as the authors' code has it."""

    def __init__(self, dim: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, dim).uniform_(-WEIGHT_RANGE, WEIGHT_RANGE))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight) + self.bias


class Yoon2018(Classifier[Options]):
    """The four systems: ARE takes audio, TRE text, MDRE both, MDREA both with ``attention``."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        if options.prosody and "prosody" not in sizes.extra:
            raise UserError("the extra input prosody is missing; add it, or set prosody=false", code="input-missing")
        hidden = options.hidden
        if options.audio:
            self.audio_gru = GRU(sizes.audio, hidden)
        if options.text:
            self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding, padding_idx=0)
            self.text_gru = GRU(sizes.embedding, hidden)
        audio_size = (hidden if options.audio else 0) + (sizes.extra["prosody"] if options.prosody else 0)
        if options.attention:
            self.query = ScalarBiasLinear(audio_size, hidden)
            fused = 2 * hidden
        elif options.audio and options.text:
            self.audio_half = ScalarBiasLinear(audio_size, audio_size // 2)  # 235 to 117
            self.text_half = ScalarBiasLinear(hidden, hidden // 2)
            fused = audio_size // 2 + hidden // 2
        else:
            fused = hidden if options.text else audio_size
        self.output = ScalarBiasLinear(fused, sizes.classes)

    @classmethod
    def limits(cls, options: Options) -> Limits:
        """``max_frames`` and ``max_tokens``."""
        return Limits(options.max_frames, options.max_tokens)

    def forward(self, inputs: Inputs) -> Tensor:
        """Scores (B, classes); the predicted class has the highest."""
        return self.output(self.fuse(inputs))

    def fuse(self, inputs: Inputs) -> Tensor:
        """Input of the classifier, (B, F)."""
        options = self.options
        if not options.text:
            return self.encode_audio(inputs)
        states, mask, text = self.encode_text(inputs)
        if not options.audio:
            return text
        audio = self.encode_audio(inputs)
        if not options.attention:
            return torch.cat([self.audio_half(audio), self.text_half(text)], dim=1)
        query = self.query(audio)
        return torch.cat([luong(query, states, mask)[0], query], dim=1)

    def criterion(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Sigmoid cross entropy, averaged over classes as in the code, or softmax cross entropy as in the paper."""
        if self.options.loss == "softmax_ce":
            return super().criterion(scores, labels)
        weights = self.weights(scores)
        share = None if weights is None else (weights[labels] / weights[labels].mean())[:, None]
        return F.binary_cross_entropy_with_logits(scores, F.one_hot(labels, scores.shape[1]).to(scores), share)

    def encode_audio(self, inputs: Inputs) -> Tensor:
        """Final state of the audio encoder, and prosody: (B, H + P)."""
        options = self.options
        frames = inputs.audio[:, :, : options.max_frames].transpose(1, 2)
        _, state = self._encode(self.audio_gru, frames, inputs.audio_len, options.dropout_audio)
        return torch.cat([state, inputs.extra["prosody"][:, :, 0]], dim=1) if options.prosody else state

    def encode_text(self, inputs: Inputs) -> tuple[Tensor, Tensor, Tensor]:
        """States at every token (B, L, H), their mask (B, L), and the final state (B, H)."""
        embedded = self.embedding(inputs.tokens[:, : self.options.max_tokens])
        states, final = self._encode(self.text_gru, embedded, inputs.token_len, self.options.dropout_text)
        return states, length_mask(inputs.token_len, embedded.shape[1]), final

    def _encode(self, gru: GRU, x: Tensor, lengths: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
        """States and final state; dropout on inputs and states, not on the final one (TensorFlow's DropoutWrapper)."""
        lengths = lengths.clamp(max=x.shape[1])
        states = gru(F.dropout(x, dropout, self.training), lengths)
        return F.dropout(states, dropout, self.training), last(states, lengths)

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of the authors' graph, by the names of its variables (see OFFICIAL).

        Raises:
            UserError: a variable is missing, or of another shape.
        """
        branch = {(True, False): "audio", (False, True): "text"}.get((self.options.audio, self.options.text), "multi")
        names = {**OFFICIAL, **_linear("output", f"{branch}_output_layer")}
        missing = [names[ours] for ours in self.state_dict() if names[ours] not in weights]
        if missing:
            raise UserError(f"official weights: no variable {', '.join(missing)}", code="official-weights")
        state = {ours: torch.as_tensor(weights[names[ours]]) for ours in self.state_dict()}
        state = {k: w.T if w.dim() == 2 and k != "embedding.weight" else w for k, w in state.items()}
        load_weights(self, state, {theirs: ours for ours, theirs in names.items()})


def _cell(ours: str, theirs: str) -> dict[str, str]:
    """Names of a GRU's weights: ours -> theirs."""
    return {
        f"{ours}.{part}_{weight}": f"{theirs}/rnn/multi_rnn_cell/cell_0/gru_cell/{their_part}/{kind}"
        for part, their_part in (("gate", "gates"), ("candidate", "candidate"))
        for weight, kind in (("weight", "kernel"), ("bias", "bias"))
    }


def _linear(ours: str, theirs: str) -> dict[str, str]:
    """Names of a linear layer's weights: ours -> theirs."""
    return {f"{ours}.weight": f"{theirs}/similarity_matrix", f"{ours}.bias": f"{theirs}/output_bias"}


# Our names -> those of the authors' TensorFlow variables, whose matrices are the transposes of ours. The classifier's
# name depends on the system: audio_output_layer, text_output_layer or multi_output_layer.
OFFICIAL = {
    **_cell("audio_gru", "audio_GRU"),
    **_cell("text_gru", "text_GRU"),
    "embedding.weight": "embed_layer/embed_matrix",
    **_linear("audio_half", "audio_output_layer"),
    **_linear("text_half", "text_output_layer"),
    "query.weight": "attn_projection_helper",
    "query.bias": "attn_bias",
}


Model = Yoon2018
