"""Conflicts among what was recalled: memories that contradict a hit, or what was read from it."""

from __future__ import annotations

from collections.abc import Sequence

from mneme.core.ports import Store
from mneme.core.query import Conflict, Hit

MOST = 10


def conflicts(store: Store, hits: Sequence[Hit]) -> tuple[Conflict, ...]:
    """Return the contradictions that touch the best hits, each once, in the order of the hits."""
    ids: dict[str, None] = {}
    for hit in hits[:MOST]:
        ids[hit.memory.id] = None
        formed = hit.why.get("formed", ())
        ids.update(dict.fromkeys(str(id) for id in (formed if isinstance(formed, list) else ())))
    pairs = [(link.source, link.target) for link in store.links(list(ids)) if link.type == "contradicts"] if ids else []
    memories = store.memories([id for pair in pairs for id in pair]) if pairs else {}
    found: dict[tuple[str, ...], Conflict] = {}
    for pair in pairs:
        both = [memories[id] for id in pair if id in memories and memories[id].status == "active"]
        if len(both) == 2:
            both.sort(key=lambda memory: (memory.at, memory.id))
            key = tuple(memory.id for memory in both)
            found[key] = Conflict(ids=key, texts=tuple(memory.text for memory in both), at=tuple(memory.at for memory in both))
    return tuple(found.values())
