"""What the inspector's pages call. Every route stands behind a session and asks the service, so a page shows what its key may see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, ParamSpec

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from mneme import calls
from mneme.core.errors import InvalidInput
from mneme.core.query import Filter
from mneme.core.records import Kind
from mneme.server.documents import JSONRoute
from mneme.server.state import Served, Who, answer
from mneme.server.ui import looking, shaping
from mneme.server.ui.growth import Growth
from mneme.server.ui.looking import View
from mneme.server.ui.sessions import API
from mneme.values import LARGEST, Filters, Moment

router = APIRouter(prefix=API, route_class=JSONRoute, include_in_schema=False)

MOST_PREVIEWED = 10_000
_SAMPLE = 20
_P = ParamSpec("_P")
_Status = Literal["active", "archived", "quarantined", "undone"]
_NO_STORE = {"Cache-Control": "no-store"}


def _view(served: Served, who: Who, space: Annotated[str, Query(min_length=1, max_length=400)]) -> View:
    return View(service=served.service, caller=who, space=space)


Looked = Annotated[View, Depends(_view)]
Limit = Annotated[int, Query(ge=1, le=500)]
Before = Annotated[int | None, Query(ge=1, le=LARGEST)]
Id = Annotated[str, Query(min_length=1, max_length=100)]


async def _told(served: Served, call: Callable[_P, Any], *args: _P.args, **kwargs: _P.kwargs) -> Response:
    """Run a call where it holds nobody up, and answer with what it returns."""
    return answer(await served.threads.run_long(call, *args, **kwargs), _NO_STORE)


@router.get("/spaces")
async def spaces(served: Served, who: Who) -> Response:
    """Name the spaces."""
    return await _told(served, served.service.spaces, who)


@router.get("/figures")
async def figures(served: Served, view: Looked) -> Response:
    """Tell what the space holds."""
    return await _told(served, served.service.stats, view.caller, view.space)


@router.get("/growth")
async def growth(request: Request, served: Served, view: Looked) -> Response:
    """Tell how it grew, as far as the journal was read."""
    followed: Growth = request.app.state.mneme_growth
    return await _told(served, followed.of, view)


@router.get("/timeline")
async def timeline(
    served: Served,
    view: Looked,
    before: Annotated[str | None, Query(pattern=r"^\d{1,15}\.\d{1,9}$")] = None,
    at: Annotated[Moment | None, Query()] = None,
    limit: Limit = 40,
) -> Response:
    """List episodes, newest first, with what was formed from them."""
    place = None if before is None else (int(before.split(".")[0]), int(before.split(".")[1]))
    return await _told(served, looking.timeline, view, place, at, limit)


class Chosen(BaseModel):
    """Which memories a list shows."""

    model_config = ConfigDict(extra="forbid")

    space: Annotated[str, Field(min_length=1, max_length=400)]
    kind: Kind | None = None
    author: Annotated[str | None, Field(max_length=1000)] = None
    session: Annotated[str | None, Field(max_length=1000)] = None
    tag: Annotated[str | None, Field(max_length=1000)] = None
    since: Moment | None = None
    until: Moment | None = None
    status: _Status = "active"
    after: Annotated[str, Field(max_length=100)] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 100

    def filter(self) -> Filter:
        """Return the filter as the engine takes it."""
        one = {"kinds": self.kind, "authors": self.author, "sessions": self.session, "tags": self.tag}
        several: dict[str, Any] = {name: (value,) for name, value in one.items() if value}
        return Filter(**several, since=self.since, until=self.until)


@router.get("/memories")
async def memories(served: Served, who: Who, chosen: Annotated[Chosen, Query()]) -> Response:
    """List memories in the order in which they came."""

    def page() -> dict[str, Any]:
        found = served.service.memories(
            who, chosen.space, chosen.filter(), after=chosen.after, limit=chosen.limit + 1, statuses=(chosen.status,)
        )
        shown = found[: chosen.limit]
        return {"items": [shaping.brief(one) for one in shown], "next": shown[-1].id if len(found) > chosen.limit else None}

    return await _told(served, page)


@router.get("/memory")
async def memory(served: Served, view: Looked, id: Id) -> Response:
    """Tell all about a memory."""
    return await _told(served, looking.memory, view, id)


@router.get("/text")
async def text(served: Served, view: Looked, id: Id, start: Annotated[int, Query(ge=0, le=LARGEST)] = 0) -> Response:
    """Return a further part of a long text."""

    def part() -> dict[str, Any]:
        whole = view.service.get(view.caller, view.space, id).text
        return {"text": whole[start : start + shaping.WHOLE], "length": len(whole)}

    return await _told(served, part)


@router.get("/graph")
async def graph(served: Served, view: Looked, id: Id) -> Response:
    """Tell what lies around a memory."""
    return await _told(served, looking.graph, view, id)


@router.get("/journal")
async def journal(served: Served, view: Looked, before: Before = None, limit: Limit = 100) -> Response:
    """List journal entries, newest first."""
    return await _told(served, looking.journal, view, before, limit)


@router.get("/review")
async def review(served: Served, view: Looked) -> Response:
    """List what waits for a person."""
    return await _told(served, looking.review, view)


@router.get("/jobs")
async def jobs(served: Served, view: Looked) -> Response:
    """List deferred work, at most a thousand pieces, those that failed first."""
    order = {"dead": 0, "leased": 1, "waiting": 2, "cancelled": 3, "done": 4}

    def sorted_jobs() -> dict[str, Any]:
        found = sorted(view.service.jobs(view.caller, view.space), key=lambda job: (order.get(job.state, 9), job.due_at))
        return {"items": found[:1000], "of": len(found)}

    return await _told(served, sorted_jobs)


@router.post("/jobs/retry")
async def retry_jobs(served: Served, view: Looked, call: calls.Jobs) -> Response:
    """Put jobs that were given up back into the queue."""
    return await _told(served, served.service.retry_jobs, view.caller, view.space, call)


@router.post("/jobs/drop")
async def drop_jobs(served: Served, view: Looked, call: calls.Jobs) -> Response:
    """Take jobs out of the queue."""
    return await _told(served, served.service.drop_jobs, view.caller, view.space, call)


@router.post("/search")
async def search(served: Served, view: Looked, call: calls.Recall) -> Response:
    """Recall, with what brought each hit to its place."""

    def found() -> dict[str, Any]:
        asked = call.model_copy(update={"explain": True})
        recalled = view.service.recall(view.caller, view.space, asked)
        hits = [shaping.hit(one, place) for place, one in enumerate(recalled.hits, 1)]
        told = {name: getattr(recalled, name) for name in ("sufficiency", "whole", "context_tokens", "trace")}
        return {"hits": hits, "context": recalled.context[: shaping.WHOLE], **told}

    return await _told(served, found)


@router.post("/revise")
async def revise(served: Served, view: Looked, call: calls.ReviseOne) -> Response:
    """Correct or supersede a memory."""
    return await _told(served, served.service.revise, view.caller, view.space, call.id, call)


@router.post("/forget")
async def forget(served: Served, view: Looked, call: calls.Forget) -> Response:
    """Archive memories, or erase them and report."""
    return await _told(served, served.service.forget, view.caller, view.space, call)


@router.post("/restore")
async def restore(served: Served, view: Looked, call: calls.Restore) -> Response:
    """Make memories active again."""
    return await _told(served, served.service.restore, view.caller, view.space, call)


@router.post("/undo")
async def undo(served: Served, view: Looked, call: calls.Undo) -> Response:
    """Take back a change."""
    return await _told(served, served.service.undo, view.caller, view.space, call)


@router.post("/verify")
async def verify(served: Served, view: Looked) -> Response:
    """Check the space against its journal."""
    return await _told(served, served.service.verify, view.caller, view.space)


@router.post("/preview")
async def preview(served: Served, view: Looked, call: calls.Forget) -> Response:
    """Tell what an erasure would be about, and change nothing."""

    def counted() -> dict[str, Any]:
        where = call.target.filter() if isinstance(call.target, Filters) else Filter(ids=_ids(call.target))
        if where == Filter():
            raise InvalidInput({"target": "names nothing; choose by kind, author, session, tag or date"})
        found = view.service.memories(
            view.caller, view.space, where, after="", limit=MOST_PREVIEWED + 1, statuses=("active", "archived", "quarantined")
        )
        return {"count": len(found), "at_least": len(found) > MOST_PREVIEWED, "sample": [shaping.brief(one) for one in found[:_SAMPLE]]}

    return await _told(served, counted)


def _ids(target: str | list[str]) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else tuple(target)
