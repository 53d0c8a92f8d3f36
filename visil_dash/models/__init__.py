"""Backbones, region pooling, whitening, attention, comparator and the files that hold them."""
