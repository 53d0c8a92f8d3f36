"""The command line, `python -m visil_dash`."""
