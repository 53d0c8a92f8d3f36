"""The pairs of a collection, compared in shards on an engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from visil_dash.engines.ahead import Piece, Pool
from visil_dash.engines.shards import in_order
from visil_dash.engines.stored import (
    ModelName,
    StoredFeatures,
    content_name,
    portable_scorer,
    scorer_of,
)
from visil_dash.errors import StoreError
from visil_dash.library.store import Library
from visil_dash.matching.similarity import Scorer, pair_scores_many
from visil_dash.models.load import Model
from visil_dash.progress import Watch

_PairScore = tuple[str, str, float, float]  # two video ids, the score of one in the other and back


def _score_tile(
    *,
    pairs: Sequence[tuple[str, str]],
    scorer: Scorer | ModelName,
    features: StoredFeatures,
) -> list[_PairScore] | None:
    """The scores of pairs, in a process of an engine; None where it cannot read their videos."""
    try:
        regions = {v: features.load(v).regions for v in dict.fromkeys(chain.from_iterable(pairs))}
    except StoreError:
        return None
    with_each: dict[str, list[str]] = {}
    for a, b in pairs:
        with_each.setdefault(a, []).append(b)
    return [
        (a, b, pair.score, pair.reverse_score)
        for a, others in with_each.items()
        for b, pair in zip(
            others,
            pair_scores_many(regions[a], [regions[b] for b in others], scorer_of(scorer)),
            strict=True,
        )
    ]


def pair_scores_on(
    pool: Pool,
    tiles: Iterable[Sequence[tuple[str, str]]],
    *,
    library: Library,
    model: Model,
    keep: Callable[[str, str, float, float], None],
    watch: Watch,
) -> None:
    """Compares pairs of videos, one tile a shard, in the order given; `keep` takes each score as
    it comes. Pairs of a tile that no process can read are left to the caller. Raises Cancelled."""
    parts = [list(tile) for tile in tiles if tile]
    rows = {row.video_id: row.sha256 for row in library.feature_rows(model.extractor)}
    scorer = portable_scorer(model, library.settings)

    def features(number: int) -> StoredFeatures:
        videos = dict.fromkeys(chain.from_iterable(parts[number]))
        hashes = {v: rows.get(v, "") for v in videos}
        return StoredFeatures.of(library, model.extractor, hashes)

    def piece(number: int) -> Piece:
        about = {"pairs": parts[number], "scorer": scorer, "features": features(number)}
        return Piece(_score_tile, about)

    total, done = sum(map(len, parts)), 0
    results: Iterator[list[_PairScore]] = in_order(
        pool,
        [content_name(scorer, part, features(number).sha256) for number, part in enumerate(parts)],
        piece=piece,
        here=lambda number: [],
        watch=watch,
    )
    watch.count(f"Comparing pairs by {pool.name}", 0, total)
    for part, scores in zip(parts, results, strict=True):
        for score in scores:
            keep(*score)
        done += len(part)
        watch.count(f"Comparing pairs by {pool.name}", done, total)
