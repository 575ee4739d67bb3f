"""Baselines without a network: majority class, TF-IDF of text, audio statistics, and nearest training text."""
