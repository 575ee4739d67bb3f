"""Waveform -> features: kinds of features, and archives beside the options that made them."""
