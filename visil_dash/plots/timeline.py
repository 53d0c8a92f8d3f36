"""The matched segments of two videos, as two tracks in time joined by bands."""

import math
from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go

from visil_dash.clock import clock
from visil_dash.plots.style import SERIES_COLOURS
from visil_dash.records import Segment

_TRACK = "rgba(128, 140, 158, 0.24)"
_QUERY, _REFERENCE = 1.0, 0.0  # heights of the two tracks
_HALF = 0.15  # half the thickness of a track


def span_text(segment: Segment) -> str:
    """0:12–0:20 of the query clip matches 1:03–1:11 of the reference video, at 2× speed."""
    text = (
        f"{clock(segment.query_start)}–{clock(segment.query_end)} of the query clip matches "
        f"{clock(segment.reference_start)}–{clock(segment.reference_end)} of the reference video"
    )
    if segment.reversed:
        text += ", played backwards"
    if abs(segment.speed - 1) >= 0.1:
        text += f", at {segment.speed:.2g}× speed"
    return text


def within(
    segments: Sequence[Segment], *, query_seconds: float, reference_seconds: float
) -> tuple[Segment, ...]:
    """The segments cut at the ends of their videos (0: unknown).

    A sampled frame stands for the time until the next one, which may be after the end of the video.
    """
    last_q, last_r = (seconds or math.inf for seconds in (query_seconds, reference_seconds))
    return tuple(_cut(segment, last_q, last_r) for segment in segments)


def _cut(s: Segment, last_q: float, last_r: float) -> Segment:
    # A cut on one side cuts the other one too: its end, or its start where the copy plays
    # backwards.
    over_q = max(0.0, s.query_end - last_q)
    over_r = max(0.0, s.reference_end - last_r)
    speed = s.speed or 1.0
    start_q, end_q = s.query_start, s.query_end - max(over_q, 0 if s.reversed else over_r / speed)
    start_r, end_r = s.reference_start, s.reference_end - over_r
    if s.reversed:
        start_q += over_r / speed
        start_r += over_q * speed
    else:
        end_r = min(end_r, s.reference_end - over_q * speed)
    start_q, start_r = min(start_q, last_q), min(start_r, last_r)
    return replace(
        s,
        query_start=start_q,
        query_end=max(start_q, end_q),
        reference_start=start_r,
        reference_end=max(start_r, end_r),
    )


def lanes(spans: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """(lane, number of lanes) of each span, so that spans of one lane do not overlap."""
    ends: list[float] = []
    chosen = [0] * len(spans)
    for i in sorted(range(len(spans)), key=lambda i: spans[i]):
        start, end = spans[i]
        free = next((lane for lane, last in enumerate(ends) if last <= start), len(ends))
        ends[free : free + 1] = [end]
        chosen[i] = free
    return [(lane, len(ends)) for lane in chosen]


def segment_timeline(
    segments: Sequence[Segment],
    *,
    query_seconds: float,
    reference_seconds: float,
    height: int = 112,
) -> go.Figure:
    """Two tracks, the query above and the reference below, each as wide as the figure.

    Lengths are in seconds (0: up to the end of the last segment); segments are cut there.
    """
    segments = within(segments, query_seconds=query_seconds, reference_seconds=reference_seconds)
    query_seconds = max([query_seconds, *(s.query_end for s in segments), 1e-3])
    reference_seconds = max([reference_seconds, *(s.reference_end for s in segments), 1e-3])
    figure = go.Figure()
    for level in (_QUERY, _REFERENCE):
        figure.add_shape(
            type="rect",
            x0=0,
            x1=1,
            y0=level - _HALF,
            y1=level + _HALF,
            line_width=0,
            fillcolor=_TRACK,
            layer="below",
        )
    query_lanes = lanes([(s.query_start, s.query_end) for s in segments])
    reference_lanes = lanes([(s.reference_start, s.reference_end) for s in segments])
    for i, segment in enumerate(segments):
        colour = SERIES_COLOURS[i % len(SERIES_COLOURS)]
        a, b = segment.query_start / query_seconds, segment.query_end / query_seconds
        c, d = (
            segment.reference_start / reference_seconds,
            segment.reference_end / reference_seconds,
        )
        figure.add_trace(_band((a, b), (d, c) if segment.reversed else (c, d), colour))
        hover = f"{span_text(segment)}<br>similarity {segment.score:.2f}"
        for ends, level, lane in (
            ((a, b), _QUERY, query_lanes[i]),
            ((c, d), _REFERENCE, reference_lanes[i]),
        ):
            figure.add_trace(_block(ends, level, lane, colour, hover))
    _label_tracks(figure, query_seconds, reference_seconds)
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 16, "b": 16},
        showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
    )
    figure.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.25, 1.25], fixedrange=True)
    return figure


def _band(query: tuple[float, float], reference: tuple[float, float], colour: str) -> go.Scatter:
    """Joins both sides of a segment; it crosses itself where `reference` ends before it starts."""
    edges = [_QUERY - _HALF, _QUERY - _HALF, _REFERENCE + _HALF, _REFERENCE + _HALF]
    return _area([*query, *reference[::-1]], edges, colour, 0.22, "skip", "")


def _block(
    ends: tuple[float, float], height: float, lane: tuple[int, int], colour: str, hover: str
) -> go.Scatter:
    """One side of a segment on its track, in its lane."""
    start, end = ends
    end = max(end, min(1.0, start + 0.006))  # an instant of a long video stays visible
    start = min(start, end - 0.006)
    place, count = lane
    top = height + _HALF - 2 * _HALF * place / count
    bottom = top - 2 * _HALF / count
    x, y = [start, end, end, start], [bottom, bottom, top, top]
    return _area(x, y, colour, 0.95, "fills", hover)


def _label_tracks(figure: go.Figure, query_seconds: float, reference_seconds: float) -> None:
    for level, shift, name, seconds in (
        (_QUERY, 17, "Query clip", query_seconds),
        (_REFERENCE, -17, "Reference video", reference_seconds),
    ):
        for edge, anchor, text in ((0, "left", f"{name}, from 0:00"), (1, "right", clock(seconds))):
            figure.add_annotation(
                x=edge,
                y=level,
                yshift=shift,
                text=text,
                xanchor=anchor,
                showarrow=False,
                font_size=12,
            )


def _area(
    x: list[float], y: list[float], colour: str, opacity: float, hoveron: str, hover: str
) -> go.Scatter:
    filled = (
        f"rgba({int(colour[1:3], 16)}, {int(colour[3:5], 16)}, {int(colour[5:], 16)}, {opacity})"
    )
    hovering = {"hoverinfo": "skip"} if not hover else {"hoverinfo": "text", "hoveron": hoveron}
    return go.Scatter(
        x=[*x, x[0]],
        y=[*y, y[0]],
        mode="lines",
        line_width=0,
        fill="toself",
        fillcolor=filled,
        text=hover,
        **hovering,
    )
