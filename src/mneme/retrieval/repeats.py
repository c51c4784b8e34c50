"""Repeats: what was said again in the same words takes one place among the hits, so that ten hits are not one hit ten times.

Of the copies of one day the newest stays, and of several days the newest three: going to the gym on Monday and on Friday is
twice. A text differs from another by its words alone, not by case, punctuation or space. The same words are as many words and score the
same by words, so texts are read only where that and the nearness in meaning let two be repeats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.context import BoolArray, Context
from mneme.core.ports import FloatArray, IntArray

MOST_COPIES = 3
"""Of one text on different days."""

_NEAR = {"dense": 0.15, "lexical": 1e-3}
"""Channel -> how far apart the contributions of repeats can lie."""

_DAY = 86_400_000_000
_FRONT = 200
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """The hits without repeats.

    Args:
        places: where the hits stand among the candidates, best first; repeats at the end, where nothing else was left.
        ranks: for each hit the place whose score it has: its own, or that of an older copy which it stands for.
        copies: place of a hit -> places of the copies that were left out for it.
    """

    places: list[int]
    ranks: list[int]
    copies: Mapping[int, list[int]]


def distinct(ctx: Context, positions: IntArray, totals: FloatArray, parts: Mapping[str, FloatArray], near: IntArray, k: int) -> Distinct:
    """Return the ``k`` best candidates without repeats.

    Args:
        ctx: the view of the space.
        positions: ``(m,)`` the candidates.
        totals: ``(m,)`` their scores.
        parts: channel or feature -> ``(m,)`` its contribution.
        near: places of the best, best first, at least ``k`` of them if there are so many.
        k: how many are wanted.
    """
    views = [parts[name] for name in _NEAR if name in parts]
    best = near[:k].tolist()
    if len(views) < len(_NEAR) or k >= len(positions):
        return Distinct(places=best, ranks=best, copies={})
    suspects = near[_suspects([view[near[:k]] for view in views], ctx.index.lengths[positions[near[:k]]])]
    if not len(suspects):
        return Distinct(places=best, ranks=best, copies={})
    said = ctx.memories(positions[suspects].tolist())
    if any(len({(memory.author, memory.role, words(memory.text)) for memory in said}) == len(said) for words in (_first_word, words_of)):
        return Distinct(places=best, ranks=best, copies={})
    rest = np.setdiff1d(np.arange(len(positions)), near, assume_unique=True)
    rest = rest[np.lexsort((positions[rest], ctx.index.at[positions[rest]], -totals[rest]))]
    walk = _Walk(ctx, positions, views, ctx.index.lengths[positions])
    for place in (*near.tolist(), *rest.tolist()):
        if len(walk.kept) >= k:
            break
        walk.take(place)
    short = k - len(walk.kept)
    spare = sorted((place for gone in walk.copies.values() for place in gone), key=lambda place: -float(totals[place]))[:short]
    return Distinct(places=walk.kept + spare, ranks=walk.ranks + spare, copies=walk.copies)


class _Walk:
    """Takes candidates, best first, and keeps those that repeat none before them."""

    def __init__(self, ctx: Context, positions: IntArray, views: list[FloatArray], lengths: FloatArray) -> None:
        self.kept: list[int] = []
        self.ranks: list[int] = []
        self.copies: dict[int, list[int]] = {}
        self._ctx = ctx
        self._positions = positions
        self._views = views
        self._lengths = lengths
        self._authors = ctx.index.codes("author")[0][positions]
        self._roles = ctx.index.codes("role")[0][positions]
        self._at = ctx.index.at[positions]

    def take(self, place: int) -> None:
        """Keep a candidate, let it stand for an older copy, or leave it out."""
        same = [i for i in self._alike(place) if self._repeats(place, self.kept[i])]
        of_day = [i for i in same if self._at[self.kept[i]] // _DAY == self._at[place] // _DAY]
        if not of_day and len(same) < MOST_COPIES:
            self.kept.append(place)
            self.ranks.append(place)
            return
        oldest = min(of_day or same, key=lambda i: self._age(self.kept[i]))
        standing = self.kept[oldest]
        if self._age(place) > self._age(standing):
            self.kept[oldest] = place
            self.copies[place] = [*self.copies.pop(standing, ()), standing]
        else:
            self.copies.setdefault(standing, []).append(place)

    def _age(self, place: int) -> tuple[int, int]:
        return int(self._at[place]), int(self._positions[place])

    def _alike(self, place: int) -> list[int]:
        """Return which of the kept may be the same text by the same author, by their scores."""
        kept = np.array(self.kept, np.int64)
        alike: BoolArray = (self._authors[kept] == self._authors[place]) & (self._roles[kept] == self._roles[place])
        alike &= self._lengths[kept] == self._lengths[place]
        for view, tolerance in zip(self._views, _NEAR.values(), strict=True):
            alike &= np.abs(view[kept] - view[place]) <= tolerance
        found: list[int] = np.flatnonzero(alike).tolist()
        return found

    def _repeats(self, one: int, other: int) -> bool:
        texts = [memory.text for memory in self._ctx.memories(self._positions[[one, other]].tolist())]
        return len(texts) == 2 and same_words(*texts)


def same_words(one: str, other: str) -> bool:
    """Return whether two texts say the same in the same words.

    >>> same_words("Water the plants!", "water the plants")
    True
    >>> same_words("The code is 4711.", "The code is 4712.")
    False
    """
    return words_of(one) == words_of(other)


def words_of(text: str) -> tuple[str, ...]:
    """Return a text's words in small letters; one without words is its own word."""
    return tuple(_WORD.findall(text.casefold())) or (text.strip(),)


def _first_word(text: str) -> str:
    """Return the first of a text's words; texts that differ in it need no closer look."""
    front = text[:_FRONT].casefold()
    found = _WORD.search(front)
    return found[0] if found and (len(text) <= _FRONT or found.end() < len(front)) else words_of(text)[0]


def _suspects(views: list[FloatArray], lengths: FloatArray) -> IntArray:
    """Return which hits may repeat another: as long as it, next to it by one view, and near by all."""
    order = np.lexsort((views[0], lengths))
    close: BoolArray = np.diff(lengths[order]) == 0
    for view, tolerance in zip(views, _NEAR.values(), strict=True):
        close &= np.abs(np.diff(view[order])) <= tolerance
    either = np.zeros(len(order), bool)
    either[1:] |= close
    either[:-1] |= close
    return np.sort(order[either])
