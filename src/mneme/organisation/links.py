"""Links: what is about the same person, what came next, what is alike, and what is said to be the cause.

Source: A-MEM (arXiv 2502.12110) links alike notes, MemGAS (arXiv 2505.19549) associates across granularities. Differs: without a model; two
memories are alike by vector and a shared entity, causes only where the words between two statements of one message say so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mneme.core.context import Context
from mneme.core.operations import Connect, Keep, Operation, Quarantine
from mneme.core.ports import FloatArray
from mneme.core.query import Filter
from mneme.core.records import Link, Memory
from mneme.organisation.belief import belief
from mneme.organisation.board import statements_about
from mneme.text.names import mentions

_BECAUSE = re.compile(r"^[\s,;–—-]*(?:because|since|as|given\s+that|due\s+to)\b", re.IGNORECASE)
_THEREFORE = re.compile(r"^[\s,;.–—-]*(?:and\s+)?(?:so|therefore|that['’]s\s+why|which\s+is\s+why|as\s+a\s+result|hence)\b", re.IGNORECASE)
_REACH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Connects new statements.

    Args:
        alike: with how many alike statements each is linked; 0 links none.
        near: least cosine of two alike statements.
        entities: make a ``concept`` for each person or thing that is named, and link statements to it as ``about``.
    """

    alike: int = 2
    near: float = 0.6
    entities: bool = True

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with links added at their end."""
        aside = {operation.id for operation in operations if isinstance(operation, Quarantine)}
        fresh = [o.memory for o in operations if isinstance(o, Keep) and o.memory.id not in aside and belief(o.memory) is not None]
        if not fresh:
            return list(operations)
        added: list[Operation] = []
        if self.entities:
            added += _about(ctx, fresh)
        added += _next(ctx, fresh)
        added += _causes(ctx, fresh)
        if self.alike:
            added += self._similar(ctx, fresh)
        return [*operations, *added]

    def _similar(self, ctx: Context, fresh: Sequence[Memory]) -> list[Operation]:
        vectors = ctx.embedder.embed([memory.text for memory in fresh])
        return [link for memory, vector in zip(fresh, vectors, strict=True) for link in self._alike(ctx, memory, vector)]

    def _alike(self, ctx: Context, memory: Memory, vector: FloatArray) -> list[Operation]:
        item = belief(memory)
        assert item is not None
        rows = statements_about(ctx, item.subject)
        if not len(rows):
            return []
        scores = ctx.index.dense(vector)[rows]
        best = rows[np.argsort(-scores, kind="stable")][: self.alike]
        weights = dict(zip(rows.tolist(), scores.tolist(), strict=True))
        found = [(row, other) for row, other in zip(best.tolist(), ctx.memories(best.tolist()), strict=False) if weights[row] >= self.near]
        return [_link(memory.id, other.id, "similar", round(weights[row], 3)) for row, other in found if other.id != memory.id]


def entity_id(name: str) -> str:
    """Return the id of the concept of a name: the same name, the same id.

    Example:
        >>> entity_id("Ana") == entity_id("ana")
        True
    """
    return "mem_entity" + hashlib.blake2b(name.casefold().encode(), digest_size=8).hexdigest()


def _about(ctx: Context, fresh: Sequence[Memory]) -> list[Operation]:
    names: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    first: dict[str, Memory] = {}
    for memory in fresh:
        for name in _entities(memory):
            id = entity_id(name)
            names.setdefault(id, name)
            first.setdefault(id, memory)
            pairs.append((memory.id, id))
    known = {memory.id for memory in ctx.find(Filter(ids=tuple(names), archived=True))} if names else set()
    made = [Keep(memory=_concept(id, name, first[id])) for id, name in names.items() if id not in known]
    return [*made, *(_link(source, target, "about", 1.0) for source, target in dict.fromkeys(pairs))]


def _entities(memory: Memory) -> list[str]:
    item = belief(memory)
    assert item is not None
    named = [
        mention.canonical
        for mention in mentions(item.object, [item.object] if item.object[:1].isupper() else [])
        if mention.kind in ("person", "name")
    ]
    subject = [item.subject] if item.subject[:1].isupper() and not item.subject.startswith("The ") else []
    return list(dict.fromkeys([*subject, *named]))


def _concept(id: str, name: str, first: Memory) -> Memory:
    """The concept rests on where the name was first read, so that it goes when all of that is erased."""
    return Memory(
        id=id,
        text=name,
        kind="concept",
        at=first.at,
        recorded_at=first.recorded_at,
        valid_from=first.valid_from,
        attributes={"entity": name},
        sources=first.sources,
        importance=0.3,
    )


def _next(ctx: Context, fresh: Sequence[Memory]) -> list[Operation]:
    """From each event to the one of the same person that came before."""
    codes, kinds = ctx.index.codes("kind")
    event = kinds.index("event") if "event" in kinds else -1
    links: list[Operation] = []
    seen: dict[str, Memory] = {}
    for memory in sorted((memory for memory in fresh if memory.kind == "event"), key=lambda memory: (memory.at, memory.id)):
        item = belief(memory)
        assert item is not None
        rows = statements_about(ctx, item.subject)
        rows = rows[(codes[rows] == event) & (ctx.index.at[rows] < memory.at.timestamp() * 1e6)]
        before = ctx.memories([int(rows[np.argmax(ctx.index.at[rows])])]) if len(rows) else []
        earlier = seen.get(item.subject.casefold())
        candidates = [other for other in (*before, *([earlier] if earlier else [])) if other.at < memory.at]
        if candidates:
            links.append(_link(max(candidates, key=lambda other: other.at).id, memory.id, "next", 1.0))
        seen[item.subject.casefold()] = memory
    return links


def _causes(ctx: Context, fresh: Sequence[Memory]) -> list[Operation]:
    by_episode: dict[str, list[Memory]] = {}
    for memory in fresh:
        by_episode.setdefault(memory.sources[0].episode, []).append(memory)
    shared = {id: found for id, found in by_episode.items() if len(found) > 1}
    episodes = ctx.episodes(list(shared)) if shared else {}
    links: list[Operation] = []
    for id, found in shared.items():
        if id not in episodes:
            continue
        ordered = sorted(found, key=lambda memory: memory.sources[0].start)
        for one, other in pairwise(ordered):
            between = episodes[id].text[one.sources[0].end : other.sources[0].end][:_REACH]
            if _BECAUSE.match(between):
                links.append(_link(other.id, one.id, "causes", 1.0))
            elif _THEREFORE.match(between):
                links.append(_link(one.id, other.id, "causes", 1.0))
    return links


def _link(source: str, target: str, type: str, weight: float) -> Connect:
    return Connect(link=Link(source=source, target=target, type=type, weight=weight))
