"""A large piece of work in shards, each named by its content, whose results come back in order."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from visil_dash.engines.ahead import Piece, Pool, PoolBroken, WorkAhead
from visil_dash.progress import Watch

_LOG = logging.getLogger(__name__)
_SECONDS = 1800.0  # after which a shard without a result is given up
_TRIES = 2  # in the pool, which runs a shard again by itself where it knows that a node died


def in_order(
    pool: Pool,
    keys: Sequence[str],
    *,
    piece: Callable[[int], Piece],
    here: Callable[[int], Any],
    watch: Watch,
) -> Iterator[Any]:
    """The result of each shard, in the order of the keys, while those that come next are at work.

    `piece(number)` is asked for when a shard is begun, so it may depend on the results before. A
    shard whose worker died is run again; what comes to nothing (None), or is lost again, `here`
    does in this process. Raises Cancelled, and what a shard raised; no shard is at work after.
    """
    ahead, begun = WorkAhead(pool, seconds=_SECONDS), 0
    try:
        for number, key in enumerate(keys):
            while begun < len(keys) and ahead.room():
                ahead.begin(keys[begun], piece(begun))
                begun += 1
            result = _from_pool(ahead, key, partial(piece, number), watch)
            if result is None:
                _LOG.warning("shard %s of %s is left to this process", number + 1, len(keys))
                result = here(number)
            yield result
    finally:
        ahead.cancel()


def _from_pool(ahead: WorkAhead, key: str, piece: Callable[[], Piece], watch: Watch) -> Any:
    for _ in range(_TRIES):
        try:
            return ahead.result(key, piece(), watch=watch)
        except PoolBroken as error:
            _LOG.warning("a shard was lost", exc_info=error)
    return None
