"""Which labels a laboratory page measures by: the library's, the demo set's, or a file's."""

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from visil_dash.errors import InputError
from visil_dash.labels.csv_file import read_labels
from visil_dash.labels.demo_set import demo_labels
from visil_dash.labels.fivr import looks_like_fivr, read_fivr
from visil_dash.labels.label import Label
from visil_dash.labels.truth import Truth, labels_digest, truth_of
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import md, plural, safe_name

LIBRARY, DEMO, FILE = "This library's labels", "The demo set's labels", "A file"


@dataclass(frozen=True)
class LabelSet:
    """Labels with where they come from; `count_unlabelled`: unlabelled pairs count as wrong."""

    labels: tuple[Label, ...]
    title: str
    count_unlabelled: bool

    @cached_property
    def digest(self) -> str:
        return labels_digest(self.labels)

    @cached_property
    def truth(self) -> Truth:
        bench = backend.workbench()
        have = bench.library.features_ids(bench.extractor)
        return truth_of(self.labels, have, count_unlabelled=self.count_unlabelled)


@st.cache_resource(max_entries=4, show_spinner=False)
def _stored(
    library: str, labels_revision: int, revision: int
) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """The library's labels and those of the demo set for its videos."""
    bench = backend.workbench()
    return bench.library.labels(), demo_labels(bench.videos())


def choose_labels(*, files: bool = False) -> LabelSet | None:
    """The chosen labels; None where there are none at all. `files`: offers to bring a file."""
    library = backend.workbench().library
    own, demo = _stored(str(library.folder), library.labels_revision(), library.revision())
    offered: dict[str, tuple[Label, ...]] = {}
    if own:
        offered[LIBRARY] = own
    if demo:
        offered[DEMO] = demo
    name, brought = st.session_state.get(state.LABELS_FILE, ("", ()))
    if files or brought:
        offered[FILE] = brought
    if not offered:
        return None
    if st.session_state.get(state.LABELS_SOURCE) not in offered:
        st.session_state[state.LABELS_SOURCE] = next(iter(offered))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        source = st.selectbox(
            "Labels",
            list(offered),
            key=state.LABELS_SOURCE,
            persist_state="session",
            # Said by a fixed word: a chosen option whose text changes is no longer chosen.
            width=260,
        )
        count_unlabelled = st.toggle(
            "Unlabelled pairs are strangers",
            value=True,
            key=state.LABELS_STRANGERS,
            persist_state="session",
            help="On: a pair that nobody labelled counts as wrong when it is let through. Right"
            " when each labelled query was judged against the whole library, as in the demo set"
            " and in FIVR-200K. Off: such pairs are left out.",
        )
        told = st.empty()
    if source == FILE and files:
        _take_file()
        name, brought = st.session_state.get(state.LABELS_FILE, ("", ()))
    labels = brought if source == FILE else offered[source]
    if labels:
        whose = f"{safe_name(name, longest=40)}: " if source == FILE else ""
        told.caption(md(f"{whose}{plural(len(labels), 'label')}"), width="content")
    return LabelSet(labels, _title(source, labels, name), count_unlabelled) if labels else None


def _title(source: str, labels: tuple[Label, ...], name: str) -> str:
    if source == FILE:
        return f"File {safe_name(name, longest=30)} ({len(labels):,})"
    return f"{source} ({len(labels):,})"


def _take_file() -> None:
    upload = st.file_uploader(
        "CSV or FIVR-200K's annotation.json",
        type=["csv", "json", "txt"],
        key=state.uploader_key("labels_file"),
        help="CSV: columns query, reference, verdict, relation; videos by file name or id."
        " JSON: FIVR-200K's annotation file; a video's id is its file's name without ending.",
    )
    if upload is None:
        return
    videos = backend.library_videos().values()
    try:
        text = upload.getvalue().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(upload.name, "is not UTF-8 text", "save it as UTF-8") from error
    if looks_like_fivr(text):
        found = read_fivr(text, videos, name=upload.name)
        labels = found.labels
        st.caption(
            f"{plural(found.queries_here, 'query', 'queries')} of {found.queries:,} and"
            f" {plural(len(labels), 'pair')} of {found.pairs:,} are in this library."
        )
    else:
        labels = read_labels(text, videos, name=upload.name)
    # Labels are small, and belong to whoever brought them.
    st.session_state[state.LABELS_FILE] = upload.name, labels
    library = backend.workbench().library
    if labels and not library.read_only:
        st.button(
            "Keep these labels in the library",
            icon=":material/bookmark_add:",
            on_click=_keep,
            args=(labels,),
            help="They replace what the library says of the same pairs.",
        )


def _keep(labels: tuple[Label, ...]) -> None:
    backend.workbench().library.set_label(*labels)
    st.toast(f"{plural(len(labels), 'label')} kept", icon=":material/bookmark_added:")
