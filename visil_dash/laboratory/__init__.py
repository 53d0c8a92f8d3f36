"""Experiments over a library: dimensions, evaluation, robustness, hubs, scale, walkthrough."""
