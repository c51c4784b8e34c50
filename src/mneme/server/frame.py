"""What surrounds every request: an id, the clock, figures, a log line, and an answer even to what nobody expected."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from mneme.server.gate import CALLER
from mneme.server.logs import LOGGER
from mneme.server.metrics import Metrics
from mneme.server.problems import plain_response
from mneme.server.tracing import Tracing

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "mneme.request_id"
_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_NO_STORE = (b"cache-control", b"no-store")
_NO_SNIFF = (b"x-content-type-options", b"nosniff")


class Frame:
    """An application with what surrounds every request.

    Args:
        app: the application.
        metrics: counts requests.
        tracing: makes spans; None makes none.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw = scope.get("raw_path") or b""
        if raw.startswith(b"/v1/"):
            # A name may hold a slash, sent as %2F: routes match the path as it was sent, and every part is decoded once, later.
            scope["path"] = raw.split(b"?")[0].decode("ascii", "replace")
        scope[REQUEST_ID] = request_id = _id(scope)
        start, status, begun = time.perf_counter(), 500, False

        async def sending(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                _add_headers(message, request_id, api=raw.startswith(b"/v1"))
            await send(message)

        self._metrics.begin()
        try:
            if self._tracing is None:
                await self._app(scope, receive, sending)
            else:
                with self._tracing.request(scope) as span:
                    await self._app(scope, receive, sending)
                    span.end_with(route_of(scope), status)
        except Exception as error:  # noqa: BLE001 - the boundary of the server: recorded, and answered without its message
            LOGGER.error("failed", exc_info=error, extra={"fields": {"request": request_id, "route": route_of(scope)}})
            if not begun:
                detail = f"the server failed; its log says where, under request {request_id}"
                await plain_response(500, "InternalError", detail)(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - start
            self._metrics.end(scope["method"], route_of(scope), status, seconds)
            _log(scope, request_id, status, seconds)


def route_of(scope: Scope) -> str:
    """Return the template of the route that answered, which names no space."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return str(path) if path else "other"


def _id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.fullmatch(value):
            return str(value.decode())
    return uuid.uuid4().hex


def _add_headers(message: Message, request_id: str, *, api: bool) -> None:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", []))
    there = {name.lower() for name, _ in headers}
    wanted = [(b"x-request-id", request_id.encode()), _NO_SNIFF]
    if api:
        wanted.append(_NO_STORE)
    message["headers"] = headers + [(name, value) for name, value in wanted if name not in there]


def _log(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    route = route_of(scope)
    if not LOGGER.isEnabledFor(logging.INFO) or (route in _QUIET and status < 400):
        return
    fields: dict[str, Any] = {
        "request": request_id,
        "method": scope["method"],
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 2),
    }
    caller = scope.get(CALLER)
    if caller is not None:
        fields["actor"] = caller.actor
    LOGGER.info("request", extra={"fields": fields})
