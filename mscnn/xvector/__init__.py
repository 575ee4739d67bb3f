"""X-vectors (speaker embeddings) of Kaldi networks: extraction with and without Kaldi, training, verification."""

BACKENDS = ("auto", "kaldi", "native")
UNVOICED = ("all-frames", "zero", "drop")  # treatments of utterances without a voiced frame
