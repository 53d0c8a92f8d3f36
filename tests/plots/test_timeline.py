"""The timeline's shapes stand where the seconds say, whatever the segments are."""

from hypothesis import given
from hypothesis import strategies as st

from visil_dash.plots.timeline import clock, lanes, segment_timeline, span_text, within
from visil_dash.records import Segment


def bars(segments: list[Segment], query: float, reference: float) -> list[tuple[float, ...]]:
    """(left, right, bottom, top) of each filled span, in the order query, reference, query, …"""
    figure = segment_timeline(segments, query_seconds=query, reference_seconds=reference)
    spans = [trace for trace in figure.data if trace.hoverinfo == "text"]
    return [(min(t.x), max(t.x), min(t.y), max(t.y)) for t in spans]


def test_a_span_lies_where_its_seconds_are_on_both_tracks() -> None:
    (query, reference) = bars([Segment(5, 10, 30, 60, 0.8)], 20, 120)
    assert query[:2] == (0.25, 0.5)
    assert reference[:2] == (0.25, 0.5)
    assert query[2] > reference[3]  # the clip is the upper track


def test_a_moment_in_a_long_video_stays_visible_and_inside() -> None:
    for start in (0.0, 35_999.0):
        _, reference = bars([Segment(0, 1, start, start + 1, 0.8)], 10, 36_000)
        assert reference[1] - reference[0] >= 0.0059
        assert reference[0] >= 0
        assert reference[1] <= 1


def test_a_reversed_span_crosses_its_band() -> None:
    def band(reversed_: bool) -> tuple[float, ...]:
        figure = segment_timeline(
            [Segment(0, 5, 2, 8, 0.5, reversed=reversed_)], query_seconds=10, reference_seconds=10
        )
        return tuple(figure.data[0].x)

    assert band(False) == (0, 0.5, 0.8, 0.2, 0)
    assert band(True) == (0, 0.5, 0.2, 0.8, 0)


times = st.floats(0, 1e5, allow_nan=False)


@given(st.lists(st.tuples(times, times, times, times), max_size=8), times, times)
def test_everything_drawn_is_within_the_figure(
    spans: list[tuple[float, ...]], query: float, reference: float
) -> None:
    segments = [Segment(min(a, b), max(a, b), min(c, d), max(c, d), 0.5) for a, b, c, d in spans]
    for left, right, bottom, top in bars(segments, query, reference):
        assert -1e-9 <= left <= right <= 1 + 1e-9
        assert bottom < top


def test_spans_are_told_in_words() -> None:
    assert (
        span_text(Segment(12, 20, 63, 71, 0.9))
        == "0:12–0:20 of the query clip matches 1:03–1:11 of the reference video"
    )
    assert span_text(Segment(0, 4, 0, 8, 0.9, 2.0, True)).endswith(
        ", played backwards, at 2× speed"
    )
    assert clock(3599.6) == "1:00:00"


def test_no_segment_gives_two_empty_tracks() -> None:
    figure = segment_timeline([], query_seconds=0, reference_seconds=0)
    assert len(figure.data) == 0
    assert len(figure.layout.shapes) == 2


def test_spans_end_with_their_videos_and_their_counterpart_is_cut_as_much() -> None:
    (cut,) = within([Segment(0, 6, 2, 8, 0.9)], query_seconds=5, reference_seconds=20)
    assert (cut.query_end, cut.reference_start, cut.reference_end) == (5, 2, 7)
    (cut,) = within([Segment(0, 6, 2, 14, 0.9, 2.0)], query_seconds=20, reference_seconds=12)
    assert (cut.query_end, cut.reference_end) == (5, 12)
    (cut,) = within([Segment(0, 6, 2, 8, 0.9, 1.0, True)], query_seconds=5, reference_seconds=20)
    assert (cut.query_end, cut.reference_start, cut.reference_end) == (5, 3, 8)
    (kept,) = within([Segment(0, 6, 2, 8, 0.9)], query_seconds=0, reference_seconds=0)
    assert kept == Segment(0, 6, 2, 8, 0.9)


spans_of_time = st.tuples(times, times).filter(lambda t: t[0] != t[1])


@given(st.lists(spans_of_time.map(lambda t: (min(t), max(t))), max_size=12))
def test_spans_that_overlap_lie_in_lanes_of_their_own(spans: list[tuple[float, float]]) -> None:
    found = lanes(spans)
    for i, (a, b) in enumerate(spans):
        assert 0 <= found[i][0] < found[i][1]
        for j, (c, d) in enumerate(spans[:i]):
            if max(a, c) < min(b, d):
                assert found[i][0] != found[j][0]
    at_once = max((sum(a <= t < b for a, b in spans) for t, _ in spans), default=0)
    assert {count for _, count in found} <= {max(1, at_once)}


def test_a_clip_that_occurs_twice_shows_both_spans_of_it() -> None:
    found = bars([Segment(0, 10, 0, 10, 0.9), Segment(0, 10, 20, 30, 0.9)], 10, 40)
    (first, _, second, _) = found
    assert first[2] >= second[3]  # one above the other
