"""Edits of one picture, `[H, W, 3]` uint8 RGB in and out; all choices are arguments."""

import cv2
import numpy as np
from numpy.random import Generator

from visil_dash.records import Array, Box


def levels(values: Array) -> Array:
    """Any numbers as grey levels, uint8."""
    return np.asarray(np.clip(values, 0, 255).astype(np.uint8))


def resized(picture: Array, width: int, height: int) -> Array:
    shrinks = width < picture.shape[1] or height < picture.shape[0]
    out: Array = cv2.resize(
        picture,
        (max(1, width), max(1, height)),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    return out


def even(picture: Array) -> Array:
    """Without the last row or column where a side is odd: the encoder takes even sides only."""
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[: height // 2 * 2, : width // 2 * 2])


def filled(picture: Array, width: int, height: int) -> Array:
    """The middle of the picture, scaled to cover width × height."""
    scale = max(width / picture.shape[1], height / picture.shape[0])
    big = resized(
        picture,
        max(width, round(picture.shape[1] * scale)),
        max(height, round(picture.shape[0] * scale)),
    )
    y, x = (big.shape[0] - height) // 2, (big.shape[1] - width) // 2
    return np.asarray(big[y : y + height, x : x + width])


def cropped(picture: Array, box: Box) -> Array:
    height, width = picture.shape[:2]
    x, y = round(box[0] * width), round(box[1] * height)
    return picture[y : y + max(2, round(box[3] * height)), x : x + max(2, round(box[2] * width))]


def pasted(picture: Array, canvas: Array, box: Box) -> Array:
    """The canvas with the picture squeezed into the box."""
    height, width = canvas.shape[:2]
    x, y = round(box[0] * width), round(box[1] * height)
    w, h = min(width - x, round(box[2] * width)), min(height - y, round(box[3] * height))
    out: Array = canvas.copy()
    out[y : y + h, x : x + w] = resized(picture, w, h)
    return out


def backdrop(picture: Array, width: int, height: int, fill: str) -> Array:
    """What lies behind a picture: `black`, `white`, or `blur`, the picture itself out of focus."""
    if fill == "blur":
        small = filled(resized(picture, 32, 32), max(2, width // 8), max(2, height // 8))
        return resized(cv2.blur(small, (5, 5)), width, height)
    return np.full((height, width, 3), 255 if fill == "white" else 0, np.uint8)


def blurred(picture: Array, sigma: float) -> Array:
    """Gaussian blur; `sigma` as a share of the height."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(0.3, sigma * picture.shape[0])))


def grained(picture: Array, sigma: float, rng: Generator) -> Array:
    """Gaussian noise of `sigma` grey levels."""
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * sigma
    return levels(picture + noise)


def recoloured(
    picture: Array,
    *,
    gain: float,
    shift: float,
    gamma: float,
    cast: tuple[float, float, float],
    saturation: float,
) -> Array:
    """Tone curve and colour. `gain` about mid grey, `shift` as a share of white."""
    ramp = np.linspace(0, 1, 256) ** gamma
    curves = ((ramp - 0.5) * gain + 0.5 + shift)[:, None] * np.array(cast)
    table = np.clip(curves * 255, 0, 255).astype(np.uint8).reshape(256, 1, 3)
    out = cv2.LUT(picture, table)
    grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(out, saturation, grey, 1 - saturation, 0))


def monochrome(picture: Array, tone: str) -> Array:
    """`grey`, `sepia`, or `stark`: grey with its contrast driven to the ends."""
    grey: Array = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if tone == "stark":
        grey = 255 / (1 + np.exp(-(grey - 110) / 22))
    tint = (1.07, 0.87, 0.65) if tone == "sepia" else (1.0, 1.0, 1.0)
    return levels(grey[..., None] * np.array(tint))


def mirrored(picture: Array) -> Array:
    return np.ascontiguousarray(picture[:, ::-1])


def turned(picture: Array, degrees: float, *, fill: str) -> Array:
    """Rotated about the middle in a canvas of the same size.

    `fill` `crop`: enlarged until no corner is empty; otherwise as in `backdrop`.
    """
    height, width = picture.shape[:2]
    scale = 1.0
    if fill == "crop":
        a = np.deg2rad(abs(degrees))
        ratio = max(width / height, height / width)
        scale = float(np.cos(a) + ratio * np.sin(a))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    behind = backdrop(picture, width, height, "black" if fill == "crop" else fill)
    out: Array = cv2.warpAffine(
        picture, matrix, (width, height), dst=behind, borderMode=cv2.BORDER_TRANSPARENT
    )
    return out


Corners = Array  # [4, 2]: top left, top right, bottom right, bottom left, shares of the sides


def warped(picture: Array, corners: Corners, *, behind: Array | None = None) -> Array:
    """The picture with its corners moved to `corners`; outside of them `behind`, or black."""
    height, width = picture.shape[:2]
    size = np.array([width, height], np.float32)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(square * size, corners.astype(np.float32) * size)
    canvas = np.zeros_like(picture) if behind is None else behind.copy()
    out: Array = cv2.warpPerspective(
        picture, matrix, (width, height), dst=canvas, borderMode=cv2.BORDER_TRANSPARENT
    )
    return out


def vignette(width: int, height: int, depth: float) -> Array:
    """Brightness `[H, W, 1]` that falls to `1 - depth` in the corners."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray((1 - depth * (x**2 + y**2) / 2)[..., None].astype(np.float32))


def screen_lines(width: int, height: int, depth: float, angle: float) -> Array:
    """Interference of a filmed screen, `[H, W, 1]` about 1."""
    y, x = np.mgrid[0:height, 0:width]
    wave = np.sin(0.9 * (x * np.cos(angle) + y * np.sin(angle)))
    return np.asarray((1 + depth * wave)[..., None].astype(np.float32))


def lit(picture: Array, light: Array) -> Array:
    return levels(picture * light)


def stamp(width: int, height: int, cover: float, rng: Generator) -> tuple[Array, Array]:
    """A layer of logo, caption bar and text over about `cover` of the picture.

    Returns colour `[H, W, 3]` uint8 and opacity `[H, W, 1]` float32.
    """
    colour = np.zeros((height, width, 3), np.uint8)
    opacity = np.zeros((height, width), np.float32)
    side = int(np.sqrt(cover * 0.6 * width * height))
    where = _corner(width, height, min(side, width), min(side, height), rng)
    _logo(colour, opacity, where, min(side, width, height), rng)
    bar = max(8, int(cover * 0.4 * height))
    top = 0 if rng.random() < 0.4 else height - bar
    colour[top : top + bar] = rng.integers(0, 256, 3)
    opacity[top : top + bar] = 0.85
    words = "".join(chr(c) for c in rng.integers(65, 91, int(rng.integers(8, 22))))
    mask = np.zeros((height, width), np.uint8)
    size = max(0.25, bar / 40)
    cv2.putText(mask, words, (4, top + int(bar * 0.75)), 0, size, 255, max(1, bar // 18), 16)
    colour[mask > 0] = 255 - colour[min(top + 1, height - 1), 0]
    opacity[mask > 0] = 1
    return colour, opacity[..., None]


def captioned(width: int, height: int, box: Box, rng: Generator) -> Array:
    """A canvas of one colour with lines of text above and below a box, or at its sides."""
    shade = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.full(3, rng.choice([0, 255]))
    canvas = np.full((height, width, 3), shade, np.uint8)
    ink = tuple(int(level) for level in (canvas[0, 0] < 128) * 255)
    left, top = round(box[0] * width), round(box[1] * height)
    right, bottom = round((box[0] + box[2]) * width), round((box[1] + box[3]) * height)
    upright = top + height - bottom >= left + width - right
    bands = ((0, 0, width, top), (0, bottom, width, height))
    if not upright:
        bands = ((0, 0, left, height), (right, 0, width, height))
    for x, y, end, floor in bands:
        size = max(0.3, (end - x) / 500)
        for line in range(y + round(30 * size) + 4, floor - 6, round(34 * size) + 4):
            if rng.random() < 0.6:
                words = "".join(chr(c) for c in rng.integers(97, 123, int(rng.integers(6, 24))))
                cv2.putText(canvas[:, x:end], words, (6, line), 0, size, ink, 1, cv2.LINE_AA)
    return canvas


def _corner(width: int, height: int, w: int, h: int, rng: Generator) -> tuple[int, int]:
    return int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))


def _logo(colour: Array, opacity: Array, where: tuple[int, int], side: int, rng: Generator) -> None:
    x, y = where
    middle, radius = (x + side // 2, y + side // 2), max(2, side // 2)
    shape = np.zeros(opacity.shape, np.uint8)
    if rng.random() < 0.5:
        cv2.circle(shape, middle, radius, 255, -1, 16)
        cv2.circle(shape, middle, max(1, radius // 2), 0, -1, 16)
    else:
        angles = np.arange(5) * 2 * np.pi / 5 + rng.uniform(0, 6)
        points = np.stack([np.cos(angles), np.sin(angles)], 1) * radius + middle
        cv2.fillPoly(shape, [points.astype(np.int32)], 255, 16)
    colour[shape > 0] = rng.integers(0, 256, 3)
    np.maximum(opacity, shape.astype(np.float32) / 255 * 0.9, out=opacity)


def stamped(picture: Array, layer: tuple[Array, Array]) -> Array:
    colour, opacity = layer
    return levels(picture * (1 - opacity) + colour * opacity + 0.5)
