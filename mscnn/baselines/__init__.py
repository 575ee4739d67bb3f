"""Baselines without a network: majority class, text, audio, and the nearest text of the training part."""
