"""Feedback as operations: uses, strength on the recipe's curve, and what the memories' votes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mneme.core.operations import Operation, Reinforce
from mneme.engine import keeping
from mneme.engine.learning import with_vote
from mneme.engine.opened import Opened
from mneme.engine.upkeep import grade
from mneme.retention.trust import voted

if TYPE_CHECKING:
    from mneme.memory import Memory


def judged(
    engine: Memory,
    space: str,
    opened: Opened,
    good: Sequence[str],
    bad: Sequence[str],
    now: datetime,
    cast: Mapping[str, Mapping[str, float]],
) -> list[Operation]:
    """Return what feedback changes: uses, strength on the recipe's curve, and what the memories' votes are."""
    curve = keeping.curve_of(engine.recipe_of(space, opened).curve)
    judged = [(id, True) for id in good] + [(id, False) for id in bad]
    usage = opened.store.usage([id for id, _ in judged])
    born = {id: memory.at for id, memory in opened.store.memories([id for id, _ in judged]).items()}
    reinforced = [
        (id, counted(curve.reinforced(id, usage.get(id), born.get(id, now), grade(useful), now), voted(usage.get(id), useful)))
        for id, useful in judged
    ]
    return [with_vote(operation, usage.get(id), cast.get(id, {})) for id, operation in reinforced]


def counted(change: Reinforce, votes: Mapping[str, float]) -> Reinforce:
    """Return the change with the counts of good and bad judgements in its state."""
    return replace(change, state={**change.state, **votes})
