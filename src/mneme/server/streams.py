"""Routes that stream: the change feed, export and import."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import anyio.from_thread
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from mneme.core.errors import TooLarge
from mneme.core.query import Receipt
from mneme.server.documents import failures, result
from mneme.server.gate import MAX_BYTES
from mneme.server.state import Served, SpaceName, State, Who, answer
from mneme.server.threads import END, blocks, following
from mneme.values import LARGEST

router = APIRouter(prefix="/v1", responses=failures(), tags=["streams"])

NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"

_EVENT = 'id: 17\nevent: change\ndata: {"seq":17,"verb":"remember","changes":[]}\n\n'
_LINE = '{"format":"mneme-export","version":1,"space":"ana"}\n'
LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=LARGEST, description="Go on after this entry.")]
After = Annotated[int | None, Query(ge=0, le=LARGEST, description="Entries after this one; left out, those from now on.")]


@router.get(
    "/spaces/{space}/changes",
    response_class=Response,
    responses={200: {"description": "Journal entries as they are made.", "content": {EVENTS: {"example": _EVENT}}}},
)
async def changes(served: Served, who: Who, space: SpaceName, after: After = None, last_event_id: LastEventId = None) -> Response:
    """Follow a space: every journal entry as a server-sent event with its number as id."""
    events = await served.feed.start(who, space, after if last_event_id is None else last_event_id)
    return StreamingResponse(events, media_type=EVENTS, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


@router.get(
    "/spaces/{space}/export",
    response_class=Response,
    responses={200: {"description": "The space as lines of JSON.", "content": {NDJSON: {"example": _LINE}}}},
)
async def export(served: Served, who: Who, space: SpaceName) -> Response:
    """Write a space as lines of JSON, which `import` takes in again, ids and all."""
    lines = await served.run(served.service.export, who, space)
    return StreamingResponse(_on_threads(served, blocks(lines)), media_type=NDJSON)


@router.post(
    "/spaces/{space}/import",
    responses=result(Receipt),
    openapi_extra={"requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}, "example": _LINE}}}},
)
async def import_(served: Served, who: Who, space: SpaceName, request: Request) -> Response:
    """Add what an export holds and is not here yet; importing twice adds nothing. The body may be of any length."""
    lines = _lines(request, request.scope[MAX_BYTES])
    return answer(await served.run_long(served.service.import_, who, space, lines))


async def _on_threads(served: State, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        part: Any = await served.run_long(following, parts)
        if part is END:
            return
        yield part


def _lines(request: Request, longest: int) -> Iterator[bytes]:
    """Return the lines of a body as they arrive; runs on a thread and asks the event loop for every block.

    Raises:
        TooLarge: a line is longer than the key may send.
    """
    stream = request.stream().__aiter__()

    async def next_block() -> bytes | None:
        async for block in stream:
            return block
        return None

    rest = b""
    while (block := anyio.from_thread.run(next_block)) is not None:
        *whole, rest = (rest + block).split(b"\n")
        yield from (line for line in whole if line.strip())
        if len(rest) > longest:
            raise TooLarge(f"body: a line is longer than the {longest:,} bytes that this key may send")
    if rest.strip():
        yield rest
