"""Synthetic corpora, spoken by espeak-ng, for demonstrations and tests."""
