"""`add`, `list`, `remove` and `demo`: the videos of a library."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.options import above_zero, existing_path
from visil_dash.cli.shared import (
    DONE,
    REFUSED,
    add_command,
    add_engine_option,
    open_bench,
    open_stored,
    print_line,
    print_place,
    still_waiting,
    terminal_watch,
    waiting_jobs,
)
from visil_dash.cli.watching import FolderWatch
from visil_dash.errors import InputError, StoreError, without_name
from visil_dash.installed import DEMO
from visil_dash.records import JobRecord, JobState, VideoRecord
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.workbench.bench import Workbench

_LOOK_AGAIN_SECONDS = 0.5  # at jobs that may have ended
_SOON_SECONDS = 2.0  # longer waits are explained
_STAYS = "Ctrl-C ends this command; the files stay in the queue."


def add_library_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add = add_command(commands, "add", _add, "add files and folders, recursively", common)
    add.add_argument(
        "paths",
        nargs="*",
        type=existing_path,
        metavar="PATH",
        help="none: only the files of an earlier add that are still waiting",
    )
    add.add_argument(
        "--drop-waiting",
        action="store_true",
        help="first take the files of an earlier add that are still waiting out of the queue",
    )
    add_engine_option(add, "videos are extracted")
    add.add_argument(
        "--watch",
        type=above_zero,
        metavar="SECONDS",
        help="then look at the folders again and again, and add what is new or changed, until"
        " Ctrl-C",
    )
    add.add_argument(
        "--in-place",
        action="store_true",
        help="use the files where they lie, and copy nothing; files in place that changed, moved,"
        " went or came back are reported",
    )
    add_command(commands, "list", _list, "list the videos of the library", common)
    remove = add_command(commands, "remove", _remove, "remove videos and their features", common)
    remove.add_argument(
        "ids",
        nargs="+",
        metavar="ID",
        help="id or unique prefix, or one name",
    )
    demo = add_command(
        commands, "demo", _demo, "add the demo library: 5 scenes of 5 videos each", common
    )
    demo.add_argument("--if-empty", action="store_true", help="only when the library is empty")


def _add(given: argparse.Namespace, settings: Settings) -> int:
    paths: list[Path] = given.paths
    if given.watch and not any(path.is_dir() for path in paths):
        raise InputError("--watch", "there is no folder to watch", "name one")
    with open_bench(given, settings, adding=True) as bench:
        if not bench.library.read_only:
            # Made before the first add, so that what comes meanwhile counts as new.
            watch = FolderWatch(paths if given.watch else ())
            added = _add_here(given, bench, paths)
            return _watch(given, bench, watch) if given.watch else added
        if given.drop_waiting or given.watch or not paths:
            bench.require_writer()
        code = _add_by_writer(given, bench)
    if code is not None:
        return code
    with open_bench(given, settings, adding=True) as bench:  # the writer is gone: our turn
        return _add_here(given, bench, [])


def _add_here(given: argparse.Namespace, bench: "Workbench", paths: list[Path]) -> int:
    bench.require_writer()
    bench.engine.open()
    if given.drop_waiting:
        _drop_waiting(given, bench)
    earlier = waiting_jobs(bench)
    if earlier:
        print(f"continuing with {_files(len(earlier))} of an earlier add", file=sys.stderr)
    in_place = _look_in_place(given, bench, paths) if given.in_place else 0
    jobs = [*earlier, *bench.add_paths(paths, in_place=given.in_place)]
    bench.worker.start()
    if not jobs and not in_place and not given.drop_waiting:
        raise InputError(
            ", ".join(map(str, paths)) or "add",
            "there is no file to add",
            "name files, or a folder that holds some",
        )
    ended = _follow(bench, {job.job_id for job in jobs}, lambda job: _print_job(given, job))
    return _added(given, ended)


def _watch(given: argparse.Namespace, bench: "Workbench", watch: FolderWatch) -> int:
    """Adds what comes into the folders until Ctrl-C, and names what goes."""
    try:
        while True:
            pause_between_looks(given.watch)
            ready, gone = watch.look()
            if given.in_place and (ready or gone):
                _look_in_place(given, bench, given.paths)
            for path in () if given.in_place else gone:
                line = f"gone      {path} (the library keeps its copy)"
                print_line(given, line, {"gone": str(path)})
            if ready:
                jobs = bench.add_paths(ready, in_place=given.in_place)
                wanted = {job.job_id for job in jobs}
                _follow(bench, wanted, lambda job: _print_job(given, job))
    except KeyboardInterrupt:
        return DONE


def pause_between_looks(seconds: float) -> None:
    time.sleep(seconds)


def _look_in_place(given: argparse.Namespace, bench: "Workbench", folders: list[Path]) -> int:
    """Prints what became of the files in place; how many there are."""
    from visil_dash.tidying.places import PlaceState, places_of

    count = 0
    for place in places_of(bench.library, folders, only_in_place=True, watch=terminal_watch(given)):
        count += 1
        if place.state is not PlaceState.SAME:
            print_place(given, place)
    return count


def _added(given: argparse.Namespace, ended: list[JobRecord]) -> int:
    refused = sum(job.state is not JobState.INDEXED for job in ended)
    if not given.json:
        print(f"{len(ended) - refused} added, {refused} not added")
    return REFUSED if refused else DONE


def _add_by_writer(given: argparse.Namespace, bench: "Workbench") -> int | None:
    """Hands the files to the process that writes the library, and waits until it has added them.

    None where that process ended first; the files wait in the queue then. Ctrl-C leaves them to it.
    """
    from visil_dash.library.sharing.beside_writer import hand_over, writer_is_gone
    from visil_dash.media.files import video_files

    files = video_files(given.paths)
    wanted = set(hand_over(bench.library, files, in_place=given.in_place))
    print(
        f"another visil_dash writes this library: {_files(len(wanted))} handed to it",
        file=sys.stderr,
    )
    ended: dict[str, JobRecord] = {}
    while True:
        gone = writer_is_gone(bench.library)
        here = {job.job_id: job for job in bench.jobs() if job.job_id in wanted}
        for job in here.values():
            if job.state.ended and job.job_id not in ended:
                ended[job.job_id] = job
                _print_job(given, job)
        if not wanted & here.keys() - ended.keys():  # those taken off the list are not waited for
            return _added(given, list(ended.values()))
        if gone:
            return None
        time.sleep(_LOOK_AGAIN_SECONDS)


def _drop_waiting(given: argparse.Namespace, bench: "Workbench") -> None:
    dropped = waiting_jobs(bench)
    for job in dropped:
        bench.worker.cancel(job.job_id)
    facts = {"dropped": len(dropped)}
    print_line(given, f"{_files(len(dropped))} of an earlier add dropped", facts)


def _follow(
    bench: "Workbench", wanted: set[str], print_job: Callable[[JobRecord], None]
) -> list[JobRecord]:
    """Waits until the wanted jobs have ended, prints each as it ends, and returns them.

    Ctrl-C reports what is still waiting; it stays in the queue. Raises StoreError where the queue
    ends without them: its thread was ended by an error that is not of one file.
    """
    ended: dict[str, JobRecord] = {}
    paused = ""
    try:
        while wanted - ended.keys():
            idle = bench.worker.wait_idle(_LOOK_AGAIN_SECONDS)
            for job in bench.jobs():
                if job.job_id in wanted and job.state.ended and job.job_id not in ended:
                    ended[job.job_id] = job
                    print_job(job)
            if bench.worker.paused and bench.worker.paused != paused:
                paused = bench.worker.paused
                print(f"waiting   {paused} {_STAYS}", file=sys.stderr, flush=True)
            if idle or not (bench.worker.started or bench.worker.paused):
                break
            if paused:
                time.sleep(_LOOK_AGAIN_SECONDS)  # a paused queue is not waited for
        _wait_for_index(bench)
        if left := len(wanted - ended.keys()):
            raise StoreError(
                f"The queue ended unexpectedly, before {_files(left)} were done. Nothing is lost:"
                f" {still_waiting(left)}"
            )
    except KeyboardInterrupt:
        bench.worker.stop()
        waiting = waiting_jobs(bench)
        if waiting:
            print(f"\n{still_waiting(len(waiting))}", file=sys.stderr)
        raise
    return list(ended.values())


def _wait_for_index(bench: "Workbench") -> None:
    if not bench.space.wait(_SOON_SECONDS):
        print("waiting   for the index, which is being built", file=sys.stderr, flush=True)
        bench.space.wait()


def _print_job(given: argparse.Namespace, job: JobRecord) -> None:
    print_line(given, _job_line(job), asdict(job))


def _job_line(job: JobRecord) -> str:
    reason = f": {without_name(job.reason, job.name)}" if job.reason else ""
    duplicate = " (identical to a video in the library)" if job.duplicate_of else ""
    return f"{job.state.value:9} {job.name}{duplicate}{reason}"


def _list(given: argparse.Namespace, settings: Settings) -> int:
    with open_stored(given, settings) as library:
        for v in library.videos():
            line = (
                f"{v.video_id[:12]}  {v.info.duration:8.1f} s  {v.frames:6} frames  "
                f"{v.info.verdict.value:7}  {_names(v)}"
            )
            if len(v.places) > 1:
                line = "\n".join([line, *(f"{'':14}added from {place}" for place in v.places)])
            print_line(given, line, asdict(v))
    return DONE


def _remove(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.workbench.upkeep import remove_by_key

    with open_bench(given, settings) as bench:
        bench.require_writer()
        for key in given.ids:
            record, left = remove_by_key(bench, key)
            if left is None:
                print_line(given, f"removed   {record.name}", {"removed": record.video_id})
                continue
            line = (
                f"name      {key} removed; the video stays as {_names(left)}. Its id removes it:"
                f" {left.video_id[:12]}"
            )
            facts = {"removed_name": key, "video_id": left.video_id, "names": _all_names(left)}
            print_line(given, line, facts)
    return DONE


def _demo(given: argparse.Namespace, settings: Settings) -> int:
    folder = DEMO / "videos"
    with open_bench(given, settings, adding=True) as bench:
        if given.if_empty and (videos := len(bench.videos())):
            text = "The library is not empty; the demo videos were not added."
            print_line(given, text, {"added": 0, "videos": videos})
            return DONE
        bench.require_writer()
        jobs = bench.add_paths([folder])
        bench.worker.start()
        done = 0

        def print_job(job: JobRecord) -> None:
            nonlocal done
            done += 1
            if given.json or job.state is not JobState.INDEXED:
                _print_job(given, job)
            elif sys.stdout.isatty():
                print(f"\rpreparing the demo library: {done} of {len(jobs)}", end="", flush=True)

        ended = _follow(bench, {job.job_id for job in jobs}, print_job)
        refused = sum(job.state is not JobState.INDEXED for job in ended)
        if not given.json:
            print(f"\rdemo library: {len(ended) - refused} videos" + " " * 24)
        return REFUSED if refused else DONE


def _all_names(video: VideoRecord) -> list[str]:
    return [video.name, *video.other_names]


def _names(video: VideoRecord) -> str:
    """The first name, and the others in brackets."""
    also = f" (also {', '.join(video.other_names)})" if video.other_names else ""
    return video.name + also


def _files(count: int) -> str:
    return f"{count:,} file" + ("" if count == 1 else "s")
