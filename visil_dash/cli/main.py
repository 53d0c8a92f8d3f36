"""The use cases from a shell: `python -m visil_dash COMMAND`. Exit codes: 0 done, 1 some files
refused (each listed with its reason), 2 usage or an error that ended the command."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli import evaluate, models, train
from visil_dash.cli.fivr import add_fivr
from visil_dash.cli.output import say_line, watch
from visil_dash.errors import VisilDashError
from visil_dash.settings import Settings, get_settings

if TYPE_CHECKING:
    from visil_dash.records import SearchResult
    from visil_dash.workbench.bench import Workbench

DONE, REFUSED, FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` default to the process's own."""
    given = build_parser().parse_args(arguments)
    settings = get_settings()
    try:
        code: int = given.run(given, settings)
    except VisilDashError as error:
        print(f"visil_dash: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("visil_dash: stopped; what was finished is kept.", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader went away (`| head`): not an error of ours, and nobody to tell.
        sys.stderr.close()
        return FAILED
    return code


# ---- the library ----


def _add(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.records import JobState

    with _open(given, settings, worker=True) as bench:
        bench.require_writer()
        queued = [job.job_id for job in bench.add_paths(given.paths)]
        shown: set[str] = set()
        while True:
            idle = bench.worker.wait_idle(0.5)
            jobs = {j.job_id: j for j in bench.jobs() if j.job_id in queued}
            for job_id in queued:
                job = jobs[job_id]
                if job.state.ended and job_id not in shown:
                    shown.add(job_id)
                    say_line(given, _job_line(job), asdict(job))
            if idle:
                break
        bench.space.wait()
        bad = [j for j in jobs.values() if j.state is not JobState.INDEXED]
        if not given.json:
            print(f"{len(queued) - len(bad)} added, {len(bad)} not.")
        return REFUSED if bad or not queued else DONE


def _job_line(job: Any) -> str:
    note = f": {job.reason}" if job.reason else ""
    same = " (same bytes as a video that was there)" if job.duplicate_of else ""
    return f"{job.state.value:9} {job.name}{same}{note}"


def _list(given: argparse.Namespace, settings: Settings) -> int:
    with _open(given, settings) as bench:
        for v in bench.videos():
            line = (
                f"{v.video_id[:12]}  {v.info.duration:8.1f} s  {v.frames:6} frames  "
                f"{v.info.verdict.value:7}  {v.name}"
            )
            say_line(given, line, asdict(v))
    return DONE


def _remove(given: argparse.Namespace, settings: Settings) -> int:
    with _open(given, settings) as bench:
        bench.require_writer()
        for key in given.ids:
            record = bench.remove(key)
            say_line(given, f"removed   {record.name}", {"removed": record.video_id})
    return DONE


# ---- searching ----


def _search(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.exports.search import search_as_dict
    from visil_dash.workbench.questions import search_many

    code = DONE
    with _open(given, settings) as bench:
        asked = [path if (path := Path(clip)).exists() else clip for clip in given.clips]
        found = search_many(
            bench,
            asked,
            threshold=given.threshold,
            exhaustive=given.exhaustive,
            inside=given.inside,
            top=given.top,
        )
        for clip, answer in zip(given.clips, found, strict=True):
            if answer.result is None:
                code = REFUSED
                print(f"refused   {answer.error}", file=sys.stderr)
            elif given.json:
                print(json.dumps(search_as_dict(answer.result) | {"query": clip}), flush=True)
            else:
                _print_result(clip, answer.result)
    return code


def _print_result(query: str, result: "SearchResult") -> None:
    from visil_dash.matching.verdict import confidence_text, verdict_of
    from visil_dash.media.views import BY_KEY

    took = sum(result.timings.values())
    print(f"{query}: {len(result.matches)} videos, {result.mode}, {took:.2f} s")
    for m in result.matches:
        verdict = verdict_of(m)
        called = "match" if verdict.is_match else "     "
        distance = "      -" if m.min_distance is None else f"{m.min_distance:7.3f}"
        aligned = "     -" if m.part_score is None else f"{m.part_score:6.3f}"
        part = f"  (found by the {BY_KEY[m.view].title} of the query)" if m.view else ""
        confidence = confidence_text(verdict)
        if confidence is not None:
            part += f"  confidence {confidence}"
        print(
            f"  {called} {m.score:6.3f} reverse {m.reverse_score:6.3f} segments {aligned}"
            f" distance {distance}  {m.name}: {verdict.label}{part}"
        )
        for s in m.segments:
            way = " backwards" if s.reversed else ""
            print(
                f"        {s.query_start:7.1f}-{s.query_end:.1f} s is "
                f"{s.reference_start:.1f}-{s.reference_end:.1f} s of the reference{way}"
                f" ({s.score:.3f})"
            )
    for notice in result.notices:
        print(f"  note: {notice}")


def _compare(given: argparse.Namespace, settings: Settings) -> int:
    import numpy as np

    from visil_dash.matching.verdict import verdict_of

    with _open(given, settings) as bench:
        ids = []
        for side in (given.a, given.b):
            path = Path(side)
            clip = bench.open_clip(path) if path.exists() else bench.clip(side)
            ids.append(clip.query_id)
        pair, match_score = bench.compare(*ids), bench.match_score()
        verdict = verdict_of(pair)
        facts = {
            "query": given.a,
            "reference": given.b,
            "score": pair.score,
            "reverse_score": pair.reverse_score,
            "match_score": match_score,
            "match": verdict.is_match,
            "relation": verdict.relation.value,
            "reason": verdict.reason,
            "chamfer": pair.chamfer,
            "chamfer_reverse": pair.chamfer_reverse,
            "segments": [asdict(s) for s in pair.segments],
            "model": bench.model.name,
        }
        if given.npz is not None:
            arrays: dict[str, Any] = {
                "frame_similarity": pair.frame_similarity,
                "frame_similarity_reverse": pair.frame_similarity_reverse,
                "query_times": pair.query_times,
                "reference_times": pair.reference_times,
            }
            if pair.visil_output is not None and pair.visil_output_reverse is not None:
                arrays["visil_output"] = pair.visil_output
                arrays["visil_output_reverse"] = pair.visil_output_reverse
            np.savez_compressed(given.npz, **arrays)
        called = "match" if verdict.is_match else "no match"
        lines = [
            f"{called} ({verdict.label}): score {pair.score:.3f}, "
            f"reverse {pair.reverse_score:.3f}, "
            f"a match scores {match_score:.3f} or more; "
            f"Chamfer alone {pair.chamfer:.3f}, reverse {pair.chamfer_reverse:.3f}"
        ] + [
            f"  {s.query_start:.1f}-{s.query_end:.1f} s is {s.reference_start:.1f}-"
            f"{s.reference_end:.1f} s of the other, speed {s.speed:.2f}"
            for s in pair.segments
        ]
        say_line(given, "\n".join(lines), facts)
    return DONE


def _pairwise(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.safe_csv import to_csv

    with _open(given, settings) as bench:
        table = bench.pairwise(watch=watch(given))
        rows: list[dict[str, Any]] = [
            {
                "query": q,
                "query_id": table.video_ids[i],
                "reference": r,
                "reference_id": table.video_ids[j],
                "score": float(table.scores[i, j]),
            }
            for i, q in enumerate(table.names)
            for j, r in enumerate(table.names)
            if i != j
        ]
        if given.csv is not None:
            given.csv.write_text(to_csv(rows), encoding="utf-8", newline="")
            print(f"{len(rows)} pairs in {given.csv}", file=sys.stderr)
        elif given.json:
            for row in rows:
                print(json.dumps(row))
        else:
            for row in sorted(rows, key=lambda r: -r["score"]):
                print(f"{row['score']:6.3f}  {row['query']}  in  {row['reference']}")
    return DONE


# ---- index and models ----


def _index(given: argparse.Namespace, settings: Settings) -> int:
    with _open(given, settings) as bench:
        if given.action == "rebuild":
            bench.require_writer()
            bench.space.rebuild(background=False)
        if given.action == "verify":
            problems = bench.verify()
            for problem in problems:
                print(problem)
            print("sound" if not problems else f"{len(problems)} problems")
            return DONE if not problems else REFUSED
        status = bench.space.status()
        lines = [f"{key:15} {value}" for key, value in asdict(status).items()]
        say_line(given, "\n".join(lines), asdict(status))
    return DONE


def _demo(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.records import JobState

    folder = Path(__file__).resolve().parents[2] / "demo" / "videos"
    with _open(given, settings, worker=True) as bench:
        if given.if_empty and bench.videos():
            print("The library has videos already; the demo was not added.")
            return DONE
        bench.require_writer()
        jobs = bench.add_paths([folder])
        while not bench.worker.wait_idle(1.0):
            done = sum(j.state.ended for j in bench.jobs())
            print(f"\rpreparing the demo library: {done} of {len(jobs)}", end="", flush=True)
        bench.space.wait()
        ids = {j.job_id for j in jobs}
        bad = [j for j in bench.jobs() if j.job_id in ids and j.state is not JobState.INDEXED]
        print(f"\rdemo library: {len(jobs) - len(bad)} videos" + " " * 24)
        for job in bad:
            print(_job_line(job))
        return REFUSED if bad else DONE


def _limits(given: argparse.Namespace, settings: Settings) -> int:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        say_line(given, f"{name:20} {value!s:>16}  {field.description}", {name: str(value)})
    return DONE


# ---- how it is said ----


def _open(given: argparse.Namespace, settings: Settings, *, worker: bool = False) -> "Workbench":
    from visil_dash.workbench.bench import open_workbench

    return open_workbench(
        settings=settings, library=given.library, model=given.model, start_worker=worker
    )


def build_parser() -> argparse.ArgumentParser:
    """Every command and its options; the documented commands are checked against it."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--library", type=Path, help="folder of the library")
    common.add_argument("--model", help="compact (bundled, default) or visil (the paper's)")
    common.add_argument("--json", action="store_true", help="one JSON object a line")

    parser = argparse.ArgumentParser(
        prog="python -m visil_dash", description="Find copied footage."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common], help=text, description=text)
        made.set_defaults(run=run)
        return made

    add = command("add", _add, "add files and folders, recursively")
    add.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    command("list", _list, "the videos of the library")
    remove = command("remove", _remove, "remove videos with their features")
    remove.add_argument("ids", nargs="+", metavar="ID", help="id, unique prefix or file name")
    search = command("search", _search, "which videos contain footage of these clips, and where")
    search.add_argument("clips", nargs="+", metavar="CLIP", help="a file, or a video's id or name")
    search.add_argument("--exhaustive", action="store_true", help="compare with every video")
    search.add_argument(
        "--inside",
        choices=("auto", "always", "never"),
        default="auto",
        help="look for footage inside the clip's picture too (picture in picture, collage), ten "
        "times the work; auto, the default: where the whole picture finds no match",
    )
    search.add_argument("--threshold", type=float, metavar="X", help="squared-L2 distance")
    search.add_argument("--top", type=int, metavar="N", help="only the best N")
    compare = command("compare", _compare, "one pair: scores both ways and segments")
    compare.add_argument("a")
    compare.add_argument("b")
    compare.add_argument("--npz", type=Path, metavar="FILE", help="write the matrices")
    pairwise = command("pairwise", _pairwise, "every video against every other")
    pairwise.add_argument("--csv", type=Path, metavar="FILE")
    evaluate.add_options(
        command("evaluate", evaluate.evaluate, "how well labelled copies are found")
    )
    index = command("index", _index, "the frame index")
    index.add_argument("action", choices=("status", "verify", "rebuild"))
    models.add_actions(command("models", models.models, "the models and their weights"), common)
    train.add_actions(command("train", train.train, "make a model of one's own"), common)
    demo = command("demo", _demo, "add the demo library of 5 scenes × 5 videos")
    demo.add_argument("--if-empty", action="store_true", help="only when the library is empty")
    command("limits", _limits, "the limits in force")
    add_fivr(commands, common)
    return parser
