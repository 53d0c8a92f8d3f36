"""Routes of a search: sending a clip, searching for it, and the report."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from visil_dash.api.library import Name
from visil_dash.api.uploads import SentClips, write_body
from visil_dash.exports.search import search_as_dict
from visil_dash.records import MediaInfo, SearchResult
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.proving import proof_budget
from visil_dash.workbench.questions import LookInside, search_many
from visil_dash.workbench.reports import search_report


@dataclass(frozen=True)
class SentClip:
    """`query_id`: to be given to /search, /compare and /report."""

    query_id: str
    name: str
    info: MediaInfo


@dataclass(frozen=True)
class AskedSearch:
    """As the options of the command `search`, with the same defaults."""

    threshold: Annotated[float | None, Query(ge=0, description="squared-L2 threshold")] = None
    exhaustive: Annotated[bool, Query(description="compare with every video")] = False
    inside: Annotated[LookInside, Query(description="search with parts of the picture")] = "auto"
    other_shapes: Annotated[bool, Query(description="search as part of other shapes")] = True
    budget: Annotated[int | None, Query(ge=0, description="candidates re-ranked; 0: all")] = None
    tag: Annotated[list[str] | None, Query(description="only videos with all of these")] = None
    top: Annotated[int | None, Query(ge=1, description="only the best so many")] = None
    proof: Annotated[float | None, Query(ge=0, description="seconds for proofs; 0: none")] = None


def search_routes(bench: Workbench, clips: SentClips) -> APIRouter:
    routes = APIRouter(tags=["search"])

    @routes.post("/clips", status_code=201, summary="Send a query clip as the request's body")
    async def send(name: Name, request: Request) -> SentClip:
        path = clips.place()
        try:
            await write_body(request.stream(), path, name=name, most=bench.settings.most_copied)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        clip = await run_in_threadpool(clips.open, path, name=name)
        return SentClip(clip.query_id, clip.name, clip.info)

    @routes.get("/search", summary="Videos that share footage with a clip or library video")
    def search(query: str, options: Annotated[AskedSearch, Depends()]) -> dict[str, Any]:
        return search_as_dict(searched(bench, query, options))

    @routes.get("/report", response_class=HTMLResponse, summary="The same as one page, with frames")
    def report(
        query: str,
        options: Annotated[AskedSearch, Depends()],
        matches: Annotated[int, Query(ge=1, le=200)] = 20,
        spans: Annotated[int, Query(ge=0, le=20)] = 3,
    ) -> str:
        result = searched(bench, query, options)
        return search_report(bench, result, matches=matches, spans=spans)

    return routes


def searched(bench: Workbench, query: str, options: AskedSearch) -> SearchResult:
    """Raises what prevents an answer."""
    (answer,) = search_many(
        bench,
        [query],
        threshold=options.threshold,
        exhaustive=options.exhaustive,
        inside=options.inside,
        other_shapes=options.other_shapes,
        budget=options.budget,
        tags=options.tag or (),
        top=options.top,
        proof_seconds=proof_budget(bench, options.proof),
    )
    if answer.result is None:
        assert answer.error is not None
        raise answer.error
    return answer.result
