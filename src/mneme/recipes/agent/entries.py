"""Entries that an agent keeps in a space: found by nearness, and resting on what the agent had read when it wrote them.

What rests on a message goes when that message is erased; an entry that rests on nothing but its own words would stay and tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mneme.core.query import Filter
from mneme.core.records import Memory, Span
from mneme.space import Space

READ = 64
"""How many of the nearest are returned unless said otherwise."""


def nearest(space: Space, text: str, tag: str, *, kind: str = "", most: int = READ) -> list[tuple[Memory, float]]:
    """Return the entries nearest to a text that are active and have not ended, with their cosines, best first; not counted as a use.

    Args:
        space: where they are.
        text: what they are compared with.
        tag: which all of them have.
        kind: of memory; empty takes every kind.
        most: at most so many are returned.
    """
    row = space._memory.embedder.embed([text])[0]
    where = Filter(kinds=(kind,) if kind else (), tags=(tag,))
    with space._use() as opened, opened.current.lock:
        index = opened.current.now()
        positions = np.flatnonzero(index.mask(where, as_of=None, now=space._memory.clock.now()))
        cosines = index.exact(positions, row) if len(positions) else np.zeros(0, np.float32)
        order = np.argsort(-cosines, kind="stable")[:most].tolist()
        ranked = [(index.ids[positions[place]], float(cosines[place])) for place in order]
    ids = tuple(id for id, _ in ranked)
    found = {memory.id: memory for memory in space.memories(replace(where, ids=ids), limit=len(ids))} if ids else {}
    return [(found[id], cosine) for id, cosine in ranked if id in found]


def entry(space: Space, id: str, tag: str, *, kind: str = "") -> Memory | None:
    """Return an active entry by its id; None where there is none of this tag and kind."""
    found = space.memories(Filter(ids=(id,), kinds=(kind,) if kind else (), tags=(tag,)), limit=1)
    return found[0] if found else None


def spans(space: Space, ids: Sequence[str]) -> tuple[Span, ...]:
    """Return what memories rest on, in their order; those that are gone are left out."""
    found = {memory.id: memory for memory in space.memories(Filter(ids=tuple(ids)), limit=len(ids))} if ids else {}
    return tuple(dict.fromkeys(span for id in ids if id in found for span in found[id].sources))


def reworded(space: Space, entry: Memory, text: str, ids: Sequence[str]) -> None:
    """Write an entry anew; it rests on what it rested on, and on these memories. Where that is nothing, it rests on its new words."""
    space.revise(entry.id, text, sources=tuple(dict.fromkeys((*entry.sources, *spans(space, ids)))))
