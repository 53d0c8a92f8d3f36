"""The steps of the walkthrough on one pair: formula, shapes, a figure, a button to its page."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from visil_dash.clock import clock
from visil_dash.laboratory.walkthrough import cosines, most_asymmetric
from visil_dash.matching.similarity import region_pairs
from visil_dash.plots import maps, walkthrough
from visil_dash.records import Array, Comparison, VideoFeatures
from visil_dash.ui.collection.tasks import pair_table_task
from visil_dash.ui.compare.tasks import comparison
from visil_dash.ui.laboratory import tasks
from visil_dash.ui.laboratory.tasks import LookedInside
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.pictures import pictures_at
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import draw_chart, facts

_STRIP = 6  # frames shown of each video


@dataclass(frozen=True)
class WalkPair:
    """Ids of the pair that every step uses."""

    query: str
    reference: str

    @property
    def features(self) -> tuple[VideoFeatures, VideoFeatures]:
        return backend.opened(self.query).features, backend.opened(self.reference).features

    @property
    def comparison(self) -> Comparison:
        return comparison(self.query, self.reference)


def shape(*sides: int) -> str:
    return "[" + ", ".join(f"{side:,}" for side in sides) + "]"


def _model_steps(pair: WalkPair) -> LookedInside | None:
    task = tasks.model_steps_task(pair.query)
    if not finished(task, title="Running the model step by step", name=backend.name_of(pair.query)):
        return None
    steps: LookedInside = task.result
    if steps.inside is None:
        st.info("The parts of this model cannot be shown one by one.")
        return None
    return steps


def page_button(label: str, page: str, icon: str) -> None:
    if st.button(label, icon=f":material/{icon}:", key="walk_page"):
        st.switch_page(page)


# ---- from pictures to vectors ----


def draw_sampling(pair: WalkPair) -> None:
    query, reference = pair.features
    side = backend.workbench().model.preprocess.side
    rate = backend.workbench().settings.rate
    st.latex(r"t_i = \tfrac{i}{\rho},\quad i = 0, \dots, T-1")
    facts(
        {
            "Rate ρ": f"{rate:g} per second",
            "Query": f"T = {len(query):,}",
            "Reference": f"T = {len(reference):,}",
            "Tensor of the query": shape(len(query), side, side, 3),
        }
    )
    for video, taken in ((pair.query, query), (pair.reference, reference)):
        times = taken.timestamps[np.linspace(0, len(taken) - 1, _STRIP).round().astype(int)]
        pictures = pictures_at(video, times.tolist(), 240)
        with st.container(border=True):
            st.caption(md(backend.name_of(video)))
            with st.container(horizontal=True, gap="small"):
                for picture, time in zip(pictures, times, strict=True):
                    with st.container(width=132, gap=None):  # six in a row
                        st.image(picture, width="stretch", alt=f"Frame at {clock(float(time))}")
                        st.caption(clock(float(time)))
    st.caption(
        "Frames are sampled by presentation time, so a different frame rate changes nothing."
        f" {_STRIP} frames of each video are shown."
    )
    page_button("Open the library", state.LIBRARY_PAGE_FILE, "video_library")


def draw_cnn(pair: WalkPair) -> None:
    st.latex(r"M^{(k)} = f_k\!\left(M^{(k-1)}\right) \in \mathbb{R}^{C_k \times H_k \times W_k}")
    steps = _model_steps(pair)
    if steps is None or steps.inside is None:
        return
    facts({m.name.capitalize(): shape(*m.shape) for m in steps.inside.maps})
    left, right = st.columns([1, 3], gap="medium", vertical_alignment="center")
    left.image(steps.frames[0], width="stretch", alt="The first frame as the model sees it")
    with right:
        draw_chart(
            walkthrough.energy_maps({m.name: m.energy for m in steps.inside.maps}), key="walk_maps"
        )
    st.caption(
        f"Shapes are [frames, channels, height, width] for {len(steps.frames)} frames. The figure"
        " is the mean activation for the first frame: early maps are fine and respond to edges,"
        " late ones are coarse and respond to objects."
    )


def draw_region_step(pair: WalkPair) -> None:
    st.latex(
        r"x_r = \operatorname{norm}\Big(g\big(\operatorname{concat}_k\ \operatorname{norm}"
        r"\max_{(i,j) \in \Omega_r} M^{(k)}_{:,i,j}\big)\Big)"
    )
    steps = _model_steps(pair)
    if steps is None or steps.inside is None:
        return
    raw = steps.inside.raw
    query = pair.features[0]
    facts(
        {
            "Regions R": f"{raw.shape[1]}",
            "Channels": f"{raw.shape[2]:,}",
            f"{plural(len(raw), 'frame')}": shape(*raw.shape),
            "The whole query": shape(len(query), raw.shape[1], raw.shape[2]),
        }
    )
    draw_chart(walkthrough.vectors(raw[0], rows="region", columns="channel"), key="walk_regions")
    st.caption(
        "The frame is divided into 3 × 3 regions. In each, the maximum of every channel is taken"
        " from several maps, scaled to length 1 and concatenated (g: the identity in the paper's"
        " model, a small layer in the compact one). Rows are the nine regions of the first frame;"
        " the first 128 channels are shown."
    )


def draw_whitening(pair: WalkPair) -> None:
    st.latex(
        r"\hat{x} = \operatorname{norm}\!\left((x - \mu)\, V\,"
        r"\operatorname{diag}\big(\tfrac{1}{\sqrt{\lambda + \varepsilon}}\big)\right)"
    )
    steps = _model_steps(pair)
    if steps is None or steps.inside is None:
        return
    before, after = cosines(steps.inside.raw), cosines(steps.inside.whitened)
    facts(
        {
            "Before": shape(*steps.inside.raw.shape),
            "After": shape(*steps.inside.whitened.shape),
            "Mean cosine before": f"{before.mean():.3f}",
            "Mean cosine after": f"{after.mean():.3f}",
        }
    )
    draw_chart(
        walkthrough.two_histograms(
            before, after, names=("before", "after"), title="cosine of two region vectors"
        ),
        key="walk_whitening",
    )
    st.caption(
        f"Cosines of {plural(len(before), 'pair')} of regions of this clip. Mean, directions and"
        " their variance λ were learned from the training pictures: what these have in common is"
        " removed, so that differences between videos count."
    )


def draw_attention(pair: WalkPair) -> None:
    st.latex(r"w_r = \tfrac{1}{2}\,\hat{x}_r^\top c + \tfrac{1}{2}, \qquad x'_r = w_r\,\hat{x}_r")
    query = pair.features[0]
    weights = query.attention
    at = int(np.argmax(np.ptp(weights, axis=1)))
    picture = pictures_at(pair.query, [float(query.timestamps[at])], 480)[0]
    facts(
        {
            "Weights of the query": shape(*weights.shape),
            "Stored features": shape(*query.regions.shape),
            "Smallest": f"{weights.min():.3f}",
            "Largest": f"{weights.max():.3f}",
        }
    )
    left, right = st.columns(2, gap="medium", vertical_alignment="center")
    left.image(picture, width="stretch", alt=f"Frame at {clock(float(query.timestamps[at]))}")
    with right:
        draw_chart(walkthrough.region_heatmap(weights[at]), key="walk_attention")
    st.caption(
        "The frame whose weights differ most. A weight is the length of the stored vector; in some"
        " models all weights of a frame have a common factor. These weighted vectors are the"
        " features that the library stores."
    )


# ---- from vectors to a score ----


def _frame_map(matrix: Array, pair: WalkPair, *, key: str, output: bool = False) -> None:
    comparison = pair.comparison
    axis = maps.output_axis if output else (lambda times, _cells: maps.frame_axis(times))
    draw_chart(
        maps.pair_similarity_map(
            matrix,
            axis(comparison.query_times, matrix.shape[0]),
            axis(comparison.reference_times, matrix.shape[1]),
        ),
        key=key,
    )


def draw_frame_to_frame(pair: WalkPair) -> None:
    query, reference = pair.features
    matrix = pair.comparison.frame_similarity
    i, j = np.unravel_index(int(matrix.argmax()), matrix.shape)
    st.latex(r"S_{ij} = \frac{1}{R}\sum_{r=1}^{R}\ \max_{s}\ x'^{\top}_{ir}\, y'_{js}")
    facts(
        {
            "Query": shape(*query.regions.shape),
            "Reference": shape(*reference.regions.shape),
            "Similarity S": shape(*matrix.shape),
            "Most similar pair": f"{matrix[i, j]:.3f}",
        }
    )
    left, right = st.columns([1, 1.5], gap="medium")
    with left:
        draw_chart(
            walkthrough.region_matrix(region_pairs(query.regions[i], reference.regions[j])),
            key="walk_pairs",
        )
        st.caption(
            f"The most similar pair, {clock(float(query.timestamps[i]))} and"
            f" {clock(float(reference.timestamps[j]))}: for each query region the most similar"
            f" reference region (ringed); the mean is {matrix[i, j]:.3f}."
        )
    with right:
        _frame_map(matrix, pair, key="walk_frames")
        st.caption("All pairs of frames. A bright diagonal is a matched segment.")
    _compare_button(pair)


def draw_visil_output(pair: WalkPair) -> None:
    comparison = pair.comparison
    st.latex(
        r"O = \operatorname{htanh}\big(\mathrm{CNN}(S)\big) \in [-1, 1]^{"
        r"\lfloor T_q/4 \rfloor \times \lfloor T_r/4 \rfloor}"
    )
    if comparison.visil_output is None:
        st.info("This model has no comparator: its score is computed from S itself.")
        return
    facts(
        {
            "Similarity S": shape(*comparison.frame_similarity.shape),
            "ViSiL output O": shape(*comparison.visil_output.shape),
            "Largest of S": f"{comparison.frame_similarity.max():.3f}",
            "Largest of O": f"{comparison.visil_output.max():.3f}",
        }
    )
    left, right = st.columns(2, gap="medium")
    with left:
        _frame_map(comparison.frame_similarity, pair, key="walk_input")
        st.caption("Input: the similarity of each pair of frames.")
    with right:
        _frame_map(comparison.visil_output, pair, key="walk_output", output=True)
        st.caption("Output, one cell for 4 × 4 frames: diagonals gain, isolated cells lose.")
    _compare_button(pair)


def draw_video_to_video(pair: WalkPair) -> None:
    comparison = pair.comparison
    matrix = (
        comparison.frame_similarity if comparison.visil_output is None else comparison.visil_output
    )
    best = matrix.max(axis=1)
    st.latex(r"\operatorname{sim}(q, r) = \frac{1}{T'_q}\sum_{i}\ \max_j\ O_{ij}")
    facts(
        {
            "Rows": f"{len(best):,}",
            "Score": f"{comparison.score:.3f}",
            "Match score": f"{backend.workbench().match_score():.3f}",
            "Chamfer on S": f"{comparison.chamfer:.3f}",
        },
        big=True,
    )
    draw_chart(
        walkthrough.bars_against_line(
            best,
            line=float(best.mean()),
            line_name=f"mean {best.mean():.3f}",
            x_title="row of the query",
            y_title="maximum of the row",
        ),
        key="walk_rows",
    )
    st.caption(
        "For each row the most similar place in the reference; their mean is the score. Rows"
        " without a match lower it: the score is roughly the share of the query that is in the"
        " reference."
    )
    _compare_button(pair)


def draw_asymmetry(pair: WalkPair) -> None:
    comparison = pair.comparison
    st.latex(r"\operatorname{sim}(q, r) \neq \operatorname{sim}(r, q)")
    facts(
        {
            "Query → reference": f"{comparison.score:.3f}",
            "Reference → query": f"{comparison.reverse_score:.3f}",
            "Query": f"{len(comparison.query_times):,} frames",
            "Reference": f"{len(comparison.reference_times):,} frames",
        },
        big=True,
    )
    st.markdown(
        "All of an excerpt is in its source, but most of the source is not in the excerpt. So the"
        " direction matters: *is my clip in that video?* or *is that video in my clip?*"
    )
    st.markdown("**Where the two directions differ most in this library**")
    task = pair_table_task(candidates=False)
    if not finished(
        task, title="Comparing all pairs", name=plural(len(backend.library_videos()), "video")
    ):
        return
    most = most_asymmetric(task.result.table)
    if most is None:
        st.caption("Two videos are needed.")
        return
    names = [safe_name(backend.name_of(v)) for v in (most.query, most.reference)]
    facts(
        {
            "Query": names[0],
            "Reference": names[1],
            "Score": f"{most.there:.3f}",
            "Reverse score": f"{most.back:.3f}",
        }
    )
    with st.container(horizontal=True):
        if st.button("Use this pair", icon=":material/swap_horiz:", key="walk_extreme"):
            _take(most.query, most.reference)
        if st.button("Compare this pair", icon=":material/compare:", key="walk_extreme_compare"):
            state.goto_compare(most.query, most.reference)


def _take(query: str, reference: str) -> None:
    for name in (state.PARAM_QUERY, state.PARAM_REFERENCE):
        st.query_params.pop(name, None)
    st.session_state[state.WALK_NEXT] = (query, reference)
    st.rerun()


def _compare_button(pair: WalkPair) -> None:
    if st.button("Compare this pair", icon=":material/compare:", key="walk_page"):
        state.goto_compare(pair.query, pair.reference)
