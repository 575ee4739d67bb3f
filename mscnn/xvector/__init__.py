"""Speaker embeddings of Kaldi's x-vector networks: extraction with and without Kaldi, training, verification."""
