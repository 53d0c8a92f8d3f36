"""The laboratory pages."""
