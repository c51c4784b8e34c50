"""Near-duplicates become one: the newest stays with the sources of all, how often it was said and since when; the others are archived.

Candidates share a hash of their content terms in the census, so that a million memories are compared in one sort. Two texts are the
same when one speaker said them and they differ in nothing but case, punctuation, inflection and function words: a differing number,
name, negation or content word keeps both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Archive, Connect, Operation, Reinforce, Revise
from mneme.core.records import Link, Memory, Span
from mneme.core.upkeep import BoolArray, IntArray, Proposal, Round
from mneme.retention.tiers import blocks
from mneme.text.analyser import Analyser
from mneme.text.stopwords import stopwords

SAID, SINCE, MERGED = "said", "said_since", "merged"
"""Attributes of what stays: how often it was said, when first, and which memories it stands for."""

KINDS = ("turn", "note", "fact", "event", "preference", "profile")
NEGATIONS = frozenset(
    "not no never none nobody nothing nor neither cannot cant dont doesnt didnt wont isnt arent wasnt werent without".split()
)
"""Function words that change what is said."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_LARGEST_GROUP = 200
_MOST_SOURCES = 200  # what was said more often than this stands for itself; its next repetitions begin a new one
_LEAST_WORDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Merges what was said before.

    Args:
        kinds: the kinds that are merged, each among its own.
    """

    kinds: tuple[str, ...] = KINDS
    name: str = "duplicates"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose one merge per group of duplicates that has something new."""
        analyser = Analyser()
        gone: set[str] = set()
        for places in groups(ctx, self._looked_at(ctx)):
            if ctx.out_of_time():
                return
            memories = [memory for memory in ctx.memories(places) if memory.id not in gone and len(memory.sources) < _MOST_SOURCES]
            for same in _alike(memories, analyser):
                gone.update(memory.id for memory in same[:-1])
                yield self._merge(ctx, same)

    def _looked_at(self, ctx: Round) -> BoolArray:
        census = ctx.census
        open_ended = census.valid_to > to_micros(ctx.now)
        mine = census.kind.among(self.kinds) & (census.words >= _LEAST_WORDS) & ~blocks(census)
        return census.active & open_ended & mine & ~ctx.held

    def _merge(self, ctx: Round, same: Sequence[Memory]) -> Proposal:
        stays, others = same[-1], same[:-1]
        sources: dict[Span, None] = dict.fromkeys(span for memory in (stays, *others) for span in memory.sources)
        said = sum(int(str(memory.attributes.get(SAID, 1))) for memory in same)
        since = min(str(memory.attributes.get(SINCE, memory.at.isoformat())) for memory in same)
        attributes = {**stays.attributes, SAID: said, SINCE: since}
        changes = {"sources": tuple(sources), "attributes": attributes, "importance": max(memory.importance for memory in same)}
        operations: list[Operation] = [Revise(id=stays.id, changes=changes, expected_version=stays.version)]
        usage = ctx.usage([memory.id for memory in others])
        for memory in others:
            operations.append(Connect(link=Link(source=stays.id, target=memory.id, type="derived_from")))
            operations.append(Archive(id=memory.id, expected_version=memory.version))
            if memory.id in usage:
                was = usage[memory.id]
                operations.append(Reinforce(id=stays.id, uses=was.uses, strength=max(was.strength - 1.0, 0.0), at=was.last_used_at))
        return Proposal(keeper=self.name, why=f"said {said} times; the newest stays with all sources", operations=tuple(operations))


def groups(ctx: Round, looked_at: BoolArray) -> Iterator[list[int]]:
    """Yield places that may say the same, rising, at least one of them fresh; each in one group."""
    census = ctx.census
    speaker = (census.author.codes.astype(np.uint64) << np.uint64(40)) ^ (census.role.codes.astype(np.uint64) << np.uint64(20))
    speaker ^= census.kind.codes.astype(np.uint64)
    keys = census.content ^ (speaker * _FACTOR)
    fresh = np.flatnonzero(looked_at & ctx.fresh)
    if not len(fresh):
        return
    candidates = np.flatnonzero(looked_at)
    if len(fresh) < len(candidates):
        candidates = candidates[np.isin(keys[candidates], keys[fresh])]
    yield from _runs(candidates, keys[candidates])


def _runs(places: IntArray, keys: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> Iterator[list[int]]:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(ordered)] if len(starts) else starts
    for start, end in zip(starts[ends - starts > 1].tolist(), ends[ends - starts > 1].tolist(), strict=True):
        for cut in range(start, end, _LARGEST_GROUP):
            if min(cut + _LARGEST_GROUP, end) - cut > 1:
                yield sorted(places[order[cut : min(cut + _LARGEST_GROUP, end)]].tolist())


def _alike(memories: Sequence[Memory], analyser: Analyser) -> list[list[Memory]]:
    """Return groups that say the same, each in the order of time."""
    buckets: dict[tuple[object, ...], list[Memory]] = {}
    for memory in sorted(memories, key=lambda each: (each.at, each.id)):
        key = (memory.kind, memory.author, memory.role, *said(memory.indexed_text, analyser), _stated(memory))
        buckets.setdefault(key, []).append(memory)
    return [bucket for bucket in buckets.values() if len(bucket) > 1]


def said(text: str, analyser: Analyser) -> tuple[frozenset[str], bool]:
    """Return what a text says apart from how: its content terms, numbers and negations; and whether it asks."""
    stops = stopwords(analyser.detect(text)) - NEGATIONS
    every = frozenset(analyser.terms(text))
    return every - stops or every, text.rstrip().endswith(("?", "？", "؟"))


def _stated(memory: Memory) -> tuple[str, ...]:
    return tuple(str(memory.attributes.get(name, "")) for name in ("subject", "relation", "object", "block"))
