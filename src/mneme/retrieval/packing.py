"""Packing: hits into a context that a prompt can carry.

The context is chronological, dated and grouped by session, so that a reader sees what came after what, and adding a later memory
leaves its front as it was (a provider's prompt cache keeps hitting). Each line carries a mark that maps back to its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mneme.core.components import Item, Packed
from mneme.core.context import Context
from mneme.core.records import Memory

Counter = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronological:
    """Fills the budget in the order of rank and renders in the order of time.

    Args:
        count: the length of a text in tokens.
    """

    count: Counter

    def pack(self, ctx: Context, items: Sequence[Item], budget_tokens: int) -> Packed:
        """Return a context of at most ``budget_tokens``; an item that does not fit is passed over for the next that does."""
        chosen = self._choose(items, budget_tokens)
        while chosen:
            packed = render(chosen, self.count)
            if packed.tokens <= budget_tokens:
                return packed
            chosen = chosen[:-1]
        return Packed(text="", tokens=0, marks={})

    def _choose(self, items: Sequence[Item], budget_tokens: int) -> list[Memory]:
        chosen: list[Memory] = []
        spent, headings = 0, set[str]()
        for item in items:
            heading = _heading(item.memory)
            cost = self.count(_line("m00", item.memory)) + 1
            if heading not in headings:
                cost += self.count(heading) + 1
            if spent + cost <= budget_tokens:
                chosen.append(item.memory)
                headings.add(heading)
                spent += cost
        return chosen


def render(memories: Sequence[Memory], count: Counter) -> Packed:
    """Return the context of memories: by time, with a heading where the session or the day changes."""
    lines: list[str] = []
    marks: dict[str, str] = {}
    heading = ""
    for number, memory in enumerate(sorted(memories, key=lambda m: (m.at, m.id)), 1):
        if _heading(memory) != heading:
            heading = _heading(memory)
            lines.append(heading)
        mark = f"m{number}"
        marks[mark] = memory.id
        lines.append(_line(mark, memory))
    text = "\n".join(lines)
    return Packed(text=text, tokens=count(text), marks=marks)


def _heading(memory: Memory) -> str:
    session = f", session {memory.session}" if memory.session else ""
    return f"## {memory.at:%Y-%m-%d (%a)}{session}"


def _line(mark: str, memory: Memory) -> str:
    author = f" {memory.author}:" if memory.author else ""
    ended = f" (until {memory.valid_to:%Y-%m-%d})" if memory.valid_to else ""
    text = " ".join(memory.indexed_text.split())
    return f"[{mark}] {memory.at:%H:%M}{author} {text}{ended}"
