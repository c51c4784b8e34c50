"""The tools: the verbs, with the arguments and meanings that they have everywhere else, and short replies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from mneme import calls
from mneme.core.errors import NotFound
from mneme.core.query import ErasureReport, Recall
from mneme.core.records import Kind
from mneme.server.mcp import replies
from mneme.server.mcp.desk import Desk, telling
from mneme.service import Caller

DEFAULT_TOKENS = 800
MOST_TOKENS = 20_000

Ctx = Context[Any, Any]
SpaceName = Annotated[str | None, Field(description="Space to work on; leave out for the usual one.", min_length=1, max_length=200)]
Budget = Annotated[int, Field(ge=50, le=MOST_TOKENS, description="How long the reply may be, in tokens.")]
Id = Annotated[str, Field(description="Id of a memory, such as mem_01j8z4k2m5qq0x7c3d9f.", min_length=1, max_length=100)]
Ids = Annotated[list[Id], Field(max_length=1000)]
Reason = Annotated[str | None, Field(description="Why; kept in the journal.", max_length=2000)]
Words = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=50)]
Moment = Annotated[str | None, Field(description="ISO 8601 with a zone, such as 2024-05-01T14:30:00Z.", max_length=40)]

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
_CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_REMOVES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


def add_reading(server: MCPServer[Any], desk: Desk) -> None:
    """Add the tools that only read: recall, ask, history."""

    @server.tool(title="Recall", annotations=_READS, structured_output=False)
    @telling
    async def recall(
        ctx: Ctx,
        query: Annotated[str, Field(description="What you want to know, in plain words.", max_length=20_000)],
        k: Annotated[int, Field(ge=1, le=100, description="How many memories at most.")] = 10,
        budget_tokens: Budget = DEFAULT_TOKENS,
        kinds: Annotated[list[Kind], Field(description="Only these kinds; leave out for all.")] = [],  # noqa: B006 - the schema's default
        authors: Words = [],  # noqa: B006
        since: Moment = None,
        until: Moment = None,
        as_of: Annotated[Moment, Field(description="What held in the world at that moment.")] = None,
        known_at: Annotated[Moment, Field(description="What this memory knew at that moment.")] = None,
        archived: bool = False,
        space: SpaceName = None,
    ) -> str:
        """Find what bears on a question: dated memories with their ids, oldest first. Empty when there are none."""
        filters = _given(kinds=kinds or None, authors=authors or None, since=since, until=until)
        arguments = _given(query=query, k=k, filters=filters, as_of=as_of, known_at=known_at, archived=archived)
        who, found = desk.who(ctx), calls.parse(calls.Recall, arguments)
        recalled = await _recalled(desk, who, desk.where(who, space), found)
        desk.recent.show(who, desk.where(who, space), recalled)
        told = replies.evidence([hit.memory for hit in recalled.hits], budget_tokens)
        return told or "Nothing found."

    @server.tool(title="Ask", annotations=_READS, structured_output=False)
    @telling
    async def ask(
        ctx: Ctx,
        query: Annotated[str, Field(description="A question.", max_length=20_000)],
        budget_tokens: Budget = 400,
        as_of: Annotated[Moment, Field(description="What held in the world at that moment.")] = None,
        space: SpaceName = None,
    ) -> str:
        """Answer a question from what is remembered, citing the memories word for word, or say that it is not known."""
        who, call = desk.who(ctx), calls.parse(calls.Ask, _given(question=query, as_of=as_of))
        answered = await desk.run(desk.service.ask, who, desk.where(who, space), call)
        return replies.answered(answered, budget_tokens)

    @server.tool(title="History", annotations=_READS, structured_output=False)
    @telling
    async def history(ctx: Ctx, id: Id, budget_tokens: Budget = DEFAULT_TOKENS, space: SpaceName = None) -> str:
        """Tell what happened to a memory: every version, who changed it, when and why."""
        who = desk.who(ctx)
        return replies.steps(await desk.run(desk.service.history, who, desk.where(who, space), id), budget_tokens)


def add_writing(server: MCPServer[Any], desk: Desk) -> None:
    """Add the tools that write: remember, revise, feedback."""

    @server.tool(title="Remember", annotations=_ADDS, structured_output=False)
    @telling
    async def remember(
        ctx: Ctx,
        what: Annotated[str | list[str], Field(description="What to keep: one statement or message, or several.")],
        kind: Annotated[Kind, Field(description="turn for what was said; fact, event, task, ... for what you concluded.")] = "turn",
        author: Annotated[str | None, Field(description="Who said it.", max_length=200)] = None,
        session: Annotated[str | None, Field(description="The conversation it belongs to.", max_length=200)] = None,
        at: Annotated[Moment, Field(description="When it was said or happened; now if left out.")] = None,
        tags: Words = [],  # noqa: B006
        key: Annotated[str | None, Field(description="The same call with the same key is done once.", max_length=200)] = None,
        space: SpaceName = None,
    ) -> str:
        """Keep something, durably; the next recall finds it. Write whole sentences that can be understood alone."""
        arguments = _given(what=what, kind=kind, author=author, session=session, at=at, tags=tags, key=key)
        who, call = desk.who(ctx), calls.parse(calls.Remember, arguments)
        return replies.receipt(await desk.run(desk.service.remember, who, desk.where(who, space), call))

    @server.tool(title="Revise", annotations=_CHANGES, structured_output=False)
    @telling
    async def revise(
        ctx: Ctx,
        id: Id,
        text: Annotated[str, Field(description="What it should say.", min_length=1)],
        since: Annotated[Moment, Field(description="When the world changed. Leave out to correct an error.")] = None,
        expected_version: Annotated[int | None, Field(ge=1, description="Refuse unless it is at this version.")] = None,
        reason: Reason = None,
        space: SpaceName = None,
    ) -> str:
        """Correct a memory that was wrong, or with `since` tell that the world changed. The old version stays in the history."""
        arguments = _given(text=text, since=since, expected_version=expected_version, reason=reason)
        who, call = desk.who(ctx), calls.parse(calls.Revise, arguments)
        return replies.receipt(await desk.run(desk.service.revise, who, desk.where(who, space), id, call))

    @server.tool(title="Feedback", annotations=_ADDS, structured_output=False)
    @telling
    async def feedback(ctx: Ctx, useful: Ids = [], useless: Ids = [], space: SpaceName = None) -> str:  # noqa: B006
        """Tell which recalled memories helped and which did not, by their ids."""
        who = desk.who(ctx)
        where = desk.where(who, space)
        hits = desk.recent.hits(who, where, [*useful, *useless])
        call = calls.Feedback(useful=useful, useless=useless, hits=hits)
        try:
            done = await desk.run(desk.service.feedback, who, where, call)
        except NotFound:  # of the hits, one was erased since
            if hits is None:
                raise
            done = await desk.run(desk.service.feedback, who, where, calls.Feedback(useful=useful, useless=useless))
        return replies.receipt(done)


def add_forgetting(server: MCPServer[Any], desk: Desk) -> None:
    """Add the tool that forgets."""

    @server.tool(title="Forget", annotations=_REMOVES, structured_output=False)
    @telling
    async def forget(
        ctx: Ctx,
        target: Annotated[Id | Ids, Field(description="An id, or several.")],
        erase: Annotated[bool, Field(description="Remove the content for good; can't be undone. Ask the person first.")] = False,
        reason: Reason = None,
        space: SpaceName = None,
    ) -> str:
        """Take memories out of recall; they can be restored. With `erase` remove them for good and report what was searched."""
        who, call = desk.who(ctx), calls.parse(calls.Forget, _given(target=target, erase=erase, reason=reason))
        done = await desk.run(desk.service.forget, who, desk.where(who, space), call)
        return replies.erased(done) if isinstance(done, ErasureReport) else replies.receipt(done)


def add_working(server: MCPServer[Any], desk: Desk) -> None:
    """Add the tool for deferred work."""

    @server.tool(title="Jobs", annotations=_CHANGES, structured_output=False)
    @telling
    async def jobs(
        ctx: Ctx,
        action: Annotated[Literal["list", "retry", "drop"], Field(description="retry or drop work that was given up.")] = "list",
        ids: Annotated[list[Id], Field(max_length=1000, description="Ids of jobs; leave out for all that were given up.")] = [],  # noqa: B006
        space: SpaceName = None,
    ) -> str:
        """List work on memories that waits or was given up, with the reason; put it back into the queue, or drop it. Messages stay."""
        who = desk.who(ctx)
        where = desk.where(who, space)
        if action == "list":
            states = ("dead", "leased", "waiting")
            found = await desk.run(desk.service.jobs, who, where, states=states)
            return replies.jobs([job for job in found if not ids or job.id in ids], DEFAULT_TOKENS)
        change = desk.service.retry_jobs if action == "retry" else desk.service.drop_jobs
        done = await desk.run(change, who, where, calls.parse(calls.Jobs, {"ids": ids}))
        return f"jobs: {'back in the queue' if action == 'retry' else 'dropped'}: {replies.named(done.jobs) or 'none'}"


async def _recalled(desk: Desk, who: Caller, space: str, call: calls.Recall) -> Recall:
    """Return a recall; an agent's first one comes before anything was remembered, and finds nothing."""
    try:
        return await desk.run(desk.service.recall, who, space, call)
    except NotFound as error:
        if error.what != "space":
            raise
        return Recall(query=call.query, hits=())


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}
