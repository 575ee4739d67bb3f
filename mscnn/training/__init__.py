"""Training: splits of a fold, the training loop, the interface of systems, and experiments."""
