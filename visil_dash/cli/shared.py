"""What all commands share: exit codes, opening the library, reading files, and printing."""

import argparse
import atexit
import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.errors import InputError
from visil_dash.progress import UNWATCHED, Progress, Watch
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.library.store import Library
    from visil_dash.records import JobRecord
    from visil_dash.tidying.places import Place
    from visil_dash.workbench.bench import Workbench

# Exit codes: done; done in part (inputs refused, videos left out, each printed with its reason);
# stopped by an error.
DONE, REFUSED, FAILED = 0, 1, 2
_REST = "\033[K"  # clears what a longer line left behind


def add_command(
    commands: Any,
    name: str,
    run: Any,
    text: str,
    *parents: argparse.ArgumentParser,
    aliases: tuple[str, ...] = (),
) -> argparse.ArgumentParser:
    """Adds a command that calls `run(given, settings)`, which returns the exit code."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, parents=list(parents), help=text, description=text, aliases=list(aliases)
    )
    parser.set_defaults(run=run)
    return parser


def add_engine_option(command: argparse.ArgumentParser, what: str) -> None:
    """`what`: is done there. `open_bench` follows the option."""
    command.add_argument(
        "--engine",
        choices=("local", "processes", "ray"),
        help=f"where {what}: here, in several processes, or on the Ray cluster of VISIL_DASH_RAY"
        " (default VISIL_DASH_ENGINE)",
    )


def open_bench(
    given: argparse.Namespace, settings: Settings, *, adding: bool = False
) -> "Workbench":
    """The library and model of the command's options.

    Its worker is not started. `adding`: the library is made when it is missing; every other
    command raises NotFound then, so that a mistyped folder is not answered by an empty one.
    """
    if not adding:
        return open_bench_over(open_unread(given, settings), given)
    with _imports_uncollected():
        from visil_dash.workbench.bench import open_workbench

        bench = open_workbench(
            settings=_with_engine(given, settings),
            library=given.library,
            model=given.model,
            start_worker=False,
        )
    _print_notes(bench.library, waiting=False)
    return bench


def open_bench_over(library: "Library", given: argparse.Namespace) -> "Workbench":
    """The model of the command's options over a library from `open_unread`, which it closes."""
    try:
        with _imports_uncollected():
            from visil_dash.workbench.bench import open_workbench

            bench = open_workbench(
                settings=library.settings, library=library, model=given.model, start_worker=False
            )
    except BaseException:
        library.close()
        raise
    if getattr(given, "engine", None) is not None:
        try:
            bench.engine.open()
        except BaseException:
            bench.close()
            raise
    _print_notes(library, waiting=True)
    return bench


@contextmanager
def _imports_uncollected() -> Iterator[None]:
    """Without collecting garbage: of a model's imports there is none, and looking for it among
    their hundreds of thousands of objects again and again takes a tenth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(_collect_what_would_be_reported)


def open_stored(given: argparse.Namespace, settings: Settings) -> "Library":
    """The library of the command's options, for a command that needs no model: in a fifth of the
    time that `open_bench` takes. Raises NotFound, and ModelError for a model's unknown name."""
    library = open_unread(given, settings)
    _print_notes(library, waiting=True)
    return library


def _collect_what_would_be_reported() -> None:
    """What is frozen is not collected at the end, which saves a tenth of a short command, too. Only
    Triton, which some ways of running a network import, prints a line for each object left then."""
    if "triton" in sys.modules:
        gc.unfreeze()


def open_unread(given: argparse.Namespace, settings: Settings) -> "Library":
    """As open_stored, without notes: for a command that opens a model over it later."""
    from visil_dash.library.sharing.lock import require_library
    from visil_dash.library.store import open_library
    from visil_dash.models.load import require_model

    folder = given.library or settings.library
    require_library(folder)
    require_model(given.model or settings.model, settings=settings)
    return open_library(folder, settings=_with_engine(given, settings))


def _with_engine(given: argparse.Namespace, settings: Settings) -> Settings:
    engine = getattr(given, "engine", None)
    return settings if engine is None else settings.model_copy(update={"engine": engine})


def _print_notes(library: "Library", *, waiting: bool) -> None:
    """What the user should know of the library; with `waiting` also of files still to be added,
    unless another process is the writer, which is adding them now."""
    from visil_dash.library.jobtable import JobTable

    if notice := library.notice:
        print(f"note: {notice}", file=sys.stderr)
    if waiting and not library.read_only and (count := JobTable(library.catalogue).unfinished()):
        print(f"note: {still_waiting(count)}", file=sys.stderr)


def waiting_jobs(bench: "Workbench") -> list["JobRecord"]:
    """Files whose adding was interrupted before it ended."""
    return [job for job in bench.jobs() if not job.state.ended]


def still_waiting(count: int) -> str:
    """How many files are waiting to be added, and what continues with them."""
    files = "1 file is" if count == 1 else f"{count:,} files are"
    return f"{files} still waiting to be added; continue with: python -m visil_dash add"


def require_features(bench: "Workbench") -> None:
    """Raises InputError where no video could be compared: "no copy" would be a wrong answer."""
    videos = require_videos(bench.library)
    if not bench.library.features_ids(bench.extractor):
        raise InputError(
            bench.model.name,
            f"none of the {videos} videos in {bench.library.folder} has features of this model",
            "extract them on the Library page, or add the videos again:"
            f" python -m visil_dash add PATH --model {bench.model.name}",
        )


def require_videos(library: "Library") -> int:
    """How many videos the library holds. Raises InputError where there is none."""
    videos = len(library.videos())
    if not videos:
        raise InputError(
            str(library.folder),
            "the library is empty",
            "add videos: python -m visil_dash add PATH, or name another library with --library",
        )
    return videos


def read_text(path: Path) -> str:
    """Raises InputError when the file cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is not text in UTF-8") from error


def write_text(path: Path, text: str) -> None:
    """Raises InputError when the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(
            str(path),
            f"cannot be written ({error.strerror})",
            "name another file, or free some space",
        ) from error


def print_place(given: argparse.Namespace, place: "Place") -> None:
    to = f"  →  {place.now}" if place.now else ""
    facts = {
        "state": place.state.value,
        "video_id": place.video.video_id,
        "name": place.video.name,
        "path": str(place.path),
        "now": str(place.now) if place.now else None,
        "in_place": place.in_place,
    }
    print_line(given, f"{place.state.value:8} {place.video.name}  {place.path}{to}", facts)


def print_line(given: argparse.Namespace, line: str, facts: dict[str, Any]) -> None:
    """Prints the line, or with --json the facts as one JSON object."""
    print(json.dumps(facts, default=str) if given.json else line, flush=True)


def terminal_watch(given: argparse.Namespace) -> Watch:
    """Reports progress on standard error when it is a terminal, and without --json."""
    return UNWATCHED if given.json or not sys.stderr.isatty() else Watch(_print_progress)


def _print_progress(progress: Progress) -> None:
    end = "\n" if progress.share >= 1 else ""
    print(f"\r{progress.what}: {progress.share:4.0%}{_REST}", end=end, file=sys.stderr, flush=True)
