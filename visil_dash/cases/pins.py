"""Pinned matches: the pairs that the next case file of a library will hold."""

from dataclasses import asdict, dataclass
from pathlib import Path

from visil_dash.errors import NotFound
from visil_dash.library.catalogue import now
from visil_dash.library.paths import path_of, stored_path
from visil_dash.workbench.bench import Workbench

_SETTING = "case_pins"


@dataclass(frozen=True)
class Pin:
    """`query`: a library video's id, or a clip's path (see paths.stored_path); `reference`: an id.

    `by` pinned it `at` this time (ISO 8601), with a `note`.
    """

    query: str
    reference: str
    note: str
    by: str
    at: str


def pins(bench: Workbench) -> tuple[Pin, ...]:
    return tuple(Pin(**pin) for pin in bench.library.setting(_SETTING) or ())


def pin(bench: Workbench, query: str | Path, reference: str, *, note: str, by: str) -> Pin:
    """Pins a clip or library video and a library video; pinned again, its note is replaced.

    Raises NotFound, MediaRefused for a clip that cannot be read, StoreReadOnly.
    """
    bench.require_writer()
    made = Pin(_key(bench, query), bench.library.video(reference).video_id, note, by, now())
    kept = list(pins(bench))
    places = [i for i, p in enumerate(kept) if _pair(p) == _pair(made)]
    if places:
        kept[places[0]] = made  # the case keeps its order
    else:
        kept.append(made)
    _keep(bench, kept)
    return made


def is_pinned(bench: Workbench, query: str, reference: str) -> bool:
    """Whether a pair of library videos is in the case, by their ids."""
    return any(_pair(p) == (query, reference) for p in pins(bench))


def drop_pin(bench: Workbench, gone: Pin) -> None:
    """Takes a pin out, also one whose videos are gone. Raises StoreReadOnly."""
    bench.require_writer()
    _keep(bench, [p for p in pins(bench) if _pair(p) != _pair(gone)])


def _pair(pin: Pin) -> tuple[str, str]:
    return pin.query, pin.reference


def unpin(bench: Workbench, query: str | Path, reference: str) -> None:
    """Raises NotFound where the pair is not pinned, and StoreReadOnly."""
    bench.require_writer()
    gone = _key(bench, query), bench.library.video(reference).video_id
    kept = [p for p in pins(bench) if _pair(p) != gone]
    if len(kept) == len(pins(bench)):
        raise NotFound(f"{query} and {reference}: this pair is not pinned.")
    _keep(bench, kept)


def pinned_query(pin: Pin) -> str | Path:
    """What to open or look up for the pin's query."""
    return pin.query if len(pin.query) == 64 and "/" not in pin.query else path_of(pin.query)


def _key(bench: Workbench, query: str | Path) -> str:
    if isinstance(query, Path):
        bench.open_clip(query)  # a file that cannot be read is refused now, not when it is needed
        return stored_path(query.absolute())
    return bench.library.video(query).video_id


def _keep(bench: Workbench, kept: list[Pin]) -> None:
    bench.library.set_setting(_SETTING, [asdict(p) for p in kept])
