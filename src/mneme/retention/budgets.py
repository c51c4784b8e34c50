"""Budgets: a space, a kind or a tier held to so many memories, bytes or rendered tokens; what does not fit is archived, never erased.

A token budget under the policy ``value`` is spent sentence by sentence: a long message keeps the sentences worth their tokens as a
condensed memory that cites their spans, and goes to the archive itself. Of a very large space only the memories about which the budget is
in doubt are read that closely: what is worth clearly more stays whole, what is worth clearly less goes whole. Other policies archive whole
memories.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.operations import Archive
from mneme.core.records import KINDS, NO_NUMBERS
from mneme.core.upkeep import BoolArray, FloatArray, IntArray, Proposal, Round
from mneme.retention.condensing import condensed
from mneme.retention.replacement import DEFAULT, policy, standing, value
from mneme.retention.tiers import blocks
from mneme.retention.worth import weighed

CONDENSED_UP_TO = 20_000
"""So many memories are read sentence by sentence for one budget, so that a pass over millions takes no longer for it than over these."""

UNTOUCHED = frozenset({"secret", "task", "profile"})
"""Kinds that only a limit of their own evicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much there may be.

    Args:
        memories, size_bytes, tokens: the limits; None is no limit. At least one is given.
        kind, tier: what is counted; None counts all.
        policy: what goes first: ``value``, ``fifo``, ``lru``, ``lfu``, ``w-tinylfu``, ``lowest-retention``, ``lowest-heat``, ``random``.
        condense: let sentences stay where whole messages don't fit; for token limits under ``value``.
        weights: what makes a text worth keeping under ``value``, where it differs from :data:`mneme.retention.worth.WEIGHTS`.
    """

    memories: int | None = None
    size_bytes: int | None = None
    tokens: int | None = None
    kind: str | None = None
    tier: str | None = None
    policy: str = DEFAULT
    condense: bool = True
    weights: Mapping[str, float] = NO_NUMBERS

    def __post_init__(self) -> None:
        problems: dict[str, str] = {}
        sizes = {"memories": self.memories, "size_bytes": self.size_bytes, "tokens": self.tokens}
        if all(size is None for size in sizes.values()):
            problems["limit"] = "limits nothing; give memories, size_bytes or tokens"
        for name, size in sizes.items():
            if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
                problems[name] = f"must be a whole number of at least 0, not {size!r}"
        if self.kind is not None and self.kind not in KINDS:
            problems["kind"] = f"unknown: {self.kind}; known are {', '.join(KINDS)}"
        if problems:
            raise InvalidInput(problems)
        policy(self.policy)
        weighed(self.weights)

    def __str__(self) -> str:
        sizes = [(self.memories, "memories"), (self.size_bytes, "bytes"), (self.tokens, "tokens")]
        scope = " of ".join(part for part in (self.tier or "", self.kind or "") if part)
        return " and ".join(f"{size:,} {unit}" for size, unit in sizes if size is not None) + (f" in {scope}" if scope else "")

    def covers(self, ctx: Round) -> BoolArray:
        """Return ``(n,)``: what is counted."""
        counted = ctx.census.active.copy()
        if self.kind is not None:
            counted &= ctx.census.kind.among((self.kind,))
        if self.tier is not None:
            counted &= ctx.census.tier.among((self.tier,))
        return counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Holds a space to its limits.

    Args:
        limits: each is held in turn.
        condensed_up_to: so many memories are read sentence by sentence for one limit.
    """

    limits: tuple[Limit, ...]
    condensed_up_to: int = CONDENSED_UP_TO
    name: str = "budget"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what has to go, least worth first."""
        gone = np.zeros(len(ctx.census), bool)
        for limit in self.limits:
            for place, proposal in self._held_to(ctx, limit, gone):
                gone[place] = True
                yield proposal

    def _held_to(self, ctx: Round, limit: Limit, gone: BoolArray) -> Iterator[tuple[int, Proposal]]:
        counted = limit.covers(ctx) & ~gone
        sizes = [
            (limit.memories, np.ones(len(ctx.census), np.float32)),
            (limit.size_bytes, ctx.census.nbytes),
            (limit.tokens, ctx.census.tokens),
        ]
        for most, size in sizes:
            if most is None or float(size[counted].sum(dtype=np.float64)) <= most:
                continue
            movable = np.flatnonzero(counted & self._movable(ctx, limit))
            if most == limit.tokens and size is ctx.census.tokens and limit.policy == DEFAULT and limit.condense:
                spent = float(size[counted].sum(dtype=np.float64)) - float(size[movable].sum(dtype=np.float64))
                yield from self._by_sentence(ctx, limit, movable, max(most - spent, 0.0))
            else:
                score = value(ctx, weighed(limit.weights)) if limit.policy == DEFAULT else policy(limit.policy)(ctx)
                for place in evicted(counted, movable, size, score, most):
                    yield place, self._gone(ctx, limit, place)
                    counted[place] = False

    def _by_sentence(self, ctx: Round, limit: Limit, movable: IntArray, tokens: float) -> Iterator[tuple[int, Proposal]]:
        """Spend a budget on the sentences of what may go; of too many memories on those about which it is in doubt."""
        weights = weighed(limit.weights)
        doubtful = movable
        if len(movable) > self.condensed_up_to:
            size = ctx.census.tokens
            stays, doubtful, goes = around(movable, size, value(ctx, weights), tokens, self.condensed_up_to)
            tokens = max(tokens - float(size[stays].sum(dtype=np.float64)), 0.0)
            for place in goes.tolist():
                yield place, self._gone(ctx, limit, place)
        yield from condensed(ctx, doubtful, standing(ctx)[doubtful], tokens, f"limit of {limit}", weights)

    def _gone(self, ctx: Round, limit: Limit, place: int) -> Proposal:
        why = f"limit of {limit}: lowest by {limit.policy}"
        return Proposal(keeper=self.name, why=why, operations=(Archive(id=ctx.census.ids[place]),))

    def _movable(self, ctx: Round, limit: Limit) -> BoolArray:
        kept = ctx.held | blocks(ctx.census)
        return ~kept if limit.kind else ~kept & ~ctx.census.kind.among(tuple(UNTOUCHED))


def around(movable: IntArray, size: FloatArray, score: FloatArray, room: float, count: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return what is worth clearly enough to stay, the ``count`` memories around the margin, rising, and what clearly goes, worst first."""
    order = movable[np.argsort(-score[movable], kind="stable")]
    fits = int(np.searchsorted(np.cumsum(size[order], dtype=np.float64), room, side="right"))
    first = min(max(fits - count // 2, 0), max(len(order) - count, 0))
    return order[:first], np.sort(order[first : first + count]), order[first + count :][::-1]


def evicted(counted: BoolArray, movable: IntArray, size: FloatArray, score: FloatArray, most: float) -> Sequence[int]:
    """Return the places that go, lowest score first, until the rest fits."""
    over = float(size[counted].sum(dtype=np.float64)) - most
    order = movable[np.argsort(score[movable], kind="stable")]
    freed = np.cumsum(size[order], dtype=np.float64)
    places: list[int] = order[: int(np.searchsorted(freed, over - 1e-6)) + 1].tolist()
    return places


__all__ = ["Budget", "Limit", "around", "evicted", "value"]
