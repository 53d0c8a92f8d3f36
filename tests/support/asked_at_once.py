"""Several who ask for the same at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from visil_dash.errors import Cancelled
from visil_dash.progress import Watch
from visil_dash.workbench import clips as clips_module


def read_once(
    monkeypatch: pytest.MonkeyPatch, reader: str, ask: Callable[..., Any]
) -> dict[str, Any]:
    """Has two ask for the same while it is being read, and a third who stops waiting; the options
    of the one reading. `reader`: the name in visil_dash.workbench.clips of what reads."""
    real, begun, go = getattr(clips_module, reader), Event(), Event()
    reads: list[dict[str, Any]] = []

    def slow(*arguments: Any, **options: Any) -> Any:
        reads.append(options)
        begun.set()
        assert go.wait(30)
        return real(*arguments, **options)

    monkeypatch.setattr(clips_module, reader, slow)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask)
        assert begun.wait(30)
        second = pool.submit(ask)
        stopped = pool.submit(ask, watch=Watch(stopped=lambda: True))
        with pytest.raises(Cancelled):
            stopped.result(30)
        go.set()
        assert second.result(60) is first.result(60)
    assert len(reads) == 1
    return reads[0]
