"""Collection and Review."""
