"""The library page: files that are used where they lie, and what became of them."""

from collections import Counter
from pathlib import Path

import pandas as pd
import streamlit as st

from visil_dash.media.allowed import allowed_folders
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.tables import table_height
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import percent, plural, safe_name

_ROWS_SHOWN = 500
_MOST_HEIGHT = 420  # pixels
_WORDS = {
    "same": "as it was",
    "changed": "changed: other bytes lie there",
    "missing": "missing",
    "moved": "moved, and used where it lies now",
    "back": "back",
}
_Row = tuple[str, str, Path, Path | None]  # name, state, place, where it lies instead


def draw_places() -> None:
    """One line about the files in place, which opens; nothing where there are none."""
    files = backend.workbench().library.in_place.all()
    if not files:
        return
    counts = Counter(file.seen for file in files if file.seen != "same")
    wrong = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
    icon = ":orange[:material/warning:]" if wrong else ":material/folder_open:"
    line = f"{icon} {plural(len(files), 'file')} in place" + (f" · {wrong}" if wrong else "")
    with st.expander(line, key="places"):
        st.caption(
            "These files are used where they lie; the library holds no copy. One that is changed"
            " or missing is still searched, but neither played nor proved until its bytes are back."
        )
        task = _look()
        if task is not None and not task.ended:
            _looking(task)
            return
        st.button(
            "Look again",
            key="look_again",
            icon=":material/refresh:",
            on_click=_begin,
            help="Checks every file in place, and looks in the allowed folders for what moved",
        )
        if task is not None and task.error is not None:
            show_error(task.error)
        videos = backend.library_videos()
        rows: list[_Row] = [
            (videos[file.video_id].name, file.seen, file.path, None)
            for file in files
            if file.video_id in videos
        ]
        if task is not None and task.error is None:
            rows = task.result
        _table(rows)


def _table(rows: list[_Row]) -> None:
    """Those that need attention first."""
    ordered = sorted(rows, key=lambda row: (row[1] == "same", row[0].casefold()))
    shown = ordered[:_ROWS_SHOWN]
    table = pd.DataFrame(
        {
            "Video": [safe_name(name) for name, *_ in shown],
            "State": [_WORDS[state] for _, state, *_ in shown],
            "Place": [safe_name(str(now or path), longest=400) for _, _, path, now in shown],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        key="places_table",
        height=min(_MOST_HEIGHT, table_height(len(table))),
    )
    if len(ordered) > len(shown):
        st.caption(f"and {len(ordered) - len(shown):,} more: `visil-dash places` lists them all")


def _look(*, begin: bool = False) -> Task | None:
    bench = backend.workbench()
    key = ("places", str(bench.library.folder))

    def work(watch: Watch) -> list[_Row]:
        from visil_dash.tidying.places import places_of

        folders = allowed_folders(bench.settings)
        found = places_of(bench.library, folders, only_in_place=True, watch=watch)
        return [(p.video.name, p.state.value, p.path, p.now) for p in found]

    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def _begin() -> None:
    _look(begin=True)


@fragment(run_every=0.5)
def _looking(task: Task) -> None:
    if task.ended:
        st.rerun()
    st.progress(task.share, text=f"{task.what}, {percent(task.share)}")
