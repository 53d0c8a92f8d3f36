"""The application: who may call, what an error looks like, and the routes over one workbench.

No page of documentation is served: it would load its scripts from elsewhere. `/openapi.json`
describes every route.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

import visil_dash
from visil_dash.api.library import job_routes, library_routes
from visil_dash.api.pairs import pair_routes
from visil_dash.api.search import search_routes
from visil_dash.api.tokens import owner_of
from visil_dash.api.uploads import SentClips
from visil_dash.errors import (
    InputError,
    ModelError,
    NotFound,
    StoreError,
    StoreReadOnly,
    VisilDashError,
)
from visil_dash.workbench.bench import Workbench

# The first that fits decides.
_STATUS: tuple[tuple[type[VisilDashError], int], ...] = (
    (NotFound, 404),
    (InputError, 422),  # MediaRefused among them
    (StoreReadOnly, 409),
    (StoreError, 503),
    (ModelError, 503),
    (VisilDashError, 500),
)


def make_app(bench: Workbench, *, tokens: Path) -> FastAPI:
    """The interface over this workbench, for callers with one of the `tokens` (see tokens).

    Starts the worker where this process is the library's writer; closing the workbench is for the
    caller.
    """
    clips = SentClips(bench, bench.settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if not bench.library.read_only:
            bench.worker.start()
        yield
        clips.close()

    app = FastAPI(
        title="visil_dash",
        version=visil_dash.__version__,
        summary="Which videos of a library contain footage of a clip, at which seconds.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    bearer = HTTPBearer(auto_error=False, description="made by: visil-dash api token NAME")

    def person(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
        name = owner_of(tokens, given.credentials) if given else None
        if name is None:
            raise HTTPException(
                401,
                "a token is needed: Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )
        return name

    for kind, status in _STATUS:
        app.add_exception_handler(kind, _answer_with(status))
    allowed = [Depends(person)]
    app.include_router(library_routes(bench), dependencies=allowed)
    app.include_router(job_routes(bench), dependencies=allowed)
    app.include_router(search_routes(bench, clips), dependencies=allowed)
    app.include_router(pair_routes(bench, person), dependencies=allowed)
    return app


def _answer_with(status: int) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": type(error).__name__, "detail": str(error)}, status)

    return answer
