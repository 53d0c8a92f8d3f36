"""Background tasks of the laboratory pages."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.tasks import Key, Task

if TYPE_CHECKING:
    from visil_dash.laboratory.fivr.selection import Wanted
    from visil_dash.models.stages import Inside
    from visil_dash.records import Array


@dataclass(frozen=True)
class RunChoice:
    """The options of a robustness run; `start`, `seconds`: of the clip; `proof`: verify too."""

    query_id: str
    kinds: tuple[str, ...]
    steps: int
    start: float
    seconds: float
    seed: int
    proof: bool = False


def robustness_task(choice: RunChoice, *, again: bool = False) -> Task:
    """A robustness run; `result` is a RobustnessReport."""
    from visil_dash.laboratory.robustness.run import run_robustness

    bench = backend.workbench()
    backend.opened(choice.query_id)
    return backend.tasks().start(
        _robustness_key(choice),
        lambda watch: run_robustness(bench, **vars(choice), watch=watch),
        again=again,
    )


def known_robustness_task(choice: RunChoice) -> Task | None:
    """The task of this run; None when it was not started."""
    return backend.tasks().get(_robustness_key(choice))


def _robustness_key(choice: RunChoice) -> Key:
    version = backend.workbench().space.version
    return "robustness", *backend.task_scope(), version, choice.query_id, choice


def edit_preview_task(choice: RunChoice, kind: str, strength: float) -> Task:
    """One edited copy; `result` is an EditPreview."""
    from visil_dash.laboratory.robustness.copies import preview_edit

    bench = backend.workbench()
    backend.opened(choice.query_id)
    stretch = (choice.start, choice.seconds, choice.seed)
    return backend.tasks().start(
        ("edit", bench.extractor, choice.query_id, *stretch, kind, strength),
        lambda watch: preview_edit(
            bench,
            choice.query_id,
            kind=kind,
            strength=strength,
            start=choice.start,
            seconds=choice.seconds,
            seed=choice.seed,
            watch=watch,
        ),
    )


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
            path,
            preprocess=bench.model.preprocess,
            box=bench.clip(query_id).features.picture,
            settings=bench.settings,
        )
        inside = look_inside(bench.model, frames, settings=bench.settings)
        return LookedInside(frames, times, inside)

    return backend.tasks().start(("inside", bench.extractor, query_id), work)


def _rates_key() -> Key:
    bench = backend.workbench()
    dims = bench.space.reduction.dim or bench.model.regions * bench.model.dim
    return "rates", bench.extractor, dims


def known_rates_task() -> Task | None:
    """The measurement of this machine; None when it was not started."""
    return backend.tasks().get(_rates_key())


def rates_task(*, again: bool = False) -> Task:
    """The rates of this machine with the model in use; `result` is Rates."""
    from visil_dash.laboratory.planner.extraction import typical_file
    from visil_dash.laboratory.planner.rates import measure_rates

    bench = backend.workbench()
    dims = bench.space.reduction.dim or bench.model.regions * bench.model.dim
    path = typical_file(bench.library)
    return backend.tasks().start(
        _rates_key(),
        lambda watch: measure_rates(
            bench.model,
            dims=dims,
            folder=bench.library.folder,
            settings=bench.settings,
            video=path,
            watch=watch,
        ),
        again=again,
    )


def fivr_folder() -> Path:
    """The folder of downloaded videos, beside the library, which copies them."""
    return backend.workbench().library.folder.parent / "fivr"


def download_task(wanted: "tuple[Wanted, ...]", *, rate_bytes: int, again: bool = False) -> Task:
    """Downloads videos by their ids; `result` is a tuple of Fetched."""
    from visil_dash.laboratory.fivr.download import download_videos

    settings, folder = backend.workbench().settings, fivr_folder()
    return backend.tasks().start(
        ("fivr", str(folder)),  # one for all sessions: two would write to the same folder
        lambda watch: download_videos(
            wanted, folder, settings=settings, rate_bytes=rate_bytes, watch=watch
        ),
        again=again,
    )
