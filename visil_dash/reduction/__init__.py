"""Shorter frame vectors: PCA, random projection, quantisation."""
