"""Frames that bring unrelated candidates."""
