"""Claims about the nearest videos, whatever the threshold, and about several queries at once."""

from functools import partial

import numpy as np
import pytest

from tests.support.asked_at_once import read_once
from tests.support.scenes import make_scene
from visil_dash.candidates.aside import set_frames_aside, take_frames_back
from visil_dash.errors import Cancelled, MediaRefused, NotFound
from visil_dash.index.ids import split_ids
from visil_dash.progress import Watch
from visil_dash.reduction.distances import squared_distances
from visil_dash.workbench import clips as clips_module
from visil_dash.workbench.questions import search_many


@pytest.fixture
def query(bench, clips):
    return bench.open_clip(clips["query.mp4"]).query_id


def by_plain_loop(bench, query_id, aside=()):
    """Videos in the order of their nearest frame to any query frame."""
    view = bench.space.view()
    vectors = view.reduction(bench.clip(query_id).features.frame_vectors)
    ordinals, frames = split_ids(view.ids)
    nearest: dict[str, float] = {}
    names = {v.ordinal: v.video_id for v in bench.videos()}
    distances = squared_distances(vectors, view.vectors).min(0)
    for ordinal, frame, distance in zip(ordinals, frames, distances, strict=True):
        video = names[int(ordinal)]
        if (video, int(frame)) not in aside:
            nearest[video] = min(nearest.get(video, np.inf), float(distance))
    return sorted(nearest, key=lambda v: nearest[v])


def test_the_nearest_videos_answer_where_the_threshold_admits_nothing(bench, query):
    result = bench.search_nearest(query, most=2, threshold=0.0)
    assert {c.video_id for c in result.candidates} == set(by_plain_loop(bench, query)[:2])
    assert "Nothing lies within the distance threshold" in result.notices[0]
    assert len(result.matches) == 2


def test_frames_set_aside_make_no_video_near(bench, query):
    first = by_plain_loop(bench, query)[0]
    count = next(v.frames for v in bench.videos() if v.video_id == first)
    set_frames_aside(bench.library, bench.extractor, {first: range(count)})
    try:
        result = bench.search_nearest(query, most=10, threshold=1e9)
        assert first not in {c.video_id for c in result.candidates}
        assert len(result.candidates) == len(bench.videos()) - 1
    finally:
        take_frames_back(bench.library, bench.extractor)
    again = bench.search_nearest(query, most=10, threshold=1e9)
    assert first in {c.video_id for c in again.candidates}


def test_each_of_several_queries_has_the_answer_that_it_has_alone(bench, clips):
    seen = []
    asked = [clips["query.mp4"], "a.mp4", clips["b.mp4"]]
    found = list(search_many(bench, asked, exhaustive=True, watch=Watch(seen.append)))
    assert [answer.query for answer in found] == asked
    for answer in found:
        query = answer.query if isinstance(answer.query, str) else bench.open_clip(answer.query)
        alone = bench.search(getattr(query, "query_id", query), exhaustive=True)
        assert answer.error is None
        assert answer.result.matches == alone.matches
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert seen[-1].what.startswith("Query 3 of 3: ")


def test_a_query_that_fails_is_told_and_holds_up_no_other(bench, clips, tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    bad, unknown, good = search_many(bench, [text, "no such name", clips["query.mp4"]], top=1)
    assert (bad.result, unknown.result) == (None, None)
    assert isinstance(bad.error, MediaRefused)
    assert isinstance(unknown.error, NotFound)
    assert len(good.result.matches) == 1
    assert good.error is None


def test_answers_are_told_as_they_come_and_stopping_keeps_them(bench, clips):
    stop = False
    found = search_many(
        bench, ["a.mp4", "b.mp4"], exhaustive=True, watch=Watch(stopped=lambda: stop)
    )
    assert next(found).query == "a.mp4"
    stop = True
    with pytest.raises(Cancelled):
        next(found)


def test_a_clip_that_two_ask_for_at_once_is_read_once(bench, tmp_path, monkeypatch):
    path = make_scene(tmp_path / "both.mp4", 2, start=2, seconds=3)
    options = read_once(monkeypatch, "extract_features", partial(bench.open_clip, path))
    assert options["name"] == "both.mp4"


def test_after_a_failed_reading_the_next_reads(bench, tmp_path, monkeypatch):
    path = make_scene(tmp_path / "later.mp4", 2, start=2, seconds=4)
    real = clips_module.extract_features

    def broken(*_arguments, **_options):
        raise MediaRefused("later.mp4", "it could not be read")

    monkeypatch.setattr(clips_module, "extract_features", broken)
    with pytest.raises(MediaRefused):
        bench.open_clip(path)
    monkeypatch.setattr(clips_module, "extract_features", real)
    assert len(bench.open_clip(path).features) > 0
