"""Frames, disk, memory and time for a collection of a given size."""
