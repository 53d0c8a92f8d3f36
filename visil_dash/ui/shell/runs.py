"""How a page runs again: parts of it alone, again when what it waits for is there, and what no
new run may cut off.

Whether to draw again is decided by what was drawn. A page that asks at its end what is still being
made misses what was made since it drew, and shows a blank for good.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, wraps
from time import monotonic
from typing import Any, ParamSpec, overload

import streamlit as st
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequest, ScriptRequests
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState

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


# ---- what no new run may cut off ----


_whole: ContextVar[bool] = ContextVar("whole", default=False)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """For changes outside callbacks that must be made wholly, such as showing what is shown once.

    What the browser asks for meanwhile waits for the end of the block.
    """
    before = _whole.set(True)
    try:
        yield
    finally:
        _whole.reset(before)


def keep_click(name: str) -> None:
    """Keeps a click until the page reaches `kept_click`, whatever run it began in; a callback."""
    st.session_state[f"clicked_{name}"] = True


@contextmanager
def kept_click(name: str) -> Iterator[bool]:
    """Whether there was a click since this was last asked; what is done in the block about it is
    done wholly."""
    with uninterrupted():
        yield bool(st.session_state.pop(f"clicked_{name}", False))


@cache
def finish_actions() -> None:
    """Makes Streamlit finish callbacks, and answer uploads, whatever the browser asks meanwhile.

    Streamlit 1.67 gives way to the next request of the browser wherever the session state is
    touched or something is drawn (https://github.com/streamlit/streamlit/issues/10578). That leaves
    a callback half done: a clip is stored and never searched, videos are removed and no undo is
    offered. It also discards all messages in its queue when a run starts, among them the answer to
    a browser that asks where to upload a file: the upload never starts, and no error is shown.
    """
    _finish_callbacks()
    _keep_answers()


def _finish_callbacks() -> None:
    plain = ScriptRequests.on_scriptrunner_yield

    @wraps(plain)
    def give_way(requests: ScriptRequests) -> ScriptRequest | None:
        if _whole.get() or ThreadState.get().run_location is RunLocation.CALLBACK:
            return None
        return plain(requests)

    ScriptRequests.on_scriptrunner_yield = give_way  # type: ignore[method-assign, assignment]


def _keep_answers() -> None:
    plain = ForwardMsgQueue.clear

    @wraps(plain)
    def clear(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, *args: Any, **options: Any
    ) -> None:
        before = queue._queue if retain_lifecycle_msgs else []  # else all was sent, or is to go
        plain(queue, retain_lifecycle_msgs, *args, **options)
        for answer in (m for m in before if m.WhichOneof("type") == "file_urls_response"):
            if not any(answer is kept for kept in queue._queue):
                queue.enqueue(answer)

    ForwardMsgQueue.clear = clear  # type: ignore[method-assign, assignment]
