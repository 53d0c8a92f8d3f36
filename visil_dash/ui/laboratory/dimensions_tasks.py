"""Background tasks of the Dimensions and Hub frames pages, keyed by all that they depend on."""

from visil_dash.index.hnsw import GraphOptions
from visil_dash.index.plan import IndexPlan
from visil_dash.laboratory.dimensions.geometry import GraphStudy
from visil_dash.laboratory.dimensions.library import (
    Proposal,
    StudyOptions,
    apply_proposal,
    measure_graph,
    propose,
    study,
)
from visil_dash.laboratory.dimensions.models import carry_from
from visil_dash.laboratory.hubs.hubs import Effect
from visil_dash.laboratory.hubs.library import (
    HubOffer,
    HubReport,
    effect_of,
    find_hubs,
    worthwhile,
)
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.tasks import Key, Task


def _key(what: str, *about: object) -> Key:
    bench = backend.workbench()
    return (what, *backend.task_scope(), bench.space.version, *about)


def known_study_task(options: StudyOptions) -> Task | None:
    """The task of the study of the present library; None when it was not started."""
    return backend.tasks().get(_key("dimensions", options, backend.workbench().match_score()))


def study_task(options: StudyOptions) -> Task:
    """Measures the library, also again; `result` is a Study."""
    bench = backend.workbench()
    return backend.tasks().start(
        _key("dimensions", options, bench.match_score()),
        lambda watch: study(bench, options, watch=watch),
        again=True,
    )


def graph_task(m: int, ef_construction: int) -> Task:
    """`result` is a GraphStudy at every ef that the slider offers."""
    bench = backend.workbench()

    def work(watch: Watch) -> GraphStudy:
        watch.step("Building and searching a graph", 0.1)
        return measure_graph(bench, GraphOptions(m, ef_construction), frames=4000, k=10, seed=0)

    return backend.tasks().start(_key("graph", m, ef_construction), work)


def proposal_task(plan: IndexPlan) -> Task:
    """`result` is a Proposal; nothing is changed yet."""
    bench = backend.workbench()

    def work(watch: Watch) -> Proposal:
        watch.step("Fitting, and carrying the threshold over", 0.1)
        return propose(bench, plan)

    key = _key("proposal", plan, bench.threshold())
    return backend.tasks().start(key, work)


def apply_task(wanted: Proposal, threshold: float | None) -> Task:
    """Rebuilds the index and uses it; `result` is its IndexPlan."""
    bench = backend.workbench()
    return backend.tasks().start(
        _key("apply", wanted.plan, threshold),
        lambda watch: apply_proposal(bench, wanted, threshold=threshold, watch=watch),
        again=True,
    )


def carry_task(extractor: str, threshold: float) -> Task:
    """`result` is a ModelTransfer; nothing is changed yet."""
    bench = backend.workbench()
    shared = len(bench.library.features_ids(extractor))
    return backend.tasks().start(
        _key("carried", extractor, threshold, shared),
        lambda watch: carry_from(bench, extractor, threshold, watch=watch),
    )


def hub_task(least: int, *, again: bool = False) -> Task:
    """`result` is a HubReport and a tuple of HubOffers."""
    bench = backend.workbench()
    about = bench.threshold(), bench.match_score(), bench.library.labels_revision()

    def work(watch: Watch) -> tuple[HubReport, tuple[HubOffer, ...]]:
        report = find_hubs(bench, least=least, watch=watch.part(0.0, 0.7))
        return report, worthwhile(report, watch=watch.part(0.7, 1.0))

    return backend.tasks().start(_key("hubs", least, *about), work, again=again)


def hub_effect_task(report: HubReport, best: int, frames: dict[str, list[int]]) -> Task:
    """`result` is an Effect; nothing is changed yet."""
    about = report.threshold, backend.workbench().match_score(), best

    def work(watch: Watch) -> Effect:
        watch.step("Generating candidates with and without them", 0.2)
        return effect_of(report, frames)

    return backend.tasks().start(_key("hub effect", *about), work)
