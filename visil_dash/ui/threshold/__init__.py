"""Elements of the Threshold page."""
