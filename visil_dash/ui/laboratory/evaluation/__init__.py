"""Elements of the Evaluate page: one or two settings, or two models."""
