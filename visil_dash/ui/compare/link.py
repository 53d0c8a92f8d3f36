"""The view of a pair as query parameters: direction, cell and range, so that a link reopens it.

Cells travel as times, which mean the same whatever the sampling. A link is input from outside:
what does not fit the pair is left out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.matching.maps import Direction, duration
from visil_dash.records import Array, Comparison
from visil_dash.ui.compare.loops import LoopRange
from visil_dash.ui.shell import state

_NAMES = {
    Direction.FORWARD: "forward",
    Direction.REVERSE: "reverse",
    Direction.SYMMETRIC: "symmetric",
}
_KINDS = {(True, False): "aligned", (True, True): "backwards", (False, False): "box"}


@dataclass(frozen=True)
class PairView:
    """What the page shows of a pair. `cell`: (query frame, reference frame); `span`: what plays."""

    direction: Direction = Direction.FORWARD
    cell: tuple[int, int] | None = None
    span: LoopRange | None = None


_ECHO_SECONDS = 5.0  # for which a browser may still send the address from before a change


@dataclass(frozen=True)
class Written:
    """Parameters that the page wrote itself. `replaced`: when it wrote others, monotonic seconds;
    None for the latest."""

    params: Mapping[str, str]
    replaced: float | None = None


def is_own(given: Mapping[str, str], written: Sequence[Written], *, now: float) -> bool:
    """Whether parameters come from the page itself and not from a link that was opened.

    A click may overtake the change of the address by the click before it: for a moment the browser
    still sends the earlier parameters.
    """
    return any(
        dict(w.params) == dict(given) and (w.replaced is None or now - w.replaced < _ECHO_SECONDS)
        for w in written
    )


def note_written(
    written: Sequence[Written], params: Mapping[str, str], *, now: float
) -> tuple[Written, ...]:
    """What the page wrote, the latest last, without what the browser can no longer send."""
    if written and dict(written[-1].params) == dict(params):
        return tuple(written)
    kept = [replace(w, replaced=now if w.replaced is None else w.replaced) for w in written]
    recent = [w for w in kept if w.replaced is not None and now - w.replaced < _ECHO_SECONDS]
    return (*recent, Written(dict(params)))


PARAMS = (state.PARAM_DIRECTION, state.PARAM_CELL, state.PARAM_RANGE)


def view_params(view: PairView, pair: Comparison) -> dict[str, str]:
    """The parameters of a view; defaults have none."""
    params = {}
    if view.direction is not Direction.FORWARD:
        params[state.PARAM_DIRECTION] = _NAMES[view.direction]
    if view.cell is not None:
        times = pair.query_times[view.cell[0]], pair.reference_times[view.cell[1]]
        params[state.PARAM_CELL] = ",".join(f"{t:.3f}" for t in times)
    if view.span is not None:
        s = view.span
        numbers = s.query_start, s.query_end, s.reference_start, s.reference_end, s.speed
        kind = _KINDS[s.aligned, s.reversed]
        params[state.PARAM_RANGE] = ",".join([*(f"{n:.3f}" for n in numbers), kind])
    return params


def linked_view(params: Mapping[str, str], pair: Comparison) -> PairView:
    named = {name: direction for direction, name in _NAMES.items()}
    return PairView(
        named.get(params.get(state.PARAM_DIRECTION, ""), Direction.FORWARD),
        _cell(params.get(state.PARAM_CELL, ""), pair),
        _span(params.get(state.PARAM_RANGE, ""), pair),
    )


def _cell(text: str, pair: Comparison) -> tuple[int, int] | None:
    times = _numbers(text.split(","), 2)
    if times is None:
        return None
    cell = [
        _frame(axis, t)
        for axis, t in zip((pair.query_times, pair.reference_times), times, strict=True)
    ]
    return None if cell[0] is None or cell[1] is None else (cell[0], cell[1])


def _frame(times: Array, at: float) -> int | None:
    if not -1 <= at <= duration(times):
        return None
    return int(np.abs(times - at).argmin())


def _span(text: str, pair: Comparison) -> LoopRange | None:
    *parts, kind = text.split(",")
    kinds = {name: flags for flags, name in _KINDS.items()}
    numbers = _numbers(parts, 5)
    if numbers is None or kind not in kinds:
        return None
    query_start, query_end, reference_start, reference_end, speed = numbers
    ends = duration(pair.query_times) + 1, duration(pair.reference_times) + 1
    fits = 0 <= query_start < query_end <= ends[0] and 0 <= reference_start < reference_end
    if not fits or reference_end > ends[1] or not 0.05 <= speed <= 20:
        return None
    aligned, backwards = kinds[kind]
    return LoopRange(
        query_start,
        query_end,
        reference_start,
        reference_end,
        speed=speed,
        reversed=backwards,
        aligned=aligned,
    )


def _numbers(parts: list[str], count: int) -> list[float] | None:
    """Exactly `count` finite numbers, or None."""
    if len(parts) != count:
        return None
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
