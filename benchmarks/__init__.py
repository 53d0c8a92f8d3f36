"""Measurements of the product; none of this is needed to run it."""
