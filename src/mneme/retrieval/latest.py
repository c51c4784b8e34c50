"""Last write wins: where a hit was said again later with another value, the later statement goes before it.

Two short statements are versions of one when they share a frame: the same words at the beginning and at the end make up at least half
of the shorter one ("Roy is married to Ana" and "Roy is married to Eva"), or they have the same key before a colon. The later one is
looked for among all memories that have the words of the question that the hit has, so it is found however many there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.terms import SearchTerm, search_terms, stands_at

_WORD = re.compile(r"\w+")
_KEY = re.compile(r"^([^:\n]{1,60}):\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestFirst:
    """Puts the latest version of a statement before the hit that it replaces.

    Args:
        checked: how many hits are looked at, from the best.
        most_words: longer texts are no single statements.
        read: how many later candidates are read for one hit, from the latest.
        share: how much of the shorter statement the frame must be.
        most_rows: a hit whose rarest word of the question stands in more memories is no statement about something.
    """

    checked: int = 5
    most_words: int = 30
    read: int = 4
    share: float = 0.5
    most_rows: int = 1024

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits with later versions before earlier ones; as many as there were."""
        moved: dict[int, int] = {}
        newer = self._newer(ctx, query, ranked.positions[: self.checked])
        ctx.memories(list(dict.fromkeys(each for position, later in newer.items() if later for each in (position, *later))))  # one read
        for position, candidates in newer.items():
            later = self._latest(ctx, position, candidates)
            if later is not None and later not in moved:
                moved[later] = position
        return _reordered(ranked, moved, ctx.index.ids) if moved else ranked

    def _newer(self, ctx: Context, query: Query, positions: IntArray) -> dict[int, list[int]]:
        """Return for each hit the candidates that may replace it, from the latest."""
        index = ctx.index
        terms = search_terms(ctx, query).terms
        short = positions[index.lengths[positions] <= self.most_words]
        if not terms or not len(short):
            return {}
        held = np.array([stands_at(term, short) for term in terms])
        found = {}
        for place, position in enumerate(short.tolist()):
            having = [terms[number] for number in np.flatnonzero(held[:, place]).tolist()]
            if having:
                found[position] = self._later(ctx, query, position, having)
        return found

    def _later(self, ctx: Context, query: Query, position: int, having: Sequence[SearchTerm]) -> list[int]:
        """Return the short memories after a hit that have its words of the question too, from the latest."""
        rarest = min(having, key=lambda term: len(term.positions))
        if len(rarest.positions) > self.most_rows:
            return []
        rows, when = ctx.once(f"statements:{self.most_words}:{rarest.id}", lambda: self._statements(ctx.index, query, rarest))
        at = int(ctx.index.at[position])
        first, last = int(when.searchsorted(at, "left")), int(when.searchsorted(at, "right"))
        newer = rows[last:] if last - first <= 1 else np.concatenate([rows[first:last][rows[first:last] > position], rows[last:]])
        for term in having:
            if term is not rarest and len(newer):
                newer = newer[stands_at(term, newer)]
        latest: list[int] = newer[::-1][: self.read].tolist()
        return latest

    def _statements(self, index: Index, query: Query, term: SearchTerm) -> tuple[IntArray, IntArray]:
        """Return the short admitted memories with a word by time, then position, and when they were said."""
        rows = term.positions
        rows = rows[query.admitted[rows] & (index.lengths[rows] <= self.most_words)]
        when = index.at[rows]
        order = np.lexsort((rows, when))
        return rows[order], when[order]

    def _latest(self, ctx: Context, position: int, latest: list[int]) -> int | None:
        if not latest:
            return None
        texts = [memory.text for memory in ctx.memories([position, *latest])]
        if len(texts) != 1 + len(latest):  # something was erased meanwhile
            return None
        return next((row for row, text in zip(latest, texts[1:], strict=True) if same_frame(texts[0], text, self.share)), None)


def same_frame(one: str, other: str, share: float) -> bool:
    """Return whether two statements are versions of one: the same but for a value.

    >>> same_frame("Roy is married to Ana.", "Roy is married to Eva.", 0.5)
    True
    """
    keys = _KEY.match(one), _KEY.match(other)
    if keys[0] and keys[1]:
        return keys[0][1].casefold() == keys[1][1].casefold()
    words, others = _WORD.findall(one.casefold()), _WORD.findall(other.casefold())
    shorter = min(len(words), len(others))
    front = 0
    while front < shorter and words[front] == others[front]:
        front += 1
    back = 0
    while back < shorter - front and words[-1 - back] == others[-1 - back]:
        back += 1
    return shorter > 0 and front + back >= share * shorter


def _reordered(ranked: Ranked, moved: dict[int, int], ids: Sequence[str]) -> Ranked:
    """Return the hits with each key of ``moved`` right before its value, with its score, the last ones cut off."""
    before: dict[int, list[int]] = {}
    for later, earlier in moved.items():
        before.setdefault(earlier, []).append(later)
    order: list[int] = []
    for position in ranked.positions.tolist():
        for candidate in (*before.get(position, ()), position):
            if candidate not in order and (candidate == position or candidate in moved):
                order.append(candidate)
    order = order[: len(ranked.positions)]
    place = {position: i for i, position in enumerate(ranked.positions.tolist())}
    source = np.array([place.get(position, -1) for position in order])
    scores = _kept(ranked.scores, source)
    for i, position in enumerate(order):
        if position in moved:
            scores[i] = max(scores[i], float(ranked.scores[place[moved[position]]]))
    notes = {**ranked.notes, **{later: {"later-than": ids[earlier]} for later, earlier in moved.items()}}
    parts = {name: _kept(part, source) for name, part in ranked.parts.items()}
    return replace(ranked, positions=np.array(order, np.int64), scores=_falling(scores), parts=parts, notes=notes)


def _kept(values: FloatArray, source: IntArray) -> FloatArray:
    kept = np.zeros(len(source), np.float32)
    known = source >= 0
    kept[known] = values[source[known]]
    return kept


def _falling(scores: FloatArray) -> FloatArray:
    """Return scores that never rise: each at least as high as those behind it."""
    falling: FloatArray = np.maximum.accumulate(scores[::-1])[::-1].astype(np.float32)
    return falling
