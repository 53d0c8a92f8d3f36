"""Frames that make unrelated videos candidates."""
