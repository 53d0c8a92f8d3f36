"""The grid of regions drawn on a frame, with the regions that matched."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from visil_dash.records import Array, Preprocess

_CHIP = (15, 23, 42, 225)
_STRONG = (13, 148, 136, 240)
_TEXT = (248, 250, 252, 255)
_LINE = (255, 255, 255, 110)
_DIMMEST = 0.4  # share of black over the region with the least attention


def visible_area(width: int, height: int, preprocess: Preprocess) -> tuple[float, ...]:
    """The part of a displayed frame that a model sees: left, top, right, bottom in pixels."""
    if preprocess.mode == "squash":
        return 0.0, 0.0, float(width), float(height)
    side = min(width, height) * preprocess.side / preprocess.resize
    return (width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2


@dataclass(frozen=True)
class Labels:
    """The text in each region, row by row, and whether it is emphasised."""

    texts: list[str]
    strong: list[bool]


def match_labels(best: Array) -> tuple[Labels, Labels]:
    """Labels of the query's and of the reference's regions, from each one's best match `[R]`.

    Query regions are numbered from 1; a reference region shows the numbers of the query regions
    that it matches best, emphasised where one of them is at the same place.
    """
    partners = [int(partner) for partner in best]
    own = [partner == region for region, partner in enumerate(partners)]
    matched: list[list[str]] = [[] for _ in partners]
    for region, partner in enumerate(partners):
        matched[partner].append(str(region + 1))
    return (
        Labels([str(region + 1) for region in range(len(partners))], own),
        Labels([" ".join(numbers) for numbers in matched], own),
    )


def draw_regions(
    frame: Array,
    *,
    labels: Labels,
    attention: Array,
    preprocess: Preprocess,
) -> Array:
    """A frame uint8 `[H, W, 3]` with its grid of R regions drawn over it, same shape.

    Labels have a dark background, teal where emphasised; an empty label draws nothing. Regions of
    less `attention` `[R]` are darker. Raises ValueError unless R is a square number.
    """
    regions = len(labels.texts)
    side = round(regions**0.5)
    if side * side != regions or len(attention) != regions:
        raise ValueError(
            f"expected labels and attention of a square grid, got {regions} and {len(attention)}"
        )
    height, width = frame.shape[:2]
    left, top, right, bottom = visible_area(width, height, preprocess)
    picture = Image.fromarray(np.ascontiguousarray(frame)).convert("RGBA")
    over = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(over)
    across, down = (right - left) / side, (bottom - top) / side
    font = ImageFont.load_default(size=max(11.0, min(across, down) * 0.17))
    spread = float(np.ptp(attention))
    for region in range(regions):
        row, column = divmod(region, side)
        x, y = left + column * across, top + row * down
        # Weights that are equal up to rounding darken no region.
        less = (float(attention.max()) - float(attention[region])) / spread if spread > 1e-3 else 0
        draw.rectangle(
            (x, y, x + across, y + down),
            fill=(0, 0, 0, round(255 * _DIMMEST * less)),
            outline=_LINE,
            width=max(1, round(width / 400)),
        )
    for region, (label, mark) in enumerate(zip(labels.texts, labels.strong, strict=True)):
        if label:
            row, column = divmod(region, side)
            centre = left + (column + 0.5) * across, top + (row + 0.5) * down
            _chip(draw, centre, label, font, _STRONG if mark else _CHIP)
    return np.asarray(Image.alpha_composite(picture, over).convert("RGB"))


def _chip(
    draw: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    label: str,
    font: "ImageFont.FreeTypeFont | ImageFont.ImageFont",
    colour: tuple[int, int, int, int],
) -> None:
    x0, y0, x1, y1 = draw.textbbox(centre, label, font=font, anchor="mm")
    pad = (y1 - y0) * 0.45
    draw.rounded_rectangle(
        (x0 - 1.4 * pad, y0 - pad, x1 + 1.4 * pad, y1 + pad), radius=pad, fill=colour
    )
    draw.text(centre, label, font=font, anchor="mm", fill=_TEXT)
