"""Messages between the parent and the decoding child; imported by both, so standard library only.

A message is a fixed header, then `length` bytes. The parent trusts no field of it.
"""

import json
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

MAGIC = b"vdm1"
# magic, kind, orientation, width, height, seconds, length of the payload
HEADER = struct.Struct("<4sBBHHdI")
MAX_TEXT_BYTES = 8192  # JSON payloads: a few names and numbers

# The remedy that both sides give for a format that is not decoded here.
CONVERT = "convert it, for example with: ffmpeg -i FILE -c:v libx264 -pix_fmt yuv420p NEW.mp4"


class MessageKind(IntEnum):
    OPENED = 1  # JSON: container, codec, displayed size, expected duration
    FRAME = 2  # pixels as the request wants them; seconds = presentation time
    PROGRESS = 3  # JSON: the counts so far
    DONE = 4  # JSON: the counts from which the outcome is worded
    REFUSED = 5  # JSON: reason, remedy


# Packed, and in three planes with colours at half the width and height (even sides), full range.
RGB, YUV420 = "rgb24", "yuv420p"
FRAME_BYTES = {RGB: (3, 1), YUV420: (3, 2)}  # a pixel, as a fraction

# Bits of `orientation`: how to turn the stored picture into the displayed one, in this order.
TRANSPOSE, FLIP_ROWS, FLIP_COLUMNS = 1, 2, 4


@dataclass(frozen=True)
class Request:
    """What the child shall do with the file it inherited as `input_fd`.

    `task`: sample, frames or preview. `rate`: numerator and denominator of ticks per second.
    `times`: seconds, or fractions of the duration when `relative`. `pixels`: RGB, or YUV420 where
    the light is what counts: most files hold that already, so it costs a sixth of the time. `box`:
    the part of the displayed picture that is sampled, as shares: x, y, width, height.
    """

    task: str
    container: str
    input_fd: int
    output_fd: int
    file_bytes: int
    max_pixels: int
    max_side: int
    max_fps: float
    max_seconds: float
    max_frames: int
    memory_bytes: int
    cpu_seconds: int
    scratch_fd: int = -1
    scratch_bytes: int = 0
    rate: tuple[int, int] = (1, 1)
    side: int = 0
    mode: str = "squash"
    resize: int = 0
    times: tuple[float, ...] = ()
    relative: bool = False
    long_side: int = 0
    pixels: str = RGB
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Request":
        fields: dict[str, Any] = json.loads(text)
        fields["rate"] = tuple(fields["rate"])
        fields["times"] = tuple(fields["times"])
        fields["box"] = tuple(fields["box"])
        return cls(**fields)


def frame_bytes(pixels: str, width: int, height: int) -> int:
    """Bytes of one picture."""
    above, below = FRAME_BYTES[pixels]
    return width * height * above // below


@dataclass(frozen=True)
class Message:
    """One message as received, header checked, payload not interpreted."""

    kind: MessageKind
    orientation: int
    width: int
    height: int
    seconds: float
    payload: bytearray


def pack(
    kind: MessageKind,
    payload: bytes | bytearray = b"",
    *,
    seconds: float = 0.0,
    orientation: int = 0,
    width: int = 0,
    height: int = 0,
) -> bytes:
    header = HEADER.pack(MAGIC, kind, orientation, width, height, seconds, len(payload))
    return header + bytes(payload)


def pack_json(kind: MessageKind, **fields: Any) -> bytes:
    return pack(kind, json.dumps(fields).encode()[:MAX_TEXT_BYTES])
