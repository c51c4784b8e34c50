"""What a strategy sees: a read-only view of the space, time, randomness, models, budget and the trace.

Arrays of an index are parallel and as long as ``size``; a *position* is an index into them. Positions mean something within one call only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mneme.core.clock import Clock
from mneme.core.llm import LLM
from mneme.core.ports import Embedder, FloatArray, IntArray
from mneme.core.query import Filter
from mneme.core.records import Episode, Link, Memory, Usage
from mneme.core.trace import Trace

BoolArray = NDArray[np.bool_]
TermArray = NDArray[np.uint64]
T = TypeVar("T")

ADMITTED = "admitted"
"""What :meth:`Context.admitted` is kept under."""


class Index(Protocol):
    """The space as search sees it."""

    @property
    def size(self) -> int:
        """How many positions there are."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """The memory at each position."""
        ...

    @property
    def present(self) -> BoolArray:
        """``(size,)``: the positions that hold a searchable memory."""
        ...

    @property
    def at(self) -> IntArray:
        """``(size,)`` microseconds since 1970."""
        ...

    @property
    def previous(self) -> IntArray:
        """``(size,)`` position of the memory before in the same session, ``size`` (one past the end) at its start."""
        ...

    @property
    def following(self) -> IntArray:
        """``(size,)`` position of the memory after in the same session, ``size`` at its end."""
        ...

    @property
    def groups(self) -> tuple[IntArray, int]:
        """``(size,)`` number of each memory's conversation, and a bound above all numbers; what belongs to none is one of its own."""
        ...

    def memo(self, name: str, build: Callable[[], T]) -> T:
        """Return what ``build`` made of the index's present state under this name; it is made again after a change."""
        ...

    @property
    def lengths(self) -> FloatArray:
        """``(size,)`` number of terms."""
        ...

    @property
    def strength(self) -> FloatArray:
        """``(size,)`` strength as the retention component keeps it; 1.0 at birth."""
        ...

    @property
    def last_used(self) -> IntArray:
        """``(size,)`` microseconds since 1970 of the last use, far in the past if there was none."""
        ...

    def codes(self, field: str) -> tuple[NDArray[np.int32], Sequence[object]]:
        """Return ``(size,)`` codes of a field (``kind author role session channel tier tags``) and the value that each code means."""
        ...

    def mask(self, where: Filter, *, as_of: datetime | None, now: datetime) -> BoolArray:
        """Return ``(size,)``: which positions a filter admits that hold at ``as_of`` (or have not ended by ``now``)."""
        ...

    def dense(self, vector: FloatArray, among: BoolArray | None = None) -> FloatArray:
        """Return ``(size,)`` cosine of each memory's best passage with a unit vector, from 8-bit codes (error below 0.01).

        With ``among``, ``(size,)``, what is not among it may be left at -1.
        """
        ...

    def dense_at(self, positions: IntArray, vector: FloatArray) -> FloatArray:
        """Return ``(len(positions),)`` the same cosines of a few positions, rising."""
        ...

    def vectors_at(self, positions: IntArray) -> FloatArray:
        """Return ``(len(positions), width)`` the vector of the first passage of a few positions, rising, from 8-bit codes; 0 for none."""
        ...

    def exact(self, positions: IntArray, vector: FloatArray) -> FloatArray:
        """Return ``(len(positions),)`` the same cosine from float32 vectors."""
        ...

    def lexical(self, terms: TermArray, weights: FloatArray | None = None) -> FloatArray:
        """Return ``(size,)`` BM25 of each memory for the query's terms."""
        ...

    def postings(self, term: int) -> tuple[IntArray, FloatArray]:
        """Return (positions, term frequencies) of a term among present memories."""
        ...

    def idf(self, term: int) -> float:
        """Return the inverse document frequency of a term in this space."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question on its way through the channels.

    Args:
        text: as asked.
        vector: ``(width,) float32 unit-norm``.
        terms: ``(t,)`` ids of its distinct terms, in order of appearance.
        weights: ``(t,) float32`` how much each term counts; little for function words.
        words: the terms themselves, parallel to ``terms``.
        heads: for each term the place of the term whose word it is another form of, its own where it is none; empty: all their own.
        languages: for each term the languages of the texts that it can stand in, none for any; empty: any for all.
        any_kind: ``(size,)`` what would be admitted were all kinds asked for; None where they are.
        admitted: ``(size,)`` the positions that may be returned.
        k: how many hits are wanted.
        now: the moment of the question; "last week" counts from it.
    """

    text: str
    vector: FloatArray
    terms: TermArray
    weights: FloatArray
    words: tuple[str, ...]
    admitted: BoolArray
    k: int
    now: datetime
    heads: tuple[int, ...] = ()
    languages: tuple[tuple[str, ...], ...] = ()
    any_kind: BoolArray | None = None

    @property
    def leading(self) -> BoolArray:
        """``(size,)``: what may lead to what is admitted, such as a summary to its messages, of kinds that are not asked for too."""
        return self.admitted if self.any_kind is None else self.any_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The read-only view that every strategy gets.

    Args:
        index: the space as search sees it.
        clock: the time.
        seed: for components that draw at random.
        embedder: the space's embedding model.
        memories: reads memories by position, in the order asked.
        episodes: reads episodes by id.
        find: reads active memories that pass a filter, in order of id.
        links: reads the links that touch memories.
        usage: reads how memories have fared.
        llm: the language model, bound to the space and the trace; None when there is none.
        trace: where decisions are written down.
        settings: further settings of the space.
        scratch: what strategies worked out in this call and share (:meth:`once`).
        aside: ``with ctx.aside():`` holds what takes long and needs neither index nor store; recalls need not wait for it.
    """

    index: Index
    clock: Clock
    seed: int
    embedder: Embedder
    memories: Callable[[Sequence[int]], list[Memory]]
    episodes: Callable[[Sequence[str]], Mapping[str, Episode]]
    find: Callable[[Filter], list[Memory]]
    links: Callable[[Sequence[str]], list[Link]]
    usage: Callable[[Sequence[str]], Mapping[str, Usage]]
    trace: Trace
    llm: LLM | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    scratch: dict[str, Any] = field(default_factory=dict)
    aside: Callable[[], AbstractContextManager[None]] = nullcontext

    def admitted(self) -> BoolArray:
        """Return ``(size,)``: the positions that this recall may show, whatever its hits; all present ones where nothing is asked."""
        found: BoolArray | None = self.scratch.get(ADMITTED)
        return self.index.present if found is None else found

    def once(self, name: str, build: Callable[[], T]) -> T:
        """Return what ``build`` made in this call under this name; made on first use."""
        if name not in self.scratch:
            self.scratch[name] = build()
        made: T = self.scratch[name]
        return made
