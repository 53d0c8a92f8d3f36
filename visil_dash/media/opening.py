"""FFmpeg behind allow-lists, in the child: one file, one video stream, frames on one time line.

FFmpeg sees neither a name nor a path. It gets an inherited file descriptor, one protocol (`fd`),
the one demuxer that the magic bytes call for, and the decoders listed here.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av

# PyAV loads these when a file first needs them; by then the child can open nothing any more.
import av.audio.codeccontext
import av.audio.stream
import av.subtitles.codeccontext
import av.subtitles.stream
from av.error import FFmpegError, InvalidDataError
from av.video.frame import VideoFrame

from visil_dash.media import wire
from visil_dash.media.structure import Structure, read_structure
from visil_dash.media.wire import Request

DEMUXERS = {
    "mp4": "mov",
    "mov": "mov",
    "3gp": "mov",
    "matroska": "matroska",
    "webm": "matroska",
    "avi": "avi",
    "flv": "flv",
    "mpegts": "mpegts",
    "mpeg": "mpeg",
    "ogg": "ogg",
    "gif": "gif",
}
# Codecs that videos are exchanged in, with decoders that are fuzzed upstream. The long tail of
# game, screen and intermediate codecs is where memory errors keep being found.
CODECS = {
    "h264": "h264",
    "hevc": "hevc",
    "av1": "libdav1d",
    "vp8": "vp8",
    "vp9": "vp9",
    "mpeg4": "mpeg4",
    "mpeg2video": "mpeg2video",
    "mpeg1video": "mpeg1video",
    "h263": "h263",
    "flv1": "flv",
    "msmpeg4v3": "msmpeg4",
    "theora": "theora",
    "mjpeg": "mjpeg",
    "gif": "gif",
    "ffv1": "ffv1",
    "prores": "prores",
}
RESTARTING = ("mpegts", "mpeg")  # clocks of these may restart in the middle of a file
SEEKABLE = ("mp4", "mov", "3gp", "matroska", "webm", "avi")
THREADS = 2
ATTACHED_PICTURE = 0x400
JUMP_BACK_SECONDS, JUMP_AHEAD_SECONDS = 1.0, 10.0
CONVERT = "convert it, for example with: ffmpeg -i FILE -c:v libx264 -pix_fmt yuv420p NEW.mp4"


class Refused(Exception):
    """The file is not taken; `reason` and `remedy` are for the user."""

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason, self.remedy = reason, remedy
        super().__init__(reason)


class OutOfMemory(Exception):
    """The decoder reached the memory limit of the child."""


@dataclass
class Tally:
    """What happened so far; the outcome is worded from it. Times in the stream's units."""

    frames: int = 0
    packets: int = 0
    damaged: int = 0  # packets that a decoder or the demuxer rejected
    concealed: int = 0  # frames that the decoder itself marks as wrong
    clock_jumps: int = 0
    end: int = 0  # end of the last decoded frame
    other_end: float = 0.0  # seconds, end of the last packet of any stream
    error: str = ""


class Source:
    """An opened file. `frames()` yields (frame, time since the first frame in `time_base`)."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.tally = Tally()
        self.structure: Structure = read_structure(
            request.input_fd, container=request.container, size=request.file_bytes
        )
        self.container: Any = None
        self.first: int | None = None
        self.size = (0, 0)  # of the first frame, as displayed
        self._open()

    def _open(self) -> None:
        request = self.request
        options = {
            "fd": str(request.input_fd),
            "protocol_whitelist": "fd",
            "format_whitelist": DEMUXERS[request.container],
            "codec_whitelist": ",".join(CODECS.values()),
            "max_pixels": str(request.max_pixels),
            "max_streams": "100",
        }
        try:
            self.container = av.open(
                "fd:",
                format=DEMUXERS[request.container],
                options=options,
                metadata_errors="replace",
            )
        except (FFmpegError, MemoryError) as error:
            raise self._cannot_open(error) from error
        self.stream = self._choose()
        self.time_base: Fraction = self._check_header()
        self._expected_end = int(Fraction(self.expected_seconds) / self.time_base)
        codec = self.stream.codec_context
        codec.options = {"max_pixels": str(request.max_pixels)}
        codec.thread_count = THREADS
        codec.thread_type = "AUTO"

    def _cannot_open(self, error: BaseException) -> Refused:
        if isinstance(error, MemoryError):
            return Refused("opening it needs more memory than the decoder may have", CONVERT)
        if self.structure.encrypted:
            return encrypted()
        if not self.structure.index:
            return Refused(
                "its index (the moov box) is missing, so it was cut off while being written or "
                "copied",
                "copy or export it again",
            )
        if self.structure.missing:
            return Refused("it is cut off before the first picture", "copy or download it again")
        return Refused("its header is damaged", "copy or download it again, or " + CONVERT)

    def _choose(self) -> Any:
        videos = list(self.container.streams.video)
        moving = [s for s in videos if not int(s.disposition) & ATTACHED_PICTURE]
        if not moving:
            if videos:
                raise Refused("it is sound with a cover picture, not a video", "give a video")
            if len(self.container.streams.audio):
                raise Refused("it holds sound but no picture", "give a file with a video stream")
            raise Refused("it holds no video stream", "give a file with a video stream")
        if any("enc_key_id" in s.metadata for s in moving):
            raise encrypted()
        best = self.container.streams.best("video")
        return best if best in moving else moving[0]

    def _check_header(self) -> Fraction:
        codec = self.stream.codec_context
        if codec is None and self.structure.encrypted:
            raise encrypted()
        if codec is None:
            raise Refused("its codec is unknown", CONVERT)
        self.codec_name: str = codec.codec.canonical_name
        if CODECS.get(self.codec_name) != codec.codec.name:
            raise Refused(f"its codec ({self.codec_name}) is not one that is decoded here", CONVERT)
        self.check_size(codec.width, codec.height)
        if not self.stream.time_base or self.stream.time_base <= 0:
            raise Refused("it has no clock (its time base is zero)", CONVERT)
        return Fraction(self.stream.time_base)

    def check_size(self, width: int, height: int) -> None:
        """Raises Refused when a picture is larger than the limits."""
        limit = self.request
        if width * height > limit.max_pixels:
            raise Refused(
                f"a picture of {width} × {height} has more than the {limit.max_pixels} pixels "
                "allowed",
                "scale it down, for example with: ffmpeg -i FILE -vf scale=1280:-2 NEW.mp4",
            )
        if max(width, height) > limit.max_side:
            raise Refused(
                f"a picture of {width} × {height} is longer than the {limit.max_side} pixels "
                "allowed",
                "scale it down, for example with: ffmpeg -i FILE -vf scale=1280:-2 NEW.mp4",
            )

    @property
    def expected_seconds(self) -> float:
        """Duration by the header; 0.0 when it says nothing that could be true."""
        if self.stream.duration:
            seconds = float(self.stream.duration * self.time_base)
        elif self.container.duration:
            seconds = self.container.duration / av.time_base
        else:
            return 0.0
        return seconds if seconds > 0 else 0.0

    def frames(self) -> Iterator[tuple[VideoFrame, int]]:
        """Raises Refused for a picture or a rate over the limits, OutOfMemory."""
        tally, base = self.tally, self.time_base
        step = self._default_step()
        last: int | None = None
        shift = 0
        for frame in self._decoded():
            self.check_size(frame.width, frame.height)
            raw = frame.pts if frame.pts is not None else frame.dts
            if raw is None:
                raw = (self.first or 0) - shift + (0 if last is None else last + step)
            if self.first is None:
                self.first = raw
            at = raw - self.first + shift
            if last is not None:
                ahead = (at - last) * base
                restarts = self.request.container in RESTARTING and ahead > JUMP_AHEAD_SECONDS
                if ahead < -JUMP_BACK_SECONDS or restarts:
                    tally.clock_jumps += 1
                    shift += last + step - at
                    at = last + step
                elif ahead <= 0:
                    continue
                step = at - last
            last = at
            if not tally.frames:
                width, height = self.displayed(frame)
                turned = orientation(frame) & wire.TRANSPOSE
                self.size = (height, width) if turned else (width, height)
            tally.frames += 1
            tally.concealed += frame.is_corrupt
            # Of the last frame only the length is unknown to some containers.
            length = frame.duration if frame.duration and frame.duration > 0 else step
            # A length that leads past the end which the header names is not believed.
            most = max(at + step, self._expected_end) if self._expected_end else at + length
            tally.end = min(at + length, most)
            self._check_clock(at)
            yield frame, at

    def _decoded(self) -> Iterator[VideoFrame]:
        tally = self.tally
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                if packet.pts is not None and packet.time_base:
                    end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    tally.other_end = max(tally.other_end, end)
                if packet.stream is not self.stream:
                    continue
                tally.packets += packet.size > 0
                if packet.has_sidedata("encryption_info"):
                    raise encrypted()
            except (FFmpegError, MemoryError) as error:
                self._note(error)
                if not isinstance(error, InvalidDataError):
                    return
                # The demuxer cannot go on from here, but the decoder still holds pictures.
                yield from self._drain()
                return
            try:
                decoded = packet.decode()
            except (FFmpegError, MemoryError) as error:
                self._note(error)
                continue
            yield from decoded

    def _drain(self) -> Iterator[VideoFrame]:
        with contextlib.suppress(FFmpegError):
            yield from self.stream.codec_context.decode(None)

    def _note(self, error: BaseException) -> None:
        if isinstance(error, MemoryError) or getattr(error, "errno", 0) == 12:
            raise OutOfMemory from error
        self.tally.damaged += 1
        self.tally.error = str(getattr(error, "strerror", "") or error)[:200]

    def _default_step(self) -> int:
        rate: Fraction | None = self.stream.average_rate or self.stream.guessed_rate
        if not rate or rate <= 0:
            return 1
        return max(1, round(1 / (rate * self.time_base)))

    def _check_clock(self, at: int) -> None:
        limit, seconds = self.request, float(at * self.time_base)
        if seconds > limit.max_seconds:
            raise Refused(
                f"its timestamps reach {seconds / 3600:.1f} h and {limit.max_seconds / 3600:g} h "
                "are allowed",
                "cut it into parts",
            )
        # Half a frame of slack on both sides: containers round times to milliseconds.
        if self.tally.frames > limit.max_fps * max(1.0, seconds) + 2:
            raise Refused(
                f"it shows more than the {limit.max_fps:g} frames per second allowed",
                "lower its rate, for example with: ffmpeg -i FILE -r 30 NEW.mp4",
            )

    def seconds(self, at: int) -> float:
        return float(at * self.time_base)

    def displayed(self, frame: VideoFrame) -> tuple[int, int]:
        """Width and height with square pixels, before turning."""
        ratio = self.stream.sample_aspect_ratio
        if not ratio or not 0.05 <= ratio <= 20:
            ratio = 1
        if ratio > 1:
            return max(1, round(frame.width * ratio)), frame.height
        return frame.width, max(1, round(frame.height / ratio))

    def seek(self, target: int) -> bool:
        """Go to a key frame at or before `target`; False where that cannot be had."""
        if self.request.container not in SEEKABLE or self.tally.clock_jumps:
            return False
        try:
            self.container.seek((self.first or 0) + target, stream=self.stream)
        except FFmpegError:
            return False
        return True

    def restart(self) -> None:
        """Back to the first frame, with fresh counts."""
        self.container.close()
        os.lseek(self.request.input_fd, 0, os.SEEK_SET)
        self.tally = Tally()
        self.first = None
        self._open()


def encrypted() -> Refused:
    return Refused("it is encrypted (protected by DRM)", "give a copy without protection")


def orientation(frame: VideoFrame) -> int:
    """Display matrix → wire.TRANSPOSE | FLIP_ROWS | FLIP_COLUMNS, to the nearest quarter turn."""
    quarter_turns = {90: wire.TRANSPOSE | wire.FLIP_ROWS, 180: wire.FLIP_ROWS | wire.FLIP_COLUMNS,
                     270: wire.TRANSPOSE | wire.FLIP_COLUMNS}  # fmt: skip
    try:
        matrix = bytes(cast(Any, frame).side_data["DISPLAYMATRIX"])
    except KeyError:
        return 0
    except ValueError:  # other side data of a kind unknown to PyAV hides the matrix
        return quarter_turns.get(round(frame.rotation / 90) * 90 % 360, 0)
    if len(matrix) != 36:
        return 0
    a, b, _, c, d = (
        int.from_bytes(matrix[i : i + 4], "little", signed=True) for i in range(0, 20, 4)
    )
    if abs(b) + abs(c) > abs(a) + abs(d):
        turned = wire.FLIP_ROWS if b < 0 else 0
        return wire.TRANSPOSE | turned | (wire.FLIP_COLUMNS if c < 0 else 0)
    return (wire.FLIP_ROWS if d < 0 else 0) | (wire.FLIP_COLUMNS if a < 0 else 0)
