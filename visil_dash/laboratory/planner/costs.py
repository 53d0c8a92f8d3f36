"""What a collection will cost: hours of video → frames, disk, memory, times. Arithmetic only.

Every name carries its unit. Rates are measured (planner_rates); everything else follows from them
and from sizes that are counted here.
"""

import math
from dataclasses import dataclass

GB = 1e9  # powers of ten, as drives and the dashboard count
BYTES_PER_VALUE = {"fp32": 4.0, "fp16": 2.0, "int8": 1.0, "binary": 0.125}
LINK_BYTES = 32 * 4 + 4 + 8 + 8  # a frame in hnswlib: 2·M links with their count, id, upper layers
EXACT_FRAMES = 512  # below, exact search is as fast as a graph (index.frames.FIRST_BUILD_FRAMES)


@dataclass(frozen=True)
class Collection:
    """What is to be held. `dims`: of an index vector; `feature_values`: R·D of a frame."""

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
    """What this machine does. `graph_*` were measured on `graph_frames` vectors of the dims.

    `extracted_frames_per_second`: decoding left out; `decoded_seconds_per_second`: seconds of
    video decoded and sampled in a second, None where no video was there to measure.
    `indexed_frames_per_second`: while the graph of `graph_frames` was built;
    `graph_milliseconds_per_query_frame`: one query frame among them;
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
class Plan:
    """What the collection costs on this machine."""

    videos: int
    frames: int
    media_bytes: float
    feature_bytes: float
    index_disk_bytes: float
    index_memory_bytes: float
    extraction_hours: float
    index_build_hours: float
    candidate_seconds_per_query: float
    exhaustive_seconds_per_query: float

    @property
    def disk_bytes(self) -> float:
        return self.media_bytes + self.feature_bytes + self.index_disk_bytes


def plan(collection: Collection, rates: Rates, *, query_minutes: float = 1.0) -> Plan:
    """The collection on a machine of these rates; queries last `query_minutes`.

    A graph search grows with the logarithm of the frames; building it, with frames times that.
    """
    frames = math.ceil(collection.hours * 3600 * collection.frames_per_second)
    vector = collection.dims * BYTES_PER_VALUE[collection.precision]
    growth = _log_growth(frames, rates.graph_frames)
    seconds = collection.hours * 3600
    decoding = seconds / rates.decoded_seconds_per_second if rates.decoded_seconds_per_second else 0
    query_frames = max(1, round(query_minutes * 60 * collection.frames_per_second))
    return Plan(
        videos=max(1, round(collection.hours * 60 / collection.mean_clip_minutes)),
        frames=frames,
        media_bytes=seconds * collection.media_bytes_per_second,
        feature_bytes=frames * collection.feature_values * 2.0,
        # The graph's file and the vectors beside it, by which distances are re-scored.
        index_disk_bytes=frames * (4.0 * collection.dims + LINK_BYTES + vector),
        index_memory_bytes=frames * (4.0 * collection.dims + LINK_BYTES + vector),
        extraction_hours=(frames / rates.extracted_frames_per_second + decoding) / 3600,
        index_build_hours=frames / rates.indexed_frames_per_second * growth / 3600,
        candidate_seconds_per_query=query_frames
        * rates.graph_milliseconds_per_query_frame
        * growth
        / 1000,
        exhaustive_seconds_per_query=query_frames * frames / rates.compared_pairs_per_second,
    )


def _log_growth(frames: int, measured_frames: int) -> float:
    """How much longer a graph of `frames` takes than the one that was measured, never less."""
    return max(1.0, math.log2(max(2, frames)) / math.log2(max(2, measured_frames)))


@dataclass(frozen=True)
class Advice:
    """A limit that is passed: `what` of this machine, and what to move `to`."""

    what: str
    to: str


def advice(made: Plan, rates: Rates, *, memory_share: float = 0.6) -> tuple[Advice, ...]:
    """When to leave one machine, and for what; nothing while everything fits."""
    found = []
    room = memory_share * rates.memory_bytes
    if made.index_memory_bytes > room:
        found.append(
            Advice(
                f"The index wants {made.index_memory_bytes / GB:.1f} GB of memory; "
                f"{room / GB:.1f} GB of this machine's {rates.memory_bytes / GB:.1f} GB are a sound"
                " share.",
                "Reduce the dimensions or the precision first; then an index server (Milvus) that"
                " spreads the vectors over machines.",
            )
        )
    if made.disk_bytes > rates.disk_free_bytes:
        found.append(
            Advice(
                f"Videos, features and index want {made.disk_bytes / GB:.0f} GB; "
                f"{rates.disk_free_bytes / GB:.0f} GB are free.",
                "A larger disk, or an object store for the videos: searching needs features and"
                " index only.",
            )
        )
    if made.extraction_hours > 24:
        found.append(
            Advice(
                f"Extraction takes {made.extraction_hours / 24:.1f} days on this machine.",
                "A GPU for the model, or several workers (Ray), each with its share of the files.",
            )
        )
    if made.candidate_seconds_per_query > 2:
        found.append(
            Advice(
                f"Candidates take {made.candidate_seconds_per_query:.1f} s a query.",
                "More cores, or an index server whose parts search at the same time.",
            )
        )
    return tuple(found)
