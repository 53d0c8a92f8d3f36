"""Which copy is kept follows from the rules, in their order, and the reason names them."""

from pathlib import Path

import pytest

from visil_dash.records import MediaInfo, VideoRecord
from visil_dash.tidying.rules import DEFAULT, RULES, choose


def video(
    number: int,
    *,
    seconds: float = 60.0,
    side: int = 720,
    size: int = 1_000_000,
    place: str = "/films/a.mp4",
) -> VideoRecord:
    info = MediaInfo("mp4", "h264", side * 16 // 9, side, seconds, 60)
    return VideoRecord(
        other_names=(),
        tags=(),
        video_id=f"{number:064x}",
        ordinal=number,
        name=f"{number}.mp4",
        bytes=size,
        info=info,
        added="2026-01-01T00:00:00+00:00",
        frames=60,
        places=(place,),
    )


@pytest.mark.parametrize(
    ("rules", "best", "why"),
    [
        (DEFAULT, 2, "90 % as long as the longest, has the largest picture"),
        (("bitrate",), 3, "highest bit rate"),
        (("smallest",), 4, "fewest bytes"),
        (("oldest",), 1, "added first"),
        (("length", "oldest"), 1, "added first"),
        (("folder",), 4, "--prefer"),
    ],
)
def test_each_rule_decides_in_its_turn(rules: tuple[str, ...], best: int, why: str) -> None:
    videos = [
        video(1),
        video(2, side=1080),
        video(3, size=3_000_000),
        video(4, seconds=20.0, side=2160, size=100, place="/best/b.mp4"),
    ]
    kept, reason = choose(videos, rules, prefer=[Path("/best"), Path("/films")])
    assert kept.ordinal == best
    assert why in reason


def test_copies_that_differ_by_nothing_are_decided_by_the_first() -> None:
    for rule in RULES:
        kept, reason = choose([video(2), video(1)], [rule])
        assert kept.ordinal == 1
        assert reason == RULES["oldest"]
