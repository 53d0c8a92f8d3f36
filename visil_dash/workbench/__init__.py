"""The use cases that pages and commands call."""
