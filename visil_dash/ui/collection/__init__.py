"""Elements of the Collection page and its review queue."""
