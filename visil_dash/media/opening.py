"""FFmpeg behind allow-lists, in the child: one file, one video stream, checked headers.

FFmpeg sees neither a name nor a path. It gets an inherited file descriptor, one protocol (`fd`),
the one demuxer that the magic bytes call for, and the decoders listed here.
"""

import os
from fractions import Fraction
from typing import Any

import av

# PyAV loads these when a file first needs them; by then the child can open nothing any more.
import av.audio.codeccontext
import av.audio.stream
import av.subtitles.codeccontext
import av.subtitles.stream
from av.error import FFmpegError

from visil_dash.media.structure import Structure, read_structure
from visil_dash.media.wire import CONVERT, Request

_DEMUXERS = {
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
    "asf": "asf",
    "dv": "dv",
    "gif": "gif",
    "jpeg": "jpeg_pipe",
    "png": "png_pipe",
}
# Codecs in common use, with decoders that are fuzzed upstream. Memory errors keep being found in
# the decoders of rare codecs for games, screens and editing. Those of Windows Media, DV and DNxHD
# are taken because archives hold them; like all others they run without network, files and rights.
_CODECS = {
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
    "msmpeg4v2": "msmpeg4v2",
    "msmpeg4v3": "msmpeg4",
    "wmv1": "wmv1",
    "wmv2": "wmv2",
    "wmv3": "wmv3",
    "vc1": "vc1",
    "theora": "theora",
    "mjpeg": "mjpeg",
    "gif": "gif",
    "ffv1": "ffv1",
    "prores": "prores",
    "dnxhd": "dnxhd",
    "dvvideo": "dvvideo",
}
_PICTURE_CODECS = {"jpeg": {"mjpeg": "mjpeg"}, "png": {"png": "png"}}  # by container
_SEEKABLE = ("mp4", "mov", "3gp", "matroska", "webm", "avi")
_THREADS = 2
_ATTACHED_PICTURE = 0x400


class Refused(Exception):
    """The file is refused; `reason` and `remedy` are for the user."""

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason, self.remedy = reason, remedy
        super().__init__(reason)


class Source:
    """An opened file: `container` and `stream` of PyAV, `time_base` in seconds, `codec_name`."""

    def __init__(self, request: Request) -> None:
        """Raises Refused."""
        self.request = request
        self.structure: Structure = read_structure(
            request.input_fd, container=request.container, size=request.file_bytes
        )
        self.open()

    def open(self) -> None:
        """From the first byte; again, after it was closed."""
        request = self.request
        self._codecs = _PICTURE_CODECS.get(request.container, _CODECS)
        os.lseek(request.input_fd, 0, os.SEEK_SET)
        options = {
            "fd": str(request.input_fd),
            "protocol_whitelist": "fd",
            "format_whitelist": _DEMUXERS[request.container],
            "codec_whitelist": ",".join(self._codecs.values()),
            "max_pixels": str(request.max_pixels),
            "max_streams": "100",
        }
        try:
            self.container = av.open(
                "fd:",
                format=_DEMUXERS[request.container],
                options=options,
                metadata_errors="replace",
            )
        except (FFmpegError, MemoryError) as error:
            raise self._cannot_open(error) from error
        self.stream = self._choose()
        self.time_base: Fraction = self._check_header()
        codec = self.stream.codec_context
        codec.options = {"max_pixels": str(request.max_pixels)}
        codec.thread_count = _THREADS
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
        moving = [s for s in videos if not int(s.disposition) & _ATTACHED_PICTURE]
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
        if self._codecs.get(self.codec_name) != codec.codec.name:
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
        """Duration by the header; 0.0 when it has none that can be true."""
        if self.stream.duration:
            seconds = float(self.stream.duration * self.time_base)
        elif self.container.duration:
            seconds = self.container.duration / av.time_base
        else:
            return 0.0
        return seconds if seconds > 0 else 0.0

    @property
    def seekable(self) -> bool:
        return self.request.container in _SEEKABLE

    def indexed_times(self) -> list[int]:
        """Times that the container's index names, rising, in units of `time_base`; none where it
        has no index. Afterwards back at the first byte."""
        if not self.seekable:
            return []
        self.seek(0)  # Matroska's index is read at the first seek
        times = sorted(entry.timestamp for entry in self.stream.index_entries)
        self.reopen()
        return times

    def seek(self, stamp: int) -> bool:
        """Go to a key frame at or before the timestamp; False where that cannot be had."""
        if not self.seekable:
            return False
        try:
            self.container.seek(stamp, stream=self.stream)
        except FFmpegError:
            return False
        return True

    def reopen(self) -> None:
        self.container.close()
        self.open()


def encrypted() -> Refused:
    return Refused("it is encrypted (protected by DRM)", "give a copy without protection")
