"""Retrieval measured on a library, with a manifest that reproduces it."""
