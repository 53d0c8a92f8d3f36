"""Lines on logarithmic axes as an SVG picture, so that no plotting library need make it."""

from collections.abc import Sequence
from html import escape

import numpy as np

_Line = tuple[str, str, Sequence[int], Sequence[float]]  # name, unit, sizes, milliseconds
_SIDE, _GAP, _COLUMNS = 260, 60, 3


def drawn(lines: Sequence[_Line]) -> str:
    """One panel per line: milliseconds of CPU against the size, in proportion as a dashed line."""
    rows = -(-len(lines) // _COLUMNS)
    width, height = _COLUMNS * (_SIDE + _GAP) + _GAP, rows * (_SIDE + 2 * _GAP)
    panels = [
        f'<g transform="translate({_GAP + (i % _COLUMNS) * (_SIDE + _GAP)} '
        f'{_GAP + (i // _COLUMNS) * (_SIDE + 2 * _GAP)})">{_panel(*line)}</g>'
        for i, line in enumerate(lines)
    ]
    style = "text{font:12px sans-serif;fill:#334155}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(panels)}</svg>\n"
    )


def _panel(name: str, unit: str, sizes: Sequence[int], milliseconds: Sequence[float]) -> str:
    x, y = np.log10(sizes), np.log10(milliseconds)
    left, right = x[0], x[-1]
    low = min(y.min(), y[0]) - 0.1
    high = max(y.max(), y[0] + right - left) + 0.1

    def at(a: float, b: float) -> str:
        across = (a - left) / (right - left) * _SIDE
        return f"{across:.1f},{_SIDE - (b - low) / (high - low) * _SIDE:.1f}"

    points = [at(a, b) for a, b in zip(x, y, strict=True)]
    dots = "".join(
        f'<circle r="4" fill="#2563eb" cx="{p.split(",")[0]}" cy="{p.split(",")[1]}"/>'
        f'<text x="{p.split(",")[0]}" y="{float(p.split(",")[1]) - 9:.1f}" text-anchor="middle">'
        f"{ms:.3g}</text>"
        for p, ms in zip(points, milliseconds, strict=True)
    )
    ticks = "".join(
        f'<text x="{p.split(",")[0]}" y="{_SIDE + 16}" text-anchor="middle">{size:,}</text>'
        for p, size in zip(points, sizes, strict=True)
    )
    return (
        f'<text x="0" y="-24" font-weight="bold">{escape(name)}</text>'
        f'<text x="0" y="-8">CPU ms</text>'
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#cbd5e1"/>'
        f'<polyline fill="none" stroke="#94a3b8" stroke-dasharray="5 4" '
        f'points="{at(left, y[0])} {at(right, y[0] + right - left)}"/>'
        f'<polyline fill="none" stroke="#2563eb" stroke-width="2" points="{" ".join(points)}"/>'
        f'{dots}{ticks}<text x="{_SIDE / 2}" y="{_SIDE + 36}" text-anchor="middle">'
        f"{escape(unit)}</text>"
    )
