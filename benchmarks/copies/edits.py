"""All edits of the benchmark by kind: functions of (source, hosts, strength, generator).

Every kind has three strengths, 0 mild, 1 medium, 2 hard, and returns an Edited: the frames to
encode and the true mapping of time to the source.
"""

from benchmarks.copies.edited import Edit, Edited, Shot
from benchmarks.copies.picture_edits import PICTURE_EDITS
from benchmarks.copies.time_edits import HIDING_EDITS, TIME_EDITS

__all__ = ["HOSTS_NEEDED", "KINDS", "STRENGTHS", "Edit", "Edited", "Shot"]

STRENGTHS = ("mild", "medium", "hard")
KINDS: dict[str, Edit] = {**PICTURE_EDITS, **TIME_EDITS, **HIDING_EDITS}
# How many videos of other footage each kind hides the source in, by strength.
HOSTS_NEEDED: dict[str, tuple[int, int, int]] = {
    "excerpt": (1, 2, 2),
    "picture_in_picture": (1, 1, 1),
    "collage": (1, 3, 4),
}
