"""What upkeep works with: the census of a space, what a keeper sees of it, and what it proposes.

A census holds every memory as a row of parallel arrays without texts or vectors, so that one pass over a million memories is a few
array operations. A *place* is an index into those arrays; it means something within one pass only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mneme.core.clock import to_micros
from mneme.core.llm import LLM
from mneme.core.operations import Keep, Operation, Reinforce, Restore
from mneme.core.records import Episode, Link, Memory, Usage
from mneme.core.trace import Trace

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

NEVER = -(2**62)
"""``last_used`` of a memory that was never used."""

DAY_US = 86_400_000_000
"""Microseconds of a day."""

GRADES = ("again", "hard", "good", "easy")
"""How a use went, worst first: wrong or useless, partly right, right, and right at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A field with few values.

    Args:
        codes: ``(n,) int32``.
        values: what each code means.
    """

    codes: NDArray[np.int32]
    values: Sequence[Any]

    def among(self, wanted: Sequence[object]) -> BoolArray:
        """Return ``(n,)``: where the value is one of these."""
        chosen = [code for code, value in enumerate(self.values) if value in wanted]
        return np.isin(self.codes, chosen)

    def where(self, holds: Callable[[Any], bool]) -> BoolArray:
        """Return ``(n,)``: where the value passes a test."""
        passes = np.fromiter((holds(value) for value in self.values), bool, len(self.values))
        return passes[self.codes] if len(passes) else np.zeros(len(self.codes), bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Every memory of a space that was not erased, in parallel arrays of length ``n``.

    Args:
        seq: the journal entry up to which it is current.
        ids: the memories.
        row: ``int64`` rows in the store, rising.
        kind, status, author, role, session, channel, tier, tags: coded fields.
        at, valid_from, valid_to: ``int64`` microseconds since 1970.
        last_used: ``int64`` microseconds, ``NEVER`` if never used.
        importance, uses, strength: ``float32``, as on the memory and its usage.
        words: ``float32``: distinct terms of the text.
        rarity: ``float32``: mean inverse document frequency of them, in nats.
        names: ``float32``: names and phrases that the text has.
        dated, numbered, asks, tells: ``bool``: the text has a time, a number, is a question, tells of its speaker.
        tokens: ``float32`` rendered tokens of the text.
        nbytes: ``float32`` bytes of the text.
        content: ``uint64``: a hash of the set of content terms; texts that differ in function words alone share it.
    """

    seq: int
    ids: Sequence[str]
    row: IntArray
    kind: Coded
    status: Coded
    author: Coded
    role: Coded
    session: Coded
    channel: Coded
    tier: Coded
    tags: Coded
    at: IntArray
    valid_from: IntArray
    valid_to: IntArray
    last_used: IntArray
    importance: FloatArray
    uses: FloatArray
    strength: FloatArray
    words: FloatArray
    rarity: FloatArray
    names: FloatArray
    dated: BoolArray
    numbered: BoolArray
    asks: BoolArray
    tells: BoolArray
    tokens: FloatArray
    nbytes: FloatArray
    content: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def active(self) -> BoolArray:
        """``(n,)``: what the default recall sees."""
        return self.status.among(("active",))

    def age_days(self, now: datetime) -> FloatArray:
        """Return ``(n,)`` days since each memory was last used, or, if never, since its time; never below 0."""
        since = np.maximum(self.at, self.last_used)
        return np.maximum((to_micros(now) - since) / DAY_US, 0.0).astype(np.float32)

    def fading_days(self, now: datetime) -> FloatArray:
        """Return ``(n,)`` days for which each memory has faded: since its last use, or its time where uses were bad more than good."""
        since = np.where(self.uses < 0, self.at, np.maximum(self.at, self.last_used))
        return np.maximum((to_micros(now) - since) / DAY_US, 0.0).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Something a keeper wants done: its operations happen together or not at all.

    Args:
        keeper: who proposes it.
        why: the reason, for people; ids, numbers and names of rules, never content.
        operations: in order.
        erase: memories to erase for good, by rule; apart from operations, because an erasure is searched and can't be undone.
    """

    keeper: str
    why: str
    operations: tuple[Operation, ...] = ()
    erase: tuple[str, ...] = ()


class Curve(Protocol):
    """A forgetting curve: how likely a memory still is there, and what a use does to it."""

    @property
    def name(self) -> str:
        """Its name in traces and settings."""
        ...

    def retention(self, strength: FloatArray, days: FloatArray) -> FloatArray:
        """Return ``(n,)`` in [0, 1] for strengths as stored and days since the last use."""
        ...

    def reinforced(self, id: str, usage: Usage | None, born: datetime, grade: str, at: datetime) -> Reinforce:
        """Return the change that a use of this grade makes; ``usage`` is None for a memory that was never used."""
        ...

    def born(self, strength: FloatArray, uses: FloatArray) -> FloatArray:
        """Return ``(n,)`` strengths on the curve's own scale; 1.0 at birth becomes the strength of a new memory."""
        ...


def moved(usage: Usage | None, grade: str, at: datetime) -> datetime | None:
    """Return when a memory counts as used last after a use of this grade: a bad one makes what was of use before no fresher."""
    return None if grade == "again" and usage is not None and usage.uses > 0 else at


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a keeper sees: the census, reads, time, and how much of it is left.

    Args:
        census: the space.
        now: the moment of the pass.
        fresh: ``(n,)``: what was written or changed since the last whole pass.
        curve: how memories fade.
        memories: reads memories by place, in the order asked.
        episodes: reads episodes by id.
        links: reads the links that touch memories.
        usage: reads how memories have fared.
        vectors: ``(m, width)``: reads one unit vector per place, the mean of its passages.
        status_of: the status of an id, None if it was never used.
        count_tokens: the length of a text.
        out_of_time: whether to stop proposing.
        trace: where decisions are written down.
        llm: the language model; None works by rule, and so does a dry run, which spends nothing.
        grounded: whether the cited words bear a text out: the text, the words, when they were said, who speaks in them.
        held: ``(n,)``: what a legal hold protects; never archived or erased.
        scratch: what keepers share within one pass.
    """

    census: Census
    now: datetime
    fresh: BoolArray
    curve: Curve
    memories: Callable[[Sequence[int]], list[Memory]]
    episodes: Callable[[Sequence[str]], Mapping[str, Episode]]
    links: Callable[[Sequence[str]], list[Link]]
    usage: Callable[[Sequence[str]], Mapping[str, Usage]]
    vectors: Callable[[Sequence[int]], FloatArray]
    status_of: Callable[[str], str | None]
    count_tokens: Callable[[str], int]
    out_of_time: Callable[[], bool]
    trace: Trace
    held: BoolArray
    llm: LLM | None = None
    grounded: Callable[[str, Sequence[str], datetime, Sequence[str]], bool] = lambda text, cited, at, known: False
    scratch: dict[str, Any] = field(default_factory=dict)

    def retention(self) -> FloatArray:
        """Return ``(n,)`` retention of every memory now; what has ended in the world, or proved useless, counts for less."""
        census = self.census
        strength = self.curve.born(census.strength, census.uses)
        kept = self.curve.retention(strength, census.fading_days(self.now))
        ended = census.valid_to <= to_micros(self.now)
        return np.where(ended, kept * ENDED, kept).astype(np.float32) * np.where(census.uses < 0, USELESS, 1.0).astype(np.float32)


ENDED = 0.3
"""What is left of the retention of a memory that was superseded or has lapsed."""

USELESS = 0.5
"""What is left of the retention of a memory that was judged useless more often than useful."""


def made_id(first: str, key: str) -> str:
    """Return the id of a memory that upkeep makes: the time of what it is made from, then 50 bits of what was made.

    The same input gives the same id, so a pass that was interrupted makes nothing twice.

    Args:
        first: id of the first memory or episode that it rests on.
        key: the keeper and all that it rests on.
    """
    number = int.from_bytes(hashlib.blake2b(f"{first}|{key}".encode(), digest_size=8).digest(), "big") >> 14
    moment = first.partition("_")[2][:10].rjust(10, "0")
    return "mem_" + moment + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(45, -1, -5))


def kept(ctx: Round, memory: Memory) -> list[Operation]:
    """Return what makes a memory with an id of :func:`made_id` be there: it is kept, or comes back if an undo took it away."""
    status = ctx.status_of(memory.id)
    if status is None:
        return [Keep(memory=memory)]
    return [Restore(id=memory.id)] if status == "undone" else []


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
