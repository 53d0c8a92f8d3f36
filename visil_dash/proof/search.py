"""How two videos are laid onto each other, in the picture and in time: transforms and offsets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.proof.decision import STILL_SECONDS
from visil_dash.proof.footage import RATE, Footage
from visil_dash.proof.grid import Grid, common_grid, drawn
from visil_dash.proof.motion import MotionSearch, Shift, Track
from visil_dash.proof.registration import Laid, agreed, laid_whole, register
from visil_dash.proof.sides import Examined, paired_times, spans_to_read, window
from visil_dash.records import Array, Segment

_MARGIN = 1.5  # seconds read beyond a segment, which is exact to about one
_CELLS = 1500  # of the grid on which offsets are sought
_CLOSE_CELLS = 40_000  # where things of a few pixels move, as players seen from far above
_CLOSE_VALUES = 8_000_000  # cells × pictures, at most: a minute of pictures would take half a GiB
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
    `cells`: how many the grid was to have.
    """

    laid: Laid
    grid: Grid
    search: MotionSearch
    shift: Shift | None
    first: tuple[int, int]
    last: tuple[int, int]
    cells: int

    @property
    def value(self) -> float:
        return 0.0 if self.shift is None else self.shift.value

    @property
    def at(self) -> Shift:
        """The best offset. Raises ValueError where there is none."""
        if self.shift is None:
            raise ValueError("nothing moves alike under this transform")
        return self.shift

    def times(self, row: float, *, offset: float | None = None) -> tuple[float, float]:
        """Seconds of query and reference at a row of the query; `offset` None: the best one."""
        place = (self.at.offset if offset is None else offset) + self.at.speed * row
        forwards = self.last[1] - place if self.at.reversed else self.first[1] + place
        return (self.first[0] + row) / RATE, forwards / RATE


def _track(footage: Footage, to_picture: Array, grid: Grid) -> Track:
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
        cells=cells,
    )


def seen_closely(
    query: Examined, reference: Examined, placement: Placement, segment: Segment
) -> Placement | None:
    """The best offset near the speed of a segment on a grid so fine that small things that move
    are not averaged away; None where the pictures do not lie on each other well enough for that."""
    if placement.laid.inliers < CLEAR_INLIERS:
        return None
    longest = max(len(query.footage.ticks), len(reference.footage.ticks))
    return lay_out(
        query,
        reference,
        placement.laid,
        speeds=_near_speeds(segment.speed),
        backwards={False, segment.reversed},
        cells=min(_CLOSE_CELLS, _CLOSE_VALUES // longest),
    )


def registered_at(
    query: Examined,
    reference: Examined,
    times: Sequence[tuple[float, float]],
    *,
    mirrored: bool,
) -> list[Laid]:
    """The transforms that pictures of these pairs of moments agree on, best supported first."""
    laid = [register(query.features(a), reference.features(b, mirrored=mirrored)) for a, b in times]
    return agreed(
        [one for one in laid if one is not None],
        query_size=query.footage.size,
        reference_size=reference.footage.size,
    )


def _transforms(
    query: Examined, reference: Examined, times: Sequence[tuple[float, float]]
) -> list[Laid]:
    """Transforms that local features of these pairs of moments give, the likeliest first."""
    sizes = query.footage.size, reference.footage.size
    found: list[Laid] = []
    for mirrored in (False, True):
        found += registered_at(query, reference, times, mirrored=mirrored)[:2]
        if found and found[0].inliers >= CLEAR_INLIERS:
            break
    found.sort(key=lambda one: -one.inliers)
    if not found or found[0].inliers < CLEAR_INLIERS:
        found += [laid_whole(*sizes), laid_whole(*sizes, mirrored=True)]
    return found


def _near_speeds(speed: float) -> list[float]:
    """Speeds around that of a segment, and the normal one."""
    every = {1.0, *(speed * factor for factor in _NEAR_SPEEDS)}
    return sorted({round(one, 3) for one in every if _LEAST_SPEED <= one <= _MOST_SPEED})


def best_placements(query: Examined, reference: Examined, segment: Segment) -> list[Placement]:
    """All transforms tried on what a pair's likeliest segment proposes, the best offset first.

    The segment is taken at its word; where motion does not agree there, every offset of a
    longer stretch is tried, at every speed and in both directions. Raises MediaRefused, Cancelled.
    """
    spans = spans_to_read(segment, margin=_MARGIN)
    query.read(spans[0])
    reference.read(spans[1])
    laid = _transforms(query, reference, paired_times(segment, _PAIRS))
    placements = _all_placed(
        query,
        reference,
        laid,
        speeds=_near_speeds(segment.speed),
        backwards=[segment.reversed],
        enough=lambda placement: _convincing(placement, segment),
    )
    if placements and (_convincing(placements[0], segment) or _stands_still(placements)):
        return placements
    return _wide(query, reference, segment, [placement.laid for placement in placements])


def _all_placed(
    query: Examined,
    reference: Examined,
    laid: Iterable[Laid],
    *,
    speeds: Sequence[float],
    backwards: Sequence[bool],
    enough: Callable[[Placement], bool] = lambda placement: False,
) -> list[Placement]:
    """Placements under all transforms, the best first; the first that `enough` takes ends it."""
    placements: list[Placement] = []
    for one in laid:
        placement = lay_out(query, reference, one, speeds=speeds, backwards=backwards)
        if placement is not None:
            placements.append(placement)
            if enough(placement):
                break
    return sorted(placements, key=lambda placement: -placement.value)


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
    query: Examined, reference: Examined, segment: Segment, laid: list[Laid]
) -> list[Placement]:
    middle = (segment.query_start + segment.query_end) / 2
    query.read([window(middle, seconds=_WIDE_SECONDS[0], duration=query.video.duration)])
    counterpart = segment.reference_at(middle)
    reference.read(
        [window(counterpart, seconds=_WIDE_SECONDS[1], duration=reference.video.duration)]
    )
    # Pictures of the same moment agree in far more features than others: so where things move
    # fast, every moment around what the segment proposes is tried, and then all of them.
    ticks = query.footage.ticks
    near_middle = np.abs(ticks / RATE - middle) <= _WIDE_SECONDS[0] / 2
    mine = _spread(ticks[near_middle], _LOOKED_AT[0])
    theirs = _spread(reference.footage.ticks, _LOOKED_AT[1])
    near = [(a, segment.reference_at(a) + step) for a in mine for step in _STEPS_NEAR]
    laid = laid + _transforms(query, reference, [*near, *((a, b) for a in mine for b in theirs)])
    speeds = sorted({*_near_speeds(segment.speed), *SLOWER, *FASTER})
    return _all_placed(query, reference, _distinct(laid), speeds=speeds, backwards=(False, True))


def _spread(ticks: Array, most: int) -> list[float]:
    """At most so many moments, seconds, evenly spread over these ticks."""
    places = np.linspace(0, len(ticks) - 1, min(most, len(ticks)) + 2)[1:-1].round()
    return [float(ticks[int(place)]) / RATE for place in places]


def _distinct(laid: Sequence[Laid]) -> list[Laid]:
    """At most four transforms, none like an earlier one."""
    kept: list[Laid] = []
    for one in sorted(laid, key=lambda candidate: -candidate.inliers):
        if len(kept) < 4 and not any(
            np.allclose(one.transform, other.transform, rtol=0.05, atol=5) for other in kept
        ):
            kept.append(one)
    return kept
