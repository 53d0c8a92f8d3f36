"""Elements of the Models page, and the answers of two models."""
