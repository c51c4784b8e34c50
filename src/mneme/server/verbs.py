"""Routes of the verbs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.responses import Response

from mneme import calls
from mneme.core.errors import Conflict, InvalidInput
from mneme.core.query import Answer, ErasureReport, Recall, Receipt, Verification
from mneme.engine.upkeep import UpkeepReport
from mneme.server.documents import JSONRoute, failures, result
from mneme.server.problems import PRECONDITION_FAILED, problem, problem_response
from mneme.server.state import MemoryId, Served, SpaceName, Who, answer
from mneme.service import Caller, Outcome
from mneme.values import Filters

router = APIRouter(prefix="/v1", route_class=JSONRoute, responses=failures(), tags=["verbs"])

_QUICK_ITEMS, _QUICK_LENGTH = 20, 20_000
_OUTCOMES = {"results": [{"verb": "recall", "status": 200, "result": {"query": "Ana", "hits": []}}]}

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=1000, description="A call with a key that was used before is not done again."),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000, description="Refuse unless the memory has this ETag.")]


@router.post("/spaces/{space}/remember", responses=result(Receipt))
async def remember(served: Served, who: Who, space: SpaceName, call: calls.Remember, idempotency_key: IdempotencyKey = None) -> Response:
    """Store messages, durably; the next recall finds them. The space is made when it is new."""
    if idempotency_key is not None:
        if call.key not in (None, idempotency_key):
            raise InvalidInput({"key": "differs from the header Idempotency-Key; give one of them"})
        call = calls.Remember.model_construct(call.model_fields_set | {"key"}, **dict(call) | {"key": idempotency_key})
    run = served.run_long if call.wait or _is_long(call) else served.run
    return answer(await run(served.service.remember, who, space, call))


def _is_long(call: calls.Remember) -> bool:
    what = call.what if isinstance(call.what, list) else [call.what]
    length = sum(len(one if isinstance(one, str) else one.text) for one in what)
    return len(what) + len(call.memories) > _QUICK_ITEMS or length > _QUICK_LENGTH


@router.post("/spaces/{space}/recall", responses=result(Recall))
async def recall(served: Served, who: Who, space: SpaceName, call: calls.Recall) -> Response:
    """Find what bears on a question: hits, best first, and a context for a prompt."""
    return answer(await served.run(served.service.recall, who, space, call))


@router.post("/spaces/{space}/ask", responses=result(Answer))
async def ask(served: Served, who: Who, space: SpaceName, call: calls.Ask) -> Response:
    """Answer a question from what is remembered, with citations; without a language model by extracts."""
    return answer(await served.run_long(served.service.ask, who, space, call))


@router.post("/recall", responses=result(Recall))
async def recall_many(served: Served, who: Who, call: calls.RecallMany) -> Response:
    """Ask several spaces and merge their hits fairly."""
    return answer(await served.run_long(served.service.recall_many, who, call))


@router.patch("/spaces/{space}/memories/{id}", responses=result(Receipt))
async def revise(served: Served, who: Who, space: SpaceName, id: MemoryId, call: calls.Revise, if_match: IfMatch = None) -> Response:
    """Correct a memory, or with `since` tell that the world changed; what it was stays in its history."""
    if if_match is None:
        return answer(await served.run(served.service.revise, who, space, id, call))
    try:
        held = await served.run(_held_to, served, who, space, id, call, if_match)
        return answer(await served.run(served.service.revise, who, space, id, held))
    except Conflict as error:
        return problem_response(error, PRECONDITION_FAILED)


def _held_to(served: Served, who: Caller, space: str, id: str, call: calls.Revise, if_match: str) -> calls.Revise:
    """Return the call held to the version that ``If-Match`` names.

    Raises:
        Conflict: the memory is at none of the versions that it names.
    """
    present = served.service.present_version(who, space, id)
    wanted = [tag.strip() for tag in if_match.split(",")]
    if "*" not in wanted and etag(present) not in wanted:
        raise Conflict(f"If-Match: {id} has ETag {etag(present)} now; read it again and retry")
    if call.expected_version is not None:
        return call
    return calls.Revise.model_construct(call.model_fields_set | {"expected_version"}, **dict(call) | {"expected_version": present})


def etag(version: int) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


@router.post("/spaces/{space}/forget", responses=result(Receipt | ErasureReport))
async def forget(served: Served, who: Who, space: SpaceName, call: calls.Forget) -> Response:
    """Archive memories; with `erase` remove their content from every place, search for it, and report."""
    run = served.run_long if call.erase or isinstance(call.target, Filters) else served.run
    return answer(await run(served.service.forget, who, space, call))


@router.post("/spaces/{space}/restore", responses=result(Receipt))
async def restore(served: Served, who: Who, space: SpaceName, call: calls.Restore) -> Response:
    """Make archived, quarantined or undone memories active again."""
    return answer(await served.run(served.service.restore, who, space, call))


@router.post("/spaces/{space}/feedback", responses=result(Receipt))
async def feedback(served: Served, who: Who, space: SpaceName, call: calls.Feedback) -> Response:
    """Tell which memories of a recall helped."""
    return answer(await served.run(served.service.feedback, who, space, call))


@router.post("/spaces/{space}/undo", responses=result(Receipt))
async def undo(served: Served, who: Who, space: SpaceName, call: calls.Undo) -> Response:
    """Take back the last changes, or one entry of the journal."""
    return answer(await served.run_long(served.service.undo, who, space, call))


@router.post("/spaces/{space}/batch", responses=result(dict[str, Any], _OUTCOMES))
async def batch(served: Served, who: Who, space: SpaceName, batch: calls.Batch) -> Response:
    """Make up to 100 calls in order, in one request; each succeeds or fails for itself, with a status of its own."""
    outcomes = await served.run_long(served.service.batch, who, space, batch)
    return answer({"results": [_outcome(outcome) for outcome in outcomes]})


def _outcome(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        plain = problem(outcome.error)
        return {"verb": outcome.verb, "status": plain["status"], "problem": plain}
    return {"verb": outcome.verb, "status": 200, "result": outcome.result}


@router.post("/spaces/{space}/upkeep", responses=result(UpkeepReport))
async def upkeep(served: Served, who: Who, space: SpaceName, call: calls.Upkeep) -> Response:
    """Look after a space within a budget: policies, merging, summaries, tiers. Needs the right `admin`."""
    return answer(await served.run_long(served.service.upkeep, who, space, call))


@router.post("/spaces/{space}/jobs/retry", responses=result(Receipt))
async def retry_jobs(served: Served, who: Who, space: SpaceName, call: calls.Jobs) -> Response:
    """Put jobs that were given up back into the queue; without ids all of them."""
    return answer(await served.run(served.service.retry_jobs, who, space, call))


@router.post("/spaces/{space}/jobs/drop", responses=result(Receipt))
async def drop_jobs(served: Served, who: Who, space: SpaceName, call: calls.Jobs) -> Response:
    """Take jobs out of the queue for good, without ids all that were given up; the messages that they were about stay."""
    return answer(await served.run(served.service.drop_jobs, who, space, call))


@router.post("/spaces/{space}/verify", responses=result(Verification))
async def verify(served: Served, who: Who, space: SpaceName) -> Response:
    """Check that journal, rows and index agree. Needs the right `admin`."""
    return answer(await served.run_long(served.service.verify, who, space))


@router.post("/spaces/{space}/reembed", responses=result(dict[str, int], {"memories": 0}))
async def reembed(served: Served, who: Who, space: SpaceName) -> Response:
    """Give every text a vector of the server's embedding model. Needs the right `admin`."""
    return answer({"memories": await served.run_long(served.service.reembed, who, space)})


@router.delete("/spaces/{space}", responses={204: {"description": "It is gone."}}, status_code=204)
async def drop(served: Served, who: Who, space: SpaceName) -> Response:
    """Remove a space with everything in it. Needs the right `erase`."""
    await served.run_long(served.service.drop, who, space)
    return Response(status_code=204)
