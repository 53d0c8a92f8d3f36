"""How two videos are laid onto each other, in the picture and in time: transforms and offsets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.proof.decision import STILL_SECONDS
from visil_dash.proof.footage import RATE, Footage
from visil_dash.proof.grid import Grid, common_grid, drawn
from visil_dash.proof.motion import MotionSearch, Shift, Track
from visil_dash.proof.registration import Laid, agreed, laid_whole, register
from visil_dash.proof.sides import Examined, aligned_time, paired_times, spans_to_read, window
from visil_dash.records import Segment

_MARGIN = 1.5  # seconds read beyond a segment, which is exact to about one
_CELLS = 1500  # of the grid on which offsets are sought
_PAIRS = 3  # moments of a segment at which pictures are registered
_LOOKED_AT = 2, 16  # moments of query and reference that are registered, each with each
_STEPS_NEAR = (-0.9, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.9)  # seconds
CLEAR_INLIERS = 60  # so many are no accident: the mirror image and the whole need no try
_WIDE_SECONDS = (12.0, 60.0)  # of query and reference, where any offset is possible
_NEAR_SPEEDS = (0.95, 1.0, 1.05)  # relative to that of the segment
# A run of motion at 7 % off the true speed still agrees for seconds; finer steps follow.
SLOWER = (0.25, 0.33, 0.5, 0.57, 0.66, 0.75, 0.8, 0.87, 0.93)
FASTER = (1.07, 1.15, 1.25, 1.34, 1.5, 1.75, 2.0, 3.0, 4.0)
_LEAST_SPEED, _MOST_SPEED = 0.2, 5.0
# A shift this good needs no search further away.
_CONVINCING_MOTION, _CONVINCING_SECONDS = 0.5, 1.0
_DISTINCT = 0.6  # share of its correlation that another offset may reach
_CONVINCING_SHARE = 0.5  # of the segment's moving part


@dataclass(frozen=True)
class Placement:
    """One transform, the grid that it gives, and the best offset on it (None: nothing agrees).

    `first`, `last`: ticks of the first and last row of the query's and of the reference's track.
    """

    laid: Laid
    grid: Grid
    search: MotionSearch
    shift: Shift | None
    first: tuple[int, int]
    last: tuple[int, int]

    @property
    def value(self) -> float:
        return 0.0 if self.shift is None else self.shift.value

    @property
    def at(self) -> Shift:
        """The best offset. Raises ValueError where there is none."""
        if self.shift is None:
            raise ValueError("nothing moves alike under this transform")
        return self.shift

    def reference_row(self, row: float) -> float:
        """The reference's row, played forwards, at a row of the query."""
        place = self.at.offset + self.at.speed * row
        return self.last[1] - self.first[1] - place if self.at.reversed else place

    def times(self, row: float) -> tuple[float, float]:
        """Seconds of query and reference at a row of the query."""
        return (self.first[0] + row) / RATE, (self.first[1] + self.reference_row(row)) / RATE


def _track(footage: Footage, to_picture: np.ndarray, grid: Grid) -> Track:
    ticks = footage.ticks
    first = int(ticks[0])
    count = int(ticks[-1]) - first + 1
    pictures = np.zeros((count, grid.size[0] * grid.size[1]), np.float32)
    have = np.zeros(count, bool)
    pictures[ticks - first] = drawn(footage, ticks.tolist(), to_picture, grid).reshape(
        len(ticks), -1
    )
    have[ticks - first] = True
    return Track(pictures, have)


def lay_out(
    query: Examined,
    reference: Examined,
    laid: Laid,
    *,
    speeds: Iterable[float],
    backwards: Iterable[bool],
    cells: int = _CELLS,
) -> Placement | None:
    """The best offset under one transform; None where it leaves nothing in common."""
    mine, theirs = query.footage, reference.footage
    grid = common_grid(
        laid.transform, query_size=mine.size, reference_size=theirs.size, cells=cells
    )
    if grid is None:
        return None
    search = MotionSearch(_track(mine, grid.query, grid), _track(theirs, grid.reference, grid))
    return Placement(
        laid=laid,
        grid=grid,
        search=search,
        shift=search.best(speeds, backwards=backwards),
        first=(int(mine.ticks[0]), int(theirs.ticks[0])),
        last=(int(mine.ticks[-1]), int(theirs.ticks[-1])),
    )


def transforms(
    query: Examined, reference: Examined, times: Sequence[tuple[float, float]]
) -> list[Laid]:
    """Transforms that local features of these pairs of moments give, the likeliest first."""
    sizes = query.footage.size, reference.footage.size
    found: list[Laid] = []
    for mirrored in (False, True):
        laid = [
            register(query.features(a), reference.features(b, mirrored=mirrored)) for a, b in times
        ]
        found += agreed(
            [one for one in laid if one is not None],
            query_size=sizes[0],
            reference_size=sizes[1],
        )[:2]
        if found and found[0].inliers >= CLEAR_INLIERS:
            break
    found.sort(key=lambda one: -one.inliers)
    if not found or found[0].inliers < CLEAR_INLIERS:
        found += [laid_whole(*sizes), laid_whole(*sizes, mirrored=True)]
    return found


def near_speeds(speed: float) -> list[float]:
    """Speeds around that of a segment, and the normal one."""
    every = {1.0, *(speed * factor for factor in _NEAR_SPEEDS)}
    return sorted({round(one, 3) for one in every if _LEAST_SPEED <= one <= _MOST_SPEED})


def best_placements(
    query: Examined, reference: Examined, segments: Sequence[Segment]
) -> list[Placement]:
    """All transforms tried on what a pair's segments propose, the best offset first.

    The first segment is taken at its word; where motion does not agree there, every offset of a
    longer stretch is tried, at every speed and in both directions. Raises MediaRefused, Cancelled.
    """
    placements: list[Placement] = []
    for segment in segments[:1]:
        spans = spans_to_read(segment, margin=_MARGIN)
        query.read(spans[0])
        reference.read(spans[1])
        laid = transforms(query, reference, paired_times(segment, _PAIRS))
        placements = _all_placed(
            query, reference, laid, speeds=near_speeds(segment.speed), backwards=[segment.reversed]
        )
    if placements and (_convincing(placements[0], segments[0]) or _stands_still(placements)):
        return placements
    return _wide(query, reference, segments, [placement.laid for placement in placements])


def _all_placed(
    query: Examined,
    reference: Examined,
    laid: Iterable[Laid],
    *,
    speeds: Iterable[float],
    backwards: Iterable[bool],
) -> list[Placement]:
    every = [lay_out(query, reference, one, speeds=speeds, backwards=backwards) for one in laid]
    return sorted((one for one in every if one is not None), key=lambda placement: -placement.value)


def _stands_still(placements: Sequence[Placement]) -> bool:
    """Whether nothing moves in the query, under any transform: no offset can be distinguished."""
    return all(placement.search.moving()[0] < STILL_SECONDS for placement in placements)


def _convincing(placement: Placement, segment: Segment) -> bool:
    """Whether a placement leaves no doubt about the offset that a segment proposed."""
    shift = placement.shift
    if shift is None or shift.motion < _CONVINCING_MOTION or shift.value < _CONVINCING_SECONDS:
        return False
    if shift.other > _DISTINCT * shift.motion:
        return False
    length = min(segment.query_end - segment.query_start, placement.search.moving()[0])
    return (shift.end - shift.start) / RATE >= _CONVINCING_SHARE * length


def _wide(
    query: Examined, reference: Examined, segments: Sequence[Segment], laid: list[Laid]
) -> list[Placement]:
    best = segments[0]
    middle = (best.query_start + best.query_end) / 2
    query.read([window(middle, seconds=_WIDE_SECONDS[0], duration=query.video.duration)])
    long = reference.video.duration > _WIDE_SECONDS[1]
    around = [aligned_time(best, middle)] if long else [0.0]
    reference.read(
        [window(at, seconds=_WIDE_SECONDS[1], duration=reference.video.duration) for at in around]
    )
    # Pictures of the same moment agree in far more features than others: so where things move
    # fast, every moment around what the segment proposes is tried, and then all of them.
    mine = _spread(query.footage, around=middle, most=_LOOKED_AT[0])
    theirs = _spread(reference.footage, around=None, most=_LOOKED_AT[1])
    near = [(a, aligned_time(best, a) + step) for a in mine for step in _STEPS_NEAR]
    laid = laid + transforms(query, reference, [*near, *((a, b) for a in mine for b in theirs)])
    distinct = _distinct(laid, reference.footage.size)
    speeds = sorted({*near_speeds(best.speed), *SLOWER, *FASTER})
    return _all_placed(query, reference, distinct, speeds=speeds, backwards=(False, True))


def _spread(footage: Footage, *, around: float | None, most: int) -> list[float]:
    """Moments evenly spread over what was read, within _WIDE_SECONDS of the query around one."""
    ticks = footage.ticks
    if around is not None:
        ticks = ticks[np.abs(ticks / RATE - around) <= _WIDE_SECONDS[0] / 2]
    places = np.linspace(0, len(ticks) - 1, min(most, len(ticks)) + 2)[1:-1].round()
    return [float(ticks[int(place)]) / RATE for place in places]


def _distinct(laid: Sequence[Laid], size: tuple[int, int]) -> list[Laid]:
    """At most four transforms, none like an earlier one."""
    kept: list[Laid] = []
    for one in sorted(laid, key=lambda candidate: -candidate.inliers):
        if len(kept) < 4 and not any(
            np.allclose(one.transform, other.transform, rtol=0.05, atol=5) for other in kept
        ):
            kept.append(one)
    return kept
