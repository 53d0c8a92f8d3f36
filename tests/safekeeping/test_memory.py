"""Memory that threads have freed goes back to the system, where glibc alone would keep it."""

import os
import subprocess
import sys

import pytest

from visil_dash.safekeeping.memory import FEW_ARENAS

PROGRAM = """
import ctypes, sys, threading
from visil_dash.safekeeping.memory import give_back, keep_memory_small
if not hasattr(ctypes.CDLL(None), "malloc_trim"):
    print("no glibc")
    sys.exit()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
if sys.argv[1] == "kept small":
    keep_memory_small().set()
before, kept, together = resident(), [], threading.Barrier(6)
def work():
    blocks = [ctypes.create_string_buffer(60_000) for _ in range(400)]  # below what is mapped apart
    together.wait()
    kept.append(blocks[-1])  # pins the end of the arena, as a small result does
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if sys.argv[1] == "kept small":
    give_back()
print(resident() - before)
"""


def printed(program: str, *arguments: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", program, *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    if "no glibc" in said.stdout:
        pytest.skip("not glibc: the memory that it keeps is not that of this allocator")
    return said.stdout


def grown(mode: str) -> float:
    """MiB that a process has grown by after six threads freed 23 MiB each."""
    return float(printed(PROGRAM, mode, environment=dict(os.environ)))


def test_memory_that_threads_freed_goes_back() -> None:
    assert grown("kept small") < 20


def test_the_control_glibc_alone_keeps_it() -> None:
    assert grown("as it is") > 60


ARENAS = """
import ctypes, threading
from visil_dash.safekeeping.memory import keep_memory_small
library = ctypes.CDLL(None)
if not hasattr(library, "malloc_info"):
    print("no glibc")
    raise SystemExit
kept, together = [], threading.Barrier(6)
def work():
    together.wait()
    kept.append([ctypes.create_string_buffer(1000) for _ in range(100)])
    together.wait()
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
keep_memory_small().set()
library.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(library.fopen(b"/dev/stdout", b"w"))
library.malloc_info(0, stream)
library.fclose(stream)
"""


def arenas(environment: dict[str, str]) -> int:
    """How many a process has in which six threads worked before `keep_memory_small`."""
    plain = {name: value for name, value in os.environ.items() if name not in FEW_ARENAS}
    return printed(ARENAS, environment=plain | environment).count("<heap nr=")


def test_a_process_has_few_arenas_from_its_first_thread_on() -> None:
    assert arenas(FEW_ARENAS) == 2


def test_the_control_threads_that_were_there_before_keep_theirs() -> None:
    assert arenas({}) > 4
