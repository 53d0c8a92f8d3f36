"""Parts of a page that run again alone, by themselves or when something in them is used, and what
is drawn while it is still being made: it is drawn again when it is there.

Whether to draw again is decided by what was drawn. A page that asks at its end what is still being
made misses what was made since it drew, and shows a blank for good.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from time import monotonic
from typing import ParamSpec, overload

import streamlit as st

from visil_dash.ui.shell.tasks import Task

P = ParamSpec("P")
_PACE = 0.5  # seconds between two drawings of a page that draws itself again


@overload
def fragment(function: Callable[P, None], /) -> Callable[P, None]: ...


@overload
def fragment(*, run_every: float) -> Callable[[Callable[P, None]], Callable[P, None]]: ...


def fragment(
    function: Callable[P, None] | None = None, /, *, run_every: float | None = None
) -> Callable[P, None] | Callable[[Callable[P, None]], Callable[P, None]]:
    """As st.fragment, in a container that belongs to the page.

    When a fragment runs again, Streamlit takes back what the page's run drew of it and has not yet
    sent, and sends it anew, behind what follows the fragment on the page. Where a busy server had
    sent nothing yet, the browser got the latter first, found no place for it ("Bad delta path
    index"), and the page was dead. The container keeps the fragment's place.

    What is drawn in it before it is ready is drawn again, as in a page.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def whole(*args: P.args, **options: P.kwargs) -> None:
            with drawing():
                function(*args, **options)

        alone = st.fragment(whole, run_every=run_every)

        @wraps(function)
        def at_its_place(*args: P.args, **options: P.kwargs) -> None:
            with st.container():
                alone(*args, **options)

        return at_its_place

    return decorate if function is None else decorate(function)


# ---- what is drawn before it is ready ----


@dataclass
class _Awaited:
    each: list[Task] = field(default_factory=list)
    together: list[Task] = field(default_factory=list)


_awaited: ContextVar[_Awaited | None] = ContextVar("awaited", default=None)


def arrived(task: Task, *, together: bool = False) -> bool:
    """Whether a task has ended. If not, the page is drawn again after its end.

    `together`: not before the last of those so asked for has ended, for figures of many pictures.
    """
    if task.ended:
        return True
    awaited = _awaited.get()
    if awaited is not None:
        (awaited.together if together else awaited.each).append(task)
    return False


@contextmanager
def drawing() -> Iterator[None]:
    """A page, or a part of one that runs again alone; last in it the look-out is drawn."""
    awaited = _Awaited()
    before = _awaited.set(awaited)
    try:
        yield
    finally:
        _awaited.reset(before)
    if awaited.each or awaited.together:
        with st.container():  # keeps its place, as in `fragment`
            _look_out(tuple(awaited.each), tuple(awaited.together), monotonic())


@st.fragment(run_every=_PACE)
def _look_out(each: tuple[Task, ...], together: tuple[Task, ...], drawn: float) -> None:
    if monotonic() - drawn < _PACE:  # drawn with the page: what came meanwhile waits for its turn
        return
    if any(task.ended for task in each) or (together and all(task.ended for task in together)):
        st.rerun()
