"""Edits that change the picture and leave time alone; each at strengths 0..2 (see edited.Edit)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from visil_dash.edits import pictures as pic
from visil_dash.edits.clip import Clip
from visil_dash.edits.edited import CRF, Edit, Edited, all_shots, along, either
from visil_dash.records import WHOLE_PICTURE, Array, Box


def _picture(clip: Clip, edit: Callable[[Array], Array], note: str, *, crf: int = CRF) -> Edited:
    return Edited(clip, (), all_shots(clip), lambda picture, _k: edit(picture), crf=crf, note=note)


def reencode(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    crf = round(along(CRF, (34, 40, 46), strength))
    return _picture(clip, lambda p: p, f"crf {crf}", crf=crf)


def scale(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    share = along(1.0, (0.5, 0.32, 0.2), strength)
    width, height = (max(32, round(s * share / 2) * 2) for s in clip.size)
    return _picture(clip, lambda p: pic.resized(p, width, height), f"to {width}x{height}")


def crop(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    box = _crop_box(along(_WHOLE_SHARE, (0.8, 0.62, 0.48), strength), rng)
    return _picture(clip, lambda p: pic.cropped(p, box), f"keeps {_said(box)}")


_WHOLE_SHARE = 1.12  # of which a tenth less is still all of the picture


def _crop_box(share: float, rng: Generator) -> Box:
    width, height = np.clip(share * rng.uniform(0.9, 1.1, 2), 0.1, 1)
    x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return float(x), float(y), float(width), float(height)


def _said(box: Box) -> str:
    x, y, width, height = (f"{100 * part:.0f} %" for part in box)
    return f"{width} of the width from {x}, {height} of the height from {y}"


def pad(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Bars above and below, at the sides, or all around."""
    share = along(1.0, (0.78, 0.62, 0.48), strength)
    fill = ("black", "white", "blur")[rng.integers(3)]
    way = ("letterbox", "pillarbox", "frame")[rng.integers(3)]
    width, height = clip.size
    across = share if way == "pillarbox" else (share**0.5 if way == "frame" else 1.0)
    down = share if way == "letterbox" else (share**0.5 if way == "frame" else 1.0)
    box = ((1 - across) / 2, (1 - down) / 2, across, down)
    # The canvas grows, the picture keeps its shape; then all is brought to the clip's long side.
    grown = np.array([width / across, height / down])
    canvas_width, canvas_height = (grown * min(1.0, max(width, height) / grown.max())).round()
    size = int(canvas_width) // 2 * 2, int(canvas_height) // 2 * 2

    def padded(picture: Array, _k: int) -> Array:
        return pic.pasted(picture, pic.backdrop(picture, *size, fill), box)

    return Edited(clip, (), all_shots(clip), padded, box=box, note=f"{way}, {fill}")


def logo_text(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    cover = along(0.0, (0.06, 0.16, 0.32), strength)
    layer = pic.stamp(*clip.size, cover, rng)
    return _picture(clip, lambda p: pic.stamped(p, layer), f"over {cover:.0%} of the picture")


def blur(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    sigma = along(0.0, (0.007, 0.014, 0.026), strength)
    return _picture(clip, lambda p: pic.blurred(p, sigma), f"sigma {sigma:.1%} of the height")


def noise(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    sigma = along(0.0, (12.0, 26.0, 48.0), strength)
    return _picture(clip, lambda p: pic.grained(p, sigma, rng), f"sigma {sigma:.0f} of 255")


def colour(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Brightness, contrast, gamma, a cast and saturation, all at once."""
    much = along(0.0, (0.35, 0.7, 1.0), strength)
    signs = [either(rng) for _ in range(4)]
    cast = np.exp(0.28 * much * rng.uniform(-1, 1, 3))
    options: dict[str, float] = {
        "gain": float(np.exp(0.55 * much * signs[0])),
        "shift": 0.16 * much * signs[1],
        "gamma": float(np.exp(0.6 * much * signs[2])),
        "saturation": 1 + 0.75 * much * signs[3],
    }
    casts = (float(cast[0]), float(cast[1]), float(cast[2]))
    note = ", ".join(f"{name} {value:.2f}" for name, value in options.items())
    return _picture(clip, lambda p: pic.recoloured(p, cast=casts, **options), note)


def grey(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    tone = ("grey", "sepia", "stark")[int(strength)]
    return _picture(clip, lambda p: pic.monochrome(p, tone), tone)


def flip(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Mirrored; stronger ones are cropped too, as uploaders do."""
    box = _crop_box((1.0, 0.85, 0.68)[int(strength)], rng) if strength else WHOLE_PICTURE
    return _picture(clip, lambda p: pic.mirrored(pic.cropped(p, box)), f"of {_said(box)}")


def rotate(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    degrees = along(0.0, (4.0, 12.0, 24.0), strength) * rng.uniform(0.85, 1.15) * either(rng)
    fill = ("crop", "black", "blur")[rng.integers(3)]
    return _picture(
        clip, lambda p: pic.turned(p, degrees, fill=fill), f"{degrees:.0f} degrees, {fill}"
    )


_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)


def perspective(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Corners moved inwards or outwards; what is left empty stays black."""
    most = along(0.0, (0.07, 0.14, 0.23), strength)
    corners = _SQUARE + rng.uniform(0.5, 1, (4, 2)) * most * rng.choice([-1, 1], (4, 2))
    return _picture(clip, lambda p: pic.warped(p, corners), f"corners by up to {most:.0%}")


def camcorder(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """A screen filmed by hand: room around it, tilt, shake, flicker, lines, soft and dim."""
    much = along(0.0, (0.4, 0.7, 1.0), strength)
    width, height = clip.size
    inset = (0.05 + 0.13 * much) * min(1.0, much / 0.4)
    box = (inset, inset, 1 - 2 * inset, 1 - 2 * inset)
    still = inset + _SQUARE * (1 - 2 * inset) + rng.uniform(-1, 1, (4, 2)) * 0.07 * much
    room = pic.blurred(rng.integers(10, 70, (height, width, 3)).astype(np.uint8), 0.2)
    light = pic.vignette(width, height, 0.5 * much) * pic.screen_lines(
        width, height, 0.10 * much, float(rng.uniform(0, 3))
    )
    pace, phase = rng.uniform(0.15, 0.5, 2), rng.uniform(0, 6, 3)

    def filmed(picture: Array, k: int) -> Array:
        shake = 0.012 * much * np.sin(pace * k + phase[:2])
        flicker = 1 - 0.12 * much * (1 + np.sin(1.9 * k + phase[2])) / 2
        seen = pic.warped(picture, still + shake, behind=room)
        return pic.grained(
            pic.blurred(pic.lit(seen, light * np.float32(flicker)), 0.004 + 0.006 * much),
            8 * much,
            rng,
        )

    return Edited(
        clip, (), all_shots(clip), filmed, box=box, note=f"screen {1 - 2 * inset:.0%} wide"
    )


def mixed(clip: Clip, hosts: Sequence[Clip], strength: float, rng: Generator) -> Edited:
    """Two, three or four picture edits one after the other, each milder than alone."""
    names = ("crop", "pad", "logo_text", "blur", "noise", "colour", "grey", "flip", "rotate")
    level = int(strength)
    count = 2 + level
    chosen = [names[i] for i in sorted(rng.permutation(len(names))[:count].tolist())]
    steps: list[Edited] = []
    first = replace(clip, frames=clip.frames[:1])
    for name in chosen:
        step = PICTURE_EDITS[name](first, hosts, max(0, level - 1), rng)
        steps.append(step)
        # The next edit plans for the size that this one leaves.
        first = replace(first, frames=(pic.even(step.canvas(first.frames[0], 0)),))

    def chained(picture: Array, k: int) -> Array:
        for step in steps:
            picture = pic.even(step.canvas(picture, k))
        return picture

    crf = (30, 33, 36)[level]
    return Edited(clip, (), all_shots(clip), chained, crf=crf, note=" + ".join(chosen))


PICTURE_EDITS: dict[str, Edit] = {
    "reencode": reencode,
    "scale": scale,
    "crop": crop,
    "pad": pad,
    "logo_text": logo_text,
    "blur": blur,
    "noise": noise,
    "colour": colour,
    "grey": grey,
    "flip": flip,
    "rotate": rotate,
    "perspective": perspective,
    "camcorder": camcorder,
    "mixed": mixed,
}
