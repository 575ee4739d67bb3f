"""Waveform -> features: audio input, kinds of features, archives beside the options that made them."""
