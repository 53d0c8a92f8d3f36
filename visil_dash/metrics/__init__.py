"""Retrieval metrics, operating points, bootstrap intervals."""
