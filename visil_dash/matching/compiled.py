"""Loops that numpy cannot express, as machine code (numba)."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def compiled(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """`function`, a loop over numbers and arrays, compiled when it is first called.

    The machine code is kept in `__pycache__` beside the module, so that only the first call of an
    installation waits a few seconds. Where neither that folder nor the user's cache can be written
    it is compiled anew by every process. Importing numba takes 0.2 s, which commands that compare
    nothing do not pay. Other threads run meanwhile: the loop holds no interpreter lock.
    """
    made: list[Callable[_Given, _Result]] = []

    @wraps(function)
    def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        if not made:
            made.append(_machine_code(function))
        return made[0](*args, **kwargs)

    return call


def _machine_code(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    from numba import njit

    try:
        code: Callable[_Given, _Result] = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder for the cache can be written
        code = njit(nogil=True)(function)
    return code
