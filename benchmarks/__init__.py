"""Measurements of speed and quality; not needed to run the product."""
