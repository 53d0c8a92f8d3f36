"""Progress and stopping: the one object that long work is handed for both."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from visil_dash.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """`what` is being done, and how much of it: `done` of `total` in any unit (0: unknown)."""

    what: str
    done: float
    total: float = 1.0

    @property
    def share(self) -> float:
        """0..1; 0 while the total is unknown."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else 0.0


def _ignore(_progress: Progress) -> None:
    """Nobody follows the work."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """Where long work reports its progress, and where it learns that it should stop.

    `report` receives the progress; `stopped` returns whether to stop, and `message` is then the
    text of Cancelled. Work calls `step`, `count` and `check` rather than these.
    """

    report: Callable[[Progress], None] = _ignore
    stopped: Callable[[], bool] = _never
    message: str = "Stopped."

    def check(self) -> None:
        """Raises Cancelled when the work should stop."""
        if self.stopped():
            raise Cancelled(self.message)

    def step(self, what: str, share: float) -> None:
        """Reports the share done, 0..1. Raises Cancelled when the work should stop."""
        self.count(what, share, 1.0)

    def count(self, what: str, done: float, total: float) -> None:
        """Reports `done` of `total` (0: unknown). Raises Cancelled when the work should stop."""
        self.check()
        self.report(Progress(what, done, total))

    def part(self, start: float, end: float, *, name: str = "", prefix: str = "") -> "Watch":
        """For a stage that takes the work from share `start` to share `end`.

        `name` replaces what the stage itself reports to be doing, `prefix` stands before it.
        """

        def report(stage: Progress) -> None:
            what = name or prefix + stage.what
            self.report(Progress(what, start + (end - start) * stage.share))

        return replace(self, report=report)

    def silent(self) -> "Watch":
        """For a step whose own progress would only confuse: it can still be stopped."""
        return replace(self, report=_ignore)

    def with_message(self, message: str) -> "Watch":
        """The same, for work whose user should read `message` when it was stopped."""
        return replace(self, message=message)


UNWATCHED = Watch()  # for work that nobody follows
