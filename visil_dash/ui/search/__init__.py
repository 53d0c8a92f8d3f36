"""Elements of the Search page."""
