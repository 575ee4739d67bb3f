"""Learning alignment: attention aligns speech with every word, a recurrent layer encodes both, word by word.

Xu, Zhang, Han, Wang, Peng, Li, "Learning Alignment for Multimodal Emotion Recognition from Speech", Interspeech 2019,
pp. 3569-3573. The code that the authors published later (github.com/didi/delta, AlignClassModel) has the same structure
but other components: xu2019_paper is the paper's, xu2019_delta the code's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mscnn.config.schema import Length, Probability, Size, SizeOr0
from mscnn.errors import UserError
from mscnn.models.base import Classifier
from mscnn.models.inputs import Inputs, Limits, Sizes
from mscnn.models.layers import length_mask, load_weights, masked_max, masked_softmax
from mscnn.models.recurrent import LSTM, Bidirectional, HanAttention, KerasGRU, keras_gru

CELLS = {"lstm": LSTM, "keras_gru": KerasGRU}


@dataclass(frozen=True)
class Options:
    """Options of the family; conf/models/xu2019/xu2019_paper.yaml explains each."""

    dense: SizeOr0
    cell: Literal["lstm", "keras_gru"]
    hidden: Size
    heads: SizeOr0
    pool: Literal["max", "han"]
    dropout: Probability
    max_frames: Length
    max_tokens: Length
    legacy_no_mask: bool

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs that the network takes: both, always."""
        return "audio", "text"

    def __post_init__(self) -> None:
        """Raise UserError for contradictory options."""
        if self.heads and 2 * self.hidden % self.heads:
            raise UserError(f"heads {self.heads}: must divide {2 * self.hidden}, 2 · hidden", code="option-conflict")


class AdditiveAlignment(nn.Module):
    """Alignment of the paper: e_ji = tanh(u . s_i + v . h_j + b), a_ji = softmax_i(e_ji), sum_i a_ji s_i."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.speech = nn.Linear(dim, 1, bias=False)
        self.word = nn.Linear(dim, 1)

    def forward(self, words: Tensor, speech: Tensor, mask: Tensor) -> Tensor:
        """words (B, L, C), speech (B, T, C), mask (B, T) -> the speech of each word, (B, L, C)."""
        return self.weights(words, speech, mask) @ speech

    def weights(self, words: Tensor, speech: Tensor, mask: Tensor) -> Tensor:
        """Weight of each frame for each word: (B, L, T); each row sums to 1."""
        return masked_softmax((self.word(words) + self.speech(speech).transpose(1, 2)).tanh(), mask)


class MultiHeadAlignment(nn.MultiheadAttention):
    """Alignment of DELTA: scaled dot-product attention of several heads; words are queries, speech keys and values."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads, batch_first=True)

    def forward(  # type: ignore[override]  # its weights keep their names
        self, words: Tensor, speech: Tensor, mask: Tensor
    ) -> Tensor:
        """As :class:`AdditiveAlignment`."""
        return super().forward(words, speech, speech, key_padding_mask=~mask, need_weights=False)[0]


class Xu2019(Classifier[Options]):
    """Encoders of speech and words, alignment, a recurrent layer over [aligned speech, word], pooling."""

    def __init__(self, options: Options, sizes: Sizes) -> None:
        super().__init__(options, sizes)
        cell, hidden, dim = CELLS[options.cell], options.hidden, 2 * options.hidden
        self.dense = nn.Linear(sizes.audio, options.dense) if options.dense else None
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding, padding_idx=0)
        self.speech_rnn = Bidirectional(cell, options.dense or sizes.audio, hidden)
        self.text_rnn = Bidirectional(cell, sizes.embedding, hidden)
        self.align = MultiHeadAlignment(dim, options.heads) if options.heads else AdditiveAlignment(dim)
        self.joint_rnn = Bidirectional(cell, 2 * dim, hidden)
        self.han = HanAttention(dim) if options.pool == "han" else None
        self.output = nn.Linear(dim, sizes.classes)
        self.dropout = nn.Dropout(options.dropout)
        if options.cell == "keras_gru":
            self.apply(_glorot)

    @classmethod
    def limits(cls, options: Options) -> Limits:
        """``max_frames`` and ``max_tokens``."""
        return Limits(options.max_frames, options.max_tokens)

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (B, classes)."""
        options, dropout = self.options, self.dropout
        frames, frame_count = self._fit(inputs.audio, inputs.audio_len, options.max_frames)
        tokens, token_count = self._fit(inputs.tokens, inputs.token_len, options.max_tokens)
        frames = frames.transpose(1, 2)
        if self.dense:
            frames = dropout(self.dense(frames).relu())
        speech = dropout(self.speech_rnn(frames, frame_count))
        words = dropout(self.text_rnn(dropout(self.embedding(tokens)), token_count))
        aligned = self.align(words, speech, length_mask(frame_count, frames.shape[1]))
        joint = self.joint_rnn(torch.cat([dropout(aligned), words], dim=2), token_count)
        mask = length_mask(inputs.token_len, tokens.shape[1])
        # DELTA applies dropout twice here, within its pooling layer and after it
        pooled = dropout(self.han(joint, mask)) if self.han else masked_max(joint.transpose(1, 2), mask)
        return self.output(dropout(pooled))

    def _fit(self, x: Tensor, lengths: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Truncate time, the last axis, to ``size``; with ``legacy_no_mask`` also pad to it, and count the padding."""
        x, lengths = x[..., :size], lengths.clamp(max=size)
        if self.options.legacy_no_mask:
            x, lengths = F.pad(x, (0, size - x.shape[-1])), torch.full_like(lengths, size)
        return x, lengths

    def load_official(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of DELTA's AlignClassModel, by the paths in its checkpoint (see ``_from_delta``).

        Raises:
            UserError: a variable is missing, or of another shape.
        """
        try:
            ours = _from_delta({name: torch.as_tensor(value) for name, value in weights.items()})
        except KeyError as missing:
            raise UserError(
                f"official weights: no variable {missing}; xu2019_delta needs all of them", code="official-weights"
            ) from None
        load_weights(self, ours)


def _glorot(module: nn.Module) -> None:
    """Initialise as Keras: Glorot-uniform kernels, biases 0."""
    if isinstance(module, nn.MultiheadAttention):
        for kernel in module.in_proj_weight.data.chunk(3):
            nn.init.xavier_uniform_(kernel)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


# Our layers -> those of DELTA's model, by the attributes that name them in its checkpoints.
OFFICIAL_DENSE = {
    "dense": "speech_dense",
    "align.out_proj": "align_attn_layer/dense",
    "output": "final_dense",
}
OFFICIAL_BIGRU = {
    "speech_rnn": "speech_enc_layer/sen_encoder",
    "text_rnn": "text_enc_layer/sen_encoder",
    "joint_rnn": "align_enc_layer/sen_encoder/bi_rnn",
}


def _from_delta(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict of ``xu2019_delta`` from DELTA's variables, whose kernels are the transposes of our weights."""
    projections = [f"align_attn_layer/{name}" for name in ("wq", "wk", "wv")]
    state = {
        "embedding.weight": theirs["embed/embeddings"],
        "align.in_proj_weight": torch.cat([theirs[f"{layer}/kernel"].T for layer in projections]),
        "align.in_proj_bias": torch.cat([theirs[f"{layer}/bias"] for layer in projections]),
        "han.project.weight": theirs["align_enc_layer/sen_att/W"].T,
        "han.project.bias": theirs["align_enc_layer/sen_att/b"],
        "han.context": theirs["align_enc_layer/sen_att/attention_context_vector"],
    }
    for ours, layer in OFFICIAL_DENSE.items():
        state |= {f"{ours}.weight": theirs[f"{layer}/kernel"].T, f"{ours}.bias": theirs[f"{layer}/bias"]}
    for ours, layer in OFFICIAL_BIGRU.items():
        for side, direction in (("ahead", "forward_layer"), ("back", "backward_layer")):
            weights = (theirs[f"{layer}/{direction}/cell/{w}"] for w in ("kernel", "recurrent_kernel", "bias"))
            state |= {f"{ours}.{side}.{name}": weight for name, weight in keras_gru(*weights).items()}
    return state


Model = Xu2019
