"""The pipeline at sizes that nobody measures, by laws that are checked where they can be."""
