"""Candidate generation: the library frames near a query's frames, and their videos."""
