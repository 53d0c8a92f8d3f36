"""The last steps of the walkthrough: from a library to a short list, and what it saves."""

import numpy as np
import streamlit as st

from visil_dash.laboratory.walkthrough import dims_for, explained_variance, search_operations
from visil_dash.plots import walkthrough
from visil_dash.ui.laboratory.walkthrough_steps import CHART, Pair, page_button, shape
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import percent, plural, seconds, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import facts


def candidates(pair: Pair) -> None:
    view = backend.query_distances(pair.query)
    limit = backend.workbench().threshold()
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
            "Threshold τ": f"{limit:.3f}",
            "Candidates": f"{int((view.profile.nearest <= limit).sum())} of {len(view.video_ids)}",
        }
    )
    if len(nearest):
        st.plotly_chart(
            walkthrough.bars_against_line(
                nearest,
                line=limit,
                line_name="threshold",
                x_title="query frame",
                y_title="squared L2 to the nearest frame",
                below=True,
            ),
            key="walk_nearest",
            config=CHART,
        )
    st.caption(
        "The regions of a frame are put end to end: one vector a frame. A frame of the library"
        " within the threshold of any query frame makes its video a candidate. Coloured bars are"
        " under the threshold."
    )
    if st.button("Move the threshold", icon=":material/tune:", key="walk_page"):
        state.goto_threshold(pair.query)


def reranking(pair: Pair) -> None:
    bench = backend.workbench()
    query = pair.features[0]
    quick = backend.search(pair.query, threshold=None, exhaustive=False)
    full = backend.search(pair.query, threshold=None, exhaustive=True)
    name = backend.name_of(pair.query)
    if not finished(quick, title="Searching hierarchically", name=name):
        return
    if not finished(full, title="Searching exhaustively", name=name):
        return
    found, whole = quick.result, full.result
    lengths = {v: r.frames for v, r in backend.library_videos().items() if v != pair.query}
    index_dim = bench.space.reduction.dim or bench.model.regions * bench.model.dim
    counts = search_operations(
        len(query),
        lengths,
        {c.video_id for c in found.candidates},
        regions=bench.model.regions,
        dim=bench.model.dim,
        index_dim=index_dim,
        comparator=bench.model.compare is not None,
    )
    st.latex(
        r"\underbrace{N\,T_q R\,T_r R\,D}_{\text{brute force}} \;\gg\;"
        r"\underbrace{T_q F d}_{\text{candidates}} +"
        r"\underbrace{|C|\,T_q R\,T_r R\,D}_{\text{re-ranking}}"
    )
    took = (sum(found.timings.values()), whole.timings["reranking"])
    facts(
        {
            "Videos N": f"{counts.videos:,}",
            "Candidates |C|": f"{counts.candidates:,}",
            "Brute force": f"{amount(counts.brute)} multiply–adds",
            "Hierarchical": f"{amount(counts.hierarchical)} multiply–adds",
            "Brute force took": seconds(took[1]),
            "Hierarchical took": seconds(took[0]),
        }
    )
    ways = ("Hierarchical", "Brute force")
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            walkthrough.two_ways(
                {
                    "comparing": (counts.reranking, counts.brute),
                    "candidates": (counts.scan, 0),
                },
                ways=ways,
                unit="multiply–adds",
            ),
            key="walk_operations",
            config=CHART,
        )
    with right:
        st.plotly_chart(
            walkthrough.two_ways(
                {
                    "comparing": (found.timings["reranking"], took[1]),
                    "candidates": (found.timings["candidates"], 0),
                },
                ways=ways,
                unit="seconds",
            ),
            key="walk_seconds",
            config=CHART,
        )
    comparator = " and the comparator both ways" if bench.model.compare is not None else ""
    st.caption(
        f"Counted: products of region vectors{comparator}; distances as if every library frame were"
        f" looked at, which the index undercuts. T_q = {len(query)}, R = {bench.model.regions},"
        f" D = {bench.model.dim}, d = {index_dim}, F = {sum(lengths.values()):,}. Measured: this"
        " search, here, when the step was first opened."
    )
    if st.button("Search with this query", icon=":material/search:", key="walk_page"):
        state.goto_search(pair.query)


def dimensions(pair: Pair) -> None:
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
    st.plotly_chart(
        walkthrough.kept_variance(shares, marked={"90 %": ninety}),
        key="walk_variance",
        config=CHART,
    )
    kept = percent(float(shares[min(len(shares), 256) - 1]))
    st.caption(
        f"Principal directions of {len(vectors):,} library frames, as the index holds them. The"
        f" first {min(len(shares), 256)} keep {kept} of the variance. So few frames span few"
        " directions: the curve flattens out as a library grows. Variance is not recall: only a"
        " comparison with exact search tells what a reduction loses."
    )
    page_button("Measure reductions", "pages/dimensions.py", "straighten")


def amount(count: float) -> str:
    """4790000 → 4.79 million."""
    words = (("trillion", 1e12), ("billion", 1e9), ("million", 1e6), ("thousand", 1e3))
    for word, unit in words:
        if count >= unit:
            return f"{count / unit:.3g} {word}"
    return f"{count:.0f}"
