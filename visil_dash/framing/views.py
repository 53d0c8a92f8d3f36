"""Other ways to see a query's picture, each searched for like the whole: parts, shapes, turns.

In a picture in picture, a collage or a reaction video the copied footage fills a part of the frame
only, too small for the regions of the whole; an upright crop of a wide picture has regions of
another size; a turned picture has none that agree. So each view is cut out, placed or turned, and
extracted like a query; of all views of the query, the one that a reference video matches best
counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from visil_dash.framing.placing import is_upright, is_wide
from visil_dash.records import WHOLE, WHOLE_PICTURE, Array, Box, MediaInfo, VideoFeatures

_MARK = "@"  # between a query's id and the key of its view


@dataclass(frozen=True)
class View:
    """`box`: x, y, width and height as shares of the picture. `described`: what a match with it is
    matched with. `turns`: quarter turns clockwise. `placed`: within a picture of the other shape
    (see placing). `moves`: what of the picture it is differs from frame to frame (see inset)."""

    key: str
    title: str
    box: Box = WHOLE_PICTURE
    described: str = ""
    turns: int = 0
    placed: bool = False
    moves: bool = False

    @property
    def of_query(self) -> str:
        return self.described or f"{self.title} of the query clip's picture"


# Corners and centre overlap, so that a picture of half the side fits in one of them.
PICTURE_PARTS = (
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
TURNED = tuple(
    View(
        f"turned-{90 * turns}",
        f"turned by {90 * turns}°",
        described=f"query clip's picture turned by {90 * turns}°",
        turns=turns,
    )
    for turns in (1, 2, 3)
)
INSET = View("inset", "inset", described="inset in the query clip's picture", moves=True)
# What a search inside the picture looks at beside the whole.
INSIDE = (*PICTURE_PARTS, *TURNED, INSET)
# Of a query's two shapes one is searched for by itself (see placing).
IN_WIDE = View(
    "in-wide",
    "as part of a wide picture",
    described="query clip's picture as a part of a wide one",
    placed=True,
)
IN_UPRIGHT = View(
    "in-upright",
    "as part of an upright picture",
    described="query clip's picture as a part of an upright one",
    placed=True,
)
BY_KEY = {view.key: view for view in (*INSIDE, IN_WIDE, IN_UPRIGHT)}


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


def suits(key: str, shape: float) -> bool:
    """Whether a view, or the whole picture, is worth comparing with a picture of this width to
    height: what is placed in a wide picture with wide ones only, the whole with all."""
    if key == IN_WIDE.key:
        return is_wide(shape)
    return is_upright(shape) if key == IN_UPRIGHT.key else True


@dataclass(frozen=True)
class SuitsByShape:
    """Whether a view of the query may be seen in a reference, by the shape of its picture.

    `infos`: of the reference videos, by id.
    """

    infos: Mapping[str, MediaInfo]

    def __call__(self, view: str, reference: VideoFeatures) -> bool:
        shape = self.infos[reference.video_id].shape(reference.picture)
        return shape is None or suits(view, shape)


def views_of_other_shapes(query: float, library: Iterable[float]) -> tuple[View, ...]:
    """Views as a part of the other shape, for a query of this width to height: the one where the
    library holds videos of that shape, none for a query that is about square."""
    if is_upright(query):
        return (IN_WIDE,) if any(is_wide(shape) for shape in library) else ()
    if is_wide(query):
        return (IN_UPRIGHT,) if any(is_upright(shape) for shape in library) else ()
    return ()


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
