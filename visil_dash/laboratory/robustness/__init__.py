"""Score and rank of a clip under edits of increasing strength."""
