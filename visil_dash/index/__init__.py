"""Frame indexes, exact and HNSW, behind one protocol, stored as immutable generations."""
