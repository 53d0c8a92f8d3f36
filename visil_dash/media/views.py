"""Parts of the picture as queries of their own, for footage that is shown inside another picture.

In a picture in picture, a collage or a reaction video the copied footage fills a part of the frame
only, too small for the regions of the whole. So each part is cut out, enlarged and extracted like a
query; of all views of the query, the one that a reference video matches best counts.
"""

from dataclasses import dataclass

from visil_dash.records import WHOLE, Array, Box

_MARK = "@"  # between a query's id and the key of its view


@dataclass(frozen=True)
class View:
    """`box`: x, y, width and height as shares of the picture."""

    key: str
    title: str
    box: tuple[float, float, float, float]


# Corners and centre overlap, so that a picture of half the side fits in one of them.
VIEWS = (
    View("top-left", "top left part", (0.0, 0.0, 0.55, 0.55)),
    View("top-right", "top right part", (0.45, 0.0, 0.55, 0.55)),
    View("bottom-left", "bottom left part", (0.0, 0.45, 0.55, 0.55)),
    View("bottom-right", "bottom right part", (0.45, 0.45, 0.55, 0.55)),
    View("centre", "centre", (0.225, 0.225, 0.55, 0.55)),
    View("left", "left half", (0.0, 0.0, 0.5, 1.0)),
    View("right", "right half", (0.5, 0.0, 0.5, 1.0)),
    View("top", "top half", (0.0, 0.0, 1.0, 0.5)),
    View("bottom", "bottom half", (0.0, 0.5, 1.0, 0.5)),
)
BY_KEY = {view.key: view for view in VIEWS}


@dataclass(frozen=True)
class QueryRef:
    """A clip or library video by its id, or a view of it by the view's key: `id@top-left`."""

    base: str
    view: str = WHOLE

    @classmethod
    def parse(cls, text: str) -> "QueryRef":
        """From an id as in links; what names no view is the id of a whole video."""
        base, mark, key = text.rpartition(_MARK)
        return cls(base, key) if mark and key in BY_KEY else cls(text)

    def __str__(self) -> str:
        return f"{self.base}{_MARK}{self.view}" if self.view else self.base


def box_in(outer: Box, inner: Box) -> Box:
    """A box given in shares of another box, in shares of the picture."""
    return (
        outer[0] + inner[0] * outer[2],
        outer[1] + inner[1] * outer[3],
        inner[2] * outer[2],
        inner[3] * outer[3],
    )


def cut(picture: Array, box: tuple[float, float, float, float]) -> Array:
    """The box of a picture `[H, W, 3]`, rounded to whole pixels, never empty."""
    height, width = picture.shape[:2]
    x, y, w, h = box
    left, top = round(x * width), round(y * height)
    right, bottom = round((x + w) * width), round((y + h) * height)
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]
