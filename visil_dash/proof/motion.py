"""Motion: what changes from frame to frame, correlated between two videos at every time offset.

A *motion picture* is the difference of two pictures a short time apart. Footage of one recording
has the same motion pictures at one time offset; the same scene at another time has not. Both videos
are given on one grid (see `grid`), so that pixels correspond.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from visil_dash.proof.footage import RATE
from visil_dash.records import Array

LAGS = (2, 6)  # ticks between the pictures of a difference: quick and slow motion
_CLIP = 40.0  # grey levels; a cut or a flash is not more than this
_NOISE = 1.5  # grey levels, root mean square: a difference that compression alone makes
LEAST_AGREEMENT = 0.25  # of motion pictures, for a step to speak for an offset
_NEAR_TICKS = 6  # offsets this near to each other are one


@dataclass(frozen=True)
class Track:
    """Pictures on a grid `[N, P]` float32 at consecutive ticks; `have` bool `[N]`: rows of ticks
    without a picture are zero."""

    pictures: Array
    have: Array

    def __len__(self) -> int:
        return len(self.have)

    @property
    def backwards(self) -> "Track":
        """The same played backwards: row k is the former row N - 1 - k."""
        return Track(self.pictures[::-1], self.have[::-1])


@dataclass(frozen=True)
class Shift:
    """Where a reference agrees with a query in time.

    Row k of the query's track is row `offset` + `speed` · k of the reference's (played backwards
    when `reversed`). `start`, `end`: the query's rows that agree, end exclusive. `value`: how many
    seconds motion agrees there, weighed by how well: what one offset is preferred for. `motion`:
    mean agreement of motion there, -1..1; `other`: at the best other offset. `offsets`, `curve`:
    offsets in rows, and the agreement of the same rows there.
    """

    offset: float
    speed: float
    reversed: bool
    lag: int
    start: int
    end: int
    value: float
    motion: float
    other: float
    offsets: Array
    curve: Array


def _motion(track: Track, lag: int) -> tuple[Array, Array]:
    """Motion pictures `[N, P]` of unit length, and how clearly each shows motion, 0..1 `[N]`.

    Row k: from picture k to picture k + lag; 0 where one of them is missing.
    """
    out = np.zeros_like(track.pictures)
    if len(track) <= lag:
        return out, np.zeros(len(track), np.float32)
    both = track.have[:-lag] & track.have[lag:]
    change = np.clip(track.pictures[lag:] - track.pictures[:-lag], -_CLIP, _CLIP) * both[:, None]
    # The mean would see a change of brightness as motion of everything.
    change -= change.mean(1, keepdims=True)
    length = np.linalg.norm(change, axis=1)
    out[:-lag] = change / np.maximum(length, 1e-6)[:, None]
    energy = length**2 / max(1, change.shape[1])
    weight = np.zeros(len(track), np.float32)
    weight[:-lag] = energy / (energy + _NOISE**2)
    return out, weight


def _coherence(motion: Array, weight: Array) -> float:
    """Mean agreement of neighbouring motion pictures `[N, P]`, weighed; 0 where nothing moves."""
    both = np.sqrt(weight[:-1] * weight[1:])
    alike = np.einsum("np,np->n", motion[:-1], motion[1:])
    return float((both * alike).sum() / max(1e-6, float(both.sum())))


@dataclass(frozen=True)
class _Field:
    """Agreement of every motion picture of a query with every one of a reference `[Nq, Nr]`, and
    the weight of either."""

    agreement: Array
    query_weight: Array
    reference_weight: Array

    def along(self, offsets: Array, speed: float) -> tuple[Array, Array]:
        """Agreement and weight `[offsets, Nq]` along the paths of these offsets (rows)."""
        rows = np.arange(len(self.query_weight))
        columns = np.round(offsets[:, None] + speed * rows[None]).astype(np.int64)
        inside = (columns >= 0) & (columns < len(self.reference_weight))
        columns = np.where(inside, columns, 0)
        weight = np.sqrt(self.query_weight[None] * self.reference_weight[columns]) * inside
        return self.agreement[rows[None], columns], weight


def _best_runs(gain: Array) -> tuple[Array, Array, Array]:
    """Per row of `[R, N]` the largest sum of a run: sum, start and end (exclusive) of each."""
    total = np.concatenate([np.zeros((len(gain), 1)), gain.cumsum(1)], axis=1)
    lowest = np.minimum.accumulate(total, axis=1)
    end = (total - lowest).argmax(1)
    rows = np.arange(len(gain))
    value = (total - lowest)[rows, end]
    before = np.where(np.arange(total.shape[1])[None] <= end[:, None], total, np.inf)
    return value, before.argmin(1), end


class MotionSearch:
    """Time offsets between a query and a reference on one grid; fields are kept between calls."""

    def __init__(self, query: Track, reference: Track) -> None:
        self._query, self._reference = query, reference
        self._of_query: dict[int, tuple[Array, Array]] = {}
        self._of_reference: dict[tuple[int, bool], tuple[Array, Array]] = {}
        self._fields: dict[tuple[int, int, bool], _Field] = {}

    def best(
        self, speeds: Iterable[float], *, backwards: Iterable[bool] = (False,)
    ) -> Shift | None:
        """The offset, among these speeds (reference seconds per query second) and directions, at
        which most motion agrees; None where nothing moves alike at any."""
        every = [
            self._shift(speed, lag, flipped)
            for flipped in backwards
            for speed in speeds
            for lag in LAGS
        ]
        return max((s for s in every if s is not None), key=lambda s: s.value, default=None)

    def moving(self) -> tuple[float, float]:
        """Seconds in which something moves in the query and in the reference."""
        lag = LAGS[-1]
        (_, mine), (_, theirs) = self._mine(lag), self._theirs(lag, False)
        return float(mine.sum()) / RATE, float(theirs.sum()) / RATE

    def coherence(self) -> float:
        """How alike the motion of one moment and of the next is, -1..1, where that is less, in the
        query or in the reference: what moves goes on moving, noise does not."""
        lag = LAGS[-1]
        return min(_coherence(*self._mine(lag)), _coherence(*self._theirs(lag, False)))

    def along(self, shift: Shift) -> tuple[Array, Array]:
        """Agreement of motion and its weight at a shift, each `[Nq]`."""
        field = self._field(shift.lag, shift.speed, shift.reversed)
        agreement, weight = field.along(np.array([shift.offset]), shift.speed)
        return agreement[0], weight[0]

    def _mine(self, lag: int) -> tuple[Array, Array]:
        if lag not in self._of_query:
            self._of_query[lag] = _motion(self._query, lag)
        return self._of_query[lag]

    def _theirs(self, lag: int, flipped: bool) -> tuple[Array, Array]:
        if (lag, flipped) not in self._of_reference:
            track = self._reference.backwards if flipped else self._reference
            self._of_reference[lag, flipped] = _motion(track, lag)
        return self._of_reference[lag, flipped]

    def _field(self, lag: int, speed: float, flipped: bool) -> _Field:
        other = max(1, round(lag * speed))
        key = lag, other, flipped
        if key not in self._fields:
            mine, weight = self._mine(lag)
            theirs, other_weight = self._theirs(other, flipped)
            self._fields[key] = _Field(mine @ theirs.T, weight, other_weight)
        return self._fields[key]

    def _shift(self, speed: float, lag: int, flipped: bool) -> Shift | None:
        first = -round(speed * (len(self._query) - 1))
        offsets = np.arange(first, len(self._reference), dtype=np.float64)
        agreement, weight = self._field(lag, speed, flipped).along(offsets, speed)
        value, start, end = _best_runs(weight * (agreement - LEAST_AGREEMENT))
        top = int(value.argmax())
        if value[top] <= 0:
            return None
        rows = slice(int(start[top]), int(end[top]))
        held = weight[:, rows].sum(1)
        curve = (weight * agreement)[:, rows].sum(1) / np.maximum(held, 1e-6)
        curve = np.where(held >= 0.5 * held[top], curve, 0.0)
        far = np.abs(offsets - offsets[top]) > _NEAR_TICKS * max(1.0, speed)
        return Shift(
            offset=float(offsets[top]),
            speed=speed,
            reversed=flipped,
            lag=lag,
            start=rows.start,
            end=min(rows.stop + lag, len(self._query)),
            value=float(value[top]) / RATE,
            motion=float(curve[top]),
            other=float(curve[far].max(initial=0.0)),
            offsets=offsets,
            curve=curve,
        )
