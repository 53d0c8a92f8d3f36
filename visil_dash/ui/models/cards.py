"""The Models page: each model with its files, licence and cost; using one, or downloading it."""

from typing import TYPE_CHECKING

import streamlit as st

from visil_dash.models.offers import FileOffer, ModelOffer
from visil_dash.progress import Watch
from visil_dash.ui.library.extraction import draw_cost
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.frame import switch_model
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import md, plural, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import facts, name_line, verified_badge

if TYPE_CHECKING:  # importing it takes seconds (torch, the index)
    from visil_dash.workbench.choice import ModelChoice


def draw_models() -> None:
    """The models that can be used, each as a card; those whose weights are not here, folded."""
    from visil_dash.workbench.choice import model_choices

    choices = model_choices(backend.workbench())
    for choice in choices:
        if choice.offer.info.available:
            _card(choice)
    st.subheader("Models to get", anchor=False)
    for choice in choices:
        if not choice.offer.info.available:
            _offered(choice)


def _card(choice: "ModelChoice") -> None:
    info = choice.offer.info
    with st.container(border=True, key=f"model-{info.name}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container():
                name_line(info.name, info.title)
            verified_badge(info.verified)
            if choice.in_use:
                st.badge("in use", icon=":material/check:", color="green")
            else:
                st.button(
                    "Use",
                    key=f"use-{info.name}",
                    icon=":material/model_training:",
                    on_click=switch_model,
                    args=(info.name,),
                )
                if st.button(
                    "Beside",
                    key=f"beside-{info.name}",
                    icon=":material/compare_arrows:",
                    help="The answers of this model and of the one in use to one query clip, beside"
                    " each other",
                ):
                    state.goto_two_models(info.name)
        _facts(choice)


def _offered(choice: "ModelChoice") -> None:
    offer, info = choice.offer, choice.offer.info
    label = f"**{md(info.name)}** · {md(info.title)}"
    with st.expander(label, key=f"offer-{info.name}", icon=":material/download:"):
        _facts(choice)
        if offer.files:
            _download(offer)
        else:
            st.caption(md(info.missing))


def _facts(choice: "ModelChoice") -> None:
    offer, info = choice.offer, choice.offer.info
    weights = size(info.bytes) if info.available else f"up to {size(offer.download_bytes)} to get"
    read = choice.videos - len(choice.unread)
    facts(
        {
            "One frame": f"{info.regions} × {info.dim} values",
            "Weights": weights,
            "This library": f"{read:,} of {plural(choice.videos, 'video')} read",
        }
    )
    st.caption("Licence: " + md("; ".join(offer.licences)))
    if choice.unread and not choice.in_use:
        _cost(choice)


def _cost(choice: "ModelChoice") -> None:
    """What reading the library with it costs: the disk at once, the minutes on request."""
    name = choice.offer.info.name
    key = f"timed-{name}"
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"cost-{name}"
    ):
        draw_cost(name, choice.values, choice.unread, timed=st.session_state.get(key, False))
        if not st.session_state.get(key):
            st.button(
                "Time it here",
                key=f"time-{name}",
                type="tertiary",
                icon=":material/speed:",
                on_click=st.session_state.update,
                args=({key: True},),
                help="Runs its network on a few frames, a matter of seconds. Weights are not needed"
                " for that.",
            )


# ---- download ----


def _download(offer: ModelOffer) -> None:
    name = offer.info.name
    task = _download_task(offer)
    for file in offer.files:
        name_line(file.file.filename, _file_line(file))
    accepted = not offer.unpinned or st.checkbox(
        "Accept files that cannot be checked",
        key=f"accept-{name}",
        help="Their publisher gives no hash. Every score made with them will say so.",
    )
    st.button(
        "Download",
        key=f"fetch-{name}",
        icon=":material/download:",
        type="primary",
        disabled=not accepted or (task is not None and not task.ended),
        on_click=_begin_download,
        args=(offer,),
    )
    if task is not None:
        finished(task, title="Downloading", name=name, key=f"cancel-download-{name}")


def _file_line(offer: FileOffer) -> str:
    file = offer.file
    parts = [
        "here" if offer.here else f"up to {size(file.bytes or file.limit)}",
        file.licence,
        "checked by its hash" if offer.pinned else "no published hash",
        file.url,
    ]
    return " · ".join(parts)


def _download_task(offer: ModelOffer, *, begin: bool = False) -> Task | None:
    settings, name = backend.settings_in_use(), offer.info.name
    unverified = bool(offer.unpinned)

    def work(watch: Watch) -> None:
        from visil_dash.models.weights import download_weights

        download_weights(name, settings=settings, unverified=unverified, watch=watch)

    key = ("download-model", str(settings.models), name)
    return backend.tasks().start(key, work, again=True) if begin else backend.tasks().get(key)


def _begin_download(offer: ModelOffer) -> None:
    _download_task(offer, begin=True)
