"""Which messages a derived memory rests on, as positions: the common ground of designs that search by one text and return another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.context import BoolArray, Context
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Memory

VERBATIM = ("turn",)
"""Kinds that hold messages as they were said."""

LEADS_TO = "leads_to"
"""Attribute of a derived memory with the messages that it leads to, where these are fewer than it rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Pairs of a derived memory and a message that it rests on.

    Args:
        derived: ``(n,)`` positions.
        value: ``(n,)`` positions, parallel.
        verbatim: ``(size,)``: which positions are messages.
        memories: position -> derived memory.
        place: id -> position.
    """

    derived: IntArray
    value: IntArray
    verbatim: BoolArray
    memories: Mapping[int, Memory]
    place: Mapping[str, int]

    def lift(self, scores: FloatArray, empty: float = 0.0) -> FloatArray:
        """Return ``(size,)`` for each message the best score among the derived memories that rest on it, ``empty`` if none does."""
        best = np.full(len(scores), -np.inf, np.float32)
        np.maximum.at(best, self.value, scores[self.derived])
        return np.where(np.isfinite(best), best, np.float32(empty)).astype(np.float32)

    def values_of(self, position: int) -> list[int]:
        """Return the messages that a derived memory rests on, in order of position."""
        return [int(value) for value in self.value[self.derived == position]]


def provenance(ctx: Context) -> Provenance:
    """Return the pairs of the index's present state, with every derived memory read once."""
    return ctx.index.memo("provenance", lambda: _provenance(ctx))


def kind_mask(ctx: Context, kinds: Sequence[str]) -> BoolArray:
    """Return ``(size,)``: which positions hold a present memory of one of these kinds."""
    codes, values = ctx.index.codes("kind")
    return np.isin(codes, [code for code, value in enumerate(values) if value in kinds]) & ctx.index.present


def or_all(among: BoolArray, admitted: BoolArray) -> BoolArray:
    """Return ``among``, or all that is admitted where that is empty: a filter may ask for kinds that a design does not rank."""
    return among if (among & admitted).any() else admitted


def _led_to(memory: Memory) -> list[str]:
    told = memory.attributes.get(LEADS_TO)
    return (
        list(map(str, told))
        if isinstance(told, (list, tuple))
        else list(dict.fromkeys("mem" + span.episode[2:] for span in memory.sources))
    )


def _provenance(ctx: Context) -> Provenance:
    index = ctx.index
    verbatim = kind_mask(ctx, VERBATIM)
    present = np.flatnonzero(index.present)
    place = {index.ids[position]: position for position in present.tolist()}
    others = np.flatnonzero(index.present & ~verbatim).tolist()
    memories = {place[memory.id]: memory for memory in ctx.memories(others) if memory.id in place}
    pairs = [
        (position, place[id])
        for position, memory in memories.items()
        for id in _led_to(memory)
        if id in place and place[id] != position and verbatim[place[id]]
    ]
    derived, value = np.array(pairs, np.int64).reshape(-1, 2).T
    return Provenance(derived=derived, value=value, verbatim=verbatim, memories=memories, place=place)
