"""The use cases that the pages and the command line call."""
