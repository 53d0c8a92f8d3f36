"""Elements of the Case page."""
