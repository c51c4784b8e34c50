"""Forming memories out of episodes: formers, guards and organisers of the recipe, applied in one transaction under the job's key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mneme.core.components import Guard
from mneme.core.context import Context
from mneme.core.operations import Keep, Operation, Quarantine, Restore
from mneme.core.ports import Store
from mneme.core.recipe import Recipe
from mneme.core.records import Episode, Job

TASK = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formed:
    """What forming came to.

    Args:
        operations: to be applied, in order.
        refused: reason -> how many formed memories it kept out.
        quarantined: how many were kept out of recall until somebody judges them.
    """

    operations: tuple[Operation, ...]
    refused: dict[str, int]
    quarantined: int = 0


def form_job(id: str, episodes: Sequence[Episode]) -> Job:
    """Return the job that forms memories out of episodes; the same episodes make the same job."""
    ids = [episode.id for episode in episodes]
    key = hashlib.blake2b("\n".join(ids).encode(), digest_size=16).hexdigest()
    return Job(id=id, task=TASK, payload={"episodes": ids}, key=f"form:{key}", due_at=episodes[-1].recorded_at)


def form(ctx: Context, recipe: Recipe, store: Store, episodes: Sequence[Episode], *, revive: bool = False) -> Formed:
    """Return what the recipe makes of episodes: formed, judged, and fitted to what is there.

    What was formed before (ids of formed memories follow from their source) is left out, so forming twice adds nothing; with
    ``revive``, what another recipe had formed and was archived since is made active again.
    """
    formed = [operation for former in recipe.formers for operation in former.form(ctx, episodes)]
    fresh = list(_fresh(store, formed, revive))
    judged, refused, quarantined = _judge(ctx, recipe.guards, fresh)
    for organiser in recipe.organisers:
        judged = organiser.organise(ctx, judged)
    ctx.trace.note(formed=len(formed), refused=refused, quarantined=quarantined, operations=len(judged))
    return Formed(operations=tuple(judged), refused=refused, quarantined=quarantined)


def _fresh(store: Store, formed: Sequence[Operation], revive: bool) -> Iterator[Operation]:
    for operation in formed:
        status = store.status_of(operation.memory.id) if isinstance(operation, Keep) else None
        if status is None:
            yield operation
        elif isinstance(operation, Keep) and revive and status == "archived":
            yield Restore(id=operation.memory.id)


def _judge(ctx: Context, guards: Sequence[Guard], operations: Sequence[Operation]) -> tuple[list[Operation], dict[str, int], int]:
    passed: list[Operation] = []
    refused: dict[str, int] = {}
    quarantined = 0
    for operation in operations:
        verdicts = [guard.check(ctx, operation) for guard in guards]
        bad = [verdict for verdict in verdicts if not verdict.admit]
        if not bad:
            passed.append(operation)
        elif isinstance(operation, Keep) and all(verdict.quarantine for verdict in bad):
            why = "; ".join(verdict.why for verdict in bad)
            passed += [Keep(memory=replace(operation.memory)), Quarantine(id=operation.memory.id, why=why)]
            quarantined += 1
        else:
            for verdict in bad:
                refused[verdict.why] = refused.get(verdict.why, 0) + 1
    return passed, refused, quarantined
