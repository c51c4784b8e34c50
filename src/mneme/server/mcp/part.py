"""MCP over streamable HTTP, under ``/mcp`` of the server, behind its gate."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Match, Route

from mneme.server.keys import DEFAULT_MAX_BYTES
from mneme.server.mcp.build import build
from mneme.server.mcp.desk import Desk

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Scope

    from mneme.server.state import State

PATH = "/mcp"


class _Named(Route):
    """A route that tells figures and logs its name, as the server's own do."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is this route's."""
        match, more = super().matches(scope)
        return match, {**more, "route": self}


def add(app: FastAPI, state: State) -> AbstractAsyncContextManager[Any]:
    """Add MCP to the application.

    Every request stands for itself and carries its own key, so any server process over the root can answer it. Hosts and origins were
    judged by the gate before.

    Returns:
        What has to live as long as the server.
    """
    server = build(Desk(service=state.service, threads=state.threads))
    made = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=DEFAULT_MAX_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    for route in made.routes:
        if isinstance(route, Route):
            # A stream that the client opens with GET would never carry anything here, and would hold up a stopping server.
            app.router.routes.append(_Named(route.path, endpoint=route.endpoint, methods=["POST"], include_in_schema=False))
    return server.session_manager.run()
