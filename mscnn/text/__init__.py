"""Words -> tokens -> embeddings."""
