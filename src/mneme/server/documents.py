"""What the OpenAPI document says beside the routes, and how JSON bodies are read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, PydanticJsonSchemaWarning
from pydantic_core import PydanticOmit
from pydantic_core.core_schema import CallableSchema
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


class _Schemas(GenerateJsonSchema):
    """Schemas of results; a function in a record, such as one that counts tokens, does not travel."""

    def callable_schema(self, schema: CallableSchema) -> JsonSchemaValue:
        raise PydanticOmit


_RESULTS: dict[str, Any] = {}


def result(kind: Any, example: Any = None) -> dict[int | str, dict[str, Any]]:
    """Return the answer of a call that succeeds."""
    # Results are described from their classes, but never checked against them again: they come from the engine.
    name = re.sub(r"\W+", "_", getattr(kind, "__name__", "") if isinstance(kind, type) else str(kind).replace("mneme.core.", "")).strip("_")
    _RESULTS[name] = kind
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if example is not None:
        content["example"] = example
    return {200: {"description": "Done.", "content": {"application/json": content}}}


def _result_schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    with warnings.catch_warnings():
        # The empty mapping that records have as a default is left out of their schemas, which is right.
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
        for name, kind in _RESULTS.items():
            adapter: TypeAdapter[Any] = TypeAdapter(kind)
            made = adapter.json_schema(mode="serialization", ref_template="#/components/schemas/{model}", schema_generator=_Schemas)
            schemas |= made.pop("$defs", {})
            schemas[name] = made
    return schemas


def describe(app: FastAPI, *, keyed: bool) -> None:
    """Make the application's OpenAPI document complete: problems, and keys where they are needed."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=_ABOUT.strip(), routes=app.routes)
            parts = made.setdefault("components", {})
            parts["schemas"] = {**_result_schemas(), **parts.get("schemas", {}), "Problem": _PROBLEM}
            if keyed:
                parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "mneme_<id>_<secret>"}}
                for path, methods in made["paths"].items():
                    for method in methods.values():
                        if path.startswith("/v1") or path == "/metrics":
                            method["security"] = [{"key": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
