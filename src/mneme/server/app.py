"""The application: its routes behind the gate, inside the frame."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mneme.calls import problems_of
from mneme.core.errors import InvalidInput, MnemeError
from mneme.memory import Memory
from mneme.server import keeping, reading, streams, verbs
from mneme.server.cursors import Cursors
from mneme.server.documents import describe, failures
from mneme.server.feed import Feed
from mneme.server.frame import Frame
from mneme.server.gate import Gate, Gated
from mneme.server.keys import Keys
from mneme.server.listening import listening
from mneme.server.metrics import MEDIA_TYPE, Metrics
from mneme.server.problems import plain_response, problem_response
from mneme.server.state import Served, State, Who, answer
from mneme.server.threads import DEFAULT_THREADS, Threads
from mneme.server.tracing import Tracing
from mneme.service import ADMIN, Service

GUARDED = ("/v1", "/mcp", "/metrics")
"""The paths for which a key is needed."""

Part = Callable[[FastAPI, State], Any]
"""Adds routes to the application; may return an async context manager that lives as long as the server."""


def create_app(
    memory: Memory,
    keys: Keys | None,
    *,
    threads: int = DEFAULT_THREADS,
    workers: int = 1,
    tracing: Tracing | None = None,
    metrics: Metrics | None = None,
    parts: Sequence[Part] = (),
) -> FastAPI:
    """Return the application over a memory.

    Args:
        memory: the engine; closing it is the caller's task.
        keys: who may call; None admits every request that comes to a loopback name.
        threads: how many quick calls may run at once.
        workers: how many processes share the keys' rate limits; each grants its part.
        tracing: makes spans.
        metrics: counts requests.
        parts: further faces, such as MCP and the inspector.
    """
    state = _state(memory, Gate(keys, workers=workers), Threads(threads), metrics or Metrics(), tracing)
    lives: list[Any] = []

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for life in lives:
                await stack.enter_async_context(life)
            ear = stack.enter_context(listening(memory, state.feed.changed))
            state.feed.told = lambda: ear.open
            await state.run(memory.embedder.embed, ["ready"])
            state.ready = True
            try:
                yield
            finally:
                state.ready = False
                state.feed.stop()
                if tracing is not None:
                    tracing.close()

    app = FastAPI(
        title="mneme", version=version("mneme"), docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=life
    )
    app.state.mneme = state
    for router in (verbs.router, keeping.router, reading.router, streams.router):
        app.include_router(router)
    _operating(app)
    _failing(app)
    describe(app, keyed=keys is not None)
    lives += [life for part in parts if (life := part(app, state)) is not None]
    app.add_middleware(Gated, gate=state.gate, prefixes=GUARDED)
    app.add_middleware(Frame, metrics=state.metrics, tracing=tracing)
    return app


def _state(memory: Memory, gate: Gate, threads: Threads, metrics: Metrics, tracing: Tracing | None) -> State:
    feeds: list[Feed] = []
    service = Service(memory, changed=lambda space: feeds[0].changed(space))
    feeds.append(Feed(service, gate, threads, metrics))
    secret = secrets.token_bytes(32) if gate.keys is None else gate.keys.cursor_secret()
    return State(
        service=service, gate=gate, cursors=Cursors(secret), feed=feeds[0], threads=threads, metrics=metrics, tracing=tracing
    )


def _operating(app: FastAPI) -> None:
    """Add the routes for whoever runs the server."""

    @app.get("/healthz", tags=["operating"])
    async def alive() -> dict[str, str]:
        """Tell that the process answers."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["operating"], responses={503: failures()[503]})
    async def ready(served: Served) -> Response:
        """Tell whether the storage can be reached and calls are taken."""
        if not served.ready:
            return plain_response(503, "NotReady", "the server is starting or stopping; try again")
        await served.run(served.service.memory.spaces)
        return answer({"status": "ready"})

    @app.get("/metrics", tags=["operating"], responses=failures())
    async def metrics(served: Served, who: Who) -> Response:
        """Return figures for Prometheus. Needs the right `admin`."""
        who.require(ADMIN)
        served.metrics.spaces_open = len(served.service.memory.open_spaces())
        return Response(served.metrics.text(), media_type=MEDIA_TYPE)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(served: Served) -> Response:
        """Return the OpenAPI document."""
        return answer(await served.run_long(app.openapi))


def _failing(app: FastAPI) -> None:
    """Add how failures are answered."""

    @app.exception_handler(MnemeError)
    async def ours(request: Request, error: MnemeError) -> Response:
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            return problem_response(InvalidInput({"body": "is no valid JSON in UTF-8"}))
        # The first part of a place is "body", "query", "path" or "header".
        return problem_response(InvalidInput(problems_of(error.errors(), skip=1)))

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, MnemeError):
            return problem_response(error.__cause__)
        headers = dict(error.headers) if error.headers else None
        return plain_response(error.status_code, "HTTPError", str(error.detail), headers)
