"""Edits that copies of video frames suffer, as functions of one RGB image and a random generator.

Two groups, kept apart because distillation treats them differently: *geometry* changes what is
in the picture (the teacher sees it too), *degradation* changes how it looks (only the student
sees it, and must answer as if it had not happened).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from visil_dash.records import Array, Box

Image = Array  # [H, W, 3] uint8 RGB


@dataclass(frozen=True)
class Strength:
    """How hard a view is edited; probabilities are per view."""

    zoom: float = 0.35  # a small part of what the other view shows
    rotate: float = 0.2
    flip: float = 0.3
    letterbox: float = 0.2
    inset: float = 0.2  # the picture inside another one
    collage: float = 0.08  # the picture as one cell of a grid of others
    overlay: float = 0.35
    colour: float = 0.6
    grey: float = 0.12
    blur: float = 0.25
    noise: float = 0.2
    compress: float = 0.5


GENTLE = Strength(
    zoom=0.0,
    rotate=0.0,
    flip=0.0,
    letterbox=0.0,
    inset=0.0,
    collage=0.0,
    overlay=0.15,
    colour=0.35,
    grey=0.05,
    blur=0.15,
    noise=0.1,
    compress=0.4,
)
STRONG = Strength()


def random_box(rng: Generator, *, area: tuple[float, float] = (0.45, 1.0)) -> Box:
    a = rng.uniform(*area)
    stretch = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    w, h = min(1.0, np.sqrt(a * stretch)), min(1.0, np.sqrt(a / stretch))
    return rng.uniform(0, 1 - w), rng.uniform(0, 1 - h), w, h


def nearby_box(rng: Generator, box: Box) -> Box:
    """A crop that shares most of `box`: the same moment, framed otherwise."""
    x, y, w, h = box
    grow_w, grow_h = np.exp(rng.uniform(-0.35, 0.35)), np.exp(rng.uniform(-0.35, 0.35))
    w2, h2 = min(1.0, w * grow_w), min(1.0, h * grow_h)
    x2 = np.clip(x + (w - w2) / 2 + rng.uniform(-0.15, 0.15) * w, 0, 1 - w2)
    y2 = np.clip(y + (h - h2) / 2 + rng.uniform(-0.15, 0.15) * h, 0, 1 - h2)
    return float(x2), float(y2), w2, h2


def _box_within(rng: Generator, box: Box) -> Box:
    """A small part of `box`, 15–55 % of its area: what a hard crop keeps."""
    x, y, w, h = box
    left, top, across, down = random_box(rng, area=(0.15, 0.55))
    return x + left * w, y + top * h, across * w, down * h


def crop_to_square(
    image: Image,
    box: Box,
    size: int,
    *,
    degrees: float = 0.0,
    tilt: float = 0.0,
    flip: bool = False,
) -> Image:
    """The box of the image squashed to `size`×`size`, in one interpolation.

    `tilt` moves the corners by that share of the side (a perspective, as when a screen is filmed).
    """
    h, w = image.shape[:2]
    x, y, bw, bh = box
    cx, cy = (x + bw / 2) * w, (y + bh / 2) * h
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * (bw * w / 2, bh * h / 2)
    a = np.deg2rad(degrees)
    corners = corners @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    corners[:2] *= 1 + tilt
    source = (corners + np.array([cx, cy])).astype(np.float32)
    target = np.array([[0, 0], [size, 0], [size, size], [0, size]], np.float32)
    if flip:
        target = target[[1, 0, 3, 2]]
    matrix = cv2.getPerspectiveTransform(source, target)
    return cv2.warpPerspective(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def letterbox(image: Image, rng: Generator) -> Image:
    """Bars on two sides: black, white, a colour, or a blurred copy of the picture."""
    size = image.shape[0]
    keep = int(size * rng.uniform(0.55, 0.9))
    pad = int((size - keep) * rng.uniform(0.3, 0.7))
    kind = rng.integers(4)
    if kind == 0:
        out = cv2.blur(cv2.resize(image, (size, size)), (31, 31))
    else:
        colour = [(0, 0, 0), (255, 255, 255), tuple(rng.integers(0, 256, 3).tolist())][kind - 1]
        out = np.full_like(image, colour)
    if rng.random() < 0.6:
        out[pad : pad + keep] = cv2.resize(image, (size, keep), interpolation=cv2.INTER_AREA)
    else:
        out[:, pad : pad + keep] = cv2.resize(image, (keep, size), interpolation=cv2.INTER_AREA)
    return out


def inset(image: Image, background: Image, rng: Generator) -> Image:
    """Picture in picture: the image covers 30–75 % of each side of the background."""
    size = image.shape[0]
    side = int(size * rng.uniform(0.3, 0.75))
    y, x = (rng.random(2) * (size - side + 1)).astype(int)
    out = background.copy()
    out[y : y + side, x : x + side] = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return out


def _collage_cell(image: Image, background: Image, rng: Generator) -> Image:
    """The image as one cell of two, four or nine; the others show parts of the background."""
    size = image.shape[0]
    columns, rows = ((2, 1), (1, 2), (2, 2), (3, 3))[rng.integers(4)]
    mine = int(rng.integers(columns * rows))
    out = np.empty_like(image)
    for cell in range(columns * rows):
        row, column = divmod(cell, columns)
        left, right = size * column // columns, size * (column + 1) // columns
        top, bottom = size * row // rows, size * (row + 1) // rows
        shown = image
        if cell != mine:
            shown = crop_to_square(background, random_box(rng, area=(0.3, 0.8)), size)
        out[top:bottom, left:right] = cv2.resize(
            shown, (right - left, bottom - top), interpolation=cv2.INTER_AREA
        )
    return out


def overlay(image: Image, rng: Generator) -> Image:
    """Text lines, a plain box or a logo-like shape over part of the picture."""
    size = image.shape[0]
    out = image.copy()
    colour = tuple(int(c) for c in rng.integers(0, 256, 3))
    kind = rng.integers(3)
    if kind == 0:
        letters = "".join(chr(c) for c in rng.integers(65, 91, rng.integers(4, 14)))
        where = (int(rng.integers(0, size // 2)), int(rng.integers(16, size)))
        cv2.putText(
            out,
            letters,
            where,
            int(rng.integers(0, 8)),
            rng.uniform(0.4, 1.3),
            colour,
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )
    elif kind == 1:
        top = bool(rng.random() < 0.5)
        thickness = int(size * rng.uniform(0.08, 0.25))
        out[slice(0, thickness) if top else slice(size - thickness, size)] = colour
        cv2.putText(
            out,
            "".join(chr(c) for c in rng.integers(97, 123, 12)),
            (4, thickness - 4 if top else size - 5),
            0,
            0.5,
            (255, 255, 255),
            1,
            cv2.LINE_AA,
        )
    else:
        centre = tuple(int(c) for c in rng.integers(0, size, 2))
        axes = tuple(int(c) for c in rng.integers(size // 12, size // 4, 2))
        cv2.ellipse(out, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    alpha = rng.uniform(0.6, 1.0)
    return cv2.addWeighted(out, alpha, image, 1 - alpha, 0)


def recolour(image: Image, rng: Generator) -> Image:
    """Brightness, contrast, gamma and a colour cast in one table per channel."""
    ramp = np.linspace(0, 1, 256)
    gain, shift = np.exp(rng.uniform(-0.55, 0.55)), rng.uniform(-0.2, 0.2)
    table = np.empty((256, 1, 3), np.uint8)
    gamma = np.exp(rng.uniform(-0.6, 0.6))
    for c in range(3):
        cast = np.exp(rng.uniform(-0.28, 0.28))
        table[:, 0, c] = np.clip(
            (ramp**gamma - 0.5) * gain * cast * 255 + (0.5 + shift) * 255, 0, 255
        )
    out = cv2.LUT(image, table)
    saturation = rng.uniform(0.2, 1.8)
    grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(out, saturation, grey, 1 - saturation, 0)


def _greyscale(image: Image, rng: Generator) -> Image:
    """Grey, sepia or a stark black and white."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    tone = rng.random()
    if tone < 0.2:
        grey = np.clip((grey.astype(np.float32) - grey.mean()) * rng.uniform(1.5, 3) + 128, 0, 255)
        grey = grey.astype(np.uint8)
    elif tone < 0.45:
        sepia: Image = np.clip(grey[..., None] * np.array([1.07, 0.9, 0.7]), 0, 255).astype(
            np.uint8
        )
        return sepia
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def _soften(image: Image, rng: Generator) -> Image:
    """Defocus, or a trip through a lower resolution."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.5))
    size = image.shape[0]
    small = int(size * rng.uniform(0.25, 0.7))
    return cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (size, size))


def grain(image: Image, rng: Generator) -> Image:
    noise = rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(4, 28)
    return np.asarray(np.clip(image + noise, 0, 255).astype(np.uint8))


def compress(image: Image, rng: Generator) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 70))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def degrade(image: Image, rng: Generator, strength: Strength) -> Image:
    steps: tuple[tuple[float, Callable[[Image, Generator], Image]], ...] = (
        (strength.colour, recolour),
        (strength.grey, _greyscale),
        (strength.overlay, overlay),
        (strength.blur, _soften),
        (strength.noise, grain),
        (strength.compress, compress),
    )
    for probability, step in steps:
        if rng.random() < probability:
            image = step(image, rng)
    return image


def _clean_view(
    image: Image, background: Image, box: Box, rng: Generator, strength: Strength, *, size: int
) -> Image:
    """The geometry of a view, `[size, size, 3]` uint8: what the teacher sees.

    The same state of `rng` gives the same view at every size.
    """
    rotated = rng.random() < strength.rotate
    clean = crop_to_square(
        image,
        box,
        size,
        degrees=rng.uniform(-28, 28) if rotated else 0.0,
        tilt=rng.uniform(-0.3, 0.3) if rotated else 0.0,
        flip=rng.random() < strength.flip,
    )
    if rng.random() < strength.letterbox:
        clean = letterbox(clean, rng)
    if rng.random() < strength.inset:
        clean = inset(clean, crop_to_square(background, random_box(rng), size), rng)
    elif rng.random() < strength.collage:
        clean = _collage_cell(clean, background, rng)
    return clean


def clean_pair(
    image: Image, background: Image, rng: Generator, *, size: int
) -> tuple[Image, Image]:
    """Two views of one picture before degradation: gently and strongly edited."""
    box = random_box(rng)
    first = _clean_view(image, background, box, rng, GENTLE, size=size)
    near = _box_within(rng, box) if rng.random() < STRONG.zoom else nearby_box(rng, box)
    return first, _clean_view(image, background, near, rng, STRONG, size=size)


def pair_of_views(
    image: Image, background: Image, rng: Generator, *, size: int
) -> tuple[Image, Image, Image, Image]:
    """Two views of one picture: (clean, degraded) gently edited, (clean, degraded) strongly."""
    first, second = clean_pair(image, background, rng, size=size)
    return first, degrade(first, rng, GENTLE), second, degrade(second, rng, STRONG)
