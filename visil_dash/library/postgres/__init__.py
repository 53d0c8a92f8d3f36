"""A library's catalogue in a schema of a PostgreSQL database, which several machines can reach."""
