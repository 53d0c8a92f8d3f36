"""The collection's use cases: its pair table by either way, its groups, the review queue."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.collection.groups import Group, collection_groups
from visil_dash.collection.likely_pairs import candidate_pairs
from visil_dash.collection.queue import ALIGNED, Question, review_queue
from visil_dash.collection.table import CollectionTable, without
from visil_dash.errors import InputError
from visil_dash.labels.demo_set import demo_labels
from visil_dash.labels.label import Label, PairKey, by_pair, pair_of, rejected, with_verdict
from visil_dash.library.sharing.beside_writer import put_labels
from visil_dash.matching.maps import first_look
from visil_dash.matching.rerank import pair_segments
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import PairTable, Segment
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.pictures import jpegs

_HIDDEN_GROUPS = "hidden_groups"
_MOMENT_SIDE = 640  # pixels of the longer side of a picture of the best moment


def all_pairs(bench: Workbench, *, watch: Watch = UNWATCHED) -> CollectionTable:
    table = bench.pairwise(watch=watch)
    total = _pairs_of(len(table.video_ids))
    return CollectionTable(table, compared=total, total=total)


def candidate_table(
    bench: Workbench, *, threshold: float | None = None, watch: Watch = UNWATCHED
) -> CollectionTable:
    """The pairs that the index proposes within a squared-L2 `threshold` (None: the library's).

    Pairs compared before are not compared again. Raises Cancelled.
    """
    limit = bench.threshold() if threshold is None else threshold
    found = candidate_pairs(
        bench.space.view(),
        limit,
        watch=watch.part(0.0, 0.2),
    )
    have = set(bench.library.features_ids(bench.extractor))
    videos = [v for v in bench.videos() if v.video_id in have]
    by_ordinal = {v.ordinal: v.video_id for v in videos}
    nearest = np.argsort(found.distance, kind="stable")
    pairs = [
        (by_ordinal[a], by_ordinal[b])
        for a, b in zip(found.first[nearest].tolist(), found.second[nearest].tolist(), strict=True)
        if a in by_ordinal and b in by_ordinal
    ]
    comparing = watch.part(0.2, 1.0, name="Comparing candidate pairs")
    table = bench.pairwise(pairs, watch=comparing)
    return CollectionTable(
        table,
        compared=len(pairs),
        total=_pairs_of(len(videos)),
        threshold=limit,
        capped=found.capped,
    )


def _pairs_of(videos: int) -> int:
    return videos * (videos - 1) // 2


# ---- reviewing ----


def queue_of(
    bench: Workbench, table: PairTable, match_score: float, *, watch: Watch = UNWATCHED
) -> tuple[Question, ...]:
    """The pairs to judge, those nearest to the match score first (see review_queue)."""
    done = 0

    def matched_seconds(query: str, reference: str) -> float:
        nonlocal done
        watch.count("Aligning the closest pairs", done, ALIGNED)
        done += 1
        found = pair_segments(
            bench.library.features(query, extractor=bench.extractor),
            bench.library.features(reference, extractor=bench.extractor),
            bench.options,
        )
        return sum(s.query_end - s.query_start for s in found)

    return review_queue(table, match_score, matched_seconds=matched_seconds)


@dataclass(frozen=True)
class Moment:
    """What a person needs to judge a pair: where it matches best and how that looks.

    `times`: seconds in query and reference; `pictures`: JPEG of both, as displayed.
    """

    query: str
    reference: str
    score: float
    reverse: float
    times: tuple[float, float]
    pictures: tuple[bytes, bytes]
    segments: tuple[Segment, ...]


def moment(bench: Workbench, query: str, reference: str) -> Moment:
    """Compares the pair and decodes its best moment. Raises NotFound and StoreError."""
    pair = bench.compare(query, reference)
    i, j = first_look(pair, pair.symmetric)
    times = float(pair.query_times[i]), float(pair.reference_times[j])
    (ours,) = jpegs(bench, query, [times[0]], long_side=_MOMENT_SIDE)
    (theirs,) = jpegs(bench, reference, [times[1]], long_side=_MOMENT_SIDE)
    return Moment(
        query,
        reference,
        score=pair.score,
        reverse=pair.reverse_score,
        times=times,
        pictures=(ours, theirs),
        segments=pair.segments,
    )


def give_verdict(
    bench: Workbench, query: str, reference: str, verdict: str, *, by: str = "", note: str = ""
) -> Label:
    """Stores a person's verdict on two library videos (ids, prefixes or names), and returns it.

    An earlier verdict is replaced; its note stays unless there is a new one. Raises NotFound,
    InputError for a video paired with itself, and StoreReadOnly where nobody can write the library:
    another process that does is no hindrance.
    """
    first, second = (bench.library.video(key) for key in (query, reference))
    if first.video_id == second.video_id:
        raise InputError(first.name, "is the same video twice", "name two videos")
    earlier = by_pair(bench.library.labels()).get(pair_of(first.video_id, second.video_id))
    label = with_verdict(first.video_id, second.video_id, verdict, earlier, by=by)
    put_labels(bench.library, [replace(label, note=note) if note else label])
    return by_pair(bench.library.labels())[label.pair]


# ---- groups ----


def groups_of(
    bench: Workbench, table: PairTable, *, least: float | None = None
) -> tuple[Group, ...]:
    """Groups of the videos that match at `least` (None: the match score in use), largest first.

    Pairs that were judged not to match connect nothing.
    """
    kept = without(table, rejected(bench.library.labels()))
    return collection_groups(kept, bench.match_score() if least is None else least)


def hidden_groups(bench: Workbench) -> frozenset[str]:
    """Keys of the groups that were put out of sight."""
    return frozenset(bench.library.setting(_HIDDEN_GROUPS) or ())


def hide_group(bench: Workbench, key: str, *, hidden: bool = True) -> None:
    """Puts a group out of sight, or back. Raises StoreReadOnly."""
    bench.require_writer()
    keys = hidden_groups(bench)
    kept = keys | {key} if hidden else keys - {key}
    bench.library.set_setting(_HIDDEN_GROUPS, sorted(kept))


def add_tag(bench: Workbench, video_ids: Iterable[str], tag: str) -> int:
    """Adds a tag to each of the videos; how many did not have it. Raises InputError, NotFound."""
    wanted = tag.strip()
    if not wanted:
        raise InputError("the tag", "is empty", "type a word")
    changed = 0
    for video_id in video_ids:
        video = bench.library.video(video_id)
        if wanted not in video.tags:
            bench.library.set_tags(video_id, (*video.tags, wanted))
            changed += 1
    return changed


# ---- labels ----


def add_demo_labels(bench: Workbench) -> int:
    """Labels the demo's videos as demo/labels.csv does; pairs judged by hand stay. How many."""
    labelled = by_pair(bench.library.labels())
    new = [label for label in demo_labels(bench.videos()) if label.pair not in labelled]
    if new:
        bench.library.set_label(*new)
    return len(new)


def restore_label(bench: Workbench, pair: PairKey, earlier: Label | None) -> None:
    """Undoes a verdict: the earlier label again, or none. Raises as Library.set_label."""
    if earlier is None:
        bench.library.remove_label(*pair)
        return
    bench.library.set_label(earlier)
