"""Background tasks of the laboratory pages."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.tasks import Task

if TYPE_CHECKING:
    from visil_dash.laboratory.fivr.download import Fetched
    from visil_dash.laboratory.fivr.selection import Wanted
    from visil_dash.laboratory.planner.costs import Rates
    from visil_dash.laboratory.robustness.copies import EditPreview
    from visil_dash.laboratory.robustness.run import RobustnessReport
    from visil_dash.models.stages import Inside
    from visil_dash.records import Array


@dataclass(frozen=True)
class RunChoice:
    """The options of a robustness run; `start`, `seconds`: of the clip."""

    query_id: str
    kinds: tuple[str, ...]
    steps: int
    start: float
    seconds: float
    seed: int


def robustness_task(choice: RunChoice, *, again: bool = False) -> Task:
    """A robustness run; `result` is a RobustnessReport."""
    bench = backend.workbench()
    backend.opened(choice.query_id)
    key = ("robustness", *backend.task_scope(), bench.space.version, choice.query_id, choice)

    def work(watch: Watch) -> "RobustnessReport":
        from visil_dash.laboratory.robustness.run import run_robustness

        return run_robustness(
            bench,
            choice.query_id,
            kinds=choice.kinds,
            steps=choice.steps,
            start=choice.start,
            seconds=choice.seconds,
            seed=choice.seed,
            watch=watch,
        )

    return backend.tasks().start(key, work, again=again)


def edit_preview_task(choice: RunChoice, kind: str, strength: float) -> Task:
    """One edited copy; `result` is an EditPreview."""
    bench = backend.workbench()
    backend.opened(choice.query_id)
    stretch = (choice.start, choice.seconds, choice.seed)
    key = ("edit", bench.extractor, choice.query_id, *stretch, kind, strength)

    def work(watch: Watch) -> "EditPreview":
        from visil_dash.laboratory.robustness.copies import preview_edit

        return preview_edit(
            bench,
            choice.query_id,
            kind=kind,
            strength=strength,
            start=choice.start,
            seconds=choice.seconds,
            seed=choice.seed,
            watch=watch,
        )

    return backend.tasks().start(key, work)


@dataclass(frozen=True)
class LookedInside:
    """First sampled frames `[n, side, side, 3]` of a clip, their times, and the model's stages.

    `inside` is None for a model whose stages are unknown.
    """

    frames: "Array"
    times: "Array"
    inside: "Inside | None"


def model_steps_task(query_id: str) -> Task:
    """Runs the first frames through the model step by step; `result` is LookedInside."""
    bench = backend.workbench()
    backend.name_of(query_id)
    path = backend.media_path(query_id)

    def work(watch: Watch) -> LookedInside:
        from visil_dash.laboratory.walkthrough import model_frames
        from visil_dash.models.stages import look_inside

        watch.step("Running the model step by step", 0.2)
        frames, times = model_frames(
            path, preprocess=bench.model.preprocess, settings=bench.settings
        )
        inside = look_inside(bench.model, frames, settings=bench.settings)
        return LookedInside(frames, times, inside)

    return backend.tasks().start(("inside", bench.extractor, query_id), work)


def rates_task(*, again: bool = False) -> Task:
    """The rates of this machine with the model in use; `result` is Rates."""
    bench = backend.workbench()
    dims = bench.space.reduction.dim or bench.model.regions * bench.model.dim
    videos = sorted(bench.videos(), key=lambda v: v.info.duration)
    middle = videos[len(videos) // 2].video_id if videos else None
    path = bench.library.media_path(middle) if middle else None

    def work(watch: Watch) -> "Rates":
        from visil_dash.laboratory.planner.rates import measure_rates

        return measure_rates(
            bench.model,
            dims=dims,
            folder=bench.library.folder,
            settings=bench.settings,
            video=path,
            watch=watch,
        )

    return backend.tasks().start(("rates", bench.extractor, dims), work, again=again)


def fivr_folder() -> Path:
    """The folder of downloaded videos, beside the library, which copies them."""
    return backend.workbench().library.folder.parent / "fivr"


def download_task(wanted: "tuple[Wanted, ...]", *, rate_bytes: int, again: bool = False) -> Task:
    """Downloads videos by their ids; `result` is a tuple of Fetched."""
    settings, folder = backend.workbench().settings, fivr_folder()

    def work(watch: Watch) -> "tuple[Fetched, ...]":
        from visil_dash.laboratory.fivr.download import download_videos

        return download_videos(
            wanted, folder, settings=settings, rate_bytes=rate_bytes, watch=watch
        )

    # One task for all sessions: two would write to the same folder.
    return backend.tasks().start(("fivr", str(folder)), work, again=again)
