"""The commands of `python -m visil_dash`."""
