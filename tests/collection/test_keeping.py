"""Which video of a group is suggested to be kept, and the reason (collection/keeping.py)."""

import pytest

from visil_dash.collection.groups import Group, Link, Member
from visil_dash.collection.keeping import best_to_keep, bit_rate
from visil_dash.collection.rows import group_rows
from visil_dash.records import MediaInfo, VideoRecord


def video(
    ordinal: int, seconds: float = 60.0, size: tuple[int, int] = (1280, 720), kilobytes: int = 1000
) -> VideoRecord:
    info = MediaInfo("mp4", "h264", *size, seconds, int(25 * seconds))
    name = f"{ordinal}.mp4"
    return VideoRecord(f"{ordinal:064x}", ordinal, name, (), kilobytes * 1000, info, "2026", 60)


def kept(*videos: VideoRecord) -> tuple[int, str]:
    best, reason = best_to_keep(videos)
    return best.ordinal, reason


def test_the_largest_picture_is_kept_whatever_its_bit_rate() -> None:
    assert kept(video(1, kilobytes=9000), video(2, size=(1920, 1080))) == (2, "largest picture")


def test_of_one_picture_size_the_highest_bit_rate_is_kept() -> None:
    assert kept(video(1), video(2, kilobytes=1300), video(3)) == (2, "highest bit rate")


def test_a_few_pixels_of_cropping_make_no_other_size() -> None:
    assert kept(video(1, size=(1280, 720)), video(2, size=(1280, 704), kilobytes=2000)) == (
        2,
        "highest bit rate",
    )


def test_an_excerpt_is_not_kept_for_a_larger_picture() -> None:
    assert kept(video(1), video(2, seconds=20, size=(3840, 2160))) == (1, "longest")


def test_alike_videos_keep_the_one_that_was_added_first() -> None:
    assert kept(video(3), video(1), video(2)) == (1, "added first")
    with pytest.raises(ValueError, match="empty"):
        best_to_keep([])


def test_a_bit_rate_is_that_of_the_whole_file() -> None:
    assert bit_rate(video(1, seconds=8, kilobytes=500)) == 500_000
    assert bit_rate(video(1, seconds=0)) == 0


def test_a_list_of_groups_has_a_row_for_each_video_that_is_still_there() -> None:
    videos = [video(1), video(2, size=(1920, 1080)), video(3)]
    members = (
        Member(videos[0].video_id, "1.mp4", (), 1.0),
        Member(videos[1].video_id, "2.mp4", (), 0.9),
        Member(videos[2].video_id, "3.mp4", (videos[1].video_id,), 0.8),
    )
    link = Link(videos[0].video_id, videos[1].video_id, 0.9)
    group = Group(members, link, link, matching=2, pairs=3)
    rows = group_rows([group], {v.video_id: v for v in videos})
    assert [(row["video"], row["keep"], row["via"]) for row in rows] == [
        ("1.mp4", False, ""),
        ("2.mp4", True, ""),
        ("3.mp4", False, "2.mp4"),
    ]
    assert (rows[1]["width"], rows[1]["height"], rows[1]["kbit_per_second"]) == (1920, 1080, 133)
    two = {v.video_id: v for v in videos[:2]}
    assert [row["video"] for row in group_rows([group], two)] == ["1.mp4", "2.mp4"]
    (only,) = group_rows([group], two, only={videos[0].video_id})
    assert (only["video"], only["keep"]) == ("1.mp4", False)
