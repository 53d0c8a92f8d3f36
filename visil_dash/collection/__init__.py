"""All pairs of a library: pair table, groups, map, review queue."""
