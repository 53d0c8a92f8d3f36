"""The data folder: media, feature blobs, the catalogue, the writer lock and the ingest jobs."""
