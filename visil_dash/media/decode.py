"""Frames of a video file, decoded in a confined child process, sampled at exact timestamps."""

import math
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, Self

import numpy as np

from visil_dash.errors import Cancelled, MediaRefused
from visil_dash.media import outcome, wire
from visil_dash.media.files import GIVE_VIDEO, check_regular, open_checked, shown_name
from visil_dash.media.outcome import Done, Opened
from visil_dash.media.process import Child, ChildStopped
from visil_dash.media.wire import Message, MessageKind, Request
from visil_dash.progress import UNWATCHED, Progress, Watch
from visil_dash.records import WHOLE_PICTURE, Array, Box, MediaInfo, Preprocess
from visil_dash.settings import Settings

_BATCH = 32
_READ_AHEAD = 2  # batches that wait to be taken
_LOOK_SECONDS = 0.1  # between two looks at the stop flag
_TIMES_OF_A_CHILD = 500  # they travel as an argument, whose length is limited
_THREADS = 2  # that opening.py gives a decoder; not imported, because that would load FFmpeg here
# Processor time allowed for a file: a floor for small ones, then by size. Normal video needs far
# less; a small file that needs more was made to waste time.
CPU_SECONDS, CPU_SECONDS_PER_MIB = 15.0, 120.0
_FINEST_RATE = 1_000_000  # largest denominator of a sampling rate


@dataclass(frozen=True)
class FrameBatch:
    """`frames` uint8 `[n, side, side, 3]` RGB, `timestamps` float64 `[n]` seconds, n <= 32."""

    frames: Array
    timestamps: Array

    def __len__(self) -> int:
        return len(self.timestamps)


class SampledVideo:
    """Iterate once over its FrameBatches, then read `info`. Closing it ends the child."""

    def __init__(self, batches: Generator[FrameBatch | MediaInfo, None, None]) -> None:
        self._batches = batches
        self._info: MediaInfo | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._batches.close()

    def __iter__(self) -> Iterator[FrameBatch]:
        for item in self._batches:
            if isinstance(item, MediaInfo):
                self._info = item
            else:
                yield item

    @property
    def info(self) -> MediaInfo:
        """Raises RuntimeError before all batches were taken: the outcome is not known yet."""
        if self._info is None:
            raise RuntimeError("take all batches before asking for info")
        return self._info


class BegunVideo(SampledVideo):
    """A SampledVideo that a thread reads, some batches ahead of who takes them.

    So decoding goes on while a network works on the frames before, or while it is still loaded.
    `watch` may be set until iteration begins. `read_for`: preprocess and rate. To be closed by who
    does not take all.
    """

    def __init__(
        self,
        begin: Callable[..., SampledVideo],
        *,
        read_for: tuple[Preprocess, float] | None = None,
    ) -> None:
        """`begin`: `sample_frames` with all arguments but `watch`. Raises what it raises."""
        self.watch = UNWATCHED
        self.read_for = read_for
        self._ended = Event()
        self._progress: Progress | None = None
        self._queue: Queue[FrameBatch | MediaInfo | BaseException] = Queue(_READ_AHEAD)
        self._video = begin(watch=Watch(self._note, self._ended.is_set))
        self._thread = Thread(target=self._read, name="decode", daemon=True)
        self._thread.start()
        super().__init__(self._taken())

    def close(self) -> None:
        super().close()
        self._ended.set()
        self._thread.join()

    def _note(self, progress: Progress) -> None:
        self._progress = progress

    def _read(self) -> None:
        """Fills the queue, in the thread. What ends the reading is raised where it is taken."""
        try:
            with self._video:
                for batch in self._video:
                    self._put(batch)
                self._put(self._video.info)
        except BaseException as error:
            with suppress(Cancelled):
                self._put(error)

    def _put(self, item: FrameBatch | MediaInfo | BaseException) -> None:
        while True:
            if self._ended.is_set():
                raise Cancelled
            with suppress(Full):
                return self._queue.put(item, timeout=_LOOK_SECONDS)

    def _taken(self) -> Generator[FrameBatch | MediaInfo, None, None]:
        while True:
            self.watch.check()
            if (progress := self._progress) is not None:
                self._progress = None
                self.watch.report(progress)
            try:
                item = self._queue.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            if isinstance(item, BaseException):
                raise item
            yield item
            if isinstance(item, MediaInfo):
                return


def sample_frames(
    path: Path,
    *,
    preprocess: Preprocess,
    rate: float = 1.0,
    box: Box = WHOLE_PICTURE,
    pictures: bool = False,
    settings: Settings,
    watch: Watch = UNWATCHED,
) -> SampledVideo:
    """`rate` frames per second of the video's own time, each resized by `preprocess`.

    For each tick k / rate after the first frame: the frame that is on screen then, by presentation
    times alone (never by counts or a nominal rate). Each frame comes once, with its true time
    relative to the first frame, rotated by the file's display matrix. `box`: the part of the
    displayed picture that is taken; only where `preprocess` squashes. `pictures`: a still picture
    is taken too, as a video of one frame.

    Progress is reported in seconds of video. `watch.stopped` is called at least every 0.2 s while
    waiting for the decoder.

    Raises MediaRefused, here for what is known without decoding, else while iterating (also
    after batches were given, when a limit is passed midway); Cancelled while iterating.
    """
    ticks = Fraction(rate).limit_denominator(_FINEST_RATE)
    if ticks <= 0:
        raise ValueError(f"rate: expected more than 0, got {rate}")
    if preprocess.mode != "squash" and box != WHOLE_PICTURE:
        raise ValueError("box: a part of the picture can only be squashed")
    check_regular(path, pictures=pictures, settings=settings)
    task = ChildTask(
        "sample",
        {
            "rate": (ticks.numerator, ticks.denominator),
            "side": preprocess.side,
            "mode": preprocess.mode,
            "resize": preprocess.resize,
            "box": box,
        },
        max_frame_bytes=preprocess.side * preprocess.side * 3,
    )
    return SampledVideo(_sampled(path, task, preprocess.side, settings, watch))


def frames_at(
    path: Path, times: Sequence[float], *, long_side: int = 640, settings: Settings
) -> list[Array]:
    """The frames on screen at `times` (seconds, any order), uint8 RGB `[height, width, 3]`.

    As displayed: turned, with square pixels, at most `long_side` pixels long, never enlarged. A
    time before the first frame gives the first, one past the end the last.

    Raises MediaRefused.
    """
    return displayed_frames(path, times, relative=False, long_side=long_side, settings=settings)


def displayed_frames(
    path: Path, times: Sequence[float], *, relative: bool, long_side: int, settings: Settings
) -> list[Array]:
    """As `frames_at`; with `relative`, `times` are shares 0..1 of the duration."""
    shown = timed_frames(path, times, relative=relative, long_side=long_side, settings=settings)
    return [frame for frame, _ in shown]


def timed_frames(
    path: Path,
    times: Sequence[float],
    *,
    relative: bool = False,
    long_side: int,
    settings: Settings,
    watch: Watch = UNWATCHED,
) -> list[tuple[Array, float]]:
    """As `displayed_frames`, each with the time (seconds) from which it is on screen.

    Raises MediaRefused, Cancelled.
    """
    found = fetched(
        path, times, relative=relative, long_side=long_side, settings=settings, watch=watch
    )
    return [(picture(message), message.seconds) for message in found]


def fetched(
    path: Path,
    times: Sequence[float],
    *,
    relative: bool = False,
    long_side: int,
    pixels: str = wire.RGB,
    settings: Settings,
    watch: Watch = UNWATCHED,
) -> list[Message]:
    """The messages of the frames on screen at `times`, their `pixels` as in wire.Request.

    Raises MediaRefused, Cancelled.
    """
    if not all(math.isfinite(t) for t in times):
        raise ValueError(f"times: expected finite numbers, got {list(times)}")
    if not 1 <= long_side <= settings.max_side:
        raise ValueError(f"long_side: expected 1 to {settings.max_side}, got {long_side}")
    if not times:
        return []
    ordered = sorted({max(0.0, float(t)) for t in times})
    frames: list[Message] = []
    for start in range(0, len(ordered), _TIMES_OF_A_CHILD):
        part = tuple(ordered[start : start + _TIMES_OF_A_CHILD])
        task = ChildTask(
            "frames",
            {"times": part, "relative": relative, "long_side": long_side, "pixels": pixels},
            max_frame_bytes=wire.frame_bytes(pixels, long_side, long_side),
        )
        for item in decoded(path, task, settings=settings, watch=watch):
            if isinstance(item, Message):
                frames.append(item)
            elif len(frames) < start + len(part):
                raise MediaRefused(
                    shown_name(path),
                    item.reason or "not all frames could be fetched",
                    outcome.AGAIN,
                )
    place = {time: number for number, time in enumerate(ordered)}
    return [frames[place[max(0.0, float(t))]] for t in times]


def _sampled(
    path: Path, task: "ChildTask", side: int, settings: Settings, watch: Watch
) -> Generator[FrameBatch | MediaInfo, None, None]:
    frames: list[Array] = []
    times: list[float] = []
    last = -1.0
    for item in decoded(path, task, settings=settings, watch=watch):
        if isinstance(item, Message):
            if (item.width, item.height) != (side, side) or item.seconds <= last:
                raise MediaRefused(shown_name(path), "the decoder misbehaved", outcome.AGAIN)
            last = item.seconds
            frames.append(picture(item))
            times.append(item.seconds)
        if frames and (len(frames) == _BATCH or isinstance(item, MediaInfo)):
            yield FrameBatch(np.stack(frames), np.array(times, dtype=np.float64))
            frames, times = [], []
        if isinstance(item, MediaInfo):
            yield item


def picture(message: Message) -> Array:
    """The picture of a FRAME message as displayed, `[height, width, 3]`."""
    stored = np.frombuffer(message.payload, dtype=np.uint8)
    return as_displayed(stored.reshape(message.height, message.width, 3), message.orientation)


def as_displayed(stored: Array, orientation: int) -> Array:
    """A stored picture or plane `[height, width, …]` as displayed."""
    if orientation & wire.TRANSPOSE:
        stored = stored.swapaxes(0, 1)
    if orientation & wire.FLIP_ROWS:
        stored = stored[::-1]
    if orientation & wire.FLIP_COLUMNS:
        stored = stored[:, ::-1]
    return np.ascontiguousarray(stored)


@dataclass(frozen=True)
class ChildTask:
    """What the child does with a file, and the fields of wire.Request that it needs."""

    name: str
    fields: dict[str, Any]
    max_frame_bytes: int = 0
    scratch_fd: int = -1
    effort: float = 1.0  # processor time, relative to decoding alone


def decoded(
    path: Path, task: ChildTask, *, settings: Settings, watch: Watch = UNWATCHED
) -> Generator[Message | MediaInfo, None, None]:
    """FRAME messages of one child, then the file's MediaInfo. Raises MediaRefused, Cancelled."""
    fd, container, size = open_checked(path, settings=settings)
    opened, done, stopped, pictures = Opened(), Done(), None, 0
    try:
        request = _request(task, fd=fd, container=container, size=size, settings=settings)
        with Child(
            request,
            pass_fds=tuple(f for f in (fd, task.scratch_fd) if f >= 0),
            max_frame_bytes=task.max_frame_bytes,
            wall_seconds=settings.child_wall_seconds,
            idle_seconds=settings.child_idle_seconds,
            watch=watch,
        ) as child:
            try:
                for message in child.messages():
                    if message.kind is MessageKind.REFUSED:
                        raise outcome.refusal(path, message.payload)
                    if message.kind is MessageKind.OPENED:
                        opened = outcome.parse_opened(message.payload)
                    elif message.kind is MessageKind.FRAME:
                        pictures += 1
                        if pictures > max(settings.max_frames, _TIMES_OF_A_CHILD):
                            raise ChildStopped("protocol")
                        yield message
                    else:
                        done = outcome.parse_done(message.payload)
                        total = opened.expected_seconds
                        total = total if total <= settings.max_seconds else 0.0
                        watch.count("Decoding", done.end, total)
            except ChildStopped as error:
                stopped = error
    finally:
        os.close(fd)
    if not done.frames or (task.max_frame_bytes and not pictures):
        raise outcome.nothing_decoded(path, opened, done, stopped)
    if container == "gif" and done.frames == 1:
        raise MediaRefused(shown_name(path), "it is a still picture (GIF)", GIVE_VIDEO)
    yield outcome.media_info(container, opened, done, stopped)


def _request(task: ChildTask, *, fd: int, container: str, size: int, settings: Settings) -> Request:
    budget = (CPU_SECONDS + CPU_SECONDS_PER_MIB * size / 2**20) * task.effort
    return Request(
        task=task.name,
        container=container,
        input_fd=fd,
        output_fd=-1,
        file_bytes=size,
        max_pixels=settings.max_pixels,
        max_side=settings.max_side,
        max_fps=settings.max_fps,
        max_seconds=settings.max_seconds,
        max_frames=settings.max_frames,
        memory_bytes=settings.child_memory_bytes,
        cpu_seconds=math.ceil(min(budget, settings.child_wall_seconds * _THREADS)),
        scratch_fd=task.scratch_fd,
        **task.fields,
    )
