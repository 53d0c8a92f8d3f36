"""The buttons of the review, and what they do: verdicts, relations, steps and undo."""

import streamlit as st

from visil_dash.labels.label import (
    MATCH,
    NOT_MATCH,
    UNSURE,
    Label,
    implied_verdict,
    pair_of,
    reviewed_by,
    with_verdict,
)
from visil_dash.ui.pair.judging import VERDICT_WORDS
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.guard import person

_Pair = tuple[str, str]  # (query id, reference id)
_RELATIONS = {
    "ND": ("near duplicate", "The same video, edited: cropped, re-encoded, with a logo"),
    "DS": ("duplicate scene", "Shares footage of one camera, with other footage around it"),
    "CS": ("complementary", "The same moment filmed by another camera: related, not a copy"),
    "IS": ("same incident", "The same event at another time: related, not a copy"),
}


def draw_verdict_buttons(
    pair: _Pair,
    label: Label | None,
    before: _Pair | None,
    after: _Pair | None,
) -> None:
    locked = backend.workbench().library.read_only
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="review-verdicts"
    ):
        _verdicts(pair, label, after, locked=locked)
        st.space("stretch")
        _step("Back", "Left", ":material/arrow_back:", before)
        _step("Skip", "Right", ":material/arrow_forward:", after)
        draw_undo_button(locked=locked)
    with st.container(horizontal=True, gap="small", key="review-relations"):
        _relations(pair, label, after, locked=locked)


def _verdicts(pair: _Pair, label: Label | None, after: _Pair | None, *, locked: bool) -> None:
    for text, verdict, key, icon in (
        ("Match", MATCH, "M", ":material/check:"),
        ("Not a match", NOT_MATCH, "N", ":material/close:"),
        ("Unsure", UNSURE, "U", ":material/question_mark:"),
    ):
        st.button(
            text,
            key=f"review_{verdict}",
            icon=icon,
            shortcut=key,
            type="primary" if label and label.verdict == verdict else "secondary",
            disabled=locked,
            on_click=_judge,
            args=(pair, verdict, "", label, after),
        )


def _relations(pair: _Pair, label: Label | None, after: _Pair | None, *, locked: bool) -> None:
    for number, (relation, (word, meaning)) in enumerate(_RELATIONS.items(), 1):
        st.button(
            f"{relation} {word}",
            key=f"review_{relation}",
            shortcut=str(number),
            type="primary" if label and label.relation == relation else "secondary",
            disabled=locked,
            on_click=_judge,
            args=(pair, implied_verdict(relation), relation, label, after),
            help=meaning,
        )


def _step(text: str, key: str, icon: str, to: _Pair | None) -> None:
    st.button(
        text,
        key=f"review_{text.lower()}",
        icon=icon,
        shortcut=key,
        disabled=to is None,
        type="tertiary",
        on_click=_go,
        args=(to,),
    )


def draw_undo_button(*, locked: bool) -> None:
    done = st.session_state.get(state.REVIEW_DONE) or []
    st.button(
        "Undo",
        key="review_undo",
        icon=":material/undo:",
        type="tertiary",
        shortcut="Z",
        disabled=locked or not done,
        on_click=_undo,
        help="Reverts the last verdict",
    )


# ---- actions ----


def _judge(
    pair: _Pair,
    verdict: str,
    relation: str,
    earlier: Label | None,
    after: _Pair | None,
) -> None:
    label = (
        Label(
            *pair,
            verdict,
            relation,
            reviewed_by(person()),
            note=earlier.note if earlier else "",
        )
        if relation
        else with_verdict(*pair, verdict, earlier, by=person())
    )
    with keep_errors():
        backend.workbench().library.set_label(label)
        done = [*(st.session_state.get(state.REVIEW_DONE) or []), (pair, earlier)]
        st.session_state[state.REVIEW_DONE] = done[-200:]
        relation_text = f", {label.relation}" if label.relation else ""
        st.toast(f"{VERDICT_WORDS[verdict].capitalize()}{relation_text}")
        _go(after)


def _go(pair: _Pair | None) -> None:
    st.session_state[state.REVIEW_PAIR] = pair
    if pair is None:  # the end of the queue: start again with what is not judged
        for param in (state.PARAM_QUERY, state.PARAM_REFERENCE):
            st.query_params.pop(param, None)


def _undo() -> None:
    from visil_dash.workbench.collection import restore_label

    done = st.session_state.get(state.REVIEW_DONE) or []
    if not done:
        return
    pair, earlier = done[-1]
    st.session_state[state.REVIEW_DONE] = done[:-1]
    with keep_errors():
        restore_label(backend.workbench(), pair_of(*pair), earlier)
        _go(pair)
