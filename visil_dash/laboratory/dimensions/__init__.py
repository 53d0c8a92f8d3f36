"""How far frame vectors can be reduced, and what the index misses."""
