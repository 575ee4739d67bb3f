"""Pretrained encoders."""
