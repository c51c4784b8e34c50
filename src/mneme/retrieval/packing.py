"""Packing: hits into a context that a prompt can carry.

The context is chronological, dated and grouped by session, so that a reader sees what came after what, and adding a later memory
leaves its front as it was (a provider's prompt cache keeps hitting). Each line carries a mark that maps back to its memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mneme.core.components import Item, Packed
from mneme.core.context import Context
from mneme.core.records import Memory
from mneme.retrieval.features.marked import marked
from mneme.text.marks import ASKS

LENGTH_WEIGHT = 0.5
"""How much a line's length is held against it: by the logarithm, since a long line often holds more."""

SHORT_WORDS = 8
"""A line of fewer words that follows a question is shown with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronological:
    """Fills the budget by score less half the logarithm of length, and renders in the order of time.

    A line that does not fit is passed over for the next that does. A short answer brings the question before it, where there is room.

    Args:
        counter: the length of a text in tokens.
    """

    counter: Callable[[str], int]

    def count(self, text: str) -> int:
        """Return the length of a text in tokens."""
        return self.counter(text)

    def pack(self, ctx: Context | None, items: Sequence[Item], budget_tokens: int | None) -> Packed:
        """Return a context of at most ``budget_tokens``; of all items when it is None."""
        if budget_tokens is None:
            return render([item.memory for item in items])
        chosen = self._choose(ctx, items, budget_tokens)
        while chosen:
            packed = render(chosen)
            if self.counter(packed.text) <= budget_tokens:
                return packed
            chosen = chosen[:-1]
        return Packed(text="", marks={})

    def _choose(self, ctx: Context | None, items: Sequence[Item], budget_tokens: int) -> list[Memory]:
        costs = [self._cost(item.memory) for item in items]
        values = [item.score - LENGTH_WEIGHT * math.log(cost) for item, cost in zip(items, costs, strict=True)]
        chosen: dict[str, Memory] = {}
        headings: set[str] = set()
        spent = 0
        for place in sorted(range(len(items)), key=lambda place: -values[place]):
            for memory in (items[place].memory, *_question_before(ctx, items[place])):
                cost = costs[place] if memory is items[place].memory else self._cost(memory)
                heading = _heading(memory)
                if heading not in headings:
                    cost += self.counter(heading) + 1
                if memory.id not in chosen and spent + cost <= budget_tokens:
                    chosen[memory.id] = memory
                    headings.add(heading)
                    spent += cost
        return list(chosen.values())

    def _cost(self, memory: Memory) -> int:
        return self.counter(_line("m00", memory)) + 1


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
    session = f", session {memory.session}" if memory.session else ""
    return f"## {memory.at:%Y-%m-%d (%a)}{session}"


def _line(mark: str, memory: Memory) -> str:
    author = f" {memory.author}:" if memory.author else ""
    ended = f" (until {memory.valid_to:%Y-%m-%d})" if memory.valid_to else ""
    text = " ".join(memory.indexed_text.split())
    return f"[{mark}] {memory.at:%H:%M}{author} {text}{ended}"
