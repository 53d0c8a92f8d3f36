"""A picker over the library's videos and the clips of this browser."""

from collections import Counter
from collections.abc import Callable

import streamlit as st

from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import address_counts, to_link
from visil_dash.ui.shell.text import safe_name


def pick_video(
    label: str,
    *,
    key: str,
    param: str | None = None,
    placeholder: str = "Choose a video",
    on_change: Callable[[], None] | None = None,
) -> str | None:
    """The id of the chosen video or clip, or None.

    `key` is a constant of `state`; the choice survives page changes. `param`: query parameter
    that carries the choice in links.
    """
    labels = _labels()
    _restore(key, param, labels)
    picked = st.selectbox(
        label,
        list(labels),
        index=None,
        format_func=lambda v: labels.get(v, v),
        key=key,
        placeholder=placeholder,
        on_change=on_change,
        persist_state="session",
    )
    if param is not None:
        to_link(param, state.short(picked) if picked else "")
    return picked


def picked_video(key: str, param: str | None = None) -> str | None:
    """What `pick_video` with this key and parameter will return, before it is drawn."""
    _restore(key, param, _labels())
    picked: str | None = st.session_state[key]
    return picked


def _labels() -> dict[str, str]:
    """Names by id, clips first; names that occur twice carry the beginning of their id."""
    labels = {c.query_id: f"Your clip · {safe_name(c.name)}" for c in backend.session_clips()}
    videos = backend.library_videos()
    labels |= {v: safe_name(r.name) for v, r in videos.items() if v not in labels}
    repeated = {name for name, count in Counter(labels.values()).items() if count > 1}
    return {v: f"{name} · {v[:8]}" if name in repeated else name for v, name in labels.items()}


def _restore(key: str, param: str | None, labels: dict[str, str]) -> None:
    """Gives the picker the choice of the link, and drops a choice that has been removed."""
    if param is not None and address_counts(param):
        st.session_state.pop(key, None)
    if key in st.session_state:
        # Also a choice that was cleared: the address of this run still names it.
        if st.session_state[key] not in labels:
            st.session_state[key] = None
        return
    wanted = st.query_params.get(param, "") if param is not None else ""
    matching = [v for v in labels if len(wanted) >= 6 and v.startswith(wanted)]
    st.session_state[key] = matching[0] if len(matching) == 1 else None
    if len(matching) == 1:
        return
    if len(wanted) >= 6 and backend.was_deleted(wanted):
        st.info("This clip was deleted, upload it again.", icon=":material/link_off:")
    elif wanted:
        st.info(
            "The link names a video that is not in this library, or a clip of another browser or"
            " one that was deleted. Clips are private to a browser and deleted soon after its last"
            " tab is closed: upload it again.",
            icon=":material/link_off:",
        )
