"""The graph of phrases and passages: what triples and names in passages say is connected.

A passage is a message; its phrases are the ends of the triples that rest on it (``attributes["triple"]``, or subject and object of a
statement), who says it, and, where that is asked for, the names in it. Phrases that mean the same are joined by an edge of their cosine.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np

from mneme.core.context import Context
from mneme.core.ports import Embedder, FloatArray, IntArray
from mneme.core.records import Memory
from mneme.retrieval.pagerank import Graph, Numbers
from mneme.retrieval.provenance import provenance
from mneme.text.names import mentions

LEAST_CHARS = 3
"""A phrase with fewer letters and digits has no synonyms."""

MOST_SYNONYMS = 100
MOST_CACHED = 200_000
MOST_GRAPHS = 8
"""How many graphs' pairs are kept, so that a write to a space compares only what it adds."""

_WORD = re.compile(r"\w+")
_POSSESSIVE = re.compile(r"['’]s\b")


@dataclass(slots=True, kw_only=True)
class _Shelf:
    """What was worked out with one embedder.

    Args:
        vectors: of phrases.
        pairs: cosine -> phrases of the graphs built last, with their pairs.
    """

    vectors: dict[str, FloatArray] = field(default_factory=dict)
    pairs: dict[float, list[tuple[list[str], Numbers]]] = field(default_factory=dict)


_SHELVES: WeakKeyDictionary[Embedder, _Shelf] = WeakKeyDictionary()
"""By the embedder itself: two of one identity may still be two models, and what nobody uses any more goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Phrase nodes ``0..p-1`` and passage nodes ``p..p+m-1``.

    Args:
        names: the phrases, normalised.
        vectors: ``(p, width)`` unit-norm; empty when nothing asked for them.
        passages: ``(m,)`` positions of the passages, rising.
        contains: ``(c, 2)`` phrase and number of passage.
        spread: ``(p,)`` in how many passages each phrase is.
        facts: position of a triple's memory -> its phrases.
        relations: ``(r, 3)`` phrase, phrase, how often they stand in one triple.
        synonyms: ``(s, 3)`` phrase, phrase, cosine.
    """

    names: Sequence[str]
    vectors: FloatArray
    passages: IntArray
    contains: IntArray
    spread: Numbers
    facts: Mapping[int, tuple[int, ...]]
    relations: Numbers
    synonyms: Numbers

    def graph(self, *, passages: bool) -> Graph:
        """Return the graph of phrases, with passages as nodes of their own or without them."""
        parts = [self.relations, self.synonyms]
        size = len(self.names)
        if passages:
            parts.append(np.column_stack([self.contains[:, 0], self.contains[:, 1] + size, np.ones(len(self.contains))]))
            size += len(self.passages)
        edges = np.concatenate(parts) if parts else np.zeros((0, 3))
        return Graph.undirected(size, edges[:, 0].astype(np.int64), edges[:, 1].astype(np.int64), edges[:, 2])


def phrases(ctx: Context, synonym: float, *, names: bool) -> Phrases:
    """Return the graph of the index's present state.

    Args:
        ctx: the space.
        synonym: phrases with at least this cosine are joined; above 1 none are.
        names: the names in a passage are phrases of it, whether or not a triple has them.
    """
    return ctx.index.memo(f"phrases:{synonym}:{names}", lambda: _build(ctx, synonym, names))


def normalised(phrase: str) -> str:
    """Return a phrase in small letters, words alone, without possessive endings.

    >>> normalised("  Alzheimer's disease ")
    'alzheimer disease'
    """
    return " ".join(_WORD.findall(_POSSESSIVE.sub("", phrase.casefold())))


def triple(memory: Memory) -> tuple[str, str, str] | None:
    """Return head, relation and tail of a memory that states a relation, None of any other."""
    given = memory.attributes.get("triple")
    if isinstance(given, (list, tuple)) and len(given) == 3:
        head, name, tail = (str(part) for part in given)
    else:
        head, name, tail = (str(memory.attributes.get(part) or "") for part in ("subject", "relation", "object"))
    return (head, name, tail) if normalised(head) and normalised(tail) else None


def named(text: str) -> tuple[str, ...]:
    """Return the names in a text, normalised, each once."""
    return _named(text[:20_000])


@lru_cache(maxsize=50_000)
def _named(text: str) -> tuple[str, ...]:
    found = (normalised(mention.canonical) for mention in mentions(text) if mention.kind in ("person", "name"))
    return tuple(dict.fromkeys(name for name in found if name))


def vectors_of(embedder: Embedder, names: Sequence[str]) -> FloatArray:
    """Return ``(n, width)`` vectors of phrases, each embedded once per embedder."""
    known = _SHELVES.setdefault(embedder, _Shelf()).vectors
    if len(known) > MOST_CACHED:
        known.clear()
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if missing:
        known.update(zip(missing, embedder.embed(missing), strict=True))
    return np.stack([known[name] for name in names]) if names else np.zeros((0, embedder.width), np.float32)


def _build(ctx: Context, synonym: float, with_names: bool) -> Phrases:
    found = provenance(ctx)
    passages = np.flatnonzero(found.verbatim & ctx.index.present)
    number_of = {position: number for number, position in enumerate(passages.tolist())}
    ids: dict[str, int] = {}
    contains: dict[tuple[int, int], None] = {}
    facts: dict[int, tuple[int, ...]] = {}
    together: dict[tuple[int, int], int] = defaultdict(int)
    rests: dict[int, list[int]] = defaultdict(list)
    for derived, value in zip(found.derived.tolist(), found.value.tolist(), strict=True):
        rests[derived].append(number_of[value])
    for position, memory in found.memories.items():
        if (said := triple(memory)) is None:
            continue
        head, tail = (ids.setdefault(normalised(end), len(ids)) for end in (said[0], said[2]))
        facts[position] = tuple(dict.fromkeys((head, tail)))
        if head != tail:
            together[min(head, tail), max(head, tail)] += 1
        contains.update(((end, number), None) for end in facts[position] for number in rests[position])
    for number, memory in enumerate(ctx.memories(passages.tolist())):
        own = (*_author(memory), *(named(memory.text) if with_names else ()))
        contains.update(((ids.setdefault(name, len(ids)), number), None) for name in own)
    pairs = np.array(list(contains), np.int64).reshape(-1, 2)
    names = list(ids)
    vectors, same = _synonyms(ctx.embedder, names, synonym)
    return Phrases(
        names=names,
        vectors=vectors,
        passages=passages,
        contains=pairs,
        spread=np.bincount(pairs[:, 0], minlength=len(names)).astype(np.float64),
        facts=facts,
        relations=np.array([(*ends, times) for ends, times in together.items()], np.float64).reshape(-1, 3),
        synonyms=same,
    )


def _author(memory: Memory) -> tuple[str, ...]:
    name = normalised(memory.author or "")
    return (name,) if name else ()


def _synonyms(embedder: Embedder, names: Sequence[str], least: float) -> tuple[FloatArray, Numbers]:
    """Return the phrases' vectors, and the pairs of phrases that mean the same."""
    if not names:
        return np.zeros((0, embedder.width), np.float32), np.zeros((0, 3))
    vectors = vectors_of(embedder, names)
    able = np.flatnonzero([len(name.replace(" ", "")) >= LEAST_CHARS for name in names])
    if least > 1 or not len(able):
        return vectors, np.zeros((0, 3))
    # Phrases are numbered as they come, so what a write adds stands behind what was compared before it.
    kept = _SHELVES.setdefault(embedder, _Shelf()).pairs.setdefault(least, [])
    told = [names[place] for place in able.tolist()]
    before = max((old for old in kept if told[: len(old[0])] == old[0]), key=lambda old: len(old[0]), default=None)
    pairs = (
        near_pairs(vectors[able], least) if before is None else near_pairs(vectors[able], least, compared=len(before[0]), known=before[1])
    )
    kept[:] = [(told, pairs), *(old for old in kept if old is not before)][:MOST_GRAPHS]
    return vectors, np.column_stack([able[pairs[:, 0].astype(np.int64)], able[pairs[:, 1].astype(np.int64)], pairs[:, 2]])


def near_pairs(vectors: FloatArray, least: float, *, compared: int = 0, known: Numbers | None = None, block: int = 1024) -> Numbers:
    """Return ``(s, 3)`` pairs of rows, the earlier first, with a cosine of at least ``least``; an earlier row has at most 100, its nearest.

    Args:
        vectors: ``(n, width)`` unit-norm.
        least: the cosine.
        compared: how many rows ``known`` is about; only the others are compared, with all before them.
        known: what was returned for those.
        block: how many rows are compared at a time.
    """
    found = [np.zeros((0, 3)) if known is None else known]
    for start in range(compared, len(vectors), block):
        stop = min(start + block, len(vectors))
        cosines = vectors[start:stop] @ vectors[:stop].T
        later, earlier = np.nonzero(cosines >= least)
        ahead = earlier < later + start
        later, earlier = later[ahead], earlier[ahead]
        found.append(np.column_stack([earlier, later + start, cosines[later, earlier]]).astype(np.float64))
    pairs = np.concatenate(found)
    pairs = pairs[np.lexsort((pairs[:, 1], -pairs[:, 2], pairs[:, 0]))]
    place = np.arange(len(pairs)) - np.searchsorted(pairs[:, 0], pairs[:, 0])
    return np.asarray(pairs[place < MOST_SYNONYMS])
