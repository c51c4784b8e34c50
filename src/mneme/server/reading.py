"""Routes that read: spaces, memories, histories, episodes, the journal, jobs; page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from mneme.core.journal import Entry
from mneme.core.query import Filter
from mneme.core.records import Episode, Job
from mneme.core.records import Kind as MemoryKind
from mneme.core.records import Memory as Record
from mneme.server.documents import JSONRoute, failures, result
from mneme.server.state import MemoryId, Served, SpaceName, Who, answer
from mneme.server.verbs import etag
from mneme.space import Step
from mneme.values import LARGEST, Moment

router = APIRouter(prefix="/v1", route_class=JSONRoute, responses=failures(), tags=["reading"])

MOST_ITEMS = 1000
_T = TypeVar("_T")
_Status = Literal["active", "archived", "quarantined", "undone"]
_JobState = Literal["waiting", "leased", "done", "dead", "cancelled"]
_Words = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=100)]

Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many items a page has at most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the page before; the other arguments must be the same.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]


class Page(BaseModel, Generic[_T]):
    """A page of a listing; `next` is null on the last."""

    items: list[_T]
    next: str | None = None


class Chosen(BaseModel):
    """Which memories a listing shows."""

    model_config = ConfigDict(extra="forbid")

    kinds: list[MemoryKind] = []
    authors: _Words = []
    roles: _Words = []
    sessions: _Words = []
    channels: _Words = []
    tiers: _Words = []
    refs: _Words = []
    ids: _Words = []
    tags: _Words = []
    since: Moment | None = None
    until: Moment | None = None
    status: list[_Status] = ["active"]
    after: Annotated[str, Field(max_length=100)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS)] = 100
    cursor: Annotated[str | None, Field(max_length=1000)] = None

    def filter(self) -> Filter:
        """Return the filter as the engine takes it."""
        values = {name: getattr(self, name) for name in Filter.__dataclass_fields__ if name != "archived"}
        fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return Filter(**fields)


@router.get("/spaces", responses=result(Page[str], {"items": ["ana", "bo"], "next": None}))
async def spaces(served: Served, who: Who, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the spaces that the key opens."""
    scope = ("spaces", who.key_id)
    after = "" if cursor is None else str(served.cursors.read(cursor, *scope))
    names = [name for name in await served.run(served.service.spaces, who) if name > after]
    return answer(_page(served, names[: limit + 1], limit, lambda name: name, scope))


@router.get("/spaces/{space}", responses=result(dict[str, Any], {"space": "ana", "active": 2, "episodes": 2, "entries": 2}))
async def stats(served: Served, who: Who, space: SpaceName) -> Response:
    """Tell what a space holds, in figures."""
    return answer(await served.run(served.service.stats, who, space))


@router.get("/spaces/{space}/memories", responses=result(Page[Record]))
async def memories(served: Served, who: Who, space: SpaceName, chosen: Annotated[Chosen, Query()]) -> Response:
    """List memories in the order of their ids."""
    where = chosen.filter()
    scope = ("memories", who.key_id, space, _plain_filter(where), chosen.status, chosen.after)
    after = chosen.after if chosen.cursor is None else str(served.cursors.read(chosen.cursor, *scope))
    found = await served.run(
        served.service.memories, who, space, where, after=after, limit=chosen.limit + 1, statuses=tuple(chosen.status)
    )
    return answer(_page(served, found, chosen.limit, lambda memory: memory.id, scope))


@router.get(
    "/spaces/{space}/memories/{id}",
    responses={**result(Record), 304: {"description": "It is still at the version of If-None-Match."}},
)
async def memory(served: Served, who: Who, space: SpaceName, id: MemoryId, if_none_match: IfNoneMatch = None) -> Response:
    """Return a memory in its present version, with the version as its ETag."""
    found = await served.run(served.service.get, who, space, id)
    tag = etag(found.version)
    if if_none_match is not None and tag in (one.strip().removeprefix("W/") for one in if_none_match.split(",")):
        return Response(status_code=304, headers={"ETag": tag})
    return answer(found, {"ETag": tag})


@router.get("/spaces/{space}/memories/{id}/history", responses=result(list[Step]))
async def history(served: Served, who: Who, space: SpaceName, id: MemoryId) -> Response:
    """Return what happened to a memory, oldest first; erased content shows as null."""
    return answer(await served.run(served.service.history, who, space, id))


@router.get("/spaces/{space}/episodes", responses=result(Page[Episode]))
async def episodes(
    served: Served,
    who: Who,
    space: SpaceName,
    ids: Annotated[list[Annotated[str, Field(max_length=100)]], Query(max_length=MOST_ITEMS, description="These, instead of a page.")] = [],  # noqa: B006
    after: Annotated[str, Query(max_length=100, description="Those after this id.")] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List episodes, the raw input, in the order of their ids."""
    if ids:
        return answer({"items": await served.run(served.service.episodes_of, who, space, ids), "next": None})
    scope = ("episodes", who.key_id, space, after)
    start = after if cursor is None else str(served.cursors.read(cursor, *scope))
    found = await served.run(served.service.episodes, who, space, after=start, limit=limit + 1)
    return answer(_page(served, found, limit, lambda episode: episode.id, scope))


@router.get("/spaces/{space}/episodes/{id}", responses=result(Episode))
async def episode(served: Served, who: Who, space: SpaceName, id: MemoryId) -> Response:
    """Return an episode."""
    return answer(await served.run(served.service.episode, who, space, id))


@router.get("/spaces/{space}/journal", responses=result(Page[Entry]))
async def journal(
    served: Served,
    who: Who,
    space: SpaceName,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="Entries with a higher number than this.")] = 0,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List journal entries, oldest first."""
    scope = ("journal", who.key_id, space, after)
    start = after if cursor is None else int(served.cursors.read(cursor, *scope))
    found = await served.run(served.service.journal, who, space, after=start, limit=limit + 1)
    return answer(_page(served, found, limit, lambda entry: entry.seq, scope))


@router.get("/spaces/{space}/jobs", responses=result(list[Job]))
async def jobs(served: Served, who: Who, space: SpaceName, state: Annotated[list[_JobState], Query()] = []) -> Response:  # noqa: B006
    """List deferred work."""
    return answer(await served.run(served.service.jobs, who, space, states=tuple(state)))


def _page(served: Served, found: Sequence[Any], limit: int, position: Any, scope: tuple[Any, ...]) -> dict[str, Any]:
    """Return a page of one more item than it shows, so that the last page is known to be the last."""
    items = list(found[:limit])
    more = len(found) > limit
    return {"items": items, "next": served.cursors.make(position(items[-1]), *scope) if more else None}


def _plain_filter(where: Filter) -> dict[str, Any]:
    return {name: value for name, value in asdict(where).items() if value}
