"""The Hub frames page: frames that make unrelated videos candidates, and setting them aside."""

import streamlit as st

from visil_dash.clock import clock
from visil_dash.laboratory.hubs.hubs import Effect, Hub
from visil_dash.laboratory.hubs.library import (
    HubOffer,
    HubReport,
    exclude_frames,
    excluded_frames,
    frame_seconds,
    include_frames,
)
from visil_dash.ui.laboratory import dimensions_tasks
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.links import number_in_address
from visil_dash.ui.shell.pictures import pictures_at
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts, name_line

_SHOWN = 12
_MOST_VIDEOS = 1000
_NAMES = 4  # videos named on a card


def draw_hub_form() -> tuple[HubReport, tuple[HubOffer, ...]] | None:
    """The report and what is worth setting aside, once the search for hubs has ended."""
    number_in_address("hubs_least", "least", low=2, high=_MOST_VIDEOS, default=3, whole=True)
    least = st.number_input(
        "Minimum unrelated videos",
        min_value=2,
        max_value=_MOST_VIDEOS,
        key="hubs_least",
        persist_state="session",
        width=240,
        help="A frame is a hub when this many videos have a frame within the distance threshold"
        " of it but share no footage with its video.",
    )
    task = dimensions_tasks.hub_task(int(least))
    if finished(
        task, title="Looking for hub frames", name=plural(len(backend.library_videos()), "video")
    ):
        found: tuple[HubReport, tuple[HubOffer, ...]] = task.result
        return found
    if task.ended and st.button("Search again", icon=":material/refresh:"):
        dimensions_tasks.hub_task(int(least), again=True)
        st.rerun()
    return None


def draw_hub_answer(report: HubReport, offers: tuple[HubOffer, ...]) -> None:
    """First what is worth doing, then what was found."""
    if offers:
        spared = sum(offer.effect.unrelated for offer in offers)
        st.markdown(
            f"**{plural(len(offers), 'hub')} worth setting aside:** up to"
            f" {plural(spared, 'comparison')} of unrelated videos fewer, and no match lost."
        )
    elif report.hubs:
        st.success(
            "**Nothing is worth setting aside.** Frames near several unrelated videos exist, but"
            " without them matches would be lost, or less than one comparison would be spared for"
            " each frame.",
            icon=":material/check_circle:",
        )
    excluded = sum(len(frames) for frames in excluded_frames(backend.workbench()).values())
    facts(
        {
            "Hubs": f"{len(report.hubs):,}",
            "Frames compared": f"{report.frames:,} of {report.total:,}",
            "Threshold": f"{report.threshold:.4g}",
            "Set aside": plural(excluded, "frame"),
        },
        meanings={"Hubs": "Consecutive frames near the same videos count once."},
    )


def draw_hub_cards(report: HubReport, offers: tuple[HubOffer, ...]) -> None:
    if not report.hubs:
        empty_state(
            "No hub frame",
            "No frame is within the distance threshold of this many unrelated videos.",
        )
        return
    with st.container(key="hub-grid-worth"):
        for offer in offers:
            _card(report, offer.hub, offer)
    worth = {offer.hub.best for offer in offers}
    others = [hub for hub in report.hubs if hub.best not in worth]
    if not others or not st.toggle(
        f"Show {plural(len(others), 'other hub' if offers else 'hub')}",
        key="hubs_others",
        persist_state="session",
    ):
        return
    with st.container(key="hub-grid-others"):
        for hub in others[:_SHOWN]:
            _card(report, hub, None)
    if len(others) > _SHOWN:
        st.caption(f"The {_SHOWN} near most videos, of {len(others):,}.")


def _card(report: HubReport, hub: Hub, offer: HubOffer | None) -> None:
    bench = backend.workbench()
    video = report.video_ids[hub.video]
    at = frame_seconds(bench, report, hub.best)
    with st.container(border=True, key=f"hub-{hub.best}"):
        pictures = pictures_at(video, [at], long_side=320)
        name = safe_name(report.names[hub.video])
        if pictures:
            st.image(pictures[0], width="stretch", alt=f"{name} at {clock(at)}")
        name_line(
            report.names[hub.video],
            f"at {clock(at)}, {plural(len(hub.rows), 'frame')} in a row",
        )
        names = [safe_name(report.names[v], longest=28) for v in hub.videos]
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        st.markdown(
            f"Near **{plural(len(hub.videos), 'unrelated video')}**: "
            + md(", ".join(names[:_NAMES]) + more)
        )
        st.caption(f"Among the 10 nearest of {plural(hub.occurrence, 'frame')} of other videos.")
        if offer is not None:
            st.markdown(
                f":green[:material/check:] Without {plural(offer.count, 'frame')} in"
                f" {plural(len(offer.frames), 'video')}:"
                f" {plural(offer.effect.unrelated, 'comparison')} fewer, no match lost."
            )
        if st.button(
            "Preview setting aside", key=f"hub-choose-{hub.best}", icon=":material/visibility_off:"
        ):
            st.session_state[state.HUBS_CHOSEN] = hub.best
            st.rerun()


def draw_chosen_hub(report: HubReport) -> None:
    number_in_address(state.HUBS_CHOSEN, "hub", low=0, high=1e12, default=None, whole=True)
    best = st.session_state[state.HUBS_CHOSEN]
    hub = next((hub for hub in report.hubs if hub.best == best), None)
    if hub is None:
        return
    frames = report.alike(hub)
    count = sum(map(len, frames.values()))
    with st.container(border=True, key="hub-effect"):
        name = safe_name(report.names[hub.video])
        st.markdown(
            f"**Setting aside {plural(count, 'frame')} in {plural(len(frames), 'video')}**: the"
            f" hub in {md(name)} and similar frames"
        )
        task = dimensions_tasks.hub_effect_task(report, hub.best, frames)
        if not finished(task, title="Measuring the effect", name=name):
            return
        effect: Effect = task.result
        facts(
            {
                "Candidates per query": f"{effect.before / effect.queries:.2f} →"
                f" {effect.after / effect.queries:.2f}",
                "Unrelated pairs removed": f"{effect.unrelated:,}",
                "Matches lost": f"{len(effect.lost):,} of {effect.matches:,}",
            },
            big=True,
            meanings={
                "Candidates per query": f"{plural(effect.queries, 'library video')} as queries."
            },
        )
        if effect.lost:
            short = [safe_name(name, longest=28) for name in report.names]
            pairs = ", ".join(f"{short[q]} → {short[v]}" for q, v in effect.lost[:6])
            st.warning(md(f"No longer candidates: {pairs}"), icon=":material/warning:")
        with st.container(horizontal=True, gap="small"):
            st.button(
                f"Set aside {plural(count, 'frame')}",
                key="hub-apply",
                type="primary",
                icon=":material/visibility_off:",
                disabled=backend.workbench().library.read_only,
                on_click=_set_aside,
                args=(frames,),
            )
            if st.button("Cancel", key="hub-leave"):
                st.session_state[state.HUBS_CHOSEN] = None
                st.rerun()
        st.caption(
            "A match is a pair labelled as a copy or, without a label, one that reaches the match"
            " score. Features and index do not change."
        )


def _set_aside(frames: dict[str, list[int]]) -> None:
    with keep_errors():
        exclude_frames(backend.workbench(), frames)
        st.session_state[state.HUBS_CHOSEN] = None
        st.toast("Set aside: searches now ignore these frames", icon=":material/check:")


def _take_back(frames: dict[str, list[int]] | None) -> None:
    with keep_errors():
        include_frames(backend.workbench(), frames)
        st.toast("These frames are searched again", icon=":material/undo:")


def draw_excluded_frames() -> None:
    bench = backend.workbench()
    excluded = excluded_frames(bench)
    if not excluded:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Set aside", anchor=False)
        st.space("stretch")
        st.button(
            "Take all back",
            key="hub-all-back",
            icon=":material/undo:",
            disabled=bench.library.read_only,
            on_click=_take_back,
            args=(None,),
        )
    for video, frames in excluded.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            name_line(backend.name_of(video), f"{plural(len(frames), 'frame')}")
            st.space("stretch")
            st.button(
                "Take back",
                key=f"hub-back-{video[:16]}",
                type="tertiary",
                disabled=bench.library.read_only,
                on_click=_take_back,
                args=({video: list(frames)},),
            )
