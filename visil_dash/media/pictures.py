"""One decoded frame as pixels of the wanted size: colours, pixel shape, turning. In the child."""

from fractions import Fraction
from typing import Any, cast

from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from visil_dash.media import wire

SCALE = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_MAX_ASPECT = 20  # of a pixel; beyond it the header is wrong


class Scaler:
    """Frames resized and converted, with the colours that their file declares."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, frame: VideoFrame, width: int, height: int) -> tuple[memoryview, int]:
        """Rows of packed RGB, and the bytes from one row to the next."""
        plane = self.to(frame, width, height, "rgb24", "JPEG").planes[0]
        return memoryview(plane).cast("B"), plane.line_size

    def planes(self, frame: VideoFrame, width: int, height: int) -> bytes:
        """The planes of YUV420 at an even width and height, one after another."""
        scaled = self.to(frame, width, height, wire.YUV420, "JPEG")
        return b"".join(
            _rows(memoryview(plane).cast("B"), plane.line_size, plane.width, plane.height)
            for plane in scaled.planes
        )

    def to(
        self, frame: VideoFrame, width: int, height: int, pixels: str, levels: str
    ) -> VideoFrame:
        def convert(**colours: int) -> VideoFrame:
            return self._reformatter.reformat(
                frame,
                width,
                height,
                pixels,
                interpolation=SCALE,
                dst_color_range=levels,
                threads=1,
                **colours,
            )

        try:
            return convert()
        except OSError:
            # Colours unknown to swscale, often because of damage: assume the most common ones.
            return convert(src_colorspace=Colorspace.ITU601, dst_colorspace=Colorspace.ITU601)


def cut_out(
    rows: memoryview, stride: int, *, left: int, top: int, width: int, height: int
) -> bytes:
    """A rectangle of packed RGB."""
    return b"".join(
        rows[y * stride + 3 * left : y * stride + 3 * (left + width)]
        for y in range(top, top + height)
    )


def _rows(rows: memoryview, stride: int, width: int, height: int) -> bytes:
    if stride == width:
        return bytes(rows[: width * height])
    return b"".join(rows[y * stride : y * stride + width] for y in range(height))


def square_size(frame: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height once pixels are square, before turning; `aspect`: width over height of a
    stored pixel."""
    if not aspect or not 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT:
        return frame.width, frame.height
    if aspect > 1:
        return max(1, round(frame.width * aspect)), frame.height
    return frame.width, max(1, round(frame.height / aspect))


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


def stored_box(
    box: tuple[float, float, float, float], turned: int
) -> tuple[float, float, float, float]:
    """A box of the displayed picture, in the picture as it is stored; shares of its sides."""
    x, y, width, height = box
    if turned & wire.FLIP_COLUMNS:
        x = 1 - x - width
    if turned & wire.FLIP_ROWS:
        y = 1 - y - height
    return (y, x, height, width) if turned & wire.TRANSPOSE else (x, y, width, height)


def display_matrix(turned: int) -> list[int]:
    """What `orientation` reads back as `turned`: 16.16 fixed point, the last column 2.30."""
    down = -1 if turned & wire.FLIP_ROWS else 1
    right = -1 if turned & wire.FLIP_COLUMNS else 1
    a, b, c, d = (0, down, right, 0) if turned & wire.TRANSPOSE else (right, 0, 0, down)
    one = 1 << 16
    return [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
