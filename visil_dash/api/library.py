"""Routes of the library: its videos, adding them, and the jobs that do it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from visil_dash.api.uploads import write_body
from visil_dash.library.sharing.beside_writer import hand_over
from visil_dash.media.allowed import allowed_path
from visil_dash.media.files import video_files
from visil_dash.records import JobRecord, VideoRecord
from visil_dash.workbench.bench import Workbench

Name = Annotated[str, Query(min_length=1, max_length=255, description="file name to show")]


def library_routes(bench: Workbench) -> APIRouter:
    routes = APIRouter(tags=["library"])

    @routes.get("/videos", summary="All videos, in the order of their arrival")
    def videos() -> list[VideoRecord]:
        return list(bench.videos())

    @routes.get("/videos/{key}", summary="One video, by its id, a unique prefix of it, or its name")
    def video(key: str) -> VideoRecord:
        return bench.library.video(key)

    @routes.post("/videos", status_code=202, summary="Add the video that is the request's body")
    async def add(name: Name, request: Request) -> JobRecord:
        staged = bench.library.stage(name)
        try:
            most = bench.settings.most_copied
            await write_body(request.stream(), staged, name=name, most=most)
            return await run_in_threadpool(bench.add_upload, staged, name=name)  # may wait for room
        except BaseException:
            bench.library.discard_staged(staged)
            raise

    @routes.post(
        "/videos/from-path",
        status_code=202,
        summary="Add a file or folder of this machine, within VISIL_DASH_ALLOWED_FOLDERS; with"
        " in_place the files stay where they lie",
    )
    def add_path(path: str, in_place: bool = False) -> list[JobRecord]:
        found: Path = allowed_path(path, settings=bench.settings)
        if not bench.library.read_only:
            return bench.add_paths([found], in_place=in_place)
        handed = hand_over(bench.library, video_files([found]), in_place=in_place)
        return [bench.worker.job(job_id) for job_id in handed]

    @routes.get("/status", summary="What the library is searched with")
    def status() -> dict[str, Any]:
        return {
            "videos": len(bench.videos()),
            "model": bench.model.name,
            "extractor": bench.extractor,
            "threshold": bench.threshold(),
            "match_score": bench.match_score(),
            "writer": not bench.library.read_only,
            "index": asdict(bench.space.status()),
        }

    return routes


def job_routes(bench: Workbench) -> APIRouter:
    routes = APIRouter(tags=["jobs"])

    @routes.get("/jobs", summary="Files on their way into the library, and what came of them")
    def jobs() -> list[JobRecord]:
        return list(bench.jobs())

    @routes.get("/jobs/{job_id}", summary="One of them")
    def job(job_id: str) -> JobRecord:
        return bench.worker.job(job_id)

    @routes.post("/jobs/{job_id}/cancel", summary="Stop adding a file")
    def cancel(job_id: str) -> JobRecord:
        bench.require_writer()
        bench.worker.cancel(job_id)
        return bench.worker.job(job_id)

    return routes
