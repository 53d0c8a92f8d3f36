"""Edited copies of a clip, of graded strength and with exact truth about what they show when."""
