"""A pool on a Ray cluster: core tasks, which Ray runs again elsewhere when their node dies.

ray is imported when a pool is made: requirements-cluster.txt installs it. Every wait has a limit,
and nothing of Ray is stopped but the connection that was made here.
"""

import logging
import socket
from collections.abc import Callable
from typing import Any

from visil_dash.engines.ahead import Piece, PoolBroken
from visil_dash.errors import InputError, StoreError

_RETRIES = 3  # of a task whose process or node ended
_CONNECT_SECONDS = 5.0
_GET_SECONDS = 60.0  # for a result that is there


class RayPool:
    """Runs each piece as one task on the cluster at `address`.

    The processes of Ray are kept between tasks, so what a function caches (a model) is loaded once
    in each. `gpus`: share of a GPU that a task takes.
    """

    def __init__(self, *, address: str, gpus: float = 0.0) -> None:
        self._ray, self._gpus = _ray(), gpus
        try:
            if not self._ray.is_initialized():
                _require_answer(address)
                self._ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except (OSError, RuntimeError, ValueError) as error:
            raise StoreError(
                f"The Ray cluster at {address} does not answer ({error}). Start it, or work"
                " without it: --engine local."
            ) from error
        self._tasks: dict[Callable[..., Any], Any] = {}
        self.name = f"Ray at {address}"

    def places(self) -> int:
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def shared(self, value: Any) -> Any:
        return self._ray.put(value)

    def submit(self, piece: Piece) -> Any:
        if piece.work not in self._tasks:
            task = self._ray.remote(num_cpus=1, num_gpus=self._gpus, max_retries=_RETRIES)
            self._tasks[piece.work] = task(piece.work)
        try:
            return self._tasks[piece.work].remote(**piece.arguments)
        except self._ray.exceptions.RayError as error:
            raise PoolBroken(str(error)) from error

    def done(self, handle: Any, seconds: float) -> bool:
        ready, _ = self._ray.wait([handle], timeout=seconds)
        return bool(ready)

    def result(self, handle: Any) -> Any:
        try:
            return self._ray.get(handle, timeout=_GET_SECONDS)
        except self._ray.exceptions.RayTaskError as error:
            raise error.as_instanceof_cause() from error
        except self._ray.exceptions.RayError as error:
            raise PoolBroken(str(error)) from error

    def cancel(self, handle: Any) -> None:
        self._ray.cancel(handle, force=True)

    def close(self) -> None:
        self._ray.shutdown()


def _require_answer(address: str) -> None:
    """Raises OSError where nothing listens: Ray itself waits a long time before it says so."""
    host, colon, port = address.rpartition("//")[2].rpartition(":")
    if colon:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "the engine ray", "it is not installed", "pip install -r requirements-cluster.txt"
        ) from error
    return ray
