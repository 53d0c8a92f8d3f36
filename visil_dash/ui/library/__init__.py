"""Elements of the Library page."""
