"""The labels to measure with: the library's, the demo set's, or those of a file."""

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
from visil_dash.ui.shell.links import choice_in_address
from visil_dash.ui.shell.text import md, plural, safe_name

_LIBRARY, _DEMO, _FILE = "This library's labels", "The demo set's labels", "A file"
_SOURCES = {"library": _LIBRARY, "demo": _DEMO, "file": _FILE}  # by their names in the address


@dataclass(frozen=True)
class LabelSet:
    """Labels and their source; `count_unlabelled`: unlabelled pairs count as unrelated."""

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


def draw_label_choice(*, files: bool = False) -> LabelSet | None:
    """The chosen labels; None where there are none. `files`: offers to upload a file."""
    offered = _offered(files=files)
    if not offered:
        return None
    # The first of the largest: a few verdicts do not replace a set that was there before.
    largest = max(offered, key=lambda name: len(offered[name]))
    names = {word: source for word, source in _SOURCES.items() if source in offered}
    choice_in_address(state.LABELS_SOURCE, "labels", names, default=largest)
    choice_in_address(
        state.LABELS_STRANGERS, "unlabelled", {"unrelated": True, "ignored": False}, default=True
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        source = st.selectbox(
            "Labels",
            list(offered),  # without counts: an option whose text changes is no longer chosen
            key=state.LABELS_SOURCE,
            persist_state="session",
            width=260,
        )
        count_unlabelled = st.toggle(
            "Unlabelled pairs count as unrelated",
            key=state.LABELS_STRANGERS,
            persist_state="session",
            help="On: an unlabelled pair that is admitted counts as an error. Correct where each"
            " labelled query was judged against the whole library, as in the demo set and in"
            " FIVR-200K. Off: unlabelled pairs are ignored.",
        )
        caption = st.empty()
    if source == _FILE and files:
        _take_file()
        offered = _offered(files=files)
    labels = offered[source]
    if not labels:
        return None
    name = safe_name(_uploaded()[0], longest=40)
    whose = f"{name}: " if source == _FILE else ""
    others = [
        f"{name}: {len(known):,}" for name, known in offered.items() if known and name != source
    ]
    also = f" · also to choose: {', '.join(others)}" if others else ""
    caption.caption(md(f"{whose}{plural(len(labels), 'label')}{also}"), width="content")
    title = f"File {name}" if source == _FILE else source
    return LabelSet(labels, f"{title} ({len(labels):,})", count_unlabelled)


def _offered(*, files: bool) -> dict[str, tuple[Label, ...]]:
    library = backend.workbench().library
    own, demo = _stored(str(library.folder), library.labels_revision(), library.revision())
    _, uploaded = _uploaded()
    offered = {_LIBRARY: own, _DEMO: demo}
    offered = {source: labels for source, labels in offered.items() if labels}
    return offered | ({_FILE: uploaded} if files or uploaded else {})


def _uploaded() -> tuple[str, tuple[Label, ...]]:
    """Name and labels of the file that this session uploaded."""
    uploaded: tuple[str, tuple[Label, ...]] = st.session_state.get(state.LABELS_FILE, ("", ()))
    return uploaded


def _take_file() -> None:
    upload = st.file_uploader(
        "CSV or FIVR-200K's annotation.json",
        type=["csv", "json", "txt"],
        key=state.uploader_key("labels_file"),
        help="CSV: columns query, reference, verdict, relation; videos by file name or id."
        " JSON: FIVR-200K's annotation file; a video's id is its file name without the extension.",
    )
    if upload is None:
        return
    videos = backend.library_videos().values()
    try:
        text = upload.getvalue().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(upload.name, "is not UTF-8 text", "save it as UTF-8") from error
    if looks_like_fivr(text):
        annotations = read_fivr(text, videos, name=upload.name)
        labels = annotations.labels
        st.caption(
            f"{plural(annotations.queries_here, 'query', 'queries')} of {annotations.queries:,} and"
            f" {plural(len(labels), 'pair')} of {annotations.pairs:,} are in this library."
        )
    else:
        labels = read_labels(text, videos, name=upload.name)
    # Labels are small; they belong to the session that uploaded them.
    st.session_state[state.LABELS_FILE] = upload.name, labels
    library = backend.workbench().library
    if labels and not library.read_only:
        st.button(
            "Save these labels in the library",
            icon=":material/bookmark_add:",
            on_click=_save,
            args=(labels,),
            help="They replace the library's labels of the same pairs.",
        )


def _save(labels: tuple[Label, ...]) -> None:
    backend.workbench().library.set_label(*labels)
    st.toast(f"{plural(len(labels), 'label')} saved", icon=":material/bookmark_added:")
