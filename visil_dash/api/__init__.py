"""The HTTP interface: the command line's questions and answers for other programs."""
