"""Where MCP calls arrive: who calls, for which space, and how failures are told."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, TextContent
from pydantic import ValidationError

from mneme.calls import problems_of
from mneme.core.error_map import codes_of
from mneme.core.errors import InvalidInput, MnemeError, Unauthorised
from mneme.server.gate import CALLER
from mneme.server.mcp.recent import Recent
from mneme.server.threads import Threads
from mneme.service import Caller, Service

DEFAULT_SPACE = "default"
ERROR_META = "mneme/error"
"""Where a failed tool call carries the error's class and code."""

_P = ParamSpec("_P")
_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the tools, resources and prompts of one MCP server share.

    Args:
        service: the verbs.
        threads: where calls run.
        caller: who calls; None takes whoever the gate admitted, request by request.
        space: the space of calls that name none; None takes the only space of the caller, or ``default``.
        recent: what callers were shown.
    """

    service: Service
    threads: Threads
    caller: Caller | None = None
    space: str | None = None
    recent: Recent = field(default_factory=Recent)

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a blocking call on a thread."""
        return await self.threads.run(function, *args, **kwargs)

    def who(self, ctx: Context[Any, Any]) -> Caller:
        """Return who calls.

        Raises:
            Unauthorised: the request did not pass the gate.
        """
        if self.caller is not None:
            return self.caller
        found = getattr(ctx.request_context.request, "scope", {}).get(CALLER)
        if not isinstance(found, Caller):
            raise Unauthorised("no key was given")
        return found

    def where(self, caller: Caller, space: str | None) -> str:
        """Return the space of a call."""
        if space is not None:
            return space
        if self.space is not None:
            return self.space
        only = caller.spaces[0] if len(caller.spaces) == 1 else "*"
        return DEFAULT_SPACE if "*" in only else only


def telling(tool: Callable[_P, Awaitable[str]]) -> Callable[_P, Awaitable[CallToolResult]]:
    """Return a tool whose failures reach the model as results that it can act on; what nobody expected stays a crash."""

    @functools.wraps(tool)
    async def told(*args: _P.args, **kwargs: _P.kwargs) -> CallToolResult:
        try:
            return CallToolResult(content=[TextContent(type="text", text=await tool(*args, **kwargs))])
        except MnemeError as error:
            return failed(error)

    told.__annotations__ = {**tool.__annotations__, "return": CallToolResult}
    return told


def failed(error: MnemeError) -> CallToolResult:
    """Return an error as the result of a tool."""
    name = type(error).__name__
    return CallToolResult(
        content=[TextContent(type="text", text=f"{name}: {error}"[:2000])],
        is_error=True,
        _meta={ERROR_META: {"type": name, "code": codes_of(error).mcp}},
    )


def raising(read: Callable[_P, Awaitable[_R]]) -> Callable[_P, Awaitable[_R]]:
    """Return a resource or prompt whose failures become errors of the protocol."""

    @functools.wraps(read)
    async def raised(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return await read(*args, **kwargs)
        except MnemeError as error:
            raise MCPError(code=codes_of(error).mcp, message=str(error)[:2000]) from error

    return raised


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What arguments a tool or prompt takes.

    Args:
        known: the names of all of them.
        required: those that can't be left out.
        check: refuses bad values with pydantic's error; None where any text will do.
    """

    known: frozenset[str]
    required: frozenset[str]
    check: Callable[[dict[str, Any]], object] | None = None


async def check_names(
    tools: Mapping[str, Taken], prompts: Mapping[str, Taken], ctx: ServerRequestContext[Any, Any], go: CallNext
) -> HandlerResult:
    """Refuse arguments that a tool or prompt does not have, a misspelt ``erase`` must not pass unseen, and bad values, in our own words.

    Args:
        tools, prompts: name -> what it takes.
        ctx: the request.
        go: answers it.

    Raises:
        MCPError: a prompt is unknown, or its arguments are.
    """
    params = ctx.params or {}
    name, given = params.get("name"), params.get("arguments") or {}
    if not isinstance(name, str) or not isinstance(given, Mapping):
        return await go(ctx)
    if ctx.method == "tools/call" and name in tools and (problems := _unknown(given, tools[name]) or _bad(given, tools[name])):
        return failed(InvalidInput(problems))
    if ctx.method == "prompts/get":
        if name not in prompts:
            raise MCPError(code=INVALID_PARAMS, message=f"name: there is no such prompt; there are {', '.join(sorted(prompts))}")
        missing = {one: "is missing" for one in sorted(prompts[name].required - given.keys())}
        if problems := missing | _unknown(given, prompts[name]):
            raise MCPError(code=INVALID_PARAMS, message=str(InvalidInput(problems)))
    return await go(ctx)


def _unknown(given: Mapping[str, Any], taken: Taken) -> dict[str, str]:
    unknown = sorted(str(name)[:40].encode("utf-8", "replace").decode() for name in given if name not in taken.known)
    return dict.fromkeys(unknown[:5], f"is unknown; known are {', '.join(sorted(taken.known))}")


def _bad(given: Mapping[str, Any], taken: Taken) -> dict[str, str]:
    """Return what is wrong with values; what was sent is not repeated."""
    if taken.check is None:
        return {}
    try:
        taken.check(dict(given))
    except ValidationError as error:
        return problems_of(error.errors(include_url=False, include_input=False, include_context=False))
    return {}
