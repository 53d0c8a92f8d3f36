"""Edited copies of a clip, in graded strengths and with exact ground truth."""
