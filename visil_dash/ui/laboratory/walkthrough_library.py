"""The last steps of the walkthrough: candidates, re-ranking and reduction in the library."""

import numpy as np
import streamlit as st

from visil_dash.laboratory.walkthrough import (
    SearchOperations,
    dims_for,
    explained_variance,
    search_operations,
)
from visil_dash.plots import walkthrough
from visil_dash.records import SearchResult
from visil_dash.ui.laboratory.walkthrough_steps import WalkPair, page_button, shape
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import percent, plural, seconds, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import draw_chart, facts


def draw_candidate_step(pair: WalkPair) -> None:
    view = backend.query_distances(pair.query)
    threshold = backend.workbench().threshold()
    st.latex(
        r"C = \{\, v : \min_{i,\, f \in v} \lVert q_i - f \rVert_2^2 \le \tau \,\}"
        r"\qquad q_i = [x'_{i1}; \dots; x'_{iR}]"
    )
    nearest = view.distances.min(axis=1) if view.distances.size else np.zeros(0)
    facts(
        {
            "Query frames": f"{len(view.query_times):,}",
            "Library frames": f"{len(view.video):,}",
            "Distances": shape(*view.distances.shape),
            "Threshold τ": f"{threshold:.3f}",
            "Candidates": f"{int((view.profile.nearest <= threshold).sum())} of"
            f" {len(view.video_ids)}",
        }
    )
    if len(nearest):
        draw_chart(
            walkthrough.bars_against_line(
                nearest,
                line=threshold,
                line_name="threshold",
                x_title="query frame",
                y_title="squared L2 to the nearest frame",
                below=True,
            ),
            key="walk_nearest",
        )
    st.caption(
        "The region vectors of a frame are concatenated to one frame vector of unit length. A"
        " library video with a frame within the distance threshold of any query frame is a"
        " candidate. Coloured bars are below the threshold."
    )
    if st.button("Change the threshold", icon=":material/tune:", key="walk_page"):
        state.goto_threshold(pair.query)


def draw_reranking(pair: WalkPair) -> None:
    hierarchical = backend.search(pair.query, threshold=None, exhaustive=False)
    exhaustive = backend.search(pair.query, threshold=None, exhaustive=True)
    name = backend.name_of(pair.query)
    if not finished(hierarchical, title="Searching hierarchically", name=name):
        return
    if not finished(exhaustive, title="Searching exhaustively", name=name):
        return
    st.latex(
        r"\underbrace{N\,T_q R\,T_r R\,D}_{\text{brute force}} \;\gg\;"
        r"\underbrace{T_q F d}_{\text{candidates}} +"
        r"\underbrace{|C|\,T_q R\,T_r R\,D}_{\text{re-ranking}}"
    )
    quick, brute = hierarchical.result, exhaustive.result
    counts = _operations(pair, quick)
    seconds_brute = brute.timings["reranking"]
    facts(
        {
            "Videos N": f"{counts.videos:,}",
            "Candidates |C|": f"{counts.candidates:,}",
            "Brute force": f"{amount(counts.brute)} multiply–adds",
            "Hierarchical": f"{amount(counts.hierarchical)} multiply–adds",
            "Brute force took": seconds(seconds_brute),
            "Hierarchical took": seconds(sum(quick.timings.values())),
        }
    )
    left, right = st.columns(2, gap="medium")
    with left:
        _two_ways(
            {"comparing": (counts.reranking, counts.brute), "candidates": (counts.scan, 0)},
            unit="multiply–adds",
            key="walk_operations",
        )
    with right:
        _two_ways(
            {
                "comparing": (quick.timings["reranking"], seconds_brute),
                "candidates": (quick.timings["candidates"], 0),
            },
            unit="seconds",
            key="walk_seconds",
        )
    _operations_caption(pair)
    if st.button("Search with this clip", icon=":material/search:", key="walk_page"):
        state.goto_search(pair.query)


def _lengths(pair: WalkPair) -> dict[str, int]:
    """Frames of the library videos other than the query, by id."""
    return {v: r.frames for v, r in backend.library_videos().items() if v != pair.query}


def _index_dim() -> int:
    bench = backend.workbench()
    return bench.space.reduction.dim or bench.model.regions * bench.model.dim


def _operations(pair: WalkPair, quick: SearchResult) -> SearchOperations:
    model = backend.workbench().model
    return search_operations(
        len(pair.features[0]),
        _lengths(pair),
        {c.video_id for c in quick.candidates},
        regions=model.regions,
        dim=model.dim,
        index_dim=_index_dim(),
        comparator=model.compare is not None,
    )


def _two_ways(parts: dict[str, tuple[float, float]], *, unit: str, key: str) -> None:
    figure = walkthrough.two_ways(parts, ways=("Hierarchical", "Brute force"), unit=unit)
    draw_chart(figure, key=key)


def _operations_caption(pair: WalkPair) -> None:
    model = backend.workbench().model
    comparator = " and the comparator in both directions" if model.compare is not None else ""
    st.caption(
        f"Operations: products of region vectors{comparator}, and distances to every library"
        f" frame, of which the index computes fewer. T_q = {len(pair.features[0])}, R ="
        f" {model.regions}, D = {model.dim}, d = {_index_dim()}, F ="
        f" {sum(_lengths(pair).values()):,}. Seconds: of this search, when the step was first"
        " opened."
    )


def draw_dimensions(pair: WalkPair) -> None:
    bench = backend.workbench()
    _ids, vectors = bench.space.snapshot()
    full, now = bench.model.regions * bench.model.dim, bench.space.reduction.dim
    st.latex(r"z = W^\top (q - \mu) \in \mathbb{R}^d, \qquad d \ll R\,D")
    if len(vectors) < 3:
        st.info("The index holds too few frames to fit directions.")
        return
    shares = explained_variance(vectors)
    ninety = dims_for(shares, 0.9)
    facts(
        {
            "Frame vector R·D": f"{full:,}",
            "In the index": f"{now:,}",
            "90 % of the variance": plural(ninety, "dimension"),
            "A frame, full": size(full * 4.0),
            f"A frame, {ninety} dims": size(ninety * 4.0),
        }
    )
    draw_chart(walkthrough.kept_variance(shares, marked={"90 %": ninety}), key="walk_variance")
    kept = percent(float(shares[min(len(shares), 256) - 1]))
    st.caption(
        f"Principal directions of {len(vectors):,} library frames in the index. The first"
        f" {min(len(shares), 256)} explain {kept} of the variance. Few frames span few directions:"
        " the curve becomes flatter as a library grows. Variance is not recall: the loss of a"
        " reduction is measured by comparison with exact search."
    )
    page_button("Measure reductions", "pages/dimensions.py", "straighten")


def amount(count: float) -> str:
    """4790000 → 4.79 million."""
    words = (("trillion", 1e12), ("billion", 1e9), ("million", 1e6), ("thousand", 1e3))
    for word, unit in words:
        if count >= unit:
            return f"{count / unit:.3g} {word}"
    return f"{count:.0f}"
