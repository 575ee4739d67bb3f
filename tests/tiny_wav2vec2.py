"""A wav2vec 2.0 in little: the published one's front-end and masking, 16 values wide, two layers, random weights.

usage: python3 tests/tiny_wav2vec2.py FOLDER
"""

import sys


def write(folder) -> None:
    """Write config.json and model.safetensors, the same every time."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Wav2Vec2Model(config).save_pretrained(folder)


if __name__ == "__main__":
    write(sys.argv[1])
