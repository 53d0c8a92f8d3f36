"""Candidate generation: library frames near a query's, mapped to videos; their distances."""
