"""Parts of a page that run again alone, by themselves or when something in them is used."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, overload

import streamlit as st

P = ParamSpec("P")


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
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        alone = st.fragment(function, run_every=run_every)

        @wraps(function)
        def at_its_place(*args: P.args, **options: P.kwargs) -> None:
            with st.container():
                alone(*args, **options)

        return at_its_place

    return decorate if function is None else decorate(function)
