"""`add`, `list`, `remove` and `demo`: the videos of a library."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.options import existing_path
from visil_dash.cli.shared import DONE, REFUSED, add_command, open_bench, print_line
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.records import JobRecord


def add_library_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add = add_command(commands, "add", _add, "add files and folders, recursively", common)
    add.add_argument("paths", nargs="+", type=existing_path, metavar="PATH")
    add_command(commands, "list", _list, "list the videos of the library", common)
    remove = add_command(commands, "remove", _remove, "remove videos and their features", common)
    remove.add_argument("ids", nargs="+", metavar="ID", help="id, unique prefix or file name")
    demo = add_command(
        commands, "demo", _demo, "add the demo library: 5 scenes of 5 videos each", common
    )
    demo.add_argument("--if-empty", action="store_true", help="only when the library is empty")


def _add(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.records import JobState

    with open_bench(given, settings, adding=True) as bench:
        bench.require_writer()
        queued = [job.job_id for job in bench.add_paths(given.paths)]
        printed: set[str] = set()
        while True:
            idle = bench.worker.wait_idle(0.5)
            jobs = {j.job_id: j for j in bench.jobs() if j.job_id in queued}
            for job_id in queued:
                job = jobs[job_id]
                if job.state.ended and job_id not in printed:
                    printed.add(job_id)
                    print_line(given, _job_line(job), asdict(job))
            if idle:
                break
        bench.space.wait()
        refused = [j for j in jobs.values() if j.state is not JobState.INDEXED]
        if not given.json:
            print(f"{len(queued) - len(refused)} added, {len(refused)} not added")
        return REFUSED if refused or not queued else DONE


def _job_line(job: "JobRecord") -> str:
    reason = f": {job.reason}" if job.reason else ""
    duplicate = " (identical to a video in the library)" if job.duplicate_of else ""
    return f"{job.state.value:9} {job.name}{duplicate}{reason}"


def _list(given: argparse.Namespace, settings: Settings) -> int:
    with open_bench(given, settings) as bench:
        for v in bench.videos():
            line = (
                f"{v.video_id[:12]}  {v.info.duration:8.1f} s  {v.frames:6} frames  "
                f"{v.info.verdict.value:7}  {v.name}"
            )
            print_line(given, line, asdict(v))
    return DONE


def _remove(given: argparse.Namespace, settings: Settings) -> int:
    with open_bench(given, settings) as bench:
        bench.require_writer()
        for key in given.ids:
            record = bench.remove(key)
            print_line(given, f"removed   {record.name}", {"removed": record.video_id})
    return DONE


def _demo(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.records import JobState

    folder = Path(__file__).resolve().parents[2] / "demo" / "videos"
    with open_bench(given, settings, adding=True) as bench:
        if given.if_empty and bench.videos():
            print("The library is not empty; the demo videos were not added.")
            return DONE
        bench.require_writer()
        jobs = bench.add_paths([folder])
        while not bench.worker.wait_idle(1.0):
            done = sum(j.state.ended for j in bench.jobs())
            print(f"\rpreparing the demo library: {done} of {len(jobs)}", end="", flush=True)
        bench.space.wait()
        ids = {j.job_id for j in jobs}
        refused = [j for j in bench.jobs() if j.job_id in ids and j.state is not JobState.INDEXED]
        print(f"\rdemo library: {len(jobs) - len(refused)} videos" + " " * 24)
        for job in refused:
            print(_job_line(job))
        return REFUSED if refused else DONE
