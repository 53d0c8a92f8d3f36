"""Long work survives whoever asked for it, happens once, and can be stopped."""

from threading import Event
from time import monotonic
from typing import Any

import pytest

from visil_dash.errors import Cancelled, InputError
from visil_dash.progress import Watch
from visil_dash.ui.shell.tasks import Task, Tasks

SOON = 10.0


@pytest.fixture
def tasks() -> Any:
    made = Tasks(threads=2, keep=3)
    yield made
    made.close()


def test_the_same_key_is_worked_on_once_and_its_result_kept(tasks: Tasks) -> None:
    calls: list[int] = []
    first = tasks.start(("a",), lambda _watch: calls.append(1) or 7)  # type: ignore[func-returns-value]
    assert first.wait(SOON)
    assert tasks.start(("a",), lambda _watch: 8) is first
    assert (first.result, first.error, calls) == (7, None, [1])


def test_progress_is_seen_while_the_work_goes_on(tasks: Tasks) -> None:
    begun, go = Event(), Event()

    def work(watch: Watch) -> str:
        watch.step("half", 0.5)
        begun.set()
        go.wait(SOON)
        return "done"

    task = tasks.start(("p",), work)
    assert begun.wait(SOON)
    assert (task.ended, task.what, task.share) == (False, "half", 0.5)
    go.set()
    assert task.wait(SOON)
    assert task.result == "done"


def test_a_cancelled_task_ends_as_cancelled_and_may_be_started_again(tasks: Tasks) -> None:
    begun = Event()

    def work(watch: Watch) -> None:
        begun.set()
        while not watch.stopped():
            Event().wait(0.01)
        raise Cancelled("Stopped.")

    task = tasks.start(("c",), work)
    assert begun.wait(SOON)
    task.cancel()
    assert task.wait(SOON)
    assert isinstance(task.error, Cancelled)
    again = tasks.start(("c",), lambda _watch: 1, again=True)
    assert again is not task
    assert again.wait(SOON)
    assert again.result == 1


def test_a_task_cancelled_before_its_turn_never_works() -> None:
    tasks = Tasks(threads=1)
    go = Event()
    tasks.start(("busy",), lambda _watch: go.wait(SOON))
    waiting = tasks.start(("next",), lambda _watch: pytest.fail("it worked"))
    waiting.cancel()
    go.set()
    assert waiting.wait(SOON)
    assert isinstance(waiting.error, Cancelled)
    tasks.close()


def test_errors_of_the_work_are_kept_for_the_page(tasks: Tasks) -> None:
    error = InputError("x.mp4", "it is empty")

    def work(_watch: Watch) -> None:
        raise error

    task = tasks.start(("e",), work)
    assert task.wait(SOON)
    assert task.error is error


def test_only_ended_tasks_are_dropped_when_there_are_too_many(tasks: Tasks) -> None:
    go = Event()
    running = tasks.start(("running",), lambda _watch: go.wait(SOON))
    for i in range(6):
        assert tasks.start((i,), lambda _watch: None).wait(SOON)
    assert tasks.get(("running",)) is running
    assert tasks.get((0,)) is None
    assert tasks.get((5,)) is not None
    go.set()


def test_what_names_a_deleted_clip_is_forgotten_and_stopped(tasks: Tasks) -> None:
    begun = Event()
    seen: list[Task] = []

    def work(watch: Watch) -> None:
        begun.set()
        while not watch.stopped():
            Event().wait(0.01)

    seen.append(tasks.start(("search", "abc", 1), work))
    other = tasks.start(("search", "def", 1), lambda _watch: 2)
    assert begun.wait(SOON)
    tasks.forget("abc")
    assert tasks.get(("search", "abc", 1)) is None
    assert seen[0].wait(SOON)
    assert tasks.get(("search", "def", 1)) is other


def always(_result: object) -> bool:
    return True


def test_a_page_that_waits_is_answered_while_the_library_changes_all_the_time(tasks: Tasks) -> None:
    """Each look at the task finds another state, as a page does beside a long import."""
    go, begun = Event(), list[int]()

    def work(_watch: Watch) -> str:
        begun.append(1)
        go.wait(SOON)
        return "matches"

    looks = [tasks.answer(("q",), (state,), work, holds=always) for state in range(20)]
    go.set()
    assert looks[0].wait(SOON)
    assert {id(task) for task in looks} == {id(looks[0])}
    assert tasks.answer(("q",), (99,), work, holds=always) is looks[0]
    assert (looks[0].result, begun) == ("matches", [1])
    # The control: by the state alone, each look would wait for work of its own.
    assert tasks.start(("q", 100), work) is not looks[0]


def test_an_answer_that_no_longer_holds_is_asked_for_anew(tasks: Tasks) -> None:
    first = tasks.answer(("q",), (1,), lambda _watch: "gone.mp4", holds=always)
    assert first.wait(SOON)
    second = tasks.answer(("q",), (2,), lambda _watch: "", holds=lambda r: r != "gone.mp4")
    assert second is not first
    assert second.wait(SOON)
    assert tasks.answer(("other",), (2,), lambda _watch: "", holds=always) is not second
    assert tasks.answer(("q",), (3,), lambda _watch: "", holds=always, again=True) is not second


def test_an_answer_of_an_earlier_state_serves_for_a_moment_only(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tasks.answer(("q",), (1,), lambda _watch: "a", holds=always)
    assert first.wait(SOON)
    later = monotonic() + 11
    monkeypatch.setattr("visil_dash.ui.shell.tasks.monotonic", lambda: later)
    assert tasks.answer(("q",), (1,), lambda _watch: "b", holds=always) is first
    assert tasks.answer(("q",), (2,), lambda _watch: "b", holds=always) is not first
