"""Estimated costs of a collection: hours of video → frames, disk, memory and times.

Rates are measured (planner.rates); everything else follows from them and from sizes in bytes.
"""

import math
from dataclasses import dataclass

from visil_dash.laboratory.planner.extraction import (
    FEATURE_BYTES,
    ExtractionRates,
    extraction_seconds,
)

GB = 1e9  # powers of ten, as for drives and everywhere in the dashboard
BYTES_PER_VALUE = {"fp32": 4.0, "fp16": 2.0, "int8": 1.0, "binary": 0.125}
_MEMORY_SHARE = 0.6  # of the machine that an index may take
LINK_BYTES = 32 * 4 + 4 + 8 + 8  # per frame in hnswlib: 2·M links, their count, id, upper layers


@dataclass(frozen=True)
class Collection:
    """The planned collection. `dims`: of an index vector; `feature_values`: R·D per frame."""

    hours: float
    mean_clip_minutes: float
    frames_per_second: float
    dims: int
    precision: str
    feature_values: int
    media_bytes_per_second: float

    def __post_init__(self) -> None:
        for name in ("hours", "mean_clip_minutes", "frames_per_second", "dims"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: expected more than 0, got {getattr(self, name)}")
        if self.precision not in BYTES_PER_VALUE:
            raise ValueError(f"precision: expected one of {list(BYTES_PER_VALUE)}")


@dataclass(frozen=True)
class Rates:
    """Measured rates of this machine.

    `extracted_frames_per_second`: without decoding; `decoded_seconds_per_second`: seconds of video
    decoded and sampled per second, None without a video to measure; `indexed_frames_per_second`,
    `graph_milliseconds_per_query_frame`: building and searching a graph of `graph_frames` vectors;
    `compared_pairs_per_second`: pairs of frames in re-ranking, region products and comparator.
    """

    extracted_frames_per_second: float
    decoded_seconds_per_second: float | None
    indexed_frames_per_second: float
    graph_milliseconds_per_query_frame: float
    graph_frames: int
    compared_pairs_per_second: float
    cores: int
    memory_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True)
class StorageEstimate:
    """Estimated room of a collection, the same on every machine."""

    videos: int
    frames: int
    media_bytes: float
    feature_bytes: float
    index_disk_bytes: float
    index_memory_bytes: float

    @property
    def disk_bytes(self) -> float:
        return self.media_bytes + self.feature_bytes + self.index_disk_bytes


@dataclass(frozen=True)
class CostEstimate(StorageEstimate):
    """Estimated costs of a collection on this machine."""

    extraction_hours: float
    index_build_hours: float
    candidate_seconds_per_query: float
    exhaustive_seconds_per_query: float


def estimate_storage(collection: Collection) -> StorageEstimate:
    frames = math.ceil(collection.hours * 3600 * collection.frames_per_second)
    # The graph with its fp32 vectors, and the stored vectors for exact re-scoring.
    vector = collection.dims * BYTES_PER_VALUE[collection.precision]
    index_bytes = frames * (4.0 * collection.dims + LINK_BYTES + vector)
    return StorageEstimate(
        videos=max(1, round(collection.hours * 60 / collection.mean_clip_minutes)),
        frames=frames,
        media_bytes=collection.hours * 3600 * collection.media_bytes_per_second,
        feature_bytes=frames * collection.feature_values * FEATURE_BYTES,
        index_disk_bytes=index_bytes,
        index_memory_bytes=index_bytes,
    )


def estimate_costs(
    collection: Collection, rates: Rates, *, query_minutes: float = 1.0
) -> CostEstimate:
    """Costs of the collection on a machine with these rates, for queries of `query_minutes`.

    The time of a graph search is taken to grow with log(frames), that of building the graph with
    frames · log(frames).
    """
    storage = estimate_storage(collection)
    frames = storage.frames
    growth = _log_growth(frames, rates.graph_frames)
    seconds = collection.hours * 3600
    extraction = ExtractionRates(
        rates.extracted_frames_per_second, rates.decoded_seconds_per_second
    )
    query_frames = max(1, round(query_minutes * 60 * collection.frames_per_second))
    return CostEstimate(
        **vars(storage),
        extraction_hours=extraction_seconds(frames, seconds, extraction) / 3600,
        index_build_hours=frames / rates.indexed_frames_per_second * growth / 3600,
        candidate_seconds_per_query=query_frames
        * rates.graph_milliseconds_per_query_frame
        * growth
        / 1000,
        exhaustive_seconds_per_query=query_frames * frames / rates.compared_pairs_per_second,
    )


@dataclass(frozen=True)
class ViewCost:
    """What searching with further views of a query's picture costs, all views together.

    `views`: how many there are, the whole picture among them. The index holds nothing for them.
    """

    views: int
    reading_seconds: float
    candidate_seconds: float


def view_cost(
    collection: Collection, rates: Rates, views: int, *, query_minutes: float = 1.0
) -> ViewCost:
    """Reading the query and finding its candidates, with so many views of its picture."""
    seconds = query_minutes * 60
    frames = max(1, round(seconds * collection.frames_per_second))
    extraction = ExtractionRates(
        rates.extracted_frames_per_second, rates.decoded_seconds_per_second
    )
    whole = estimate_costs(collection, rates, query_minutes=query_minutes)
    reads = 1 if views == 1 else 2  # the whole first, then all other views together
    return ViewCost(
        views=views,
        reading_seconds=extraction_seconds(frames * views, seconds * reads, extraction),
        candidate_seconds=views * whole.candidate_seconds_per_query,
    )


def _log_growth(frames: int, measured_frames: int) -> float:
    """log(frames) relative to the measured graph; at least 1."""
    return max(1.0, math.log2(max(2, frames)) / math.log2(max(2, measured_frames)))


@dataclass(frozen=True)
class Advice:
    """A limit of this machine that is exceeded: `what`, and the alternative to move `to`."""

    what: str
    to: str


def advice(costs: CostEstimate, rates: Rates) -> tuple[Advice, ...]:
    """Exceeded limits of this machine with alternatives; empty while everything fits."""
    limits = []
    memory = _MEMORY_SHARE * rates.memory_bytes
    if costs.index_memory_bytes > memory:
        limits.append(
            Advice(
                f"The index needs {costs.index_memory_bytes / GB:.1f} GB of memory; "
                f"at most {memory / GB:.1f} GB of this machine's {rates.memory_bytes / GB:.1f} GB"
                " should be used.",
                "Reduce the dimensions or the precision first; then use an index server (Milvus)"
                " that distributes the vectors over machines.",
            )
        )
    if costs.disk_bytes > rates.disk_free_bytes:
        limits.append(
            Advice(
                f"Videos, features and index need {costs.disk_bytes / GB:.0f} GB; "
                f"{rates.disk_free_bytes / GB:.0f} GB are free.",
                "Use a larger disk, or an object store for the videos: searching needs only the"
                " features and the index.",
            )
        )
    if costs.extraction_hours > 24:
        limits.append(
            Advice(
                f"Extraction takes {costs.extraction_hours / 24:.1f} days on this machine.",
                "Use a GPU for the model, or several workers (Ray) that share the files.",
            )
        )
    if costs.candidate_seconds_per_query > 2:
        limits.append(
            Advice(
                f"Candidate generation takes {costs.candidate_seconds_per_query:.1f} s per query.",
                "Use more cores, or an index server that searches its parts in parallel.",
            )
        )
    return tuple(limits)
