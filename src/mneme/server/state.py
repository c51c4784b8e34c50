"""What the routes of one server share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import unquote

from fastapi import Depends, Path, Request
from pydantic import AfterValidator
from starlette.responses import Response

from mneme import wire
from mneme.core.errors import Unauthorised
from mneme.server.cursors import Cursors
from mneme.server.feed import Feed
from mneme.server.gate import CALLER, Gate
from mneme.server.metrics import Metrics
from mneme.server.threads import Threads
from mneme.server.tracing import Tracing
from mneme.service import Caller, Service

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class State:
    """One server's parts."""

    service: Service
    gate: Gate
    cursors: Cursors
    feed: Feed
    threads: Threads
    metrics: Metrics
    tracing: Tracing | None = None
    ready: bool = field(default=False)

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a quick blocking call on a thread."""
        return await self.threads.run(function, *args, **kwargs)

    async def run_long(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a blocking call that may take seconds on a thread."""
        return await self.threads.run_long(function, *args, **kwargs)


async def state_of(request: Request) -> State:
    """Return the state of the server that answers."""
    # A coroutine although it waits for nothing: FastAPI would run a plain function on a thread.
    state: State = request.app.state.mneme
    return state


async def caller_of(request: Request) -> Caller:
    """Return who calls, as the gate found.

    Raises:
        Unauthorised: the request did not pass the gate, so nobody is known to have sent it.
    """
    caller = request.scope.get(CALLER)
    if not isinstance(caller, Caller):
        raise Unauthorised("no key was given")
    return caller


def decoded(value: str) -> str:
    """Return a part of a path without its percent signs."""
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("is not percent-encoded UTF-8") from None


Served = Annotated[State, Depends(state_of)]
Who = Annotated[Caller, Depends(caller_of)]
SpaceName = Annotated[
    str,
    Path(description="Name of the space, percent-encoded.", min_length=1, max_length=2400, examples=["ana"]),
    AfterValidator(decoded),
]
MemoryId = Annotated[
    str,
    Path(description="Id of the memory.", min_length=1, max_length=300, examples=["mem_01j8z4k2m5qq0x7c3d9f"]),
    AfterValidator(decoded),
]


def answer(value: Any, headers: dict[str, str] | None = None) -> Response:
    """Return a result as JSON."""
    return Response(wire.encode(value), media_type="application/json", headers=headers)
