"""Corpora that espeak-ng speaks, for demonstrations and tests."""
