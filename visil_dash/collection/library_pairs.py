"""The pair table of a library's videos, compared in this process or on an engine."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from visil_dash.collection.table import KnownPairs, pair_table, pair_tiles
from visil_dash.engines.ahead import Pool
from visil_dash.engines.pairs import pair_scores_on
from visil_dash.library.store import Library
from visil_dash.models.load import Model
from visil_dash.progress import Watch
from visil_dash.records import PairTable


def library_pair_table(
    library: Library,
    model: Model,
    pairs: Iterable[tuple[str, str]] | None,
    *,
    known: KnownPairs,
    pool: Pool | None,
    watch: Watch,
) -> PairTable:
    """As pair_table, of all videos with features of the model.

    `pool`: compares the pairs that are not known, the first ones first; what it does not, this
    process does. Raises Cancelled.
    """
    have = set(library.features_ids(model.extractor))
    names = {v.video_id: v.name for v in library.videos() if v.video_id in have}
    wanted = None if pairs is None else list(pairs)
    if pool is not None:
        pair_scores_on(
            pool,
            pair_tiles(tuple(names), wanted, known),
            library=library,
            model=model,
            keep=known.keep,
            watch=watch,
        )
        watch = watch.silent()
    table = pair_table(
        names,
        wanted,
        load=partial(library.features, extractor=model.extractor),
        extractor=model.extractor,
        scorer=model.scorer,
        known=known,
        watch=watch,
    )
    return replace(table, verified=model.verified)
