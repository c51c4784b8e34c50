"""Routes of what a space keeps at hand and how it is looked after: blocks, what is due, what is foreseen, policies."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator
from starlette.responses import Response

from mneme import calls
from mneme.core.records import Memory as Record
from mneme.engine.blocks import Block
from mneme.engine.fading import Left
from mneme.engine.keeping import Due, PolicyChange
from mneme.server.documents import JSONRoute, failures, result
from mneme.server.state import MemoryId, Served, SpaceName, Who, answer, decoded
from mneme.values import Moment

router = APIRouter(prefix="/v1", route_class=JSONRoute, responses=failures(), tags=["keeping"])

_POLICIES = {"toml": "[[limit]]\nmemories = 10000\n"}
_MOST_AHEAD_S = 10 * 366 * 86_400

BlockName = Annotated[
    str, Path(description="Name of the block, such as persona, user or task.", min_length=1, max_length=300), AfterValidator(decoded)
]


@router.get("/spaces/{space}/blocks", responses=result(list[Block]))
async def blocks(served: Served, who: Who, space: SpaceName) -> Response:
    """List the texts that are always in context: persona, user, task, then others by name."""
    return answer(await served.run(served.service.blocks, who, space))


@router.get("/spaces/{space}/blocks/{name}", responses=result(Block))
async def block(served: Served, who: Who, space: SpaceName, name: BlockName) -> Response:
    """Return a block."""
    return answer(await served.run(served.service.block, who, space, name))


@router.put("/spaces/{space}/blocks/{name}", responses=result(Block))
async def write_block(served: Served, who: Who, space: SpaceName, name: BlockName, call: calls.WriteBlock) -> Response:
    """Write a block, made when there is none. The space is made when it is new."""
    return answer(await served.run(served.service.write_block, who, space, name, call))


@router.patch("/spaces/{space}/blocks/{name}", responses=result(Block))
async def edit_block(served: Served, who: Who, space: SpaceName, name: BlockName, call: calls.EditBlock) -> Response:
    """Add a line to a block, or replace a piece that is in it exactly once."""
    return answer(await served.run(served.service.edit_block, who, space, name, call))


@router.get("/spaces/{space}/due", responses=result(list[Due]))
async def due(served: Served, who: Who, space: SpaceName, n: Annotated[int, Query(ge=1, le=1000)] = 10) -> Response:
    """List what is worth asking the user to confirm before it is forgotten, most worth first."""
    return answer(await served.run_long(served.service.due, who, space, n))


@router.get("/spaces/{space}/foreseen", responses=result(list[Record]))
async def foreseen(
    served: Served,
    who: Who,
    space: SpaceName,
    ahead_s: Annotated[float, Query(ge=0, le=_MOST_AHEAD_S, description="How far to look ahead, in seconds.")] = 86_400.0,
) -> Response:
    """List tasks and intentions whose time has come, or comes soon, and is not over; soonest end first."""
    return answer(await served.run_long(served.service.foreseen, who, space, timedelta(seconds=ahead_s)))


@router.get("/spaces/{space}/memories/{id}/fading", responses=result(list[Left]))
async def fading(
    served: Served,
    who: Who,
    space: SpaceName,
    id: MemoryId,
    until: Annotated[Moment | None, Query(description="How far to look ahead.")] = None,
) -> Response:
    """Return how much of a memory was left from its birth to now, and will be without another use."""
    return answer(await served.run(served.service.fading, who, space, id, until))


@router.get("/spaces/{space}/policies", responses=result(dict[str, str], _POLICIES))
async def policies(served: Served, who: Who, space: SpaceName) -> Response:
    """Return the space's rules, legal holds and limits, as TOML."""
    return answer({"toml": await served.run(served.service.policies, who, space)})


@router.get("/spaces/{space}/policies/changes", responses=result(list[PolicyChange]))
async def policy_changes(served: Served, who: Who, space: SpaceName) -> Response:
    """Return who changed the policies, when, why and from what to what, oldest first; compaction folds old changes away."""
    return answer(await served.run(served.service.policy_changes, who, space))


@router.put("/spaces/{space}/policies", responses=result(dict[str, str], _POLICIES))
async def set_policies(served: Served, who: Who, space: SpaceName, call: calls.SetPolicies) -> Response:
    """Give the space its rules, legal holds and limits; the next upkeep goes by them. Needs the right `admin`."""
    return answer({"toml": await served.run(served.service.set_policies, who, space, call)})
