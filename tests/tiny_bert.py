"""A BERT in little: 12 values wide, three layers, random weights, a WordPiece vocabulary of a few words.

usage: python3 tests/tiny_bert.py FOLDER
"""

import json
import sys
from pathlib import Path

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oh", "no", "not", "now", "what", "a", "day", "##s", "?", "!")


def write(folder, *, pooling: dict | None = None, normalised: bool = False) -> None:
    """Write configuration, weights and tokenizer, the same every time; with ``pooling`` as sentence-transformers do."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = Path(folder)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=12, num_hidden_layers=3, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=16,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
        for weight in model.parameters():  # as far apart as those of a trained network
            torch.nn.init.normal_(weight, std=0.4)
        model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)
    if pooling is not None:
        kinds = {"Transformer": "", "Pooling": "1_Pooling", **({"Normalize": "2_Normalize"} if normalised else {})}
        modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for kind, path in kinds.items()]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir(exist_ok=True)
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


if __name__ == "__main__":
    write(sys.argv[1])
