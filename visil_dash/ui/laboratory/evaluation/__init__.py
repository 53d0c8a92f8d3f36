"""Elements of the Evaluate page."""
