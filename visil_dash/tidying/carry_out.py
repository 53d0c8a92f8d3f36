"""Carrying a plan out, and taking that back; both are written down in the library.

<library>/trash/log.jsonl     one line an action, never changed: when, who, which plan, what moved
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visil_dash.errors import InputError
from visil_dash.library.catalogue import now
from visil_dash.tidying.plan import TRASH, Step
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.trash import Trashed, move_to_trash, restore

_LOG = "log.jsonl"


def carry_out(
    bench: Workbench,
    steps: Sequence[Step],
    *,
    by: str,
    outside: Sequence[Path] = (),
    others: Sequence[Workbench] = (),
) -> Trashed:
    """Moves what the plan gives up into the library's trash, as one batch.

    `outside`: folders from which the files that the videos were added from move there as well (see
    trash.move_to_trash). `others`: open workbenches, some of which may share the library.

    Raises InputError, NotFound and StoreReadOnly before anything is changed, and StoreError.
    """
    ids = [step.video_id for step in steps if step.action == TRASH]
    if not ids:
        raise InputError("the plan", "gives up no video", "mark one as trash")
    trashed = move_to_trash(bench, others, ids, outside=outside)
    _note(bench, "plan carried out", by, trashed, {"steps": [vars(step) for step in steps]})
    return trashed


def put_back(
    bench: Workbench,
    batch: str,
    *,
    by: str,
    outside: Sequence[Path] = (),
    others: Sequence[Workbench] = (),
) -> Trashed:
    """Puts a batch back as it was. Raises NotFound and StoreReadOnly."""
    restored = restore(bench, others, batch, outside=outside)
    _note(bench, "undone", by, restored, {})
    return restored


def log_of(bench: Workbench) -> tuple[dict[str, Any], ...]:
    """What was done, the first action first."""
    try:
        lines = _log(bench).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(json.loads(line) for line in lines)


def _note(bench: Workbench, action: str, by: str, what: Trashed, more: dict[str, Any]) -> None:
    entry = {
        "at": now(),
        "by": by,
        "action": action,
        "batch": what.batch,
        "videos": list(what.names),
        "moved": list(what.moved),
        "left": [list(pair) for pair in what.left],
    }
    path = _log(bench)
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry | more, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _log(bench: Workbench) -> Path:
    return bench.library.folder / "trash" / _LOG
