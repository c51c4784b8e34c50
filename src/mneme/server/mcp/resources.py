"""The resources: a memory, and the profile of a space."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from mneme import wire
from mneme.core.query import Filter
from mneme.core.records import Memory as Record
from mneme.engine.blocks import is_block, rendered
from mneme.server.mcp import replies
from mneme.server.mcp.desk import Desk, raising
from mneme.service import Caller

Ctx = Context[Any, Any]
PROFILE_TOKENS = 1200
_LASTING = ("profile", "preference", "fact", "skill", "lesson", "task")
_PAGE = 1000
_NAMES = ResourceSecurity(reject_path_traversal=False, reject_absolute_paths=False)  # names of spaces, and no paths


def add(server: MCPServer[Any], desk: Desk) -> None:
    """Add the resources."""

    @server.resource(
        "mneme://{space}/memories/{id}",
        name="memory",
        title="A memory",
        description="A memory with its times, sources and version, as JSON. The space's name is percent-encoded.",
        mime_type="application/json",
        security=_NAMES,
    )
    @raising
    async def memory(ctx: Ctx, space: str, id: str) -> str:
        found = await desk.run(desk.service.get, desk.who(ctx), unquote(space), id)
        return wire.encode(found).decode()

    @server.resource(
        "mneme://{space}/profile",
        name="profile",
        title="What a space knows, in short",
        description="The space's figures and what lasts in it: profile, preferences, facts, tasks; a page of text.",
        mime_type="text/markdown",
        security=_NAMES,
    )
    @raising
    async def profile(ctx: Ctx, space: str) -> str:
        return await desk.run(profile_of, desk, desk.who(ctx), unquote(space))


def profile_of(desk: Desk, who: Caller, space: str) -> str:
    """Return a space's profile: its figures, then what matters most in it, within ``PROFILE_TOKENS``."""
    stats = desk.service.stats(who, space)
    lasting = [memory for memory in _most_important(desk, who, space, Filter(kinds=_LASTING)) if not is_block(memory)]
    heading = "What lasts" if lasting else "Begins with"
    told = replies.evidence(lasting or _most_important(desk, who, space, Filter()), PROFILE_TOKENS - 60)
    blocks = desk.service.blocks(who, space)
    always = f"## Always in context\n\n{rendered(blocks)}\n\n" if blocks else ""
    return f"# {space}\n\n{replies.figures(stats)}\n\n{always}## {heading}\n\n{told or 'Nothing yet.'}\n"


def _most_important(desk: Desk, who: Caller, space: str, where: Filter) -> list[Record]:
    found = desk.service.memories(who, space, where, after="", limit=_PAGE, statuses=("active",))
    return sorted(found, key=lambda memory: (-memory.importance, memory.kind != "profile", memory.id))[:100]
