"""Rules for which video of a group to keep: each is one word, and their order is the user's."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from visil_dash.collection.keeping import bit_rate
from visil_dash.library.paths import path_of
from visil_dash.records import VideoRecord

# A video counts as the best where it comes this near: sizes, lengths and rates of copies waver.
_TOLERANCE = {"complete": 0.9, "length": 0.99, "resolution": 0.95, "bitrate": 0.98}

RULES: Mapping[str, str] = {
    "folder": "lies in the folder that --prefer names first",
    "complete": "is at least 90 % as long as the longest",
    "length": "is the longest",
    "resolution": "has the largest picture",
    "bitrate": "has the highest bit rate",
    "smallest": "takes the fewest bytes",
    "oldest": "was added first",
}
DEFAULT = ("complete", "resolution", "bitrate", "length", "oldest")


def choose(
    videos: Sequence[VideoRecord], rules: Sequence[str], *, prefer: Sequence[Path] = ()
) -> tuple[VideoRecord, str]:
    """The video to keep by these rules, and those that decided, in words.

    Each rule leaves the videos that are best by it for the next one; what is still left is decided
    by the order of arrival. Raises ValueError without videos, and KeyError for an unknown rule.
    """
    left, decided = list(videos), []
    for rule in rules:
        measure = _measure(rule, prefer)
        best = max(measure(video) for video in left)
        least = best * _TOLERANCE.get(rule, 1.0)
        kept = [video for video in left if measure(video) >= least]
        if len(kept) < len(left):
            decided.append(RULES[rule])
        left = kept
    if len(left) > 1:
        decided.append(RULES["oldest"])
    return min(left, key=lambda video: video.ordinal), ", ".join(dict.fromkeys(decided))


def _measure(rule: str, prefer: Sequence[Path]) -> Callable[[VideoRecord], float]:
    """The more, the better; never negative where a tolerance multiplies it."""
    measures: dict[str, Callable[[VideoRecord], float]] = {
        "folder": lambda video: -_place(video, prefer),
        "complete": lambda video: video.info.duration,
        "length": lambda video: video.info.duration,
        "resolution": lambda video: video.info.width * video.info.height,
        "bitrate": bit_rate,
        "smallest": lambda video: -video.bytes,
        "oldest": lambda video: -video.ordinal,
    }
    return measures[rule]


def _place(video: VideoRecord, prefer: Sequence[Path]) -> int:
    """Which of the folders the video was added from, counted from 0; their number for none."""
    places = [path_of(place) for place in video.places]
    return next(
        (
            number
            for number, folder in enumerate(prefer)
            if any(place.is_relative_to(folder) for place in places)
        ),
        len(prefer),
    )
