"""The pool that a library's settings name, opened when there is something for it to do."""

import os
from threading import Lock

from visil_dash.engines.ahead import Pool
from visil_dash.engines.processes import ProcessesPool
from visil_dash.errors import VisilDashError
from visil_dash.library.store import Library


class PoolOnDemand:
    """One pool for all work of a library. Safe to share between threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._pool: Pool | None = None
        self._failed = False
        self._lock = Lock()

    def open(self) -> Pool | None:
        """None where the settings leave everything to this process.

        Raises InputError where it is not installed, StoreError where it does not answer.
        """
        settings = self._library.settings
        with self._lock:
            if self._pool is not None or settings.engine == "local":
                return self._pool
            if settings.engine == "processes":
                count = settings.engine_processes or os.cpu_count() or 1
                self._pool = ProcessesPool(count=count)
            else:
                from visil_dash.engines.ray_pool import RayPool

                self._pool = RayPool(address=settings.ray, gpus=settings.ray_gpus)
            return self._pool

    def opened(self) -> Pool | None:
        """As open; None also where it cannot be had, which the library's notice then says."""
        if self._failed:
            return None
        try:
            return self.open()
        except VisilDashError as error:
            self._failed = True
            self._library.add_notice(f"{error} Until then this process works by itself.")
            return None

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.close()
            self._pool = None
