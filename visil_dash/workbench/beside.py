"""Workbenches of several models over one library, in one process.

They share the opened library, which has one writer. Each has features, an index and thresholds of
its own. Of their ingest workers one is at work at a time, because they share one queue.
"""

from collections.abc import Sequence
from pathlib import Path

from visil_dash.library.jobs import Worker
from visil_dash.models.load import load_model
from visil_dash.records import VideoRecord
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench, open_workbench


def open_beside(
    others: Sequence[Workbench], *, settings: Settings, library: Path, model: str
) -> Workbench:
    """A workbench over a library folder; where one of `others` has it open, they share it.

    Raises StoreError and ModelError.
    """
    sharing = next((o for o in others if o.library.folder == library.absolute()), None)
    if sharing is None:
        return open_workbench(settings=settings, library=library, model=model)
    loaded = load_model(model, settings=settings)
    return Workbench(sharing.library, loaded, settings, start_worker=False)


def close_beside(bench: Workbench, others: Sequence[Workbench]) -> None:
    """Closes the workbench, and its library with the last one that shares it."""
    if sharing(bench, others):
        bench.worker.stop()
        bench.space.close()
    else:
        bench.close()


def queue_of_library(bench: Workbench, others: Sequence[Workbench]) -> Worker:
    """The worker that takes the files to be added next.

    The one at work goes on until its queue is empty. Then this workbench's takes over, so that new
    files get features of its model.
    """
    at_work = next((o.worker for o in (bench, *sharing(bench, others)) if o.worker.started), None)
    if bench.library.read_only or at_work is bench.worker:
        return bench.worker
    if at_work is not None and not at_work.wait_idle(0):
        return at_work
    if at_work is not None:
        at_work.stop()
    bench.worker.start()
    return bench.worker


def remove_everywhere(bench: Workbench, others: Sequence[Workbench], video_id: str) -> VideoRecord:
    """Removes a video with its features of all models. Raises NotFound and StoreReadOnly."""
    record = bench.remove(video_id)
    for other in sharing(bench, others):
        other.space.remove_video(record.ordinal)
        other.known_pairs.forget(record.video_id)
    return record


def sharing(bench: Workbench, others: Sequence[Workbench]) -> list[Workbench]:
    """Those of `others` that share the workbench's library, itself left out."""
    return [other for other in others if other is not bench and other.library is bench.library]
