"""All edits by kind: functions of (source, hosts, strength, generator).

The benchmark's strengths are 0 mild, 1 medium and 2 hard; an edit returns an Edited: the frames to
encode and the true mapping of time to the source. `edited_at` counts strength from 0 to 1.
"""

from collections.abc import Sequence

import numpy as np

from visil_dash.edits.clip import Clip
from visil_dash.edits.edited import Edit, Edited, all_shots
from visil_dash.edits.picture_edits import PICTURE_EDITS
from visil_dash.edits.repost_edits import REPOST_EDITS
from visil_dash.edits.time_edits import HIDING_EDITS, TIME_EDITS

STRENGTHS = ("mild", "medium", "hard")
KINDS: dict[str, Edit] = {**PICTURE_EDITS, **TIME_EDITS, **HIDING_EDITS, **REPOST_EDITS}
# How many videos of other footage each kind hides the source in, by strength.
HOSTS_NEEDED: dict[str, tuple[int, int, int]] = {
    "excerpt": (1, 2, 2),
    "picture_in_picture": (1, 1, 1),
    "collage": (1, 3, 4),
    "moving_inset": (1, 1, 1),
}
# Kinds with nothing between their three strengths: a number of pieces, a tone, a grid.
STEPPED = frozenset({"grey", "flip", "mixed", "reorder", "reverse", "collage", "quarter_turn"})


def strengths_of(kind: str, count: int) -> tuple[float, ...]:
    """Strengths 0..1 worth trying: 0 and `count` further ones, or the three of a stepped kind."""
    if kind in STEPPED:
        return (0.0, 1 / 3, 2 / 3, 1.0)
    return tuple(i / count for i in range(count + 1))


def hosts_for(kind: str, strength: float) -> int:
    """Clips of other footage that the kind wants at a strength 0..1."""
    step = min(2, max(0, round(3 * strength) - 1))
    return HOSTS_NEEDED.get(kind, (0, 0, 0))[step] if strength else 0


def edited_at(
    kind: str, clip: Clip, hosts: Sequence[Clip], *, strength: float, seed: int = 0
) -> Edited:
    """The clip edited with a strength of 0..1: 1/3, 2/3 and 1 are mild, medium and hard.

    0 leaves the pictures unchanged; the copy is only re-encoded. The choices that an edit leaves to
    chance (sides, corners, signs) are those of `seed`, the same at every strength.

    Raises KeyError for an unknown kind; ValueError for a strength out of range, one between the
    steps of a stepped kind, or too few hosts.
    """
    edit = KINDS[kind]
    if not 0 <= strength <= 1:
        raise ValueError(f"strength: expected 0..1, got {strength}")
    if strength == 0:
        return Edited(clip, (), all_shots(clip), lambda picture, _k: picture, note="re-encoded")
    step = 3 * strength - 1
    if kind in STEPPED:
        if abs(step - round(step)) > 1e-6:
            raise ValueError(f"{kind}: has the strengths 1/3, 2/3 and 1 only, got {strength}")
        step = round(step)
    needed = hosts_for(kind, strength)
    if len(hosts) < needed:
        raise ValueError(f"{kind}: expected {needed} hosts, got {len(hosts)}")
    return edit(clip, hosts[:needed], step, np.random.default_rng(seed))
