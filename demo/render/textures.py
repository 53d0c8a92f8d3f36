"""Tileable surface images and skies, computed with numpy only.

Every surface is an array `[H, W, 4]`: sRGB colour in 0..1 and, in the fourth channel, the
height that the renderer turns into bumps. Left and right edges meet, and so do top and bottom.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Color = tuple[float, float, float]

SIZE = 512  # pixels a side; about 1 cm a pixel on a 5 m tile


def noise(beta: float, seed: int, size: int = SIZE, stretch: float = 1.0) -> Array:
    """Tileable noise `[size, size]` in 0..1 whose amplitude falls as frequency**-beta.

    `stretch` above 1 draws the pattern out along rows (grain of wood, strata of rock).
    """
    rng = np.random.default_rng(seed)
    spectrum = np.fft.fft2(rng.standard_normal((size, size)))
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    frequency = np.hypot(fy, fx * stretch)
    frequency[0, 0] = 1.0
    spectrum /= frequency**beta
    spectrum[0, 0] = 0.0
    field = np.fft.ifft2(spectrum).real
    return np.asarray(0.5 + 0.5 * np.tanh(0.9 * field / field.std()), dtype=np.float32)


def cells(count: int, seed: int, size: int = SIZE) -> tuple[Array, Array]:
    """Tileable Voronoi cells: distance to the border `[size, size]` and a random value a cell."""
    rng = np.random.default_rng(seed)
    points = rng.random((count, 2)) * size
    tone = rng.random(count).astype(np.float32)
    ys, xs = np.mgrid[0:size, 0:size]
    nearest = np.full((size, size), np.inf)
    second = np.full((size, size), np.inf)
    owner = np.zeros((size, size), dtype=np.int64)
    for index, (py, px) in enumerate(points):
        dy = np.abs(ys - py)
        dx = np.abs(xs - px)
        distance = np.hypot(np.minimum(dy, size - dy), np.minimum(dx, size - dx))
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        owner = np.where(closer, index, owner)
        nearest = np.where(closer, distance, nearest)
    border = (second - nearest) / (size / np.sqrt(count))
    return np.clip(border, 0, 1).astype(np.float32), tone[owner]


def ramp(value: Array, stops: Sequence[tuple[float, Color]]) -> Array:
    """Colour `[H, W, 3]` for each value, linear between the stops."""
    at = [position for position, _ in stops]
    channels = [np.interp(value, at, [color[c] for _, color in stops]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def surface(color: Array, height: Array) -> Array:
    """Pack colour `[H, W, 3]` and height `[H, W]` into one `[H, W, 4]` array in 0..1."""
    return np.clip(np.dstack([color, height]), 0, 1).astype(np.float32)


def shade(color: Color, factor: float) -> Color:
    return (color[0] * factor, color[1] * factor, color[2] * factor)


def mottled(dark: Color, light: Color, seed: int, beta: float = 1.3, grain: float = 0.25) -> Array:
    """A rough natural surface between two colours: plaster, sand, soil, asphalt, snow."""
    broad, fine = noise(beta, seed), noise(0.4, seed + 1)
    value = np.clip(broad * (1 - grain) + fine * grain, 0, 1)
    return surface(ramp(value, [(0.15, dark), (0.85, light)]), 0.6 * broad + 0.4 * fine)


def grass(seed: int, dry: float = 0.3) -> Array:
    broad, blades = noise(1.5, seed), noise(0.7, seed + 1, stretch=0.4)
    value = 0.45 * broad + 0.55 * blades
    green = ramp(
        value, [(0.2, (0.10, 0.17, 0.05)), (0.5, (0.24, 0.36, 0.11)), (0.9, (0.50, 0.56, 0.22))]
    )
    straw = ramp(value, [(0.2, (0.25, 0.20, 0.10)), (0.9, (0.68, 0.60, 0.34))])
    weight = np.clip((noise(1.8, seed + 2) - 1 + dry * 1.6) * 4, 0, 1)[..., None]
    return surface(green * (1 - weight) + straw * weight, blades)


def foliage(dark: Color, light: Color, seed: int) -> Array:
    border, tone = cells(420, seed)
    value = np.clip(0.55 * tone + 0.45 * noise(0.8, seed + 1), 0, 1) * np.clip(
        border * 3 + 0.35, 0, 1
    )
    return surface(ramp(value, [(0.1, dark), (0.8, light)]), np.clip(border * 2, 0, 1))


def rock(dark: Color, light: Color, seed: int, strata: float = 4.0) -> Array:
    layers = noise(1.4, seed, stretch=1.0 / strata).T if strata > 1 else noise(1.4, seed)
    cracks = np.abs(noise(1.3, seed + 1) - 0.5) * 2
    value = np.clip(0.6 * layers + 0.25 * cracks + 0.15 * noise(0.5, seed + 2), 0, 1)
    return surface(ramp(value, [(0.15, dark), (0.85, light)]), 0.5 * layers + 0.5 * np.sqrt(cracks))


def _courses(rows: int, columns: int, seed: int, gap: float) -> tuple[Array, Array]:
    """Staggered courses (brick, shingle): mask of the joints (0 in a joint), tone a piece."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    row = np.floor(y * rows).astype(int)
    shifted = (x * columns + 0.5 * (row % 2)) % columns
    column = np.floor(shifted).astype(int)
    fy, fx = y * rows - row, shifted - column
    wide = gap * columns / rows
    inside = np.minimum(np.minimum(fy, 1 - fy) / gap, np.minimum(fx, 1 - fx) / wide)
    tone = rng.random((rows, columns))[row % rows, column % columns]
    return np.clip(inside, 0, 1).astype(np.float32), tone.astype(np.float32)


def brick(dark: Color, light: Color, seed: int, rows: int = 16, columns: int = 6) -> Array:
    inside, tone = _courses(rows, columns, seed, 0.12)
    value = np.clip(0.65 * tone + 0.35 * noise(0.9, seed + 1), 0, 1)
    joint = np.array([0.55, 0.52, 0.47], dtype=np.float32)
    body = ramp(value, [(0.1, dark), (0.9, light)])
    stain = (0.75 + 0.4 * noise(1.8, seed + 2))[..., None]
    mask = inside[..., None]
    return surface((body * mask + joint * (1 - mask)) * stain, 0.3 + 0.5 * inside + 0.2 * tone)


def shingles(dark: Color, light: Color, seed: int, rows: int = 14, columns: int = 10) -> Array:
    inside, tone = _courses(rows, columns, seed, 0.10)
    y = np.mgrid[0:SIZE, 0:SIZE][0] / SIZE * rows % 1.0
    value = np.clip(0.6 * tone + 0.4 * noise(1.0, seed + 1), 0, 1)
    shadow = (0.55 + 0.45 * inside) * (0.7 + 0.3 * y)
    return surface(ramp(value, [(0.1, dark), (0.9, light)]) * shadow[..., None], y * inside)


def planks(dark: Color, light: Color, seed: int, rows: int = 8) -> Array:
    """Boards that run along x, the joints between them along y."""
    rng = np.random.default_rng(seed)
    y = np.mgrid[0:SIZE, 0:SIZE][0] / SIZE * rows
    row = np.floor(y).astype(int)
    edge = np.clip(np.minimum(y - row, row + 1 - y) / 0.06, 0, 1)
    tone = rng.random(rows)[row]
    grain = noise(1.0, seed + 1, stretch=14)
    value = np.clip(0.5 * tone + 0.5 * grain, 0, 1).astype(np.float32)
    color = ramp(value, [(0.1, dark), (0.9, light)]) * (0.35 + 0.65 * edge)[..., None]
    return surface(color, edge * 0.7 + grain * 0.3)


def paving(dark: Color, light: Color, seed: int, rows: int = 8, joint: float = 0.05) -> Array:
    """Square slabs or tiles, each of its own tone."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE * rows
    row, column = np.floor(y).astype(int), np.floor(x).astype(int)
    fy, fx = y - row, x - column
    inside = np.clip(np.minimum(np.minimum(fy, 1 - fy), np.minimum(fx, 1 - fx)) / joint, 0, 1)
    tone = rng.random((rows, rows))[row, column]
    value = np.clip(0.55 * tone + 0.45 * noise(1.2, seed + 1), 0, 1).astype(np.float32)
    color = ramp(value, [(0.1, dark), (0.9, light)]) * (0.5 + 0.5 * inside)[..., None]
    return surface(color, inside * 0.8 + 0.2 * noise(0.6, seed + 2))


def cobbles(dark: Color, light: Color, seed: int) -> Array:
    border, tone = cells(170, seed)
    value = np.clip(0.6 * tone + 0.4 * noise(0.8, seed + 1), 0, 1)
    inside = np.clip(border * 4, 0, 1)
    return surface(
        ramp(value, [(0.1, dark), (0.9, light)]) * (0.35 + 0.65 * inside)[..., None], inside
    )


def sheet(color: Color, seed: int, ribs: int = 0, rust: float = 0.2) -> Array:
    """Painted metal with stains, ribbed like corrugated iron when `ribs` > 0."""
    stain = noise(1.5, seed, stretch=0.3)
    fine = noise(0.5, seed + 1)
    paint = np.array(color, dtype=np.float32) * (0.75 + 0.35 * stain + 0.1 * fine)[..., None]
    brown = ramp(fine, [(0.2, (0.22, 0.10, 0.05)), (0.8, (0.48, 0.27, 0.13))])
    weight = np.clip((noise(1.6, seed + 2) - 1 + rust) * 6, 0, 1)[..., None]
    rows = np.mgrid[0:SIZE, 0:SIZE][1] / SIZE
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * ribs * rows) if ribs else np.ones_like(rows)
    body = (paint * (1 - weight) + brown * weight) * (0.72 + 0.28 * wave)[..., None]
    return surface(body, 0.8 * wave + 0.2 * fine if ribs else 0.5 + 0.3 * fine)


def stripes(colors: Sequence[Color], bands: int, seed: int) -> Array:
    """Cloth in upright bands: awnings, tents, sails, flags."""
    x = np.mgrid[0:SIZE, 0:SIZE][1] / SIZE * bands
    table = np.array(colors, dtype=np.float32)
    color = table[np.floor(x).astype(int) % len(colors)]
    weave, folds = noise(0.3, seed), noise(1.8, seed + 1)
    return surface(color * (0.7 + 0.2 * weave + 0.25 * folds)[..., None], 0.3 * weave + 0.7 * folds)


def facade(
    wall: Array,
    seed: int,
    *,
    columns: int = 4,
    floors: int = 4,
    lit: float = 0.4,
    frame: Color = (0.85, 0.83, 0.78),
    wide: float = 0.5,
    tall: float = 0.6,
) -> tuple[Array, Array]:
    """A tile of wall with windows: surface `[H, W, 4]` and light `[H, W, 4]`.

    The alpha channel of the light image is 1 on glass, so the renderer can make it shiny.
    Row 0 is the foot of the wall. `lit` is the share of windows with a lamp on.
    """
    rng = np.random.default_rng(seed)
    color, height = wall[..., :3].copy(), wall[..., 3] * 0.3 + 0.6
    light = np.zeros((SIZE, SIZE, 4), dtype=np.float32)
    cell_w, cell_h = SIZE // columns, SIZE // floors
    for floor in range(floors):
        for column in range(columns):
            w, h = int(cell_w * wide), int(cell_h * tall)
            x0, y0 = column * cell_w + (cell_w - w) // 2, floor * cell_h + int(cell_h * 0.22)
            outer = (slice(y0 - 4, y0 + h + 4), slice(x0 - 4, x0 + w + 4))
            color[outer], height[outer] = np.array(frame) * rng.uniform(0.85, 1.0), 0.9
            color[y0 - 9 : y0 - 4, x0 - 8 : x0 + w + 8] = np.array(frame) * 0.75  # the sill
            glass = (slice(y0, y0 + h), slice(x0, x0 + w))
            fade = np.linspace(0.6, 1.2, h, dtype=np.float32)[:, None, None]
            color[glass] = np.array([0.16, 0.20, 0.25]) * fade * rng.uniform(0.6, 1.4)
            height[glass], light[(*glass, 3)] = 0.2, 1.0
            if rng.random() < lit:
                lamp = np.array([[1.0, 0.72, 0.38], [1.0, 0.82, 0.55], [0.85, 0.92, 1.0]])[
                    rng.integers(3)
                ]
                light[(*glass, slice(0, 3))] = lamp * fade * rng.uniform(0.35, 1.0)
            if rng.random() < 0.5:  # a curtain on one side
                part = (slice(y0, y0 + h), slice(x0, x0 + int(w * rng.uniform(0.2, 0.45))))
                cloth = rng.uniform(0.4, 0.9, 3)
                color[part], light[(*part, 3)] = cloth * 0.8, 0.3
                light[(*part, slice(0, 3))] *= cloth
            for bar in (x0 + w // 2,):
                color[y0 : y0 + h, bar - 2 : bar + 2] = frame
                light[y0 : y0 + h, bar - 2 : bar + 2] = 0
            bar = y0 + int(h * 0.62)
            color[bar - 2 : bar + 2, x0 : x0 + w] = frame
            light[bar - 2 : bar + 2, x0 : x0 + w] = 0
    return surface(color, height), light


def sky(
    *,
    sun_azimuth: float,
    sun_elevation: float,
    zenith: Color,
    horizon: Color,
    glow: Color,
    cloud: float,
    cloud_light: Color,
    cloud_dark: Color,
    seed: int,
    stars: float = 0.0,
) -> Array:
    """An equirectangular sky `[512, 1024, 4]` in linear light; row 0 is straight down.

    Azimuth is measured from +x towards +y, both angles in radians; `cloud` is the share of the
    sky that is covered. Clouds lie on a plane above the ground and brighten towards the sun.
    """
    height, width = 512, 1024
    elevation = (np.arange(height) + 0.5) / height * np.pi - np.pi / 2
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi - np.pi
    el, az = np.meshgrid(elevation, azimuth, indexing="ij")
    dx, dy, dz = np.cos(el) * np.cos(az), np.cos(el) * np.sin(az), np.sin(el)
    sun = (
        np.cos(sun_elevation) * np.cos(sun_azimuth),
        np.cos(sun_elevation) * np.sin(sun_azimuth),
        np.sin(sun_elevation),
    )
    towards = np.clip(dx * sun[0] + dy * sun[1] + dz * sun[2], -1, 1)
    up = np.clip(dz, 0, 1)[..., None] ** 0.55
    color = np.array(horizon) * (1 - up) + np.array(zenith) * up
    low = np.exp(-np.clip(dz, 0, 1) * 5)[..., None]
    near = ((towards + 1) / 2)[..., None]
    color = color + np.array(glow) * (near**6 * low * 0.8 + near**60 * 1.2)

    field = noise(1.75, seed, 1024)
    above = np.maximum(dz, 0.02)

    def sample(scale: float, shift: float) -> Array:
        u = (dx / above * scale + shift) * 1024
        v = (dy / above * scale) * 1024
        picked: Array = field[v.astype(np.int64) % 1024, u.astype(np.int64) % 1024]
        return picked

    density = 0.7 * sample(0.075, 0.0) + 0.3 * sample(0.29, 0.31)
    edge = 1.0 - cloud
    cover = np.clip((density - edge) / 0.28, 0, 1) * np.clip(dz / 0.10, 0, 1)
    shifted = 0.7 * sample(0.075, 0.012) + 0.3 * sample(0.29, 0.33)
    lit = np.clip(0.5 + (density - shifted) * 3.0 - cover * 0.35 + near[..., 0] ** 4 * 0.5, 0, 1)
    tone = np.array(cloud_dark) * (1 - lit[..., None]) + np.array(cloud_light) * lit[..., None]
    color = color * (1 - 0.92 * cover[..., None]) + tone * 0.92 * cover[..., None]
    if stars > 0:
        rng = np.random.default_rng(seed + 9)
        points = (rng.random((height, width)) > 0.9985) * rng.random((height, width)) ** 2
        color = color + (points * stars * (1 - cover) * (dz > 0.05))[..., None]
    ground = np.clip(-dz / 0.05, 0, 1)[..., None]
    color = color * (1 - ground) + np.array(horizon) * 0.35 * ground
    return np.dstack([color, np.ones((height, width))]).astype(np.float32)
