"""Entries that an agent keeps in a space: found by nearness, and resting on what the agent had read when it wrote them.

What rests on a message goes when that message is erased; an entry that rests on nothing but its own words would stay and tell it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mneme.core.query import Filter
from mneme.core.records import Memory, Span
from mneme.space import Space

READ = 64
"""How many of the nearest are read to find those that still hold."""


def nearest(space: Space, text: str, tag: str, *, kind: str = "", most: int = READ) -> list[tuple[Memory, float]]:
    """Return the entries nearest to a text that are active and have not ended, with their cosines, best first; not counted as a use.

    Args:
        space: where they are.
        text: what they are compared with.
        tag: which all of them have.
        kind: of memory; empty takes every kind.
        most: at most so many of the nearest are read.
    """
    row = space._memory.embedder.embed([text])[0]
    with space._use() as opened, opened.current.lock:
        index = opened.current.now()
        codes, values = index.codes("tags")
        mine = [code for code, value in enumerate(values) if isinstance(value, (tuple, list)) and tag in value]
        positions = np.flatnonzero(np.isin(codes, mine) & index.present & index.mask(Filter(), as_of=None, now=space._memory.clock.now()))
        cosines = index.exact(positions, row) if len(positions) else np.zeros(0, np.float32)
        order = np.argsort(-cosines, kind="stable")
        ranked = [(index.ids[positions[place]], float(cosines[place])) for place in order[: most if not kind else len(order)].tolist()]
    wanted = dict(ranked)
    kinds = (kind,) if kind else ()
    found: dict[str, Memory] = {}
    for start in range(0, len(ranked), READ):
        part = tuple(id for id, _ in ranked[start : start + READ])
        found |= {memory.id: memory for memory in space.memories(Filter(ids=part, kinds=kinds, tags=(tag,)), limit=READ)}
        if len(found) >= most:
            break
    return [(found[id], wanted[id]) for id, _ in ranked if id in found][:most]


def entry(space: Space, id: str, tag: str, *, kind: str = "") -> Memory | None:
    """Return an active entry by its id; None where there is none of this tag and kind."""
    found = space.memories(Filter(ids=(id,), kinds=(kind,) if kind else (), tags=(tag,)), limit=1)
    return found[0] if found else None


def spans(space: Space, ids: Sequence[str]) -> tuple[Span, ...]:
    """Return what memories rest on, in their order; those that are gone are left out."""
    found = {memory.id: memory for memory in space.memories(Filter(ids=tuple(ids)), limit=len(ids))} if ids else {}
    return tuple(dict.fromkeys(span for id in ids if id in found for span in found[id].sources))


def reworded(space: Space, entry: Memory, text: str, ids: Sequence[str]) -> None:
    """Write an entry anew; it rests on what it rested on, and on these memories. Without any it rests on its new words."""
    read = spans(space, ids)
    if read:
        space.revise(entry.id, text, sources=tuple(dict.fromkeys((*entry.sources, *read))))
    else:
        space.revise(entry.id, text)
