"""What train and test of a protocol share, and what baselines score by it; :func:`mscnn.audit` is its function."""
