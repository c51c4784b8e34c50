"""Packing: hits into a context that a prompt can carry.

The context is chronological, dated and grouped by session, so that a reader sees what came after what, and adding a later memory
leaves its front as it was (a provider's prompt cache keeps hitting). Each line carries a mark that maps back to its memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from mneme.core.components import Item, Packed
from mneme.core.context import Context
from mneme.core.records import Memory
from mneme.retrieval.features.marked import marked
from mneme.text.lines import one_line
from mneme.text.marks import ASKS
from mneme.text.sentences import sentence_spans
from mneme.text.tokens import count_tokens

LENGTH_WEIGHT = 0.5
"""How much a line's length is held against it: by the logarithm, since a long line often holds more."""

GIVE_UP = 12
"""After so many lines in a row that did not fit, the rest is not tried."""

LONGEST_SHARE = 0.4
"""How much of the budget one memory may take; a longer text is cut to an excerpt."""

CHARS_PER_TOKEN = 3.5
LEAST_EXCERPT_CHARS = 80
LEAST_WORD_CHARS = 3

SHORT_WORDS = 8
"""A line of fewer words that follows a question is shown with it."""

_BOOK_BLOCKS = 4
"""Of a text longer than so many excerpts only that many, where the question's words stand, are cut into sentences."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronological:
    """Fills the budget by score less half the logarithm of length, and renders in the order of time.

    A line that does not fit is passed over for the next that does. A short answer brings the question before it, where there is room.

    Args:
        counter: the length of a text in tokens.
    """

    counter: Callable[[str], int] = count_tokens

    def count(self, text: str) -> int:
        """Return the length of a text in tokens."""
        return self.counter(text)

    def pack(self, ctx: Context | None, question: str, items: Sequence[Item], budget_tokens: int | None) -> Packed:
        """Return a context of at most ``budget_tokens``; of all items, whole, when it is None."""
        if budget_tokens is None:
            return render([item.memory for item in items])
        chosen = self._choose(ctx, question, items, budget_tokens)
        while (packed := render(chosen)).marks and self.counter(packed.text) > budget_tokens:
            chosen = chosen[:-1]
        return packed

    def _choose(self, ctx: Context | None, question: str, items: Sequence[Item], budget_tokens: int) -> list[Memory]:
        """Return what to show: by value, what fits, until nothing has fitted for a while."""
        by_value = sorted(items, key=lambda item: LENGTH_WEIGHT * math.log(8 + len(item.memory.indexed_text)) - item.score)
        most_chars = max(LEAST_EXCERPT_CHARS, int(budget_tokens * CHARS_PER_TOKEN * LONGEST_SHARE))
        chosen: dict[str, Memory] = {}
        headings: set[str] = set()
        spent = misses = 0
        for item in by_value:
            for memory in (item.memory, *_question_before(ctx, item)):
                shown = replace(memory, text=excerpt(memory.text, question, most_chars))
                heading = _heading(memory)
                cost = self.counter(_line("m00", shown)) + 1
                if heading not in headings:
                    cost += self.counter(heading) + 1
                if spent + cost > budget_tokens:
                    misses += 1
                elif memory.id not in chosen:
                    chosen[memory.id] = shown
                    headings.add(heading)
                    spent += cost
                    misses = 0
            if misses >= GIVE_UP:
                break
        return list(chosen.values())


def excerpt(text: str, question: str, most_chars: int) -> str:
    """Return a text, or where it is too long the run of its sentences that shares most words with the question.

    What is left out is marked with an ellipsis.
    """
    if len(text) <= most_chars:
        return text
    wanted = {word for word in _WORD.findall(question.casefold()) if len(word) >= LEAST_WORD_CHARS}
    if len(text) > _BOOK_BLOCKS * most_chars:
        start, end = _region(text, wanted, most_chars)
        part = excerpt(text[start:end], question, most_chars)
        return f"{'' if not start or part.startswith('… ') else '… '}{part}{'' if end == len(text) or part.endswith(' …') else ' …'}"
    spans = sentence_spans(text)
    values = [len(wanted & set(_WORD.findall(text[start:end].casefold()))) for start, end in spans]
    best, best_value, first, value = (0, 0), -1, 0, 0
    for last, (_, end) in enumerate(spans):
        value += values[last]
        while first < last and end - spans[first][0] > most_chars:
            value -= values[first]
            first += 1
        if value > best_value:
            best, best_value = (spans[first][0], min(end, spans[first][0] + most_chars)), value
    start, end = best
    return f"{'… ' if start else ''}{text[start:end].strip()}{' …' if end < len(text) else ''}"


def _region(text: str, wanted: set[str], size: int) -> tuple[int, int]:
    """Return a part of a very long text, where most words of the question stand close together: ``_BOOK_BLOCKS`` times ``size`` at most."""
    standing: dict[int, dict[str, int]] = {}
    if wanted:
        for found in re.finditer(rf"\b(?:{'|'.join(map(re.escape, sorted(wanted)))})\b", text, re.IGNORECASE):
            words = standing.setdefault(found.start() // size, {})
            words[found[0].casefold()] = words.get(found[0].casefold(), 0) + 1

    def value(block: int) -> tuple[int, int, int]:
        here, after = standing[block], standing.get(block + 1, {})
        return len(here.keys() | after.keys()), sum(here.values()) + sum(after.values()), -block

    best = max(standing, key=value) if standing else 0
    start = max(best - 1, 0) * size
    blank = text.find(" ", start, start + size // 4) if start else -1
    return max(start, blank + 1), min(start + _BOOK_BLOCKS * size, len(text))


def _question_before(ctx: Context | None, item: Item) -> list[Memory]:
    """Return the question that a short answer follows in its session, or nothing."""
    if ctx is None or item.position is None or len(item.memory.text.split()) >= SHORT_WORDS:
        return []
    before = int(ctx.index.previous[item.position])
    if before >= ctx.index.size or not marked(ctx.index, ASKS)[before]:
        return []
    return ctx.memories([before])


def render(memories: Sequence[Memory]) -> Packed:
    """Return the context of memories: by time, with a heading where the session or the day changes."""
    lines: list[str] = []
    marks: dict[str, str] = {}
    heading = ""
    for number, memory in enumerate(sorted(memories, key=lambda m: (m.at, m.id)), 1):
        if (here := _heading(memory)) != heading:
            heading = here
            lines.append(heading)
        mark = f"m{number}"
        marks[mark] = memory.id
        lines.append(_line(mark, memory))
    return Packed(text="\n".join(lines), marks=marks)


def _heading(memory: Memory) -> str:
    session = f", session {one_line(memory.session)}" if memory.session else ""
    return f"## {_day(memory.at.date())}{session}"


@lru_cache(maxsize=4096)
def _day(day: date) -> str:
    return f"{day:%Y-%m-%d (%a)}"


def _line(mark: str, memory: Memory) -> str:
    author = f" {one_line(memory.author)}:" if memory.author else ""
    ended = f" (until {memory.valid_to:%Y-%m-%d})" if memory.valid_to else ""
    text = " ".join(memory.indexed_text.split())
    return f"[{mark}] {memory.at.hour:02}:{memory.at.minute:02}{author} {text}{ended}"
