"""Compare: one pair."""
