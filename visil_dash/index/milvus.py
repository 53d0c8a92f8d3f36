"""Frame vectors in a collection of a Milvus server, or of milvus-lite where the address is a file.

Only nearest-neighbour search is used: the engine's range search misses results, by any of its
indexes (milvus#44854). Distances are taken from the stored vectors, not from the engine. pymilvus
is imported when the first connection is made: requirements-cluster.txt installs it.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from visil_dash.errors import InputError, NotFound, StoreError, StoreMismatch
from visil_dash.index.base import checked_new_ids, checked_vectors
from visil_dash.index.exact import nearest_rows
from visil_dash.index.hnsw import DEFAULT_GRAPH, GraphOptions
from visil_dash.index.ids import split_ids
from visil_dash.records import Array

MOST_K = 16_384  # neighbours of a query that Milvus returns
_MOST_EF = 32_768
_FILTERED_EF = 4  # times as wide where only some videos count: with 1, hits were missed
_MESSAGE_BYTES = 8 * 1024**2  # of vectors in one call; gRPC takes 64 MiB, and lists are larger
_ANSWERS = 1 << 20  # neighbours in one answer
_READS = ("query", "get", "search", "query_iterator")
INSTALL = "pip install -r requirements-cluster.txt"


@dataclass(frozen=True)
class MilvusServer:
    """Where collections lie: a URL, or the path of a milvus-lite file ending in .db.

    `seconds`: that a call waits for an answer. `shards`: channels of a new collection.
    """

    address: str
    token: str = ""
    seconds: float = 20.0
    shards: int = 1


@dataclass(frozen=True, eq=False)
class ServedVideo:
    """One video's frames, at least one: ids `[n]`, vectors `[n, d]`; `features`: sha256 of the
    blob that they come from."""

    ordinal: int
    ids: Array
    vectors: Array
    features: str


class MilvusIndex:
    """A FrameIndex of one collection, which is made when it is missing unless `create` is False.

    Ids are those of ids.frame_ids, so that videos can be replaced, dropped and left out of a
    search. Every read sees all that was written before it (strong consistency), by any process.
    Raises StoreError while the server does not answer, and goes on by itself once it does.
    """

    def __init__(
        self,
        server: MilvusServer,
        collection: str,
        *,
        dim: int,
        options: GraphOptions = DEFAULT_GRAPH,
        create: bool = True,
    ) -> None:
        self.collection = collection
        self._server, self._dim, self._options, self._create = server, dim, options, create
        self._client: Any = None
        self._connecting = Lock()

    @property
    def dim(self) -> int:
        return self._dim

    @property
    def address(self) -> str:
        return self._server.address

    def __len__(self) -> int:
        [row] = self._ask("query", filter="", output_fields=["count(*)"])
        return int(row["count(*)"])

    # -- a FrameIndex ------------------------------------------------------------------------

    def add(self, vectors: Array, ids: Array) -> None:
        vectors = checked_vectors(vectors, dim=self.dim)
        present = self._present(np.asarray(ids, np.int64))
        ids = checked_new_ids(ids, count=len(vectors), present=present)
        self._upsert(ids, vectors, [""] * len(ids))

    def remove(self, ids: Array) -> None:
        ids = np.unique(np.asarray(ids, np.int64))
        if len(self._present(ids)) != len(ids):
            raise NotFound("ids: some are not in the index.")
        for part in _parts(ids, 4096):
            self._ask("delete", filter=f"id in {part.tolist()}")

    def search(
        self, queries: Array, k: int, *, without: Collection[int] = ()
    ) -> tuple[Array, Array]:
        """As in FrameIndex, k at most MOST_K; frames of the ordinals `without` are left out.

        Where the engine's graph reaches fewer than k, all vectors are read and compared.
        """
        queries = checked_vectors(queries, dim=self.dim)
        left = len(self) - (self._count_of(without) if without else 0)
        k = min(k, left, MOST_K)
        if k <= 0 or not len(queries):
            shape = (len(queries), max(k, 0))
            return np.empty(shape, np.int64), np.empty(shape, np.float32)
        # Some more than asked: the order of nearly equal ones is that of exact distances.
        fetch = min(left, MOST_K, k + 16)
        ids, _ = self.nearest(queries, fetch, without=without)
        if (ids[:, :k] < 0).any():
            every, vectors = self.everything(without=without)
            rows, distances = nearest_rows(vectors, queries, k)
            return every[rows], distances
        return self._rescored(queries, ids, k)

    # -- for a frame space -------------------------------------------------------------------

    def nearest(
        self,
        queries: Array,
        k: int,
        *,
        without: Collection[int] = (),
        only: Collection[int] | None = None,
    ) -> tuple[Array, Array]:
        """Ids and the engine's own distances `[Q, k]`, nearest first; −1 and inf where the engine
        returned fewer than k. Frames of the ordinals `without` are left out, and all but those of
        `only`."""
        ids = np.full((len(queries), k), -1, np.int64)
        distances = np.full((len(queries), k), np.inf, np.float32)
        step = max(1, _ANSWERS // k)
        # A graph of which videos are left out holds its neighbourhoods together less well.
        ef = max(k, self._options.ef) if only is None else _FILTERED_EF * max(k, self._options.ef)
        for start in range(0, len(queries), step):
            part = queries[start : start + step]
            answers = self._ask(
                "search",
                data=list(part),
                limit=k,
                anns_field="vector",
                output_fields=["id"],
                filter=_filtered(without, only),
                search_params={"metric_type": "L2", "params": {"ef": min(ef, _MOST_EF)}},
            )
            for row, hits in enumerate(answers, start):
                found = len(hits.ids)
                ids[row, :found], distances[row, :found] = hits.ids, hits.distances
        return ids, distances

    def stored(self, ids: Array) -> tuple[Array, Array]:
        """Which of the ids `[n]` are there, bool, and vectors `[n, d]`, as they were written."""
        unique, back = np.unique(np.asarray(ids, np.int64), return_inverse=True)
        out, there = np.zeros((len(unique), self.dim), np.float32), np.zeros(len(unique), bool)
        for part in _parts(unique, self._rows_in_a_message()):
            for row in self._ask("get", ids=part.tolist(), output_fields=["id", "vector"]):
                place = np.searchsorted(unique, row["id"])
                out[place], there[place] = row["vector"], True
        return there[back], out[back]

    def everything(
        self, *, without: Collection[int] = (), only: Collection[int] | None = None
    ) -> tuple[Array, Array]:
        """Ids `[N]`, ascending, and vectors `[N, d]` of all videos, or of the ordinals `only`."""
        wanted = _filtered(without, only)
        ids, vectors = [np.empty(0, np.int64)], [np.empty((0, self.dim), np.float32)]
        for rows in self._pages(wanted, ["id", "vector"], size=self._rows_in_a_message()):
            ids.append(np.array([row["id"] for row in rows], np.int64))
            vectors.append(np.array([row["vector"] for row in rows], np.float32))
        every = np.concatenate(ids)
        order = np.argsort(every)
        return every[order], np.concatenate(vectors)[order]

    def videos(self) -> dict[int, str]:
        """Ordinal → sha256 of the feature blob of every video that is wholly there."""
        found: dict[int, str] = {}
        for rows in self._pages('features != ""', ["ordinal", "features"], size=4096):
            found |= {int(row["ordinal"]): str(row["features"]) for row in rows}
        return found

    def put_videos(self, videos: Sequence[ServedVideo]) -> None:
        """Writes the frames of videos in place of those they had.

        The first frame of each, which names the blob, is written last: a video that `videos` lists
        is whole, and after an interruption it is written again.
        """
        self.drop_videos([video.ordinal for video in videos])
        for which in (slice(1, None), slice(0, 1)):
            ids = np.concatenate([video.ids[which] for video in videos])
            vectors = np.concatenate([video.vectors[which] for video in videos])
            names = [video.features for video in videos] if which.stop else [""] * len(ids)
            self._upsert(ids, checked_vectors(vectors, dim=self.dim), names)

    def drop_videos(self, ordinals: Collection[int]) -> None:
        """Removes all frames of these videos; unknown ordinals are no error."""
        for part in _parts(np.array(sorted(ordinals), np.int64), 4096):
            self._ask("delete", filter=f"ordinal in {part.tolist()}")

    def flush(self) -> None:
        """What was written is on the server's disk on return, and its index begins to be built."""
        self._ask("flush")

    def pending(self) -> int:
        """Vectors that are searched by comparison, because the engine's index lacks them yet."""
        state: Mapping[str, Any] = self._ask("describe_index", index_name="vector")
        return int(state["pending_index_rows"])

    def drop(self) -> None:
        """Deletes the collection."""
        self._ask("drop_collection")
        self._client = None

    def close(self) -> None:
        with self._connecting:
            if self._client is not None:
                self._client.close()
            self._client = None

    # -- inside ------------------------------------------------------------------------------

    def _rescored(self, queries: Array, ids: Array, k: int) -> tuple[Array, Array]:
        unique, place = np.unique(ids, return_inverse=True)
        there, vectors = self.stored(unique)
        if not there.all():
            raise StoreError(f"{self.collection}: it was changed by another process; search again.")
        gap = vectors[place.reshape(ids.shape)] - queries[:, None, :]
        distances = np.einsum("qkd,qkd->qk", gap, gap)
        order = np.lexsort((ids, distances))[:, :k]
        return np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1)

    def _upsert(self, ids: Array, vectors: Array, features: Sequence[str]) -> None:
        ordinals = split_ids(ids)[0]
        for part in _parts(np.arange(len(ids)), self._rows_in_a_message()):
            rows = [
                {
                    "id": int(ids[i]),
                    "ordinal": int(ordinals[i]),
                    "features": features[i],
                    "vector": vectors[i],
                }
                for i in part.tolist()
            ]
            self._ask("upsert", data=rows)

    def _present(self, ids: Array) -> Array:
        found: list[int] = []
        for part in _parts(np.unique(ids), 4096):
            rows = self._ask("get", ids=part.tolist(), output_fields=["id"])
            found += [int(row["id"]) for row in rows]
        return np.array(found, np.int64)

    def _count_of(self, ordinals: Collection[int]) -> int:
        which = f"ordinal in {sorted(ordinals)}"
        [row] = self._ask("query", filter=which, output_fields=["count(*)"])
        return int(row["count(*)"])

    def _rows_in_a_message(self) -> int:
        return max(1, min(MOST_K, _MESSAGE_BYTES // (4 * self.dim)))

    def _pages(
        self, wanted: str, fields: list[str], *, size: int
    ) -> Iterator[list[dict[str, Any]]]:
        pages = self._ask("query_iterator", batch_size=size, filter=wanted, output_fields=fields)
        try:
            while True:
                with _translated(self._server):
                    rows = pages.next()
                if not rows:
                    return
                yield rows
        finally:
            pages.close()

    def _ask(self, what: str, **given: Any) -> Any:
        if what in _READS:
            given["consistency_level"] = "Strong"
        try:
            with _translated(self._server):
                call = getattr(self._connected(), what)
                return call(self.collection, timeout=self._server.seconds, **given)
        except StoreError:
            self.close()  # the next call connects anew
            raise

    def _connected(self) -> Any:
        with self._connecting:
            if self._client is None:
                client = _client_of(self._server)
                self._prepare(client)
                self._client = client
            return self._client

    def _prepare(self, client: Any) -> None:
        """Makes the collection if need be and loads it. Raises NotFound and StoreMismatch."""
        if not client.has_collection(self.collection):
            if not self._create:
                raise NotFound(
                    f"{self._server.address}: no collection {self.collection}. The writer of the"
                    " library makes it."
                )
            self._make(client)
        fields = client.describe_collection(self.collection)["fields"]
        dims = [int(f["params"]["dim"]) for f in fields if f["name"] == "vector"]
        if dims != [self.dim]:
            raise StoreMismatch(
                f"{self.collection}: expected vectors of {self.dim} dimensions, got {dims}."
            )
        client.load_collection(self.collection)

    def _make(self, client: Any) -> None:
        milvus = _milvus()
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", milvus.DataType.INT64, is_primary=True)
        schema.add_field("ordinal", milvus.DataType.INT64)
        schema.add_field("features", milvus.DataType.VARCHAR, max_length=64)
        schema.add_field("vector", milvus.DataType.FLOAT_VECTOR, dim=self.dim)
        params = client.prepare_index_params()
        params.add_index(
            "vector",
            index_name="vector",
            index_type="HNSW",
            metric_type="L2",
            params={"M": self._options.m, "efConstruction": self._options.ef_construction},
        )
        client.create_collection(
            self.collection, schema=schema, index_params=params, num_shards=self._server.shards
        )


def drop_collections(server: MilvusServer, *, prefix: str, keep: Collection[str]) -> None:
    """Deletes the collections whose names begin with `prefix`, but those in `keep`."""
    with _translated(server):
        client = _client_of(server)
        try:
            for name in client.list_collections(timeout=server.seconds):
                if name.startswith(prefix) and name not in keep:
                    client.drop_collection(name, timeout=server.seconds)
        finally:
            client.close()


def _client_of(server: MilvusServer) -> Any:
    return _milvus().MilvusClient(uri=server.address, token=server.token, timeout=server.seconds)


@contextmanager
def _translated(server: MilvusServer) -> Iterator[None]:
    try:
        yield
    except _milvus().MilvusException as error:
        raise StoreError(
            f"The index server at {server.address} does not answer ({error.message})."
            " Start it again; nothing is lost, and what was added meanwhile follows."
        ) from error


def _filtered(without: Collection[int], only: Collection[int] | None) -> str:
    """The expression by which the server leaves videos out."""
    if only is not None:
        return f"ordinal in {sorted(set(only).difference(without)) or [-1]}"  # none is below 0
    return f"ordinal not in {sorted(without)}" if without else ""


def _parts(array: Array, size: int) -> Iterator[Array]:
    for start in range(0, len(array), size):
        yield array[start : start + size]


def _milvus() -> Any:
    try:
        import pymilvus
    except ImportError as error:
        raise InputError("VISIL_DASH_INDEX=milvus", "pymilvus is not installed", INSTALL) from error
    # It writes each failed call to the error stream, which are StoreErrors here.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return pymilvus
