"""Extraction and large comparisons beside this process: on processes of this machine, or on Ray."""
