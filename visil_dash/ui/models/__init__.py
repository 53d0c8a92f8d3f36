"""Elements of the Models page."""
