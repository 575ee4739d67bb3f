"""X-vectors (speaker embeddings) of Kaldi networks: extraction with and without Kaldi, training, verification."""
