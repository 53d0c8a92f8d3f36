"""Frame indexes: exact and HNSW behind one protocol, immutable generations, the frame space."""
