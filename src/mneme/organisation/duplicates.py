"""Duplicates: the same thing formed twice is stored once, with the other telling as support.

Three tests, each enough: the same words; the same words but for case, articles and punctuation; the same meaning, where a near vector only
proposes and structure decides: names, numbers, dates, denial and, where known, subject, relation and object must agree. A cosine alone
decides nothing: rewrites and different facts overlap between 0.78 and 0.87.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mneme.core.context import Context
from mneme.core.operations import Connect, Keep, Operation, Quarantine
from mneme.core.ports import FloatArray
from mneme.core.records import Link, Memory
from mneme.organisation.belief import belief, is_state, same_object, turn_of
from mneme.organisation.board import FORMED
from mneme.text.analyser import Analyser
from mneme.text.names import mentions
from mneme.text.stopwords import stopwords

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(("a", "an", "the"))
_NEGATION = re.compile(r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|no\s+longer)\b|n['’]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Leaves out what is there already, in the space or earlier in the batch.

    Args:
        near: cosine from which another memory is looked at; it proposes, it never decides.
        shared: share of the shorter text's content words that the other must have.
        read: how many near memories are looked at.
        days: how far apart two tellings of one event may date it.
    """

    near: float = 0.7
    shared: float = 0.75
    read: int = 12
    days: float = 1.0

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations without duplicates; what was repeated gets a ``supports`` link from the turn that repeats it."""
        aside = {operation.id for operation in operations if isinstance(operation, Quarantine)}
        keeps = [o.memory for o in operations if isinstance(o, Keep) and o.memory.id not in aside and self._judged(o.memory)]
        if not keeps:
            return list(operations)
        vectors = ctx.embedder.embed([memory.text for memory in keeps])
        rows = np.empty_like(vectors)
        kept: list[Memory] = []
        out: list[Operation] = []
        judged = {memory.id: vector for memory, vector in zip(keeps, vectors, strict=True)}
        for operation in operations:
            if not isinstance(operation, Keep) or operation.memory.id not in judged:
                out.append(operation)
                continue
            memory, vector = operation.memory, judged[operation.memory.id]
            fresh = np.flatnonzero(rows[: len(kept)] @ vector >= self.near).tolist()
            candidates = (*(kept[place] for place in fresh), *self._stored(ctx, vector))
            twin = next((other for other in candidates if self.same(other, memory)), None)
            if twin is None:
                rows[len(kept)] = vector
                kept.append(memory)
                out.append(operation)
                continue
            own = {span.episode for span in twin.sources}
            turns = [turn_of(span.episode) for span in memory.sources if span.episode not in own]
            out += [Connect(link=Link(source=turn, target=twin.id, type="supports")) for turn in dict.fromkeys(turns)]
            ctx.trace.note(organiser="duplicates", memory=memory.id, decision="NOOP", twin=twin.id)
        return out

    @staticmethod
    def _judged(memory: Memory) -> bool:
        """States with structure are reconciled, not compared: their time matters."""
        item = belief(memory)
        return (
            memory.kind in (*FORMED, "note", "summary")
            and (item is None or not is_state(item))
            and memory.attributes.get("statement") != "correction"
        )

    def _stored(self, ctx: Context, vector: FloatArray) -> list[Memory]:
        scores = ctx.index.dense(vector)
        rows = np.flatnonzero(ctx.index.present & (scores >= self.near))
        best = rows[np.argsort(-scores[rows], kind="stable")][: 4 * self.read]
        # What was archived is no longer believed: said again, it is news.
        found = [one for one in ctx.memories(best.tolist()) if one.status == "active" and one.kind in (*FORMED, "note", "summary")]
        return found[: self.read]

    def same(self, one: Memory, other: Memory) -> bool:
        """Return whether two memories say the same: by their words, or by a structure that agrees in every part."""
        if one.kind == "summary" or other.kind == "summary":
            return plain(one.text) == plain(other.text) and one.kind == other.kind
        if abs((one.at - other.at).total_seconds()) > self.days * 86400 and "event" in (one.kind, other.kind):
            return False
        if plain(one.text) == plain(other.text):
            return one.valid_to == other.valid_to or one.valid_to is None
        first, second = belief(one), belief(other)
        if first is not None and second is not None:
            return first.slot == second.slot and first.positive == second.positive and same_object(first.object, second.object)
        return agree(one.text, other.text, self.shared)


def plain(text: str) -> str:
    """Return a text without case, articles and punctuation."""
    return " ".join(word for word in _WORD.findall(text.casefold()) if word not in _ARTICLES)


def agree(one: str, other: str, shared: float) -> bool:
    """Return whether two sentences agree in names, numbers, denial and most content words.

    Example:
        >>> agree("Ana moved to Lisbon in May.", "In May, Ana moved to Lisbon.", 0.75)
        True
        >>> agree("Ana moved to Lisbon in May.", "Ana moved to Porto in May.", 0.75)
        False
    """
    if bool(_NEGATION.search(one)) != bool(_NEGATION.search(other)):
        return False
    if _named(one) != _named(other):
        return False
    words, others = _content(one), _content(other)
    shorter = min(len(words), len(others))
    return shorter > 0 and len(words & others) >= shared * max(len(words), len(others))


@lru_cache(maxsize=20_000)
def _named(text: str) -> frozenset[str]:
    """Names and numbers, and every word that is written large inside a sentence."""
    found = {item.canonical.casefold() for item in mentions(text)}
    inside = {word.casefold() for word in re.findall(r"(?<=[a-z,;] )[A-Z]\w+", text)}
    return frozenset(part for name in found | inside for part in name.split()) | frozenset(re.findall(r"\d+", text))


@lru_cache(maxsize=20_000)
def _content(text: str) -> frozenset[str]:
    stops = stopwords("en")
    return frozenset(term for term in _english().terms(text) if term not in stops)


@lru_cache(maxsize=1)
def _english() -> Analyser:
    return Analyser("en")
