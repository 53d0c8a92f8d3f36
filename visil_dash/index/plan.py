"""The wanted reduction and graph of a library's index; kept in the library's settings.

The plan in force changes only after a generation made by the new one is published and verified,
in one row of the catalogue: a crash before leaves the old plan, with its old generation.
"""

from dataclasses import asdict, dataclass
from typing import Any

from visil_dash.index.fitted import METHODS, fitted_dim
from visil_dash.index.hnsw import DEFAULT_GRAPH, GraphOptions
from visil_dash.library.store import Library
from visil_dash.reduction.pca import DEFAULT_DIM, FULL

AUTO = f"pca{DEFAULT_DIM}"
PLAN_SETTING = "index_plan"
_LIMITS = {"m": (4, 64), "ef_construction": (16, 800), "ef": (16, 2000)}


@dataclass(frozen=True)
class IndexPlan:
    """`method`: "full", or "pca", "random" or "lpp" with its dims. Raises ValueError."""

    method: str = AUTO
    graph: GraphOptions = DEFAULT_GRAPH

    def __post_init__(self) -> None:
        if self.method != FULL and fitted_dim(self.method) is None:
            names = ", ".join(f"{name}<dims>" for name in METHODS)
            raise ValueError(f"reduction: expected {FULL} or {names}, got {self.method!r}")
        for name, (least, most) in _LIMITS.items():
            value = getattr(self.graph, name)
            if not isinstance(value, int) or not least <= value <= most:
                raise ValueError(f"{name}: expected {least} to {most}, got {value!r}")


@dataclass(frozen=True)
class Plans:
    """The plan in force and the one before it, None when there was none."""

    current: IndexPlan
    former: IndexPlan | None = None


def stored_plans(library: Library, extractor: str) -> Plans:
    """The plans in the settings; the default plan where they hold none that is valid."""
    stored = library.setting(f"{PLAN_SETTING}:{extractor}")
    if stored is None:
        return Plans(IndexPlan())
    try:
        former = stored["former"]
        return Plans(_read(stored["current"]), None if former is None else _read(former))
    except (KeyError, TypeError, ValueError) as error:
        library.add_notice(f"The index's settings cannot be used ({error}); the defaults are.")
        return Plans(IndexPlan())


def keep_plan(library: Library, extractor: str, plan: IndexPlan) -> None:
    """Puts `plan` in force and remembers the one before; committed on return."""
    before = stored_plans(library, extractor).current
    library.set_setting(
        f"{PLAN_SETTING}:{extractor}",
        {"current": _written(plan), "former": _written(before)},
    )


def _written(plan: IndexPlan) -> dict[str, Any]:
    return {"method": plan.method, **asdict(plan.graph)}


def _read(stored: dict[str, Any]) -> IndexPlan:
    graph = GraphOptions(stored["m"], stored["ef_construction"], stored["ef"])
    return IndexPlan(stored["method"], graph)
