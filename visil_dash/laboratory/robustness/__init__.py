"""Score, rank and proof of a clip under edits of increasing strength."""
