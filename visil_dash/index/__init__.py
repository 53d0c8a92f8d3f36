"""Frame indexes, exact, HNSW and Milvus, behind one protocol, stored as immutable generations."""
