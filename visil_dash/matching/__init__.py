"""One pair of videos: similarity, alignment, re-ranking, confidence, the verdict."""
