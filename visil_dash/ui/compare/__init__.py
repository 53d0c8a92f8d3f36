"""Elements of the Compare page, with the two synchronised players."""
