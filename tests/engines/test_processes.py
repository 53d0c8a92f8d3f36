"""A pool of processes on this machine, as it is opened from wherever the product runs."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from visil_dash.engines.ahead import Piece
from visil_dash.engines.processes import ProcessesPool


@pytest.fixture
def pool() -> Iterator[ProcessesPool]:
    pool = ProcessesPool(count=1)
    yield pool
    pool.close()


@pytest.mark.parametrize("gone", [False, True])
def test_processes_do_not_run_the_page_that_starts_them(
    pool: ProcessesPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    """Streamlit makes the page that runs `__main__`, and a spawned process runs `__main__`."""
    page, ran = tmp_path / "page.py", tmp_path / "ran"
    if not gone:
        page.write_text(f"open({str(ran)!r}, 'w')")
    main = ModuleType("__main__")
    main.__file__ = str(page)
    monkeypatch.setitem(sys.modules, "__main__", main)
    handle = pool.submit(Piece(os.getpid, {}))
    while not pool.done(handle, 1.0):
        pass
    assert pool.result(handle) != os.getpid()
    assert not ran.exists()
    assert sys.modules["__main__"] is main
