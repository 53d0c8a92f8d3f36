"""Threshold."""
