"""Acoustic features: extractors, and archives with the options that produced them."""
