"""From where to where two videos agree, once they are laid onto each other."""

import numpy as np

from visil_dash.proof.detail import picture_agreement
from visil_dash.proof.footage import RATE
from visil_dash.proof.grid import drawn
from visil_dash.proof.motion import LEAST_AGREEMENT
from visil_dash.proof.search import Placement, lay_out
from visil_dash.proof.sides import Examined, seen_together
from visil_dash.records import Array, Segment

_SMOOTH = 5  # ticks over which agreement is averaged
_FADE = 15  # ticks
_EXTENSIONS, _EXTENSION_SECONDS = 4, 6.0  # how often more is read, and how much
_SEEN_SECONDS = 0.9  # beyond an end, which show that both agree no longer
_EDGE_SECONDS = 0.4  # nearer to the end of a video nothing is read
_COMMON_SECONDS = 1.0  # a shot is hardly ever shorter
_UNKNOWN = 1e-6
_LEAST_DETAIL = 0.4  # agreement of detail from which unmoving pictures are the same


def followed(
    query: Examined, reference: Examined, placement: Placement
) -> tuple[Placement, Array, int, int]:
    """The placement, how each row agrees, and from which row to which (exclusive) both agree.

    Where both still agree at an end of what was read, more is read.

    Raises MediaRefused, Cancelled.
    """
    for _ in range(_EXTENSIONS + 1):
        shift = placement.at
        gain = _row_agreement(query, reference, placement)
        start, end = _extent(gain, shift.start, shift.end)
        more = _unread(query, reference, placement, start, end)
        if not more:
            break
        query.read([span for span, _ in more])
        reference.read([span for _, span in more])
        again = lay_out(
            query,
            reference,
            placement.laid,
            speeds=[shift.speed],
            backwards=[shift.reversed],
            cells=placement.cells,
        )
        if again is None or again.shift is None or again.value < placement.value:
            break
        placement = again
    start, end = _to_common_edges(query, reference, placement, gain, (start, end))
    return placement, gain, start, end


def _to_common_edges(
    query: Examined, reference: Examined, placement: Placement, gain: Array, rows: tuple[int, int]
) -> tuple[int, int]:
    """The rows, extended to where both videos begin or end at once, if that is near: what follows
    one first frame for all but the first moments is a copy from that frame on. Not where the
    pictures of these moments differ."""
    found = list(rows)
    for side, way in ((0, -1), (1, 1)):
        room, other_room = _room(query, reference, placement, rows[side], way)
        if room > _COMMON_SECONDS or abs(other_room - room) > _EDGE_SECONDS:
            continue
        edge = int(np.clip(rows[side] + way * round(room * RATE), 0, len(gain)))
        between = gain[min(edge, rows[side]) : max(edge, rows[side])]
        if len(between) and between.mean() > -LEAST_AGREEMENT:
            found[side] = edge
    return found[0], found[1]


def _unread(
    query: Examined, reference: Examined, placement: Placement, start: int, end: int
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Spans of query and reference beyond both ends that both videos have, and were not read."""
    speed = placement.at.speed * (-1 if placement.at.reversed else 1)
    found = []
    for row, way in ((start, -1), (end, 1)):
        at, other = placement.times(row)
        length = min(_EXTENSION_SECONDS, *_room(query, reference, placement, row, way))
        # The last moments before the end of what was read show no motion to anything after it.
        beyond = at + way * _SEEN_SECONDS, other + way * _SEEN_SECONDS * speed
        if length > _EDGE_SECONDS and not seen_together(query, reference, beyond):
            spans = [sorted((t, t + way * length * v)) for t, v in ((at, 1.0), (other, speed))]
            found.append(((spans[0][0], spans[0][1]), (spans[1][0], spans[1][1])))
    return found


def _room(
    query: Examined, reference: Examined, placement: Placement, row: int, way: int
) -> tuple[float, float]:
    """How much the query and the reference show before a row (`way` -1) or after it (1), seconds of
    the query."""
    at, other = placement.times(row)
    to_start = way < 0
    room = at if to_start else query.video.duration - at
    to_other_start = to_start != placement.at.reversed
    other_room = other if to_other_start else reference.video.duration - other
    return room, other_room / placement.at.speed


def _row_agreement(query: Examined, reference: Examined, placement: Placement) -> Array:
    """How much each row of the query's track agrees with the reference, `[N]`, about -1..1: by its
    motion where something moves, by its detail where nothing does; 0 where pictures show nothing,
    and hardly less where they are missing.
    """
    motion, weight = placement.search.along(placement.at)
    rows = np.arange(len(motion))
    mine = rows + placement.first[0]
    theirs = np.array([round(placement.times(float(row))[1] * RATE) for row in rows])
    have = np.isin(mine, query.footage.ticks) & np.isin(theirs, reference.footage.ticks)
    out = np.full(len(rows), -_UNKNOWN)
    if not have.any():
        return out
    detail = np.zeros(len(rows))
    detail[have] = picture_agreement(
        drawn(query.footage, mine[have].tolist(), placement.grid.query, placement.grid),
        drawn(reference.footage, theirs[have].tolist(), placement.grid.reference, placement.grid),
        placement.grid.mask,
    )
    still = np.nan_to_num(detail - _LEAST_DETAIL)
    gain = weight * (motion - LEAST_AGREEMENT) + (1 - weight) * still
    # Motion that agrees poorly over pictures that agree well is noise, not another scene.
    gain = np.where((detail > 2 * _LEAST_DETAIL) & (motion > 0), np.maximum(gain, 0.05), gain)
    out[have] = gain[have]
    return out


def _extent(gain: Array, start: int, end: int) -> tuple[int, int]:
    """The rows from `start` to `end` (exclusive), extended to where agreement ends on both sides
    and cut where it begins later."""
    kernel = np.ones(_SMOOTH) / _SMOOTH
    smooth = np.convolve(gain, kernel, mode="same")
    edge = min(_SMOOTH // 2, len(gain))
    smooth[:edge], smooth[len(gain) - edge :] = gain[:edge], gain[len(gain) - edge :]
    before = np.concatenate([[0.0], smooth[:start][::-1].cumsum()])
    after = np.concatenate([[0.0], smooth[end:].cumsum()])
    first, last = start - int(before.argmax()), end + int(after.argmax())
    alike = np.flatnonzero(gain[first:last] > 0)
    if len(alike):
        first, last = first + int(alike[0]), first + int(alike[-1]) + 1
    return _over_nothing(gain, first, last)


def _over_nothing(gain: Array, first: int, last: int) -> tuple[int, int]:
    """The rows, extended over those that say nothing: a fade belongs to what it leads to."""
    least, most = max(0, first - _FADE), min(len(gain), last + _FADE)
    while first > least and gain[first - 1] == 0:
        first -= 1
    while last < most and gain[last] == 0:
        last += 1
    return first, last


def span_of(
    placement: Placement, start: int, end: int, *, durations: tuple[float, float]
) -> Segment:
    """The rows as a segment, in seconds inside both videos."""
    query = placement.times(start)[0], placement.times(end)[0]
    ends = sorted((placement.times(start)[1], placement.times(end)[1]))
    # A frame taken backwards is shown until the tick after it.
    shift = 1 / RATE if placement.at.reversed else 0.0
    reference = ends[0] + shift, ends[1] + shift
    return Segment(
        query_start=max(0.0, query[0]),
        query_end=min(durations[0], query[1]),
        reference_start=max(0.0, reference[0]),
        reference_end=min(durations[1], reference[1]),
        score=placement.at.motion,
        speed=round(placement.at.speed, 3),
        reversed=placement.at.reversed,
    )
