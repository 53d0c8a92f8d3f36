"""Loops that numpy cannot express, as machine code (numba)."""

from collections.abc import Callable
from functools import partial, wraps
from threading import Thread
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
# Sums in any order, no NaN: without this, sums are not made by vector instructions.
_REORDERED = frozenset({"reassoc", "nnan", "nsz", "contract"})


def compiled(
    function: Callable[_Given, _Result], *, options: frozenset[str] = frozenset()
) -> Callable[_Given, _Result]:
    """`function`, a loop over numbers and arrays, compiled when it is first called.

    It may call other functions so decorated. The machine code is kept in `__pycache__` beside the
    module, so that only the first call of an installation waits a few seconds. Where neither that
    folder nor the user's cache can be written it is compiled anew by every process. Importing numba
    takes 0.2 s, which commands that compare nothing do not pay. Other threads run meanwhile: the
    loop holds no interpreter lock.
    """
    made: list[Callable[_Given, _Result]] = []

    def code() -> Callable[_Given, _Result]:
        if not made:
            made.append(_machine_code(function, options))
        return made[0]

    @wraps(function)
    def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        return code()(*args, **kwargs)

    call.machine_code = code  # type: ignore[attr-defined]
    return call


@compiled
def _same(value: int) -> int:
    return value


def load_ahead() -> None:
    """Loads in a thread what the first call of a compiled function waits for (0.8 s of the CPU), so
    that it is done while a clip is decoded or a network works on its frames."""
    Thread(target=_same, args=(0,), name="compiled code").start()


compiled_reordered = partial(compiled, options=_REORDERED)


def _machine_code(function: Any, options: frozenset[str]) -> Any:
    from numba import njit

    known = function.__globals__
    others = {
        name: known[name].machine_code()
        for name in function.__code__.co_names
        if hasattr(known.get(name), "machine_code")
    }
    bound = FunctionType(function.__code__, known | others, function.__name__)
    bound.__module__, bound.__qualname__ = function.__module__, function.__qualname__
    fast = set(options) or False
    try:
        return njit(nogil=True, cache=True, fastmath=fast)(bound)
    except RuntimeError:  # no folder for the cache can be written
        return njit(nogil=True, fastmath=fast)(bound)
