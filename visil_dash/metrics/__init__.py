"""Retrieval metrics and operating points."""
