"""Figures as pure functions of records."""
