"""Experiments on a library."""
