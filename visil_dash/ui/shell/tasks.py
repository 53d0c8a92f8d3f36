"""Long work that continues across reruns of the page that started it.

A page starts a task under a key, draws its progress, and checks again a moment later. Leaving the
page or using a widget aborts the page's script, never the task. Nothing here calls streamlit.
"""

from collections import OrderedDict
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from time import monotonic
from typing import Any

from visil_dash import errors
from visil_dash.framing.views import QueryRef
from visil_dash.progress import Progress, Watch

Key = tuple[Any, ...]
_FRESH_SECONDS = 10.0  # for so long an answer may lack what came to the library meanwhile
Work = Callable[[Watch], Any]  # a generator yields its result again and again, as it improves


def is_about(key: Key, about: str) -> bool:
    """Whether a key names a query, or a view of it."""
    return any(isinstance(part, str) and QueryRef.parse(part).base == about for part in key)


class Task:
    """One piece of work: `what` and `share` while it runs, then `result` or `error`.

    `result` of work that improves is its latest one, also while it runs.
    """

    def __init__(self, key: Key) -> None:
        self.key = key
        self.what = "Waiting for earlier work"
        self.share = 0.0
        self.result: Any = None
        self.error: BaseException | None = None
        self._stop = Event()
        self._over = Event()
        self._ended_at = 0.0

    @property
    def fresh(self) -> bool:
        """Whether it ended a moment ago."""
        return self.ended and monotonic() - self._ended_at < _FRESH_SECONDS

    @property
    def ended(self) -> bool:
        return self._over.is_set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set() and not self.ended

    def wait(self, seconds: float) -> bool:
        """True when the task has ended within that time."""
        return self._over.wait(seconds)

    def cancel(self) -> None:
        self._stop.set()

    def _report(self, progress: Progress) -> None:
        self.what, self.share = progress.what, progress.share

    def _run(self, work: Work) -> None:
        try:
            watch = Watch(self._report, self._stop.is_set)
            watch.with_message("Stopped before it began.").check()
            made = work(watch)
            if isinstance(made, Generator):
                for self.result in made:
                    watch.check()
            else:
                self.result = made
        except errors.VisilDashError as error:
            self.error = error
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._ended_at = monotonic()
            self._over.set()


def at_work(task: Task | None) -> Task | None:
    """The task if there is one and it has not ended."""
    return None if task is None or task.ended else task


class Tasks:
    """Tasks by key: each key runs once, and its result is kept while there is room.

    Not a plain cache: a task that runs is never dropped, however old it is.
    """

    def __init__(self, *, threads: int = 2, keep: int = 256) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="visil_dash-task")
        self._keep = keep
        self._tasks: OrderedDict[Key, Task] = OrderedDict()
        self._lock = Lock()

    def start(self, key: Key, work: Work, *, again: bool = False) -> Task:
        """The task under this key, started if there is none; `again` restarts one that ended."""
        with self._lock:
            task = self._tasks.get(key)
            if task is not None and not (again and task.ended):
                self._tasks.move_to_end(key)
                return task
            task = self._tasks[key] = Task(key)
            self._tasks.move_to_end(key)
            ended = [k for k, t in self._tasks.items() if t.ended]
            for old in ended[: max(0, len(self._tasks) - self._keep)]:
                del self._tasks[old]
        self._pool.submit(task._run, work)
        return task

    def answer(
        self,
        question: Key,
        state: Key,
        work: Work,
        *,
        holds: Callable[[Any], bool],
        again: bool = False,
    ) -> Task:
        """The task that answers a question about the present state of a library.

        One of an earlier state serves while it runs, and for a moment after it if its result still
        `holds`: otherwise no page would ever be answered while a library changes faster than it is
        searched.
        """
        key = (*question, *state)
        with self._lock:
            of_question = [t for k, t in self._tasks.items() if k[: len(question)] == question]
        known = any(task.key == key for task in of_question)
        if of_question and not known and not again:
            last = of_question[-1]
            if not last.ended or (last.fresh and (last.error is not None or holds(last.result))):
                return last
        return self.start(key, work, again=again)

    def get(self, key: Key) -> Task | None:
        with self._lock:
            return self._tasks.get(key)

    def forget(self, about: str) -> None:
        """Cancels and drops the tasks whose key names `about` (a query id)."""
        with self._lock:
            for key in [k for k in self._tasks if is_about(k, about)]:
                self._tasks.pop(key).cancel()

    def close(self) -> None:
        with self._lock:
            for task in self._tasks.values():
                task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
