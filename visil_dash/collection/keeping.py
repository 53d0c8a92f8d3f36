"""Which video of a group to keep: the suggestion, and the reason for it."""

from collections.abc import Callable, Sequence

from visil_dash.records import VideoRecord

_COMPLETE = 0.9  # of the longest video: a shorter one has lost a part
_SAME_SIZE = 1.05  # pictures whose pixels differ by less are of one size
_SAME_RATE = 1.02


def bit_rate(video: VideoRecord) -> float:
    """Bits a second of the whole file; 0 where its length is unknown."""
    return 8 * video.bytes / video.info.duration if video.info.duration > 0 else 0.0


def best_to_keep(videos: Sequence[VideoRecord]) -> tuple[VideoRecord, str]:
    """The video to keep out of one group, and why, in words.

    Of those that are about as long as the longest, the largest picture; among pictures of one size
    the highest bit rate; then the longest, then the one that was added first. Bit rates of two
    codecs compare badly, so they decide only where the pictures are of one size.

    Raises ValueError without videos.
    """
    complete = _about_highest(videos, _seconds, 1 / _COMPLETE)
    large = _about_highest(complete, _pixels, _SAME_SIZE)
    rich = _about_highest(large, bit_rate, _SAME_RATE)
    best = min(rich, key=lambda v: (-v.info.duration, v.ordinal))
    lengths = {round(video.info.duration) for video in rich}
    reasons = {
        "largest picture": len(large) < len(complete),
        "highest bit rate": len(rich) < len(large),
        "longest": len(lengths) > 1 or len(complete) == 1,
        "added first": len(lengths) == 1 and len(rich) > 1,
    }
    return best, ", ".join(reason for reason, decided in reasons.items() if decided)


def _about_highest(
    videos: Sequence[VideoRecord], measure: Callable[[VideoRecord], float], tolerance: float
) -> list[VideoRecord]:
    highest = max(measure(video) for video in videos)
    return [video for video in videos if measure(video) * tolerance >= highest]


def _seconds(video: VideoRecord) -> float:
    return video.info.duration


def _pixels(video: VideoRecord) -> int:
    return video.info.width * video.info.height
