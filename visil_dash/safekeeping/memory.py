"""A server that runs for weeks gives memory back that it no longer uses.

glibc keeps what was freed, in an arena of its own for every thread, up to eight a core. Sessions,
tasks and jobs are threads, so the memory of a dashboard grew by what each of them once needed:
by 180 MiB within a minute of eight sessions at once, of which 68 MiB were in use all the time.
"""

import ctypes
from functools import cache
from threading import Event, Thread

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2  # one would make threads wait for each other
_SECONDS = 20.0

# Environment of a process that is yet to start. `keep_memory_small` comes too late for the threads
# that a server has by then: each keeps its arena, 16 of them in a dashboard on two cores.
FEW_ARENAS = {"MALLOC_ARENA_MAX": str(_ARENAS)}


@cache
def _glibc() -> ctypes.CDLL | None:
    """None where the C library is another one: this is about what glibc keeps."""
    library = ctypes.CDLL(None)
    both = hasattr(library, "mallopt") and hasattr(library, "malloc_trim")
    return library if both else None


def give_back() -> None:
    """Gives all whole pages that are free back to the system; some milliseconds."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def keep_memory_small() -> Event:
    """Few arenas from now on, and `give_back` now and then, until the event is set or the process
    ends. May be called again."""
    ended = Event()
    library = _glibc()
    if library is None:
        return ended
    # The threshold from which blocks are mapped apart is left alone: a fixed low one made the
    # extraction of features 45 % slower.
    library.mallopt(_M_ARENA_MAX, _ARENAS)

    def run() -> None:
        while not ended.wait(_SECONDS):
            give_back()

    Thread(target=run, name="visil_dash-memory", daemon=True).start()
    return ended
