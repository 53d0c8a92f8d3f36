"""A person's verdict on a pair, given where the evidence is."""

from dataclasses import replace

import streamlit as st

from visil_dash.framing.views import QueryRef
from visil_dash.labels.csv_file import MOST_NOTE_CHARACTERS
from visil_dash.labels.label import MATCH, NOT_MATCH, UNSURE, by_pair, pair_of, with_verdict
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.guard import person

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


def draw_note(query_id: str, reference_id: str, *, key: str) -> None:
    """A note on the pair, kept with its verdict; nothing where no verdict can be given."""
    query, reference = QueryRef.parse(query_id).base, QueryRef.parse(reference_id).base
    library, videos = backend.workbench().library, backend.library_videos()
    if query == reference or query not in videos or reference not in videos:
        return
    label = by_pair(library.labels()).get(pair_of(query, reference))
    note = "" if label is None else label.note
    with st.popover("Note", icon=":material/edit_note:" if note else ":material/note_add:"):
        if label is None:
            st.caption("A note is kept with a verdict: give one first.")
            return
        st.session_state[key] = note
        st.text_area(
            "Note on this pair",
            key=key,
            max_chars=MOST_NOTE_CHARACTERS,
            on_change=_write,
            args=(query, reference, key),
            disabled=library.read_only,
            help="Kept in the library with the verdict, and part of its CSV file",
        )


def _write(query: str, reference: str, key: str) -> None:
    library = backend.workbench().library
    label = by_pair(library.labels()).get(pair_of(query, reference))
    if label is None:
        return
    with keep_errors():
        library.set_label(replace(label, note=st.session_state[key].strip()))
        st.toast("Note saved", icon=":material/edit_note:")


def _judge(query: str, reference: str, key: str) -> None:
    library = backend.workbench().library
    verdict: str | None = st.session_state[key]
    earlier = by_pair(library.labels()).get(pair_of(query, reference))
    with keep_errors():
        if verdict is None:
            library.remove_label(query, reference)
            st.toast("Verdict taken back", icon=":material/undo:")
            return
        library.set_label(with_verdict(query, reference, verdict, earlier, by=person()))
        hidden = ": hidden from results" if verdict == NOT_MATCH else ""
        st.toast(f"{VERDICT_WORDS[verdict].capitalize()}{hidden}", icon=":material/sell:")
