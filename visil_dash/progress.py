"""Progress and stopping: the one object that long work is handed for both."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from visil_dash.errors import Cancelled

Report = Callable[[str, float], None]  # (what is being done, share done 0..1)


def _unheard(_what: str, _share: float) -> None:
    """Reports go nowhere."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """Where long work reports its progress, and where it learns that it should stop.

    `report` receives what is being done and the share done, 0..1; `stopped` says whether to stop.
    Neither is called by the work itself: it calls `step` or `check`, which raise Cancelled.
    """

    report: Report = _unheard
    stopped: Callable[[], bool] = _never

    def check(self) -> None:
        """Raises Cancelled when the work should stop."""
        if self.stopped():
            raise Cancelled("Stopped.")

    def step(self, what: str, share: float) -> None:
        """Reports progress. Raises Cancelled when the work should stop."""
        self.check()
        self.report(what, min(1.0, max(0.0, share)))

    def count(self, what: str, done: float, total: float) -> None:
        """Reports `done` of `total` (0: unknown, reported as nothing done). Raises Cancelled."""
        self.step(what, done / total if total > 0 else 0.0)

    def part(self, start: float, end: float, *, name: str = "") -> "Watch":
        """For a stage that takes the work from share `start` to share `end`.

        `name` replaces what the stage itself says it is doing.
        """
        outer = self.report
        return replace(
            self, report=lambda what, share: outer(name or what, start + (end - start) * share)
        )


UNWATCHED = Watch()  # for work that nobody follows
