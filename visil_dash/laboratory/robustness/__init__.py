"""A clip under graded edits."""
