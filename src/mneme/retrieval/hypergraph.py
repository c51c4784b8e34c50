"""Hypergraph memory of one question: points that tie two or more entities together, and the graph of entities that they stand on.

An entity is a name or an end of a triple (:mod:`mneme.retrieval.phrases`); a statement is a fact or a message with at least two of them.
Two entities are neighbours when a statement has both, or when they mean the same.

Source: HGMem (arXiv 2512.23959): points are hyperedges with a description; they are inserted, updated and merged, and a merged point has
the entities and sources of both. Differs: sources are kept with a point, not looked up over its entities; nothing is reached over an
entity that is in very many messages, such as who speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mneme.core.context import BoolArray, Context
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.phrases import phrases
from mneme.retrieval.provenance import provenance

LEAST_ENTITIES = 2
LEAST_HUB = 10
HUB_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    """The entities of a space and the statements that tie them together.

    Args:
        names: ``p`` entities, normalised.
        vectors: ``(p, width)`` of their names, unit-norm.
        positions: ``(s,)`` where the statements stand in the index.
        statement, entity: ``(n,)`` parallel: which statement has which entity.
        same: ``(e, 2)`` entities that mean the same.
        hub: ``(p,)`` which are in so many messages that nothing is reached over them.
        rests: position of a fact -> the messages that it rests on.
    """

    names: Sequence[str]
    vectors: FloatArray
    positions: IntArray
    statement: IntArray
    entity: IntArray
    same: IntArray
    hub: BoolArray
    rests: Mapping[int, tuple[int, ...]]

    def among(self, statements: BoolArray) -> BoolArray:
        """Return ``(p,)``: which entities are in the statements, ``(s,)``."""
        found = np.zeros(len(self.names), bool)
        found[self.entity[statements[self.statement]]] = True
        return found

    def touching(self, entities: BoolArray, statements: BoolArray) -> BoolArray:
        """Return ``(s,)``: which of the statements have one of the entities, ``(p,)``."""
        found = np.zeros(len(self.positions), bool)
        found[self.statement[entities[self.entity]]] = True
        return found & statements

    def inside(self, entities: BoolArray, statements: BoolArray) -> BoolArray:
        """Return ``(s,)``: which of the statements have no other entity than these, ``(p,)``."""
        return statements & ~self.touching(~entities, statements)

    def around(self, start: Iterable[int], statements: BoolArray, *, hops: int) -> BoolArray:
        """Return ``(p,)``: what is within so many hops of the start over these statements, the start among it."""
        reached = np.zeros(len(self.names), bool)
        reached[list(start)] = True
        edge = reached & ~self.hub
        for _ in range(hops):
            found = self.among(self.touching(edge, statements))
            for one, other in ((0, 1), (1, 0)):
                found[self.same[edge[self.same[:, one]], other]] = True
            edge = found & ~reached & ~self.hub
            reached |= found
        return reached

    def of(self, number: int) -> frozenset[int]:
        """Return the entities of a statement."""
        return frozenset(self.entity[self.statement == number].tolist())


def entities(ctx: Context, synonym: float) -> Entities:
    """Return the entities of the index's present state; those with at least the cosine ``synonym`` mean the same."""
    return ctx.index.memo(f"entities:{synonym}", lambda: _entities(ctx, synonym))


def _entities(ctx: Context, synonym: float) -> Entities:
    known = phrases(ctx, synonym, names=True)
    passages = known.passages.tolist()
    held: dict[int, dict[int, None]] = {position: dict.fromkeys(ends) for position, ends in known.facts.items()}
    for phrase, number in known.contains.tolist():
        held.setdefault(passages[number], {})[phrase] = None
    told = {position: tuple(ends) for position, ends in sorted(held.items()) if len(ends) >= LEAST_ENTITIES}
    pairs = np.array([(number, end) for number, ends in enumerate(told.values()) for end in ends], np.int64).reshape(-1, 2)
    found = provenance(ctx)
    rests: dict[int, list[int]] = {}
    for derived, value in zip(found.derived.tolist(), found.value.tolist(), strict=True):
        rests.setdefault(derived, []).append(value)
    return Entities(
        names=known.names,
        vectors=known.vectors,
        positions=np.array(list(told), np.int64),
        statement=pairs[:, 0],
        entity=pairs[:, 1],
        same=known.synonyms[:, :2].astype(np.int64),
        hub=known.spread > max(LEAST_HUB, HUB_SHARE * len(passages)),
        rests={position: tuple(rests.get(position, ())) for position in known.facts},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What is known of two or more entities together.

    Args:
        id: its number.
        text: what is known.
        entities: the entities, at least two.
        sources: positions of the memories that it rests on, rising.
        statements: the statements that it was made of.
        vector: ``(width,)`` of the text, unit-norm.
    """

    id: int
    text: str
    entities: frozenset[int]
    sources: tuple[int, ...]
    statements: frozenset[int]
    vector: FloatArray


@dataclass(slots=True, kw_only=True)
class Points:
    """The points of one question.

    Args:
        at: point -> itself, in order of making.
        made: how many were ever made; ids are not used again.
    """

    at: dict[int, Point] = field(default_factory=dict)
    made: int = 0

    @property
    def entities(self) -> frozenset[int]:
        """The entities of all points."""
        return frozenset().union(*(point.entities for point in self.at.values()))

    @property
    def statements(self) -> frozenset[int]:
        """The statements of all points."""
        return frozenset().union(*(point.statements for point in self.at.values()))

    def insert(self, text: str, held: Iterable[int], sources: Iterable[int], statements: Iterable[int], vector: FloatArray) -> int | None:
        """Return the id of a new point; None where it has fewer than two entities, no source or no text."""
        ends, rests = frozenset(held), tuple(sorted(set(sources)))
        if len(ends) < LEAST_ENTITIES or not rests or not text.strip():
            return None
        self.made += 1
        point = Point(id=self.made, text=text.strip(), entities=ends, sources=rests, statements=frozenset(statements), vector=vector)
        self.at[point.id] = point
        return point.id

    def update(self, id: int, text: str, vector: FloatArray, sources: Iterable[int] = (), statements: Iterable[int] = ()) -> bool:
        """Give a point another text, and further sources; its entities stay. False where there is none or no text."""
        point = self.at.get(id)
        if point is None or not text.strip():
            return False
        rests = tuple(sorted({*point.sources, *sources}))
        self.at[id] = replace(point, text=text.strip(), vector=vector, sources=rests, statements=point.statements | {*statements})
        return True

    def merge(self, one: int, other: int, text: str, vector: FloatArray) -> int | None:
        """Return the id of the point that takes the place of two, with the entities and sources of both; None where one is not there."""
        if one == other or one not in self.at or other not in self.at or not text.strip():
            return None
        first, second = self.at.pop(one), self.at.pop(other)
        return self.insert(
            text, first.entities | second.entities, first.sources + second.sources, first.statements | second.statements, vector
        )
