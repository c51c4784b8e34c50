"""The board: what is believed now, and what the operations at hand have changed of it so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

import numpy as np

from mneme.core.context import Context
from mneme.core.operations import Connect, Keep, Operation, Revise, Supersede
from mneme.core.ports import IntArray
from mneme.core.records import Link, Memory
from mneme.organisation.belief import Belief, belief, turn_of
from mneme.text.analyser import Analyser
from mneme.text.relations import relation
from mneme.text.terms import term_id

FORMED = ("fact", "event", "preference", "profile")
"""The kinds of memory that are statements."""

MOST_READ = 400
"""More statements about one person are narrowed down by the words of the relation before they are read."""


class Board:
    """Beliefs of the space with the changes of one batch laid over them.

    Args:
        ctx: the space as it is.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.out: list[Operation] = []
        self._over: dict[str, Memory] = {}
        self._new: dict[str, Memory] = {}
        self._kept: dict[str, int] = {}

    def held(self, subject: str, names: Iterable[str]) -> list[Belief]:
        """Return statements of a subject in some relations, ended ones included, in order of their beginning."""
        wanted = {(subject.casefold(), name) for name in names}
        stored = (self._over.get(memory.id, memory) for memory in self._stored(subject, [name for _, name in wanted]))
        found = (belief(memory) for memory in (*stored, *self._new.values()) if memory.status == "active")
        beliefs = [item for item in found if item is not None and item.slot in wanted]
        return sorted(beliefs, key=lambda item: (item.begin, item.memory.id))

    def new(self) -> list[Memory]:
        """Return the memories that the batch adds, as changed so far."""
        return list(self._new.values())

    def added(self, id: str) -> Memory | None:
        """Return the memory that the batch adds under this id, as changed so far; None if it adds none."""
        return self._new.get(id)

    def current(self, memory: Memory) -> Memory:
        """Return a memory of the space as the batch has changed it so far."""
        return self._over.get(memory.id, memory)

    def add(self, memory: Memory, decision: str, why: str) -> None:
        """Add a memory, with what was decided and why among its attributes."""
        memory = replace(memory, attributes={**memory.attributes, "decision": decision, "why": why})
        self._new[memory.id] = memory
        self._kept[memory.id] = len(self.out)
        self.out.append(Keep(memory=memory))

    def close(self, old: Belief, at: datetime, by: str) -> None:
        """End a belief because another holds from then on."""
        self.out.append(Supersede(id=old.memory.id, by=by, at=at))
        began = min(old.begin, at)
        self._lay(replace(old.memory, valid_from=began, valid_to=at))

    def change(self, memory: Memory, text: str | None, **fields: object) -> None:
        """Correct a memory: one of this batch in place, one of the space by a new version of it."""
        changed = replace(memory, **({"text": text} if text is not None else {}), **fields)  # type: ignore[arg-type]
        if memory.id in self._new:
            self.out[self._kept[memory.id]] = Keep(memory=changed)
        else:
            self.out.append(Revise(id=memory.id, text=text, changes=fields))
        self._lay(changed)

    def connect(self, source: str, target: str, type: str, weight: float = 1.0) -> None:
        """Add a link."""
        if source != target:
            self.out.append(Connect(link=Link(source=source, target=target, type=type, weight=weight)))

    def support(self, memory: Memory, repeated: Memory) -> None:
        """Link the turns that said it again to what they support."""
        own = {span.episode for span in memory.sources}
        for episode in dict.fromkeys(span.episode for span in repeated.sources):
            if episode not in own:
                self.connect(turn_of(episode), memory.id, "supports")

    def _lay(self, memory: Memory) -> None:
        (self._new if memory.id in self._new else self._over)[memory.id] = memory

    def _stored(self, subject: str, names: Iterable[str]) -> list[Memory]:
        rows = statements_about(self.ctx, subject)
        if len(rows) > MOST_READ:
            narrowed = [with_words(self.ctx, rows, relation(name).phrase) for name in names]
            rows = np.unique(np.concatenate(narrowed)) if narrowed else rows[:0]
        return self.ctx.memories(rows.tolist())


def statements_about(ctx: Context, subject: str) -> IntArray:
    """Return the positions of the formed memories whose words name a subject, rising."""
    rows = ctx.once(f"organisation:{subject.casefold()}", lambda: with_words(ctx, _formed(ctx), subject))
    return rows


def with_words(ctx: Context, rows: IntArray, text: str) -> IntArray:
    """Return those positions whose memories have every word of a text."""
    for term in dict.fromkeys(_english().terms(text)):
        positions, _ = ctx.index.postings(term_id(term))
        rows = np.intersect1d(rows, positions)
    return rows


def _formed(ctx: Context) -> IntArray:
    def build() -> IntArray:
        codes, values = ctx.index.codes("kind")
        wanted = [code for code, value in enumerate(values) if value in FORMED]
        return np.flatnonzero(ctx.index.present & np.isin(codes, wanted)).astype(np.int64)

    return ctx.index.memo("organisation:formed", build)


@lru_cache(maxsize=1)
def _english() -> Analyser:
    return Analyser("en")


def said_at(ctx: Context) -> Callable[[Memory], datetime]:
    """Return what tells when a memory was said: the time of the latest episode it rests on."""
    known: dict[str, datetime] = {}

    def when(memory: Memory) -> datetime:
        ids = [span.episode for span in memory.sources]
        missing = [id for id in ids if id not in known]
        if missing:
            known.update((id, episode.at) for id, episode in ctx.episodes(missing).items())
        return max((known[id] for id in ids if id in known), default=memory.at)

    return when
