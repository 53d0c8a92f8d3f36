"""A person's verdict on a pair, given where the evidence is."""

import streamlit as st

from visil_dash.labels.label import MATCH, NOT_MATCH, UNSURE, by_pair, pair_of, with_verdict
from visil_dash.media.views import QueryRef
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import keep_errors

VERDICT_WORDS = {MATCH: "match", NOT_MATCH: "not a match", UNSURE: "unsure"}
_OUTSIDE = (
    "A verdict is kept with both videos, so both must be in the library. “Add this clip to the"
    " library” stands where the query clip is changed."
)


def draw_verdict_choice(query_id: str, reference_id: str, *, key: str) -> None:
    """Match, Not a match or Unsure; choosing the verdict that is chosen takes it back."""
    query, reference = QueryRef.parse(query_id).base, QueryRef.parse(reference_id).base
    if query == reference:
        return
    library, videos = backend.workbench().library, backend.library_videos()
    inside = query in videos and reference in videos
    if not inside:
        st.caption("Verdicts need both videos in the library", help=_OUTSIDE, width="content")
        return
    label = by_pair(library.labels()).get(pair_of(query, reference))
    st.session_state[key] = None if label is None else label.verdict
    st.segmented_control(
        "Your verdict",
        list(VERDICT_WORDS),
        format_func=lambda verdict: VERDICT_WORDS[verdict].capitalize(),
        key=key,
        on_change=_judge,
        args=(query, reference, key),
        disabled=library.read_only,
        label_visibility="collapsed",
        wrap=True,
    )


def _judge(query: str, reference: str, key: str) -> None:
    library = backend.workbench().library
    verdict: str | None = st.session_state[key]
    earlier = by_pair(library.labels()).get(pair_of(query, reference))
    with keep_errors():
        if verdict is None:
            library.remove_label(query, reference)
            st.toast("Verdict taken back", icon=":material/undo:")
            return
        library.set_label(with_verdict(query, reference, verdict, earlier))
        hidden = ": hidden from results" if verdict == NOT_MATCH else ""
        st.toast(f"{VERDICT_WORDS[verdict].capitalize()}{hidden}", icon=":material/sell:")
