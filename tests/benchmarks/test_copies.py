"""Claims about the edited copies: pictures stay valid, and the truth about time is true.

The clips carry a counter in their pictures (six blocks, one bit each). It is read back from the
encoded copies and compared with what the truth says is shown when.
"""

import csv
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from benchmarks.copies.clips import Clip, fit, probe, read_clip, write_video
from benchmarks.copies.groups import read_relations
from benchmarks.copies.make import make_copies
from benchmarks.copies.truth import read_truth
from visil_dash.edits.kinds import HOSTS_NEEDED, KINDS, STRENGTHS
from visil_dash.edits.picture_edits import PICTURE_EDITS
from visil_dash.edits.pictures import cropped
from visil_dash.edits.repost_edits import REPOST_EDITS
from visil_dash.edits.time_edits import HIDING_EDITS, TIME_EDITS
from visil_dash.errors import InputError

RATE = 10
WIDTH, HEIGHT = 168, 112  # blocks of 56 × 56, large enough to read in a ninth of the picture
every_edit = pytest.mark.parametrize(
    ("kind", "strength"),
    [(kind, strength) for kind in KINDS for strength in range(3)],
    ids=lambda value: value if isinstance(value, str) else STRENGTHS[value],
)


def counter_picture(number):
    """Blocks in two rows of three: bit b of the number is light or dark in block b."""
    bits = (number >> np.arange(6)) & 1
    picture = np.where(bits.reshape(2, 3), 225, 30).astype(np.uint8)
    return np.repeat(np.repeat(picture, 56, 0), 56, 1)[..., None].repeat(3, 2)


def counter_clip(*, frames=60, start=0.0):
    return Clip("source", tuple(counter_picture(k) for k in range(frames)), RATE, start)


def read_counter(picture):
    height, width = picture.shape[:2]
    bits = 0
    for block in range(6):
        y, x = (block // 3 + 0.5) * height / 2, (block % 3 + 0.5) * width / 3
        part = picture[int(y - height / 8) : int(y + height / 8) + 1]
        part = part[:, int(x - width / 12) : int(x + width / 12) + 1]
        bits |= int(part.mean() > 127) << block
    return bits


def host_clips(count, size=(WIDTH, HEIGHT)):
    """Dark red footage, to be told from the counter by its colour."""
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 40, (8, size[1], size[0], 3)).astype(np.uint8)
    pictures[..., 0] += 150
    return [Clip(f"host{i}", tuple(pictures), RATE) for i in range(count)]


def edited(kind, strength, clip, *, seed=3):
    hosts = host_clips(HOSTS_NEEDED.get(kind, (0, 0, 0))[strength])
    return KINDS[kind](clip, hosts, strength, np.random.default_rng(seed))


def decoded(edit, tmp_path):
    path = tmp_path / "copy.mp4"
    written = write_video(path, edit.frames(), rate=edit.rate, crf=edit.crf)
    clip = read_clip(path, rate=edit.rate, name="copy")
    assert len(clip.frames) == written
    return clip.frames


def expected_time(segment, t):
    """Time in the source shown at `t` seconds of the copy, by the truth alone."""
    gone = (t - segment.query_start) * segment.speed
    if segment.reversed:
        return segment.reference_end - gone
    return segment.reference_start + gone


# ---- time ----


@pytest.mark.parametrize("strength", range(3), ids=STRENGTHS)
@pytest.mark.parametrize("kind", [*TIME_EDITS, *HIDING_EDITS])
def test_the_counter_in_the_copy_shows_the_time_that_the_truth_tells(kind, strength, tmp_path):
    clip = counter_clip(start=7.5)
    edit = edited(kind, strength, clip)
    # A dropped frame leaves the one before it standing.
    late = 1.8 if kind == "drop" else 0.0
    for k, picture in enumerate(decoded(edit, tmp_path)):
        t = k / RATE
        mine = [s for s in edit.segments if s.query_start <= t < s.query_end]
        shown = cropped(picture, edit.box)
        if not mine:
            assert shown[..., 0].mean() > shown[..., 2].mean() + 60, f"no host at {t} s"
            continue
        assert len(mine) == 1
        found = clip.start + read_counter(shown) / RATE
        expected = expected_time(mine[0], t)
        slack = 1.01 * max(1.0, mine[0].speed) / RATE
        assert expected - slack - late <= found <= expected + slack


def shown(kind, picture):
    """Without what is a host's around an inset that moves, which is dark red."""
    if kind != "moving_inset":
        return picture
    return picture[picture[..., 0].astype(int) - picture[..., 2] < 60]


@pytest.mark.parametrize("strength", range(3), ids=STRENGTHS)
@pytest.mark.parametrize("kind", [*PICTURE_EDITS, *REPOST_EDITS])
def test_picture_edits_keep_every_frame_in_its_place(kind, strength, tmp_path):
    # Brightness rises with time, whatever part of the picture is kept and wherever it moves.
    rng = np.random.default_rng(1)
    grain = rng.integers(-25, 26, (HEIGHT, WIDTH, 3))
    levels = np.linspace(60, 190, 40)
    clip = Clip("ramp", tuple((grain + v).astype(np.uint8) for v in levels), RATE, 2.0)
    edit = edited(kind, strength, clip)
    (segment,) = edit.segments
    assert (segment.query_start, segment.query_end) == (0, 4)
    assert (segment.reference_start, segment.reference_end) == (2, 6)
    assert (segment.speed, segment.reversed) == (1, False)
    frames = decoded(edit, tmp_path)
    assert len(frames) == len(clip.frames)
    seen = [float(np.median(shown(kind, cropped(picture, edit.box)))) for picture in frames]
    assert np.corrcoef(seen, levels)[0, 1] > 0.9
    assert np.ptp(seen) > 20


def test_segments_of_swapped_pieces_cover_all_of_both_axes():
    edit = edited("reorder", 2, counter_clip())
    assert len(edit.segments) == 3  # five pieces of two seconds do not fit into six
    for start, end in (("query_start", "query_end"), ("reference_start", "reference_end")):
        spans = sorted((getattr(s, start), getattr(s, end)) for s in edit.segments)
        assert spans[0][0] == 0
        assert spans[-1][1] == 6
        assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert edit.segments[0].reference_start > 0


# ---- pictures ----


@every_edit
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (60, 110)], ids=["wide", "tall"])
def test_pictures_stay_valid(kind, strength, size):
    rng = np.random.default_rng(2)
    pictures = rng.integers(0, 256, (45, size[1], size[0], 3)).astype(np.uint8)
    edit = edited(kind, strength, Clip("source", tuple(pictures), RATE))
    shapes, count = set(), 0
    for picture in edit.frames():
        assert picture.dtype == np.uint8
        shapes.add(picture.shape)
        count += 1
    assert count == sum(len(shot.shown) for shot in edit.shots)
    assert len(shapes) == 1
    height, width, channels = shapes.pop()
    assert (height % 2, width % 2, channels) == (0, 0, 3)
    assert max(height, width) <= max(size)
    x, y, w, h = edit.box
    assert min(x, y) >= 0
    assert max(x + w, y + h) <= 1 + 1e-9


@every_edit
def test_the_same_seed_makes_the_same_copy_and_changes_the_source(kind, strength):
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 256, (40, 48, 64, 3)).astype(np.uint8)
    clip = Clip("source", tuple(pictures), RATE)
    first = np.stack(list(edited(kind, strength, clip).frames()))
    again = np.stack(list(edited(kind, strength, clip).frames()))
    np.testing.assert_array_equal(first, again)
    if kind != "reencode":  # whose edit is the encoder's
        assert first.shape != pictures.shape or (first != pictures).any()


# ---- clips ----


def test_a_clip_shows_what_is_on_screen_at_each_tick(tmp_path):
    path = tmp_path / "counter.mp4"
    write_video(path, counter_clip().frames, rate=RATE, crf=20)
    assert probe(path).seconds == pytest.approx(6, abs=0.01)
    assert probe(path).rate == RATE
    slow = read_clip(path, rate=4, start=1.0, seconds=2.0)
    # 1.0, 1.25, 1.5 … seconds: the tenth frame, then the one shown since 1.2 s, …
    assert [read_counter(p) for p in slow.frames] == [10, 12, 15, 17, 20, 22, 25, 27]
    assert slow.start == 1.0
    fast = read_clip(path, rate=15, start=5.8)
    assert [read_counter(p) for p in fast.frames] == [58, 58, 59]


def test_the_same_frames_give_the_same_bytes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (400, 700, 3), dtype=np.uint8)
    wide = cv2.GaussianBlur(noise, (9, 9), 3)
    files = set()
    for _ in range(8):
        frames = (wide[i // 3 :][:270, i:][:, :480] for i in range(150))  # a camera that pans
        write_video(tmp_path / "pan.mp4", frames, rate=25, crf=23)
        files.add((tmp_path / "pan.mp4").read_bytes())
    assert len(files) == 1


def test_a_file_that_is_no_video_is_refused_by_name(tmp_path):
    path = tmp_path / "no.mp4"
    path.write_text("nothing")
    with pytest.raises(InputError, match=r"no\.mp4"):
        probe(path)
    with pytest.raises(InputError, match=r"no\.mp4"):
        read_clip(path, rate=5)


def test_pictures_are_shrunk_to_even_sides_and_never_enlarged():
    assert fit(np.zeros((1080, 1921, 3), np.uint8), 480).shape == (270, 480, 3)
    assert fit(np.zeros((51, 33, 3), np.uint8), 480).shape[:2] in {(50, 32), (52, 34), (52, 32)}


def test_an_interrupted_write_leaves_no_file_under_the_name(tmp_path):
    def broken():
        yield from counter_clip(frames=5).frames
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "copy.mp4", broken(), rate=RATE, crf=30)
    assert not (tmp_path / "copy.mp4").exists()


# ---- relations ----


def table(tmp_path, *rows):
    path = tmp_path / "groups.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "group", "role", "basis"), *rows])
    return path


def test_relations_of_a_table(tmp_path):
    relations = read_relations(
        [
            table(
                tmp_path,
                ("a.mp4", "one", "copy", ""),
                ("b.mp4", "one", "copy with a logo", ""),
                ("c.mp4", "takes", "other take: hard negative of one", ""),
                ("d.mp4", "takes", "other take: hard negative of one", ""),
                ("e.mp4", "one", "unclear", "a part of it"),
                ("f.mp4", "none", "exclude", "test pattern"),
            )
        ]
    )
    assert relations.copies == {"a.mp4": {"b.mp4"}, "b.mp4": {"a.mp4"}}
    assert relations.look_alikes["c.mp4"] >= {"a.mp4", "b.mp4", "d.mp4"}
    assert relations.look_alikes["a.mp4"] == {"c.mp4", "d.mp4"}
    assert relations.unclear["e.mp4"] == {"a.mp4", "b.mp4"}
    assert relations.unclear["a.mp4"] == {"e.mp4"}
    assert relations.excluded == {"f.mp4": "test pattern"}
    assert relations.has_relatives("d.mp4")
    assert not relations.has_relatives("f.mp4")


def test_a_table_with_unknown_roles_or_groups_is_refused(tmp_path):
    with pytest.raises(InputError, match="'twin'"):
        read_relations([table(tmp_path, ("a.mp4", "one", "twin", ""))])
    with pytest.raises(InputError, match="no table names"):
        read_relations([table(tmp_path, ("a.mp4", "x", "hard negative of two", ""))])
    with pytest.raises(InputError, match="this group"):
        read_relations([table(tmp_path, ("a.mp4", "x", "copy", ""))], exclude_groups=["y"])


# ---- a whole set ----


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Nine moving patterns of 4.5 s; two of them show the same footage, one is too short."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "sub").mkdir()
    for i in range(9):
        rng = np.random.default_rng(100 + (0 if i == 1 else i))
        scene = rng.integers(0, 256, (8, 24, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        count = 10 if i == 8 else 45
        frames = [np.ascontiguousarray(np.roll(scene, 2 * k, 1)[:, :96]) for k in range(count)]
        name = f"sub/clip{i}.mp4" if i % 2 else f"clip{i}.mp4"
        write_video(folder / name, frames, rate=RATE, crf=25)
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    return table(
        tmp_path_factory.mktemp("tables"),
        ("clip0.mp4", "same", "copy", ""),
        ("sub/clip1.mp4", "same", "copy", ""),
        ("clip2.mp4", "like", "hard negative of same", ""),
    )


def quiet(_line):
    pass


OPTIONS = {"kinds": ("crop", "picture_in_picture", "flip"), "seed": 1, "log": quiet}


@pytest.fixture(scope="module")
def made(clips, groups, tmp_path_factory):
    """A set of seven copies, of which two were there before, and one query without an answer."""
    folder = tmp_path_factory.mktemp("made")
    make_copies(clips, folder, count=2, tables=[groups], **OPTIONS)
    before = {p.name: p.stat().st_mtime_ns for p in folder.glob("*.mp4")}
    truth = make_copies(clips, folder, count=7, unanswered=1, tables=[groups], **OPTIONS)
    return folder, before, truth


def test_a_set_resumes_where_it_stopped(made):
    folder, before, truth = made
    after = {p.name: p.stat().st_mtime_ns for p in folder.glob("*.mp4")}
    assert (len(before), len(after)) == (2, 8)
    assert all(after[name] == stamp for name, stamp in before.items())
    assert read_truth(folder) == truth


def test_hosts_are_no_references_and_unreadable_files_neither(made):
    _, _, truth = made
    assert len(truth.hosts) == 4
    assert not set(truth.hosts) & set(truth.references)
    assert not set(truth.hosts) & {"clip0.mp4", "sub/clip1.mp4", "clip2.mp4"}
    assert "broken.mp4" not in truth.references
    # Too short for queries, but there to be mistaken for something.
    assert "clip8.mp4" in truth.references
    assert set(truth.excluded) == {"broken.mp4", "clip8.mp4"}


def test_every_copy_knows_its_source_and_its_hosts(made):
    _, _, truth = made
    for query in truth.queries[:7]:
        assert query.source in query.correct
        assert set(query.correct) <= set(truth.references)
        assert set(query.hosts) <= set(truth.hosts)
        assert bool(query.hosts) == (query.kind == "picture_in_picture")
        assert query.seconds == pytest.approx(4.5, abs=0.01)
    assert len({(q.kind, q.strength) for q in truth.queries[:7]}) == 7


def test_videos_with_the_same_footage_are_all_correct_and_like_ones_are_known(made):
    _, _, truth = made
    twins = [q for q in truth.queries if q.source in {"clip0.mp4", "sub/clip1.mp4"}]
    assert twins
    for query in twins:
        assert query.correct == ("clip0.mp4", "sub/clip1.mp4")
        assert query.look_alikes == ("clip2.mp4",)


def test_a_query_without_an_answer_has_no_source(made):
    _, _, truth = made
    distractor = truth.queries[7]
    assert (distractor.source, distractor.correct, distractor.segments) == ("", (), ())


def test_other_options_make_a_copy_again(clips, tmp_path):
    options = {"count": 1, "kinds": ("crop",), "log": quiet}
    first = make_copies(clips, tmp_path, seed=1, **options).queries[0]
    second = make_copies(clips, tmp_path, seed=2, **options).queries[0]
    assert first.file == second.file
    assert first != second


def test_a_folder_with_too_few_clips_and_unknown_kinds_are_refused(tmp_path):
    with pytest.raises(InputError, match="0 clips are fit"):
        make_copies(tmp_path, tmp_path / "out", count=1, log=quiet)
    with pytest.raises(InputError, match="no such kind"):
        make_copies(tmp_path, tmp_path / "out", count=1, kinds=("melt",), log=quiet)


def test_a_clip_needs_frames_of_one_size():
    clip = counter_clip(frames=2)
    with pytest.raises(ValueError, match="one size"):
        replace(clip, frames=(clip.frames[0], clip.frames[1][:10]))
    with pytest.raises(ValueError, match="one size"):
        replace(clip, frames=())
