"""Which memory goes first when there is no room: the replacement policies, each a score over the whole space; the lowest goes first.

Source: FIFO, LRU, LFU as in any textbook; W-TinyLFU (Einziger, Friedman, Manes 2017); lowest retention (forgetting curves), lowest
heat (MemoryOS); value per token is the greedy rule of the knapsack. Differs: nothing is cached here; a policy orders what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.errors import UnknownComponent
from mneme.core.upkeep import NEVER, FloatArray, Round
from mneme.retention.heat import Heat
from mneme.retention.worth import DEFAULT_WEIGHTS

_HOUR_US = 3_600_000_000
_WINDOW = 0.01
_HALVING_DAYS = 30.0
DEFAULT = "value"


def fifo(ctx: Round) -> FloatArray:
    """Oldest record first."""
    return _ranked(ctx.census.row)


def lru(ctx: Round) -> FloatArray:
    """What was used longest ago first; what was never used counts from its time."""
    return _ranked(np.maximum(ctx.census.at, ctx.census.last_used))


def lfu(ctx: Round) -> FloatArray:
    """What was used least first, ties by time of use."""
    return _ranked(ctx.census.uses, lru(ctx))


def w_tinylfu(ctx: Round) -> FloatArray:
    """The newest hundredth is safe; the rest stands by how often it was used, halved every thirty days, ties by time of use.

    Differs: frequencies come from the usage that is stored, exact, in place of a sketch of the accesses.
    """
    latest = lru(ctx)
    frequency = ctx.census.uses * np.exp2(-ctx.census.age_days(ctx.now) / _HALVING_DAYS)
    score = _ranked(np.where(ctx.census.last_used == NEVER, 0.0, frequency), latest)
    safe = latest >= len(latest) * (1 - _WINDOW)
    score[safe] += np.float32(len(latest))
    return score


def lowest_retention(ctx: Round) -> FloatArray:
    """What its forgetting curve says is most forgotten first."""
    return ctx.retention()


def lowest_heat(ctx: Round) -> FloatArray:
    """The coldest first."""
    census = ctx.census
    hours = (to_micros(ctx.now) - np.maximum(census.at, census.last_used)) / _HOUR_US
    ones = np.ones(len(census), np.float32)
    return Heat().of(np.maximum(census.uses, 0), ones, np.maximum(hours, 0).astype(np.float32))


def random(ctx: Round) -> FloatArray:
    """In no order; the same space gives the same one."""
    return np.random.default_rng(len(ctx.census)).random(len(ctx.census)).astype(np.float32)


def value(ctx: Round, weights: Mapping[str, float] = DEFAULT_WEIGHTS) -> FloatArray:
    """Least worth per token first; worth by form, use, importance and retention."""
    return census_worth(ctx, weights) / (ctx.census.tokens + OVERHEAD_TOKENS)


OVERHEAD_TOKENS = 4.0
"""What a text costs in a context beside its words: its mark and its place."""

POLICIES: Mapping[str, Callable[[Round], FloatArray]] = MappingProxyType(
    {
        "fifo": fifo,
        "lru": lru,
        "lfu": lfu,
        "w-tinylfu": w_tinylfu,
        "lowest-retention": lowest_retention,
        "lowest-heat": lowest_heat,
        "value": value,
        "random": random,
    }
)


def policy(name: str) -> Callable[[Round], FloatArray]:
    """Return the policy of a name.

    Raises:
        UnknownComponent: there is none.
    """
    if name not in POLICIES:
        raise UnknownComponent("replacement policy", name, list(POLICIES))
    return POLICIES[name]


def census_worth(ctx: Round, weights: Mapping[str, float] = DEFAULT_WEIGHTS) -> FloatArray:
    """Return ``(n,)`` the worth of every memory from what the census knows of its text, times :func:`standing`."""
    census = ctx.census
    rarest = np.log1p(np.float32(max(len(census), 1)))
    user = np.where(census.role.among(("user", "human")), 1.0, np.where(census.role.among((None,)), 0.5, 0.0))
    total = (
        weights["bias"]
        + weights["rarity"] * np.minimum(census.rarity / rarest * 3, 3)
        + weights["dated"] * census.dated
        + weights["numbered"] * census.numbered
        + weights["asks"] * census.asks
        + weights["tells"] * census.tells
        + weights["user"] * user
    )
    found: FloatArray = (standing(ctx) / (1 + np.exp(-total))).astype(np.float32)
    return found


def standing(ctx: Round) -> FloatArray:
    """Return ``(n,)`` by what a memory's history multiplies its worth: importance, use, and a fifth by retention."""
    census = ctx.census
    used = 1 + np.log1p(np.maximum(census.uses, 0))
    found: FloatArray = (census.importance / 0.5 * used * (0.8 + 0.2 * ctx.retention())).astype(np.float32)
    return found


def _ranked(*keys: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> FloatArray:
    """Return ``(n,)`` ranks by the first key, then the next; ties by place."""
    order = np.lexsort(tuple(reversed(keys)))
    ranks = np.empty(len(order), np.float32)
    ranks[order] = np.arange(len(order), dtype=np.float32)
    return ranks
