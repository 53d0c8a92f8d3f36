"""What it takes to read a library again with another model: minutes and disk, measured here."""

import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from visil_dash.errors import StoreDamaged
from visil_dash.library.store import Library
from visil_dash.media.decode import sample_frames
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, Preprocess, VideoRecord
from visil_dash.settings import Settings

FEATURE_BYTES = 2.0  # of a value: half precision
_FRAMES = 32  # one batch of the model
_SECONDS = 2.0  # a slow model is timed on as many frames as fit


class Extractor(Protocol):
    """A model, or one whose weights are not there yet (planner.untrained)."""

    @property
    def preprocess(self) -> Preprocess: ...

    @property
    def extract(self) -> Callable[[Array], Array]: ...


@dataclass(frozen=True)
class ExtractionRates:
    """`frames_per_second`: through the model, decoding aside; `decoded_seconds_per_second`: seconds
    of video decoded and sampled a second, None without a video to measure."""

    frames_per_second: float
    decoded_seconds_per_second: float | None


@dataclass(frozen=True)
class ExtractionCost:
    """Of reading `videos` videos: sampled frames, seconds on this machine, bytes of features."""

    videos: int
    frames: int
    seconds: float
    bytes: float


def typical_file(library: Library) -> Path | None:
    """The file of a video of middling length, to time work on; None where no file is as it was."""
    videos = sorted(library.videos(), key=lambda video: video.info.duration)
    middle = len(videos) // 2
    for _, video in sorted(enumerate(videos), key=lambda one: abs(one[0] - middle)):
        with suppress(StoreDamaged):
            return library.media_path(video.video_id)
    return None


def extraction_cost(
    videos: Iterable[VideoRecord],
    *,
    values: int,
    frames_per_second: float,
    rates: ExtractionRates | None,
) -> ExtractionCost:
    """`values`: of one frame, regions times dims. `rates` None: not measured, NaN seconds."""
    lengths = [video.info.duration for video in videos]
    frames = sum(max(1, math.ceil(length * frames_per_second)) for length in lengths)
    seconds = math.nan if rates is None else extraction_seconds(frames, sum(lengths), rates)
    return ExtractionCost(len(lengths), frames, seconds, frames * values * FEATURE_BYTES)


def extraction_seconds(frames: int, footage: float, rates: ExtractionRates) -> float:
    """Seconds to decode `footage` seconds of video and to extract their `frames` sampled frames."""
    decoded = rates.decoded_seconds_per_second
    return frames / rates.frames_per_second + (footage / decoded if decoded else 0.0)


def measure_extraction(
    model: Extractor, *, settings: Settings, video: Path | None = None, watch: Watch = UNWATCHED
) -> ExtractionRates:
    """Times the model on noise, and decoding on `video`. Raises Cancelled and MediaRefused."""
    watch.step("Timing the model", 0.1)
    speed = _model_speed(model)
    watch.step("Timing the decoder", 0.7)
    return ExtractionRates(
        speed, _decoder_speed(video, model, settings) if video is not None else None
    )


def _model_speed(model: Extractor) -> float:
    """Frames a second."""
    side = model.preprocess.side
    frames = np.random.default_rng(0).integers(0, 256, (_FRAMES, side, side, 3), dtype=np.uint8)
    model.extract(frames[:2])  # warm-up
    start = time.perf_counter()
    model.extract(frames[:2])
    once = time.perf_counter() - start
    most = max(2, min(_FRAMES, int(2 * _SECONDS / once)))
    start = time.perf_counter()
    model.extract(frames[:most])
    return most / (time.perf_counter() - start)


def _decoder_speed(video: Path, model: Extractor, settings: Settings) -> float | None:
    """Seconds of video a second."""
    start = time.perf_counter()
    with sample_frames(
        video, preprocess=model.preprocess, rate=settings.rate, settings=settings
    ) as sampled:
        for _batch in sampled:
            pass
        length = sampled.info.duration
    return length / (time.perf_counter() - start) if length > 0 else None
