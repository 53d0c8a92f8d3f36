"""Labels of two queries of `pair_world`, and their distances by plain loops."""

from tests.support.directions import directions
from tests.support.pair_world import features

# (query, reference): relation; all other pairs of the two queries are unlabelled.
RELATIONS = {
    ("excerpt.mp4", "market.mp4"): "ND",
    ("excerpt.mp4", "station.mp4"): "CS",
    ("harbour.mp4", "station.mp4"): "DS",
}
QUERIES = ("excerpt.mp4", "harbour.mp4")


def nearest() -> dict[tuple[str, str], float]:
    """Smallest squared L2 distance of two frames of each pair of a query, by plain loops."""
    vectors = {name: directions(f) for name, f in features().items()}
    return {
        (query, other): min(float(((a - b) ** 2).sum()) for a in vectors[query] for b in found)
        for query in QUERIES
        for other, found in vectors.items()
        if other != query
    }
