"""Operating thresholds of a library, and who set them, when, why and from which labels.

There are two: the squared-L2 distance of candidate generation, which belongs to a model and a
reduction, and the match score (video-to-video similarity) from which a pair is called a match,
which belongs to a model. Each keeps a history in the library's settings; taking a step back is
itself a step, so nothing is ever lost.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from visil_dash.errors import InputError
from visil_dash.labels.label import Label
from visil_dash.labels.truth import labels_digest

if TYPE_CHECKING:
    from visil_dash.workbench.bench import Workbench

ThresholdKind = Literal["distance", "match"]
_BANDS_SETTING = "bands"
_MOST_STEPS = 200  # the oldest go first
_MOST_TEXT = 300


@dataclass(frozen=True)
class ThresholdChange:
    """One change of a threshold. `value` None: back to the model's own.

    `number` counts from 1. `previous` is what was in force (None: the model's own). `when`: UTC,
    ISO 8601. `labels`, `labels_digest`: how many labels it was chosen from and their sha256; 0
    and empty without labels.
    `undoes`: number of the step that this one takes back.
    """

    number: int
    value: float | None
    previous: float | None
    when: str
    who: str
    why: str
    labels: int
    labels_digest: str
    undoes: int | None = None


def current_threshold(bench: "Workbench", kind: ThresholdKind) -> float:
    return bench.threshold() if kind == "distance" else bench.match_score()


def model_default(bench: "Workbench", kind: ThresholdKind) -> float:
    return bench.default_threshold() if kind == "distance" else bench.model.default_match_score


def save_threshold(
    bench: "Workbench",
    kind: ThresholdKind,
    value: float | None,
    *,
    who: str = "",
    why: str = "",
    labels: Iterable[Label] = (),
    undoes: int | None = None,
    reduction_id: str | None = None,
) -> ThresholdChange:
    """Makes `value` the library's threshold from now on (None: the model's own again).

    `reduction_id`: of the space that a distance is for; None: the one in force.

    Raises StoreReadOnly, and InputError for a value that no threshold can have.
    """
    lowest = 0.0 if kind == "distance" else -1.0
    if value is not None and not lowest <= value < float("inf"):
        raise InputError(f"{value}", f"is no {kind} threshold", f"give a number from {lowest:g} on")
    bench.require_writer()
    chosen_from = tuple(labels)
    key = _key(bench, kind, reduction_id)
    saved = bench.library.setting(key)
    before = _steps(bench, key)
    step = ThresholdChange(
        number=before[-1].number + 1 if before else 1,
        value=None if value is None else float(value),
        previous=None if saved is None else float(saved),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        who=who.strip()[:_MOST_TEXT],
        why=why.strip()[:_MOST_TEXT],
        labels=len(chosen_from),
        labels_digest=labels_digest(chosen_from) if chosen_from else "",
        undoes=undoes,
    )
    steps = [asdict(s) for s in (*before, step)][-_MOST_STEPS:]
    # The history first: a crash between the two leaves a step too many, never one untold.
    bench.library.set_setting(f"history:{key}", steps)
    bench.library.set_setting(key, step.value)
    return step


def history(bench: "Workbench", kind: ThresholdKind) -> tuple[ThresholdChange, ...]:
    """All changes in this model's (and reduction's) space, oldest first."""
    return _steps(bench, _key(bench, kind))


def _steps(bench: "Workbench", key: str) -> tuple[ThresholdChange, ...]:
    return tuple(ThresholdChange(**row) for row in bench.library.setting(f"history:{key}") or [])


def undo(bench: "Workbench", kind: ThresholdKind, *, who: str = "") -> ThresholdChange | None:
    """Takes back the last change that was not taken back yet; None when there is none."""
    step = undoable(bench, kind)
    if step is None:
        return None
    return save_threshold(bench, kind, step.previous, who=who, why="undo", undoes=step.number)


def undoable(bench: "Workbench", kind: ThresholdKind) -> ThresholdChange | None:
    """The change that `undo` would take back."""
    steps = history(bench, kind)
    taken_back = {step.undoes for step in steps}
    standing = [s for s in steps if s.undoes is None and s.number not in taken_back]
    return standing[-1] if standing else None


def band_borders(bench: "Workbench") -> tuple[float, float]:
    """Distances up to which pairs are called duplicate and related.

    Until they are set: the library's threshold, and halfway from there to unrelated frames.
    """
    saved = bench.library.setting(f"{_BANDS_SETTING}:{_space_key(bench)}")
    if saved is not None:
        return float(saved[0]), float(saved[1])
    threshold = bench.threshold()
    return threshold, max(threshold, (threshold + bench.levels().unrelated) / 2)


def set_band_borders(bench: "Workbench", duplicate: float, related: float) -> None:
    """Raises StoreReadOnly, and InputError unless 0 ≤ duplicate ≤ related."""
    if not 0 <= duplicate <= related < float("inf"):
        raise InputError(
            f"{duplicate:g} and {related:g}", "are no borders of bands", "put duplicate first"
        )
    bench.require_writer()
    bench.library.set_setting(f"{_BANDS_SETTING}:{_space_key(bench)}", [duplicate, related])


def _space_key(bench: "Workbench") -> str:
    """What a distance belongs to: one model and reduction; in another space it means nothing."""
    return f"{bench.extractor}:{bench.space.reduction.reduction_id}"


def _key(bench: "Workbench", kind: ThresholdKind, reduction_id: str | None = None) -> str:
    from visil_dash.workbench.bench import (  # takes a second: not with a page
        MATCH_SETTING,
        THRESHOLD_SETTING,
    )

    if kind == "match":
        return f"{MATCH_SETTING}:{bench.extractor}"
    space = _space_key(bench) if reduction_id is None else f"{bench.extractor}:{reduction_id}"
    return f"{THRESHOLD_SETTING}:{space}"


def distance_key(bench: "Workbench", reduction_id: str) -> str:
    """Setting of the distance threshold in one space."""
    return _key(bench, "distance", reduction_id)


def was_saved(bench: "Workbench", reduction_id: str) -> bool:
    """Whether a distance threshold was chosen for that space, the default included."""
    key = distance_key(bench, reduction_id)
    return bench.library.setting(key) is not None or bool(_steps(bench, key))
