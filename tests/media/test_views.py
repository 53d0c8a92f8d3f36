"""Claims about the views of a query: parts of its picture that are searched for like the whole."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asked_at_once import read_once
from tests.support.changing_scenes import scenes, write
from tests.support.fakes import fake_model
from visil_dash.candidates.generation import merged
from visil_dash.errors import Cancelled, NotFound
from visil_dash.framing.views import BY_KEY, PICTURE_PARTS, QueryRef, cut
from visil_dash.library.store import open_library
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.rerank import rerank
from visil_dash.matching.similarity import CHAMFER
from visil_dash.progress import Watch
from visil_dash.records import Candidate, VideoFeatures
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.clips import ClipStore
from visil_dash.workbench.pictures import pictures_of
from visil_dash.workbench.questions import search_many
from visil_dash.workbench.views import view_frames


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A library of a, c and d; `inset.mp4` shows a in the top right part of c's picture."""
    folder = tmp_path_factory.mktemp("views")
    a, c, d, host = (scenes(seed, 8) for seed in (0, 2, 3, 9))
    for name, frames in {"a.mp4": a, "c.mp4": c, "d.mp4": d}.items():
        write(folder / name, frames)
    shown = []
    for picture, small in zip(host, a, strict=True):
        picture = picture.copy()
        # a fills the view's box, which is 0.55 of both sides
        height, width = cut(picture, BY_KEY["top-right"].box).shape[:2]
        cut(picture, BY_KEY["top-right"].box)[:] = nearest(small, height, width)
        shown.append(picture)
    write(folder / "inset.mp4", shown)
    settings = Settings(min_free_bytes=0)
    library = open_library(folder / "library", settings=settings)
    with Workbench(library, fake_model(), settings) as bench:
        bench.add_paths([folder / n for n in ("a.mp4", "c.mp4", "d.mp4")])
        assert bench.worker.wait_idle(120)
        yield bench, bench.open_clip(folder / "inset.mp4").query_id
        bench.close()


def nearest(picture, height, width):
    rows = np.arange(height) * picture.shape[0] // height
    columns = np.arange(width) * picture.shape[1] // width
    return picture[rows][:, columns]


def test_footage_inside_the_picture_is_found_by_its_part(world):
    bench, query = world
    whole = bench.search(query, exhaustive=True)
    inside = bench.search(query, exhaustive=True, inside=True)
    best = inside.matches[0]
    assert (best.name, best.view) == ("a.mp4", "top-right")
    assert best.score > 0.9
    (plain,) = [m for m in whole.matches if m.name == "a.mp4"]
    assert plain.view == ""
    assert best.score > plain.score + 0.2
    assert best.segments
    span = best.segments[0]
    assert span.query_start == pytest.approx(span.reference_start, abs=1.0)


def test_hierarchical_search_lets_each_part_propose_candidates(world):
    bench, query = world
    part = bench.clip(str(QueryRef(query, "top-right")))
    # Tight enough that the whole picture proposes nothing and the part proposes a, at the nine
    # tenths of the threshold that parts have.
    limit = bench.query_distances(part.query_id).distances.min() * 1.01 / 0.9 + 1e-6
    assert bench.search(query, threshold=limit).matches == ()
    found = bench.search(query, threshold=limit, inside=True)
    assert (found.matches[0].name, found.matches[0].view) == ("a.mp4", "top-right")
    assert [c.video_id for c in found.candidates] == [found.matches[0].video_id]
    # The budget has room for all videos, so the whole picture is compared with each.
    assert {m.view for m in found.matches[1:]} == {""}
    alone = bench.search(query, threshold=limit, inside=True, budget=1)
    assert [(m.name, m.view) for m in alone.matches] == [("a.mp4", "top-right")]


def test_auto_searches_the_parts_where_the_whole_picture_has_no_match(world, monkeypatch, tmp_path):
    bench, query = world
    asked = []
    search = bench.search
    monkeypatch.setattr(
        bench,
        "search",
        lambda *a, inside, **k: asked.append(inside) or search(*a, inside=inside, **k),
    )
    (answer,) = search_many(bench, [query], inside="auto", exhaustive=True)
    assert asked == [False, True]
    assert answer.result.matches[0].view == "top-right"
    asked.clear()
    excerpt = tmp_path / "excerpt.mp4"
    write(excerpt, scenes(0, 8)[1:])
    (answer,) = search_many(bench, [excerpt], inside="auto", exhaustive=True)
    assert asked == [False]
    assert not answer.result.inside
    for inside, looked in (("never", [False]), ("always", [True])):
        asked.clear()
        list(search_many(bench, [query], inside=inside, exhaustive=True))
        assert asked == looked


def test_no_video_scores_lower_for_looking_inside(world):
    bench, query = world
    whole = {m.video_id: m.score for m in bench.search(query, exhaustive=True).matches}
    for match in bench.search(query, exhaustive=True, inside=True).matches:
        assert match.score >= whole[match.video_id]


def test_a_view_can_be_asked_for_by_its_id_like_a_clip(world):
    bench, query = world
    clip = bench.clip(str(QueryRef(query, "top-right")))
    assert clip.name == "inset.mp4 (top right part)"
    best = bench.search(query, exhaustive=True, inside=True).matches[0]
    pair = bench.compare(clip.query_id, best.video_id)
    assert pair.score == pytest.approx(best.score)
    whole, part = (pictures_of(bench, q, [0.5])[0] for q in (query, clip.query_id))
    assert part.shape == cut(whole, BY_KEY["top-right"].box).shape, "a small file is not enlarged"
    again = bench.search(clip.query_id, exhaustive=True, inside=True)
    assert {m.view for m in again.matches} == {""}, "a view has no views of its own"
    with pytest.raises(NotFound):
        bench.clip(str(QueryRef("no such video", "top-right")))


def test_looking_inside_can_be_stopped(world):
    bench, query = world
    path = bench.clip(query).path
    bench.forget_clip(query)  # with its views
    bench.open_clip(path)
    with pytest.raises(Cancelled):
        bench.search(query, inside=True, watch=Watch(stopped=lambda: True))


def test_parts_that_two_ask_for_at_once_are_read_once(world, monkeypatch):
    bench, query = world
    store = ClipStore(bench.library, bench.model, bench.settings)
    store.open(bench.clip(query).path, name="inset.mp4")
    options = read_once(monkeypatch, "extract_views", partial(store.views, query))
    assert options["video_id"] == query


@given(st.text(max_size=20), st.sampled_from(["", *BY_KEY]))
def test_ids_of_views_split_into_what_they_were_made_of(query, key):
    if QueryRef.parse(query).view:
        return  # the text itself names a view
    assert QueryRef.parse(str(QueryRef(query, key))) == QueryRef(query, key)


def test_an_at_sign_in_a_name_is_no_view():
    assert QueryRef.parse("talk@home.mp4") == QueryRef("talk@home.mp4")


@pytest.mark.parametrize("view", PICTURE_PARTS)
def test_a_view_is_the_part_of_the_picture_that_its_box_says(view):
    ramp = np.arange(64, dtype=np.uint8)
    picture = np.stack([*np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(0))], -1)
    frames = view_frames(picture[None].repeat(2, 0), view, 16)
    assert frames.shape == (2, 16, 16, 3)
    x, y, w, h = view.box
    top, left = frames[0, 0, 0, :2].astype(float)
    bottom, right = frames[0, -1, -1, :2].astype(float)
    for value, share in ((top, y), (left, x)):
        assert value == pytest.approx(share * 64, abs=3)
    for value, share in ((bottom, y + h), (right, x + w)):
        assert value == pytest.approx(share * 64, abs=4)


def test_every_square_of_half_the_side_lies_in_some_view():
    boxes = [v.box for v in PICTURE_PARTS]
    for place in np.linspace(0, 0.5, 11):
        for across in np.linspace(0, 0.5, 11):
            seen = max(
                max(0, min(x + w, across + 0.5) - max(x, across))
                * max(0, min(y + h, place + 0.5) - max(y, place))
                for x, y, w, h in boxes
            )
            assert seen / 0.25 > 0.55, (across, place)


def features(rng, name, frames):
    regions = rng.standard_normal((frames, 9, 8)).astype(np.float32)
    regions /= np.linalg.norm(regions, axis=-1, keepdims=True)
    return VideoFeatures(name, "x", regions, np.arange(frames) + 0.5)


@given(st.integers(0, 2**32 - 1))
def test_ranking_views_is_the_best_of_the_whole_and_the_best_part(seed):
    rng = np.random.default_rng(seed)
    library = {f"v{i}": features(rng, f"v{i}", int(rng.integers(2, 7))) for i in range(4)}
    views = {key: features(rng, "q", 5) for key in ("", "left", "right")}
    videos = {key: [v for v in library if rng.random() < 0.7] for key in views}
    options = AlignOptions(frame_level=0.5)
    common = {
        "load": library.__getitem__,
        "names": {v: v for v in library},
        "candidates": {},
        "scorer": CHAMFER,
        "options": options,
    }
    got, skipped = rerank(views, videos, **common)
    assert skipped == {}
    alone = {
        key: {m.video_id: m for m in rerank({key: query}, {key: videos[key]}, **common)[0]}
        for key, query in views.items()
    }
    expected = {}
    for video_id in {v for found in alone.values() for v in found}:
        parts = [alone[key][video_id] for key in ("left", "right") if video_id in alone[key]]
        best_part = sorted(parts, key=lambda m: (-m.score, -m.reverse_score))[:1]
        whole = [alone[""][video_id]] if video_id in alone[""] else []
        expected[video_id] = max([*whole, *best_part], key=lambda m: m.strength)
    assert [m.strength for m in got] == sorted(
        (m.strength for m in expected.values()), reverse=True
    )
    for match in got:
        found = expected[match.video_id]
        assert (match.view, match.score, match.segments) == (
            found.view,
            found.score,
            found.segments,
        )


def test_a_part_of_the_picture_never_takes_the_place_of_a_whole_that_matches_better():
    """An excerpt in long foreign footage: its score as a whole is low, its segment's is high."""
    rng = np.random.default_rng(3)
    reference = features(rng, "v", 12)
    foreign = features(rng, "x", 60).regions
    whole = np.concatenate([foreign[:30], reference.regions, foreign[30:]])
    views = {
        "": VideoFeatures("q", "x", whole, np.arange(len(whole)) * 1.0),
        # Blurred pictures of the same: every frame of the part resembles the reference a little.
        "left": VideoFeatures("q", "x", whole * 0 + reference.regions[:1] * 0.8, np.arange(72.0)),
    }
    (match,), _ = rerank(
        views,
        {"": ["v"], "left": ["v"]},
        load=lambda _video: reference,
        names={"v": "v"},
        candidates={},
        scorer=CHAMFER,
        options=AlignOptions(frame_level=0.5),
    )
    (part,), _ = rerank(
        {"left": views["left"]},
        {"left": ["v"]},
        load=lambda _video: reference,
        names={"v": "v"},
        candidates={},
        scorer=CHAMFER,
        options=AlignOptions(frame_level=0.5),
    )
    assert match.view == ""
    assert part.score > match.score, "by scores alone the part would have been kept"
    assert match.strength > part.strength + 0.1


def test_proposals_of_several_views_become_one_list():
    near = Candidate("a", 1.0, 4, 2, 3, evidence=3.0)
    far = Candidate("a", 2.0, 9, 1, 3, evidence=1.0)
    other = Candidate("b", 0.5, 1, 1, 1, evidence=2.0)
    assert merged([(far, other), (near,)]) == (near, other)
    assert merged([]) == ()
