"""One pair: similarity, alignment, re-ranking, confidence and the verdict."""
