"""What the OpenAPI document says beside the routes, and how JSON bodies are read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import Response

from mneme.server.problems import MEDIA_TYPE, STATUSES

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "problems": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "example": {
        "type": "urn:mneme:error:NotFound",
        "title": "NotFound",
        "status": 404,
        "detail": "memory: there is no memory 'mem_x' in this space",
        "what": "memory",
        "name": "mem_x",
    },
}
_ABOUT = """
The memory of an AI agent over HTTP. Send a key as `Authorization: Bearer mneme_...`; a key opens certain spaces and holds certain
rights (`read`, `write`, `erase`, `admin`). Names of spaces in paths are percent-encoded. Times are ISO 8601 with a zone. Failures are
`application/problem+json`. Listings give `next`, an opaque cursor for the same call by the same key.
"""


class _JSONRequest(Request):
    """A request whose JSON is read strictly: UTF-8, no NaN, no lone surrogates."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class JSONRoute(APIRoute):
    """A route that reads JSON strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(_JSONRequest(request.scope, request.receive))

        return strict


def failures() -> dict[int | str, dict[str, Any]]:
    """Return the answers with which every call can fail."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in STATUSES}


def result(kind: Any, example: Any = None) -> dict[int | str, dict[str, Any]]:
    """Return the answer of a call that succeeds."""
    described: dict[str, Any] = {"model": kind, "description": "Done."}
    if example is not None:
        described["content"] = {"application/json": {"example": example}}
    return {200: described}


def describe(app: FastAPI, *, keyed: bool) -> None:
    """Make the application's OpenAPI document complete: problems, and keys where they are needed."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=_ABOUT.strip(), routes=app.routes)
            parts = made.setdefault("components", {})
            parts.setdefault("schemas", {})["Problem"] = _PROBLEM
            if keyed:
                parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "mneme_<id>_<secret>"}}
                for path, methods in made["paths"].items():
                    for method in methods.values():
                        if path.startswith("/v1") or path == "/metrics":
                            method["security"] = [{"key": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
