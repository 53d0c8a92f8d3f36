"""Frames of a source on one timeline that begins at 0 and only increases. In the child."""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.error import FFmpegError, InvalidDataError
from av.video.frame import VideoFrame

from visil_dash.media import wire
from visil_dash.media.opening import Refused, Source, encrypted
from visil_dash.media.pictures import orientation, square_size
from visil_dash.media.times import RecordingClock, longest_gap

_MAX_READ_ERRORS = 100  # in succession, after which reading ends


class OutOfMemory(Exception):
    """The decoder reached the memory limit of the child."""


@dataclass
class Tally:
    """Counts from which the outcome is worded. Times in the stream's units."""

    frames: int = 0
    packets: int = 0
    damaged: int = 0  # packets that a decoder or the demuxer rejected
    concealed: int = 0  # frames that the decoder itself marks as wrong
    clock_jumps: int = 0
    end: int = 0  # end of the last decoded frame
    other_end: float = 0.0  # seconds, end of the last packet of any stream
    error: str = ""


class Timeline:
    """`frames()` yields (frame, time since the first frame), times in units of the source's
    `time_base`. `size`: of the first frame, as displayed."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.size = (0, 0)
        self._jumps = False  # whether `survey` saw the clock jump
        self._restart()

    def _restart(self) -> None:
        self.tally = Tally()
        self._clock = self._new_clock()
        self._sought = False
        self._expected_end = int(Fraction(self.source.expected_seconds) / self.source.time_base)
        self._longest = int(
            Fraction(longest_gap(self.source.request.container)) / self.source.time_base
        )

    def seconds(self, at: int) -> float:
        return float(at * self.source.time_base)

    def square_size(self, frame: VideoFrame) -> tuple[int, int]:
        return square_size(frame, self.source.stream.sample_aspect_ratio)

    def frames(self) -> Iterator[tuple[VideoFrame, int]]:
        """From where the source stands. Raises Refused for a picture, a time or a rate over the
        limits, OutOfMemory."""
        clock = self._clock = self._new_clock(first=self._clock.first)
        length = 0
        for frame in self._decoded():
            self.source.check_size(frame.width, frame.height)
            at = clock.place(frame.pts if frame.pts is not None else frame.dts)
            self.tally.clock_jumps = clock.jumps
            if at is None:
                continue
            # Of the last frame only the length is unknown to some containers.
            known = frame.duration is not None and frame.duration > 0
            length = frame.duration if known else clock.step
            self._count(frame, at, length if length <= self._longest else 1)
            yield frame, at
        if length > self._longest:
            self.tally.end = clock.end(length)
            self.tally.clock_jumps = clock.jumps

    def _new_clock(self, *, first: int | None = None) -> RecordingClock:
        source = self.source
        return RecordingClock(
            container=source.request.container,
            base=source.time_base,
            step=self._default_step(),
            first=first,
        )

    def _count(self, frame: VideoFrame, at: int, length: int) -> None:
        tally = self.tally
        if not tally.frames:
            width, height = self.square_size(frame)
            turned = orientation(frame) & wire.TRANSPOSE
            self.size = (height, width) if turned else (width, height)
        tally.frames += 1
        tally.concealed += frame.is_corrupt
        # A length beyond the end in the header is not trusted.
        most = max(at + self._clock.step, self._expected_end) if self._expected_end else at + length
        tally.end = min(at + length, most)
        self._check_clock(at)

    def _check_clock(self, at: int) -> None:
        limit, seconds = self.source.request, self.seconds(at)
        if seconds > limit.max_seconds:
            raise Refused(
                f"its timestamps reach {seconds / 3600:.1f} h and {limit.max_seconds / 3600:g} h "
                "are allowed",
                "cut it into parts",
            )
        # Half a frame of slack on both sides: containers round times to milliseconds.
        if not self._sought and self.tally.frames > limit.max_fps * max(1.0, seconds) + 2:
            raise Refused(
                f"it shows more than the {limit.max_fps:g} frames per second allowed",
                "lower its rate, for example with: ffmpeg -i FILE -r 30 NEW.mp4",
            )

    def _decoded(self) -> Iterator[VideoFrame]:
        for packet in self._packets():
            try:
                decoded = packet.decode()
            except (FFmpegError, MemoryError) as error:
                self._note(error)
                continue
            yield from decoded
        with contextlib.suppress(FFmpegError):  # an error of the demuxer leaves frames behind
            yield from self.source.stream.codec_context.decode(None)

    def _packets(self) -> Iterator[Any]:
        """Those of the video stream, the last an empty one that asks for what is left."""
        tally, source, errors = self.tally, self.source, 0
        packets = source.container.demux()
        while errors < _MAX_READ_ERRORS:
            try:
                packet = next(packets, None)
            except (FFmpegError, MemoryError) as error:
                self._note(error)
                if not isinstance(error, InvalidDataError):
                    return
                errors += 1
                packets = source.container.demux()  # continues after the damage
                continue
            errors = 0
            if packet is None:
                return
            if packet.pts is not None and packet.time_base:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                tally.other_end = max(tally.other_end, end)
                if packet.stream.type == "audio":
                    self._clock.add_sound(float(packet.pts * packet.time_base), end)
            if packet.stream is source.stream:
                tally.packets += packet.size > 0
                if packet.has_sidedata("encryption_info"):
                    raise encrypted()
                yield packet

    def _note(self, error: BaseException) -> None:
        if isinstance(error, MemoryError) or getattr(error, "errno", 0) == errno.ENOMEM:
            raise OutOfMemory from error
        self.tally.damaged += 1
        self.tally.error = str(getattr(error, "strerror", "") or error)[:200]

    def _default_step(self) -> int:
        stream = self.source.stream
        rate: Fraction | None = stream.average_rate or stream.guessed_rate
        if not rate or rate <= 0:
            return 1
        return max(1, round(1 / (rate * self.source.time_base)))

    def may_jump(self) -> bool:
        """Whether the container's index leaves room for a jump of the clock."""
        expected, longest = self._expected_end, self._longest
        if 0 < expected <= longest:
            return False
        stamps = self.source.indexed_times()
        if not expected or len(stamps) < 2:
            return True
        ends = [*stamps[1:], stamps[0] + expected]
        return any(end - start > longest for start, end in zip(stamps, ends, strict=True))

    def survey(self) -> int:
        """Time from the first frame to the start of the last one, by reading all packets, without
        decoding. Afterwards back at the first frame; `seek` refuses where the clock jumps."""
        clock = self._clock
        for packet in self._packets():
            stamp = packet.dts if packet.dts is not None else packet.pts
            if stamp is not None:
                clock.place(stamp)
        self._jumps = clock.jumps > 0
        self.rewind()
        return clock.last or 0

    def seek(self, target: int) -> bool:
        """Go to a key frame at or before `target`; False where that cannot be had."""
        self._sought = True
        jumps = self._jumps or self.tally.clock_jumps
        return not jumps and self.source.seek((self._clock.first or 0) + target)

    def rewind(self) -> None:
        """Back to the first frame, with fresh counts."""
        self.source.reopen()
        self._restart()
