"""Speech encoders in little, two layers each, with random weights: one of every architecture, and an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONVOLUTIONS = {"conv_dim": (8,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
LAYERS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
ARCHITECTURES = ("wav2vec2", "wav2vec2_stable", "hubert", "wavlm", "data2vec", "w2vbert", "whisper")


def write(architecture: str, folder: Path) -> Any:
    """Write weights, config.json and preprocessor_config.json, the same every time; returns the network."""
    import torch
    import transformers as t

    t.utils.logging.disable_progress_bar()
    wave = {**LAYERS, **CONVOLUTIONS}
    layer_norm = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
    whisper = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}
    decoder = {"decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 16, "vocab_size": 20}
    tokens = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 1)
    bert = {**LAYERS, "num_attention_heads": 4, "feature_projection_input_dim": 160, "conv_depthwise_kernel_size": 5}
    config, kind = {
        "wav2vec2": (t.Wav2Vec2Config(**wave), t.Wav2Vec2Model),  # group norm, as the base model
        "wav2vec2_stable": (t.Wav2Vec2Config(**wave, **layer_norm), t.Wav2Vec2Model),  # as the large one
        "hubert": (t.HubertConfig(**wave, **layer_norm), t.HubertModel),
        "wavlm": (t.WavLMConfig(**wave, **layer_norm), t.WavLMModel),
        "data2vec": (t.Data2VecAudioConfig(**{**wave, "num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 3}),
                     t.Data2VecAudioModel),
        "w2vbert": (t.Wav2Vec2BertConfig(**bert), t.Wav2Vec2BertModel),
        "whisper": (t.WhisperConfig(**whisper, **decoder, **tokens), t.WhisperForConditionalGeneration),
    }[architecture]  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(config).eval()
    model.save_pretrained(folder)
    masked = architecture != "wav2vec2"
    if architecture == "w2vbert":
        t.SeamlessM4TFeatureExtractor().save_pretrained(folder)
    elif architecture != "whisper":
        t.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=masked).save_pretrained(folder)
    return model


def write_onnx(path: Path) -> None:
    """Write what FunASR exports of emotion2vec, in little: ``input`` (B, n) -> ``output`` (B, T, 8), 50 Hz."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    weight = np.random.default_rng(0).normal(size=(8, 1, 400)).astype(np.float32)
    nodes = [
        helper.make_node("Unsqueeze", ["input", "axis"], ["channel"]),
        helper.make_node("Conv", ["channel", "weight"], ["frames"], strides=[320]),
        helper.make_node("Transpose", ["frames"], ["output"], perm=[0, 2, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch_size", "sequence_length"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch_size", "frames", 8])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(np.array([1]), "axis")],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
