"""A context that loses detail before it loses messages: what does not fit word for word is shown by its summary.

Source: SCM (arXiv 2304.13343): the last turn always, raw below 500 tokens; over the budget each candidate but the best is asked about: a
turn that can't help goes, one whose summary helps is shown by that; what is still too much is shortened one by one; in order of time.
Differs: without a model a text helps when it is near enough to the question; what fits no other way is left out, the last hit first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Item, Packed
from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.records import Memory
from mneme.retrieval.consulting import consulted
from mneme.retrieval.packing import Chronological, render
from mneme.retrieval.provenance import kind_mask, provenance
from mneme.text.tokens import count_tokens

BY = "turn-summary"

HELPS = Prompt(
    role="packer.helps",
    system="You say whether a text of an earlier conversation helps to answer a question.",
    template="Text ($form):\n$text\n\nQuestion: $question",
    trim=(("text", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Helps:
    """Yes or no."""

    helps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    memory: Memory
    summary: str
    close: float
    summary_close: float
    short: bool = False

    @property
    def shown(self) -> Memory:
        return replace(self.memory, text=self.summary) if self.short else self.memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Degrading:
    """Packs messages raw or by their summaries, the last message always among them.

    Args:
        most: hits that are looked at, from the best.
        flash_tokens: the last message is shown raw when it is shorter.
        near: cosine from which a text helps, where no model says so.
        counter: the length of a text in tokens.
    """

    most: int = 20
    flash_tokens: int = 500
    near: float = 0.2
    counter: Callable[[str], int] = count_tokens

    def count(self, text: str) -> int:
        """Return the length of a text in tokens."""
        return self.counter(text)

    def pack(self, ctx: Context | None, question: str, items: Sequence[Item], budget_tokens: int | None) -> Packed:
        """Return a context of at most ``budget_tokens``; without a budget, or over several spaces, of the items alone."""
        if ctx is None or budget_tokens is None:
            return Chronological(counter=self.counter).pack(ctx, question, items, budget_tokens)
        summaries = ctx.index.memo("turn-summaries", lambda: _summaries(ctx))
        vector = ctx.embedder.embed([question])[0]

        def turn(memory: Memory, position: int | None) -> _Turn:
            summary, place = summaries.get(position, (memory.text, position)) if position is not None else (memory.text, None)
            both = [-1.0 if at is None else float(ctx.index.exact(np.array([at], np.int64), vector)[0]) for at in (position, place)]
            return _Turn(memory=memory, summary=summary, close=both[0], summary_close=both[1])

        flash = [turn(memory, position) for memory, position in _newest(ctx)]
        flash = [replace(one, short=self.counter(one.memory.text) >= self.flash_tokens) for one in flash]
        known = {one.memory.id for one in flash}
        hits = [turn(item.memory, item.position) for item in items[: self.most] if item.memory.id not in known]
        if self._size([*flash, *hits]) > budget_tokens:
            hits = self._shortened(flash, self._judged(ctx, question, hits), budget_tokens)
        while hits and self._size([*flash, *hits]) > budget_tokens:
            flash = []
            hits = hits if self._size(hits) <= budget_tokens else hits[:-1]
        if (not hits and items) or self._size([*flash, *hits]) > budget_tokens:
            return Chronological(counter=self.counter).pack(ctx, question, items, budget_tokens)
        return render([one.shown for one in (*flash, *hits)])

    def _judged(self, ctx: Context, question: str, hits: Sequence[_Turn]) -> list[_Turn]:
        """Return the hits that help, the best as it is, each by its summary where that helps."""
        kept = list(hits[:1])
        for one in hits[1:]:
            if self._helps(ctx, question, "word for word", one.memory.text, one.close):
                kept.append(replace(one, short=self._helps(ctx, question, "summary", one.summary, one.summary_close)))
        ctx.trace.note(packer="degrading", dropped=len(hits) - len(kept), shortened=sum(one.short for one in kept))
        return kept

    def _helps(self, ctx: Context, question: str, form: str, text: str, close: float) -> bool:
        reply = consulted(ctx, HELPS, {"form": form, "text": text, "question": question}, Helps)
        return close >= self.near if reply is None else reply.helps

    def _shortened(self, flash: Sequence[_Turn], hits: Sequence[_Turn], budget_tokens: int) -> list[_Turn]:
        """Return the hits, shortened from the last one until they fit, and then left out from the last one; the best stays as it is."""
        kept = list(hits)
        for place in range(len(kept) - 1, 0, -1):
            if self._size([*flash, *kept]) <= budget_tokens:
                return kept
            kept[place] = replace(kept[place], short=True)
        while len(kept) > 1 and self._size([*flash, *kept]) > budget_tokens:
            kept.pop()
        return kept

    def _size(self, turns: Sequence[_Turn]) -> int:
        return self.counter(render([one.shown for one in turns]).text)


def _summaries(ctx: Context) -> dict[int, tuple[str, int]]:
    """Return position of a message -> text and position of its summary."""
    found = provenance(ctx)
    mine = {position: memory for position, memory in found.memories.items() if memory.attributes.get("by") == BY}
    pairs = zip(found.derived.tolist(), found.value.tolist(), strict=True)
    return {value: (mine[derived].text, derived) for derived, value in pairs if derived in mine}


def _newest(ctx: Context) -> list[tuple[Memory, int]]:
    """Return the last message that may be shown and its position; nothing where there is none."""
    turns = np.flatnonzero(kind_mask(ctx, ("turn",)) & ctx.admitted())
    if not len(turns):
        return []
    last = int(turns[np.lexsort((turns, ctx.index.at[turns]))[-1]])
    return [(memory, last) for memory in ctx.memories([last]) if memory.status == "active"]
