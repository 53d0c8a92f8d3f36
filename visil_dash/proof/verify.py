"""Verification of a match on the pixels: proved, contradicted or undecidable, and where exactly."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.progress import UNWATCHED, Watch
from visil_dash.proof.aside import moved_aside
from visil_dash.proof.decision import PixelEvidence, decide, moves_alike, same_place
from visil_dash.proof.detail import Detail, detail_agreement, overlay_boxes
from visil_dash.proof.edits import described
from visil_dash.proof.extent import followed, span_of
from visil_dash.proof.footage import RATE
from visil_dash.proof.grid import Grid, common_grid, drawn
from visil_dash.proof.photometry import photometry
from visil_dash.proof.refine import refined
from visil_dash.proof.registration import Laid
from visil_dash.proof.search import Placement, best_placements, seen_closely
from visil_dash.proof.sides import Examined, VideoFile, paired_times, seen_together
from visil_dash.proof.steady import shake
from visil_dash.records import (
    WHOLE_PICTURE,
    Array,
    Box,
    Proof,
    ProofState,
    Registration,
    Segment,
    Transform,
)
from visil_dash.settings import Settings

PROOF_VERSION = 5  # of what verification measures: proofs of another one are made again
_FINE_CELLS = 14_000  # of the grid on which detail is compared
_STILL_CELLS = 40_000  # of still pictures, where words have to be distinguished
_MOMENTS = 8  # at which detail is compared
_CURVE_POINTS = 400
# On a fine grid a gradient that passes by twice agrees for half a second, and still pictures show
# less than a twentieth of a second of motion.
_CLOSE_SECONDS, _CLOSE_SHARE = 1.0, 0.3
_FURTHER = 2  # segments that are tried after the first, elsewhere


@dataclass(frozen=True)
class _Looked:
    """Both pictures at the same moments: pairs of ticks, the grid, and how their detail agrees."""

    ticks: list[tuple[int, int]]
    laid: Laid
    grid: Grid
    detail: Detail
    overlays: tuple[Box, ...]


class Verifier:
    """Verifies matches of one query; what was read of it is kept from one to the next."""

    def __init__(
        self,
        query: VideoFile,
        *,
        settings: Settings,
        inset: bool = False,
        watch: Watch = UNWATCHED,
    ) -> None:
        """`inset`: only what the query shows in an inset that moves is verified."""
        self._settings, self._watch = settings, watch
        self._query = Examined(query, settings=settings, inset=inset, watch=watch)

    def verify(self, reference: VideoFile, segments: Sequence[Segment]) -> Proof:
        """What the pixels say about a pair whose matched segments are these, the likeliest first.

        Verification begins with the first. Where that is not proved, so may be another that lies
        where nothing was looked at yet.

        Raises ValueError without segments; MediaRefused, Cancelled.
        """
        if not segments:
            raise ValueError("verification needs a segment to begin with")
        began = time.perf_counter()
        other = Examined(reference, settings=self._settings, watch=self._watch)
        proof = self._verified(other, segments[0])
        further = 0
        for segment in segments[1:]:
            if proof.state is ProofState.PROVED or further == _FURTHER:
                break
            if not seen_together(self._query, other, *paired_times(segment, 1)):
                further += 1
                again = self._verified(other, segment)
                proof = again if again.state is ProofState.PROVED else proof
        return replace(proof, seconds=time.perf_counter() - began)

    def _verified(self, reference: Examined, segment: Segment) -> Proof:
        query = self._query
        placements = best_placements(query, reference, segment)
        proof = None
        if placements and placements[0].shift is not None:
            proof = _of_motion(query, reference, refined(query, reference, placements[0]))
        if proof is None:
            proof = _of_stills(query, reference, placements, segment)
        if placements and (proof.still or proof.state is not ProofState.PROVED):
            close = seen_closely(query, reference, placements[0], segment)
            if close is not None:
                return _with_small_motion(query, reference, proof, close)
        return proof


def _with_small_motion(
    query: Examined, reference: Examined, proof: Proof, close: Placement
) -> Proof:
    """The proof, where what moves may be small: `close` is the best offset on a fine grid."""
    if close.value >= _CLOSE_SECONDS:
        again = _of_motion(query, reference, refined(query, reference, close))
        if again is not None and again.state is ProofState.PROVED:
            return again
    moving = min(close.search.moving())
    alike = close.value >= _CLOSE_SHARE * moving
    if not proof.still or moving < _CLOSE_SECONDS or alike:
        return proof
    return replace(
        proof,
        state=ProofState.UNDECIDABLE,
        reason="Only small details move, and they move differently, so a copy cannot be"
        " distinguished from another take.",
        span=None,
        still=False,
        edits=(),
    )


def _of_motion(query: Examined, reference: Examined, placement: Placement) -> Proof | None:
    """What motion says; None where hardly anything moves, so that it says nothing."""
    placement, gain, start, end = followed(query, reference, placement)
    shift = placement.at
    rows = np.linspace(start, end - 1, _MOMENTS).round()
    times = [placement.times(row) for row in rows]
    looked = _look(query, reference, placement.laid, times, cells=_FINE_CELLS)
    found = replace(
        _evidence(query, placement, looked),
        motion=shift.motion,
        other=shift.other,
        seconds=shift.value,
        speed=shift.speed,
        reversed=shift.reversed,
        aside=looked is not None and _is_aside(query, reference, looked),
    )
    if found.is_still and not moves_alike(found):
        return None
    found = _with_shake(found, query, reference, looked)
    state, reason = decide(found)
    durations = query.video.duration, reference.video.duration
    span = span_of(placement, start, end, durations=durations)
    best = int(start + np.argmax(gain[start:end])) if end > start else start
    offsets, curve = _curve(placement)
    return _proof(
        query,
        reference,
        looked,
        Proof(
            state=state,
            reason=reason,
            span=span if state is ProofState.PROVED else None,
            motion=shift.motion,
            other_motion=shift.other,
            agreed_seconds=shift.value,
            detail=found.detail,
            still=found.is_still,
            offsets=offsets,
            curve=curve,
            times=placement.times(best),
        ),
    )


def _of_stills(
    query: Examined, reference: Examined, placements: Sequence[Placement], segment: Segment
) -> Proof:
    """Where no motion agrees: by detail, at the moments that the segment proposes."""
    times = paired_times(segment, _MOMENTS)
    every = [_look(query, reference, t.laid, times, cells=_STILL_CELLS) for t in placements]
    looked = max(
        (one for one in every if one is not None), key=lambda one: one.detail.share, default=None
    )
    found = _evidence(query, placements[0] if placements else None, looked)
    found = _with_shake(found, query, reference, looked)
    state, reason = decide(found)
    proved = state is ProofState.PROVED
    proof = Proof(
        state=state,
        reason=reason,
        span=replace(segment, reversed=False, speed=1.0) if proved else None,
        detail=found.detail,
        still=found.is_still,
        times=times[len(times) // 2],
    )
    return _proof(query, reference, looked, proof)


def _evidence(
    query: Examined, placement: Placement | None, looked: _Looked | None
) -> PixelEvidence:
    """How much moves, and how the detail agrees: without the motion of an offset."""
    search = None if placement is None else placement.search
    return PixelEvidence(
        moving=(0.0, 0.0) if search is None else search.moving(),
        detail=0.0 if looked is None else looked.detail.share,
        seen=0.0 if looked is None else looked.detail.seen,
        watched=len(query.footage.ticks) / RATE,
        coherence=0.0 if search is None else search.coherence(),
    )


def _is_aside(query: Examined, reference: Examined, looked: _Looked) -> bool:
    middle = looked.ticks[len(looked.ticks) // 2]
    return moved_aside(query.footage, reference.footage, middle, looked.grid)


def _with_shake(
    found: PixelEvidence, query: Examined, reference: Examined, looked: _Looked | None
) -> PixelEvidence:
    """The evidence with how steadily the pictures lie on each other, where that decides."""
    if looked is None or moves_alike(found) or not same_place(found):
        return found
    times = [(a / RATE, b / RATE) for a, b in looked.ticks]
    mirrored = looked.laid.mirrored
    return replace(found, shake=shake(query, reference, times, mirrored=mirrored))


def _look(
    query: Examined,
    reference: Examined,
    laid: Laid,
    times: Sequence[tuple[float, float]],
    *,
    cells: int,
) -> _Looked | None:
    """Both pictures at these pairs of moments; None where they have nothing in common."""
    mine, theirs = query.footage, reference.footage
    grid = common_grid(
        laid.transform, query_size=mine.size, reference_size=theirs.size, cells=cells
    )
    if grid is None:
        return None
    ticks = sorted({(mine.nearest(a), theirs.nearest(b)) for a, b in times})
    one = drawn(mine, [a for a, _ in ticks], grid.query, grid)
    other = drawn(theirs, [b for _, b in ticks], grid.reference, grid)
    detail = detail_agreement(one, other, grid.mask)
    boxes = overlay_boxes(detail, one, other, grid.mask) if detail.share >= 0.5 else []
    return _Looked(ticks, laid, grid, detail, tuple(_in_picture(b, grid.box) for b in boxes))


def _in_picture(box: Box, outer: Box) -> Box:
    """A box given in shares of another box, in shares of the picture."""
    return (
        outer[0] + box[0] * outer[2],
        outer[1] + box[1] * outer[3],
        box[2] * outer[2],
        box[3] * outer[3],
    )


def _proof(query: Examined, reference: Examined, looked: _Looked | None, proof: Proof) -> Proof:
    """The proof with the registration, and with what was done to the copy where it is proved."""
    times = proof.times
    if looked is None or times is None:
        return proof
    outer, size = query.picture_at(times[0])
    sizes = size, reference.footage.size
    light = photometry(query.footage, reference.footage, looked.ticks, looked.grid)
    grid = looked.grid
    boxes = _in_picture(grid.box, outer), grid.reference_box
    overlays = tuple(_in_picture(box, outer) for box in looked.overlays)
    inner = query.footage.size
    # From pixels of what was looked at to those of the whole picture.
    transform = (
        np.array(
            [
                [outer[2] * size[0] / inner[0], 0, outer[0] * size[0]],
                [0, outer[3] * size[1] / inner[1], outer[1] * size[1]],
                [0, 0, 1.0],
            ]
        )
        @ looked.laid.transform
    )
    shares = np.diag([1 / sizes[0][0], 1 / sizes[0][1], 1.0]) @ transform
    shares = shares @ np.diag([sizes[1][0], sizes[1][1], 1.0])
    registration = Registration(
        transform=_rows(shares / shares[2, 2]),
        size=sizes[0],
        reference_size=sizes[1],
        inliers=looked.laid.inliers,
        common=grid.common * outer[2] * outer[3],
        box=boxes[0],
        reference_box=boxes[1],
        overlays=overlays,
        brightness=light.brightness,
        contrast=light.contrast,
        saturation=light.saturation,
    )
    words = described(
        transform,
        sizes=sizes,
        boxes=boxes,
        overlays=overlays,
        light=light,
        span=None if proof.still else proof.span,
        moves=outer != WHOLE_PICTURE,
    )
    edits = words if proof.state is ProofState.PROVED else ()
    return replace(proof, registration=registration, edits=edits)


def _rows(matrix: Array) -> Transform:
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return (a, b, c), (d, e, f), (g, h, i)


def _curve(placement: Placement) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Where the first agreeing moment of the query would lie in the reference (seconds), by offset,
    and the correlation there; of so many offsets that a figure needs, the best of neighbours."""
    shift = placement.at
    found = []
    step = max(1, len(shift.offsets) // _CURVE_POINTS)
    for begin in range(0, len(shift.offsets), step):
        best = begin + int(np.argmax(shift.curve[begin : begin + step]))
        at = placement.times(shift.start, offset=float(shift.offsets[best]))[1]
        found.append((at, float(shift.curve[best])))
    found.sort()
    return tuple(at for at, _ in found), tuple(value for _, value in found)
