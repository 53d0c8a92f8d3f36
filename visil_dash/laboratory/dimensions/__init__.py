"""How far frame vectors can be reduced, and which neighbours the index misses."""
