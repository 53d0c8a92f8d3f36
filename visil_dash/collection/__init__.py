"""Every video against every other: the pair table, groups, the map, what to review."""
