"""A context in sections: notes that stand, what was found, and the last messages word for word.

Source: LIGHT with BEAM (arXiv 2510.27246): scratchpad cut into chunks where adjacent sentences are far apart (80th percentile), chunks
filtered by yes or no, then episodic hits and the last 100 pairs. Differs: without a model a chunk stays when it is near the question;
instructions always stay; everything together is held to the budget, the last messages going first when it is short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Item, Packed
from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.core.records import Memory
from mneme.retrieval.consulting import consulted
from mneme.retrieval.packing import Chronological, excerpt, render
from mneme.retrieval.provenance import kind_mask
from mneme.text.instructions import instructs
from mneme.text.tokens import count_tokens

TIER, INSTRUCTION = "scratchpad", "instruction"
LEAST_FOUND = 120
"""Tokens that hits get whatever else there is."""

RELEVANT = Prompt(
    role="sections.relevant",
    system="You say whether a piece of notes helps to answer a question, or tells how to answer any.",
    template="Notes:\n$chunk\n\nQuestion: $question",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevant:
    """Yes or no."""

    relevant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """Packs notes, hits and the last messages.

    Args:
        last: how many of the newest messages are shown word for word.
        hits: how many of the hits are shown, from the best.
        percentile: of the distances of adjacent notes; above it a new chunk begins.
        least: cosine with the question that a chunk needs, without a model.
        notes_share: of the budget, for notes.
        last_share: of what the notes leave, for the last messages, and more where the hits leave some.
        counter: the length of a text in tokens.
    """

    last: int = 200
    hits: int = 30
    percentile: float = 80.0
    least: float = 0.25
    notes_share: float = 0.4
    last_share: float = 0.2
    counter: Callable[[str], int] = count_tokens

    def count(self, text: str) -> int:
        """Return the length of a text in tokens."""
        return self.counter(text)

    def pack(self, ctx: Context | None, question: str, items: Sequence[Item], budget_tokens: int | None) -> Packed:
        """Return a context of at most ``budget_tokens``; without a budget, or over several spaces, of the items alone."""
        if ctx is None or budget_tokens is None:
            return Chronological(counter=self.counter).pack(ctx, question, items, budget_tokens)
        notes = self._notes(ctx, question, int(budget_tokens * self.notes_share))
        head = "\n".join(["## Notes", *(f"[n{number}] {text}" for number, (text, _) in enumerate(notes, 1))]) if notes else ""
        marks = {f"n{number}": memory.id for number, (_, memory) in enumerate(notes, 1)}
        left = budget_tokens - (self.counter(head) + 1 if head else 0)
        memories = {item.memory.id: item.memory for item in items[: self.hits]}
        room = max(left - int(left * self.last_share), min(left, LEAST_FOUND))
        chosen = Chronological(counter=self.counter).pack(ctx, question, items[: self.hits], room)
        hits = [memories[id] for id in chosen.marks.values() if id in memories]
        body = self._with_last(ctx, hits, left)
        while hits and self.counter("\n".join(filter(None, [head, body.text]))) > budget_tokens:
            hits = hits[:-1]
            body = render(hits)
        text = "\n".join(part for part in (head, body.text) if part)
        if self.counter(text) > budget_tokens:
            return Chronological(counter=self.counter).pack(ctx, question, items, budget_tokens)
        return Packed(text=text, marks={**marks, **body.marks})

    def _with_last(self, ctx: Context, hits: Sequence[Memory], left: int) -> Packed:
        """Return the hits among as many of the last messages as fit, by halving what does not."""
        turns = np.flatnonzero(kind_mask(ctx, ("turn",)) & ctx.admitted())
        newest = turns[np.argsort(ctx.index.at[turns], kind="stable")][::-1][: self.last]
        last = [memory for memory in ctx.memories(newest.tolist()) if memory.status == "active"]
        known = {memory.id for memory in hits}
        low, high = 0, len(last)
        best = render(hits)
        while low < high:
            middle = (low + high + 1) // 2
            shown = [*hits, *(memory for memory in last[:middle] if memory.id not in known)]
            packed = render([replace(memory, text=excerpt(memory.text, "", 4 * max(left, 20))) for memory in shown])
            if self.counter(packed.text) <= left:
                best, low = packed, middle
            else:
                high = middle - 1
        return best

    def _notes(self, ctx: Context, question: str, most: int) -> list[tuple[str, Memory]]:
        """Return the lines of notes that stand, in order, with the memory that each is from."""
        codes, values = ctx.index.codes("tier")
        mine = np.isin(codes, [code for code, value in enumerate(values) if value == TIER]) & ctx.admitted()
        found = (memory for memory in ctx.memories(np.flatnonzero(mine).tolist()) if memory.status == "active")
        memories = sorted(found, key=lambda memory: (memory.at, memory.id))
        lines = [(line, memory) for memory in memories for line in _lines(memory)]
        if not lines:
            return []
        rows = self._vectors(ctx, question, [line for line, _ in lines])
        kept: list[int] = []
        for chunk in chunks(rows[1:], self.percentile):
            kept += self._standing(ctx, question, [lines[number][0] for number in chunk], chunk, rows[1:] @ rows[0])
        order = sorted(kept, key=lambda number: (not _instructs(*lines[number]), -float(rows[1 + number] @ rows[0]), -number))
        chosen, spent = [], 0
        for number in order:
            cost = self.counter(f"[n00] {lines[number][0]}") + 1
            if spent + cost <= most:
                chosen.append(number)
                spent += cost
        return [lines[number] for number in sorted(chosen)]

    def _vectors(self, ctx: Context, question: str, lines: Sequence[str]) -> FloatArray:
        """Return ``(1 + n, width)`` of the question and of lines; a line is embedded once for a state of the space."""
        known: dict[str, FloatArray] = ctx.index.memo("section-lines", dict)
        fresh = [line for line in dict.fromkeys(lines) if line not in known]
        first, *rows = ctx.embedder.embed([question, *fresh])
        known.update(zip(fresh, rows, strict=True))
        return np.stack([first, *(known[line] for line in lines)])

    def _standing(self, ctx: Context, question: str, texts: Sequence[str], numbers: Sequence[int], near: FloatArray) -> list[int]:
        if ctx.llm is not None:
            reply = consulted(ctx, RELEVANT, {"chunk": "\n".join(texts), "question": question}, Relevant)
            if reply is not None:
                return list(numbers) if reply.relevant else []
        close = max(float(near[number]) for number in numbers) >= self.least
        return list(numbers) if close else [number for number, text in zip(numbers, texts, strict=True) if instructs(text)]


def chunks(rows: FloatArray, percentile: float) -> list[list[int]]:
    """Return runs of adjacent rows, cut where two are further apart than most.

    Args:
        rows: ``(n, width)`` unit-norm.
        percentile: of the distances of neighbours; only larger ones cut.

    Example:
        >>> import numpy as np
        >>> chunks(np.eye(2)[[0, 0, 0, 1, 1, 1]], 80)
        [[0, 1, 2], [3, 4, 5]]
    """
    if len(rows) < 2:
        return [list(range(len(rows)))] if len(rows) else []
    apart = 1 - np.sum(rows[1:] * rows[:-1], axis=1)
    edge = float(np.percentile(apart, percentile))
    found = [[0]]
    for number, distance in enumerate(apart.tolist(), 1):
        if distance > edge + 1e-9:
            found.append([])
        found[-1].append(number)
    return found


def _lines(memory: Memory) -> list[str]:
    if "compressed" in memory.tags:
        return [line for line in memory.text.splitlines() if line.strip()]
    return [f"{memory.at:%Y-%m-%d} {memory.author or memory.role or 'user'}: {' '.join(memory.text.split())}"]


def _instructs(line: str, memory: Memory) -> bool:
    return INSTRUCTION in memory.tags or instructs(line)
