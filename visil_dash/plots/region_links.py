"""Two frames side by side, with a line from each query region to its best reference region."""

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from visil_dash.plots.regions import visible_area
from visil_dash.records import Array, Preprocess

_HEIGHT, _GAP = 420, 36  # pixels
_DIMMEST = 0.45  # share of black over the region with the least attention
_DARK = (15, 23, 42, 225)
_TEXT = (248, 250, 252, 255)


def region_colours(regions: int) -> list[tuple[int, int, int]]:
    """One colour per region, clearly different and bright enough for dark pictures."""
    # Evenly spread, in an order in which neighbouring regions differ much.
    stride = next(
        k
        for k in range(max(1, round(0.382 * regions)), 2 * regions + 2)
        if math.gcd(k, regions) == 1
    )
    hues = [(0.47 + n * stride / regions) % 1 for n in range(regions)]
    rgb = [colorsys.hls_to_rgb(hue, 0.66, 0.85) for hue in hues]
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in rgb]


def line_width(strength: float) -> float:
    """Width of a line in pixels: proportional to the similarity, at least one pixel."""
    return max(1.0, 7.0 * min(max(strength, 0.0), 1.0))


def draw_links(
    query: Array,
    reference: Array,
    *,
    best: Array,
    strength: Array,
    attention: tuple[Array, Array],
    preprocess: Preprocess,
) -> Array:
    """Frames uint8 `[H, W, 3]` as one picture uint8 `[420, W, 4]`, the query on the left.

    `best` `[R]`: the reference region most similar to each query region; `strength` `[R]`: their
    similarity; `attention`: weights `[R]` of query and reference. Raises ValueError unless R is
    the same square number everywhere.
    """
    regions = len(best)
    side = round(regions**0.5)
    lengths = {side * side, regions, len(strength), len(attention[0]), len(attention[1])}
    if len(lengths) != 1:
        raise ValueError(f"expected one square number of regions, got {sorted(lengths)}")
    pictures = [_fitted(frame) for frame in (query, reference)]
    lefts = 0, pictures[0].width + _GAP
    canvas = Image.new("RGBA", (lefts[1] + pictures[1].width, _HEIGHT), (0, 0, 0, 0))
    over = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(over)
    centres, corners, lifts, size = [], [], [0.0], 0.0
    for picture, left, weights in zip(pictures, lefts, attention, strict=True):
        canvas.paste(picture, (left, 0))
        grid = visible_area(picture.width, picture.height, preprocess)
        across, down = (grid[2] - grid[0]) / side, (grid[3] - grid[1]) / side
        places = [
            (left + grid[0] + n % side * across, grid[1] + n // side * down) for n in range(regions)
        ]
        for (x, y), less in zip(places, _less(weights), strict=True):
            draw.rectangle(
                (x, y, x + across, y + down),
                fill=(0, 0, 0, round(255 * _DIMMEST * less)),
                outline=(255, 255, 255, 110),
            )
        # Lines that begin in one row would cover each other: each column has its own height.
        centres.append([(x + across / 2, y + down / 2) for x, y in places])
        lifts = [(n % side - (side - 1) / 2) * 0.5 * down / side for n in range(regions)]
        corners.append([(x + 5, y + 3) for x, y in places])
        size = min(across, down)
    small = ImageFont.load_default(size=max(11.0, size * 0.1))
    for places, weights in zip(corners, attention, strict=True):
        for place, weight in zip(places, weights, strict=True):
            draw.text(place, f"{float(weight):.2f}", font=small, fill=(255, 255, 255, 190))
    colours = region_colours(regions)
    for n in np.argsort(strength):  # the strongest on top
        ends = _lifted(centres[0][n], lifts[n]), _lifted(centres[1][int(best[n])], lifts[n])
        width = line_width(float(strength[n]))
        draw.line(ends, fill=_DARK, width=round(width + 3))
        draw.line(ends, fill=(*colours[n], 235), width=round(width))
    font = ImageFont.load_default(size=max(13.0, size * 0.15))
    for n in range(regions):
        _dot(draw, _lifted(centres[1][int(best[n])], lifts[n]), colours[n])
        label = f"{n + 1} · {float(strength[n]):.2f}"
        _tag(draw, _lifted(centres[0][n], lifts[n]), label, font, colours[n])
    return np.asarray(Image.alpha_composite(canvas, over))


def _lifted(place: tuple[float, float], by: float) -> tuple[float, float]:
    return place[0], place[1] + by


def _fitted(frame: Array) -> Image.Image:
    height, width = frame.shape[:2]
    picture = Image.fromarray(np.ascontiguousarray(frame))
    return picture.resize((max(1, round(width * _HEIGHT / height)), _HEIGHT))


def _less(attention: Array) -> Array:
    """0 for the most attention, 1 for the least; 0 everywhere when all are equal."""
    spread = float(np.ptp(attention))
    if spread <= 1e-3:
        return np.zeros(len(attention))
    return np.asarray((attention.max() - attention) / spread)


def _dot(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], colour: tuple[int, int, int]
) -> None:
    x, y = centre
    draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill=(*colour, 255), outline=_DARK, width=2)


def _tag(
    draw: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    text: str,
    font: "ImageFont.FreeTypeFont | ImageFont.ImageFont",
    colour: tuple[int, int, int],
) -> None:
    x0, y0, x1, y1 = draw.textbbox(centre, text, font=font, anchor="mm")
    pad = 5
    draw.rounded_rectangle(
        (x0 - 1.5 * pad, y0 - pad, x1 + 1.5 * pad, y1 + pad),
        radius=pad + 2,
        fill=_DARK,
        outline=(*colour, 255),
        width=2,
    )
    draw.text(centre, text, font=font, anchor="mm", fill=_TEXT)
