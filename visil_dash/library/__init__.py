"""The data folder: media files, features, catalogue, writer lock, ingest jobs."""
