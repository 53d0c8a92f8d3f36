"""Dimension reduction of frame vectors: PCA, projections, quantisation."""
