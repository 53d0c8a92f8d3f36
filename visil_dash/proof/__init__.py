"""Proof of a match on the pixels: registration, motion and detail of two videos.

Region vectors at one frame a second show that two videos look alike, not that they are the same
recording. Here the pictures of both are laid onto each other, and what changes from frame to frame
is correlated at every time offset: footage of one recording moves alike at one offset, another take
of the same scene does not.
"""
