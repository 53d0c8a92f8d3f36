"""Backbones, region pooling, whitening, attention, the comparator, their weight files."""
