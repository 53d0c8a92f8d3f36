"""Elements of the laboratory's pages."""
