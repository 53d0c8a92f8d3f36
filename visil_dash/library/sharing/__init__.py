"""Several processes on one library: the lock of its writer, and what others may do beside it."""
