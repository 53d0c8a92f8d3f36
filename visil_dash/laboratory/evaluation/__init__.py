"""Retrieval quality on a labelled library, with a manifest to reproduce it."""
