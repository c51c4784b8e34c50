"""What a space keeps about its own upkeep: policies in its settings, holds, due memories, blocks; and passes over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.components import Keeper
from mneme.core.errors import InvalidInput, Refused
from mneme.core.ports import Store
from mneme.core.query import Filter
from mneme.core.records import STATUSES, Memory
from mneme.core.upkeep import NEVER, Census, Curve
from mneme.engine.finding import PAGE
from mneme.engine.upkeep import Pass, last_pass
from mneme.retention.budgets import Budget, Limit
from mneme.retention.counting import Counting
from mneme.retention.foresight import at_hand, begins, planned
from mneme.retention.replacement import census_worth
from mneme.retention.rules import HoldRule, Policies, Rules, read_policies
from mneme.retention.tiers import blocks

POLICIES = "policies"
"""The setting of a space that holds its policy file."""

SUMMARISING = frozenset({"time-tree", "topics", "preferences", "told"})
"""Keepers that make memories out of others."""

_FORGETTABLE = ("turn", "fact", "event", "preference", "profile", "note", "concept", "lesson")
_DUE_BELOW = 0.5
_KEPT = tuple(status for status in STATUSES if status != "erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something worth asking the user to confirm before it is forgotten.

    Args:
        memory: what it is.
        retention: how much of it is left, in [0, 1].
        worth: what it is worth keeping, in [0, 1].
    """

    memory: Memory
    retention: float
    worth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """When the worker looks after a space by itself.

    Args:
        every_hours: after so long, if anything changed.
        grown_by: after so many journal entries.
        idle_s: only when nothing was written for so long, unless ``grown_by`` is passed twice over.
    """

    every_hours: float = 24.0
    grown_by: int = 1000
    idle_s: float = 60.0

    def pull(self, store: Store, now: datetime) -> bool:
        """Return whether it is time."""
        mark, at = last_pass(store)
        last = store.last_seq()
        grown = last - mark
        if not grown:
            return False
        newest = store.entries(after=last - 1, limit=1)
        idle = not newest or now - newest[0].recorded_at >= timedelta(seconds=self.idle_s)
        late = at is None or now - at >= timedelta(hours=self.every_hours)
        return (idle and (late or grown >= self.grown_by)) or grown >= 2 * self.grown_by


def policies_of(store: Store) -> Policies:
    """Return the policies of a space."""
    return read_policies(store.meta().get(POLICIES, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """One change of a space's policies.

    Args:
        entry: its entry in the journal; ``undo(entry=...)`` takes it back.
        at: when.
        actor: who.
        reason: why, in their words; None when none was given.
        before, after: the policies as TOML.
    """

    entry: int
    at: datetime
    actor: str
    reason: str | None
    before: str
    after: str


def policy_changes(store: Store) -> list[PolicyChange]:
    """Return the changes of the policies that the journal has, oldest first."""
    return [
        PolicyChange(
            entry=entry.seq,
            at=entry.recorded_at,
            actor=entry.actor,
            reason=entry.reason,
            before=str(change.detail["before"]),
            after=str(change.detail["after"]),
        )
        for entry in store.entries_of(POLICIES)
        for change in entry.changes
        if change.op == "configure" and change.subject == POLICIES
    ]


def keepers_of(recipe: Sequence[Keeper], policies: Policies, limits: Sequence[Limit]) -> list[Keeper]:
    """Return what looks after a space: its rules, what merges and moves, its budgets, and what summarises.

    Budgets come before summaries, which take long and read episodes, whatever was archived; and once more after them, for what they made.
    """
    rules: list[Keeper] = [Rules(rules=policies.rules)] if policies.rules else []
    every = (*policies.limits, *limits)
    budgets: list[Keeper] = [Budget(limits=every)] if every else []
    first = [keeper for keeper in recipe if keeper.name not in SUMMARISING]
    return [*rules, *first, *budgets, *(keeper for keeper in recipe if keeper.name in SUMMARISING), *budgets]


def curve_of(curve: Curve | None) -> Curve:
    """Return the recipe's curve, or one that only counts."""
    return Counting() if curve is None else curve


def check_holds(holds: Sequence[HoldRule], memories: Sequence[Memory], now: datetime) -> None:
    """Refuse an erasure that a legal hold forbids.

    Raises:
        Refused: the message names the hold and the memories.
    """
    for hold in holds:
        if hold.until is not None and now >= hold.until:
            continue
        scope = hold.scope
        wanted = {
            "kind": scope.kinds, "author": scope.authors, "role": scope.roles, "session": scope.sessions,
            "channel": scope.channels, "tier": scope.tiers,
        }  # fmt: skip
        bad = [
            memory.id
            for memory in memories
            if all(not values or getattr(memory, name) in values for name, values in wanted.items())
            and (not scope.tags or set(scope.tags) & set(memory.tags))
        ]
        if bad:
            raise Refused(f"hold {hold.name!r}: protects {', '.join(bad[:5])}; take the hold out of the policies to erase them")


def check_drop(store: Store, now: datetime) -> None:
    """Refuse to remove a space that has something which a legal hold protects, archived or not.

    Raises:
        Refused: the message names the hold and the memories.
    """
    holds = policies_of(store).holds
    after = ""
    while holds and (page := store.find(Filter(), after=after, limit=PAGE, statuses=_KEPT)):
        check_holds(holds, page, now)
        after = page[-1].id


def may_hold(policies: str, now: datetime) -> bool:
    """Return whether policies have a legal hold that stands; of a text that can't be read, whether it speaks of one."""
    try:
        return any(hold.until is None or now < hold.until for hold in read_policies(policies).holds)
    except InvalidInput:
        return "hold" in policies


def due(passing: Pass, count: int) -> list[Due]:
    """Return what is worth confirming, most worth lost first: what fades, was not ended, and is worth keeping; a block is always seen."""
    ctx = passing.round(0)
    census = ctx.census
    kept, worth = ctx.retention(), census_worth(ctx)
    asked = census.active & census.kind.among(_FORGETTABLE) & (kept < _DUE_BELOW) & (census.valid_to > to_micros(ctx.now))
    places = np.flatnonzero(asked & ~blocks(census))
    loss = (1 - kept[places]) * worth[places]
    best = places[np.argsort(-loss, kind="stable")[:count]]
    found = {memory.id: memory for memory in ctx.memories(best.tolist())}
    return [
        Due(memory=found[census.ids[place]], retention=float(kept[place]), worth=float(worth[place]))
        for place in best.tolist()
        if census.ids[place] in found
    ]


def foreseen(passing: Pass, ahead: timedelta) -> list[Memory]:
    """Return tasks and intentions whose time has come or comes within ``ahead``, soonest end first."""
    ctx = passing.round(0)
    census, now, span = ctx.census, to_micros(ctx.now), int(ahead / timedelta(microseconds=1))
    chosen = at_hand(census, now, span)
    places = np.flatnonzero(chosen | planned(census, now))
    places = places[np.lexsort((census.valid_from[places], census.valid_to[places]))]
    sure = {census.ids[place] for place in places[chosen[places]].tolist()}
    return [memory for memory in ctx.memories(places.tolist()) if memory.id in sure or begins(memory, ctx.now + ahead)]


def as_pass(passing: Pass, *, dry_run: bool) -> Pass:
    """Return the same pass, proposing only or not."""
    return replace(passing, dry_run=dry_run)


__all__ = ["NEVER", "Census", "Due", "Triggers", "check_holds", "due", "foreseen", "keepers_of", "policies_of", "read_policies"]
