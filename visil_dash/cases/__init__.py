"""Case files: matches with their evidence in one file, to be checked against the videos later."""
