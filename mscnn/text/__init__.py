"""Words -> tokens -> embeddings."""

TOKENS = ("word", "sentencepiece")  # units of text
