"""How well the engine keeps up with a stream of life changes: it is told to a space, whose beliefs are compared with the truth."""

from __future__ import annotations

import tempfile
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mneme.arena.generated.life_changes import Judgement, Stream, judge
from mneme.core.records import Memory as Record
from mneme.core.records import Message
from mneme.memory import Memory
from mneme.organisation.belief import bare, belief

FOREVER = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """The statements that a space holds, for asking what held when.

    Args:
        records: active memories, ended ones included.
    """

    records: tuple[Record, ...]

    def values(self, subject: str, relation: str, at: datetime | None) -> AbstractSet[str]:
        """Return the values that are held for true at a moment; every value ever taken in when it is None."""
        found = set()
        for record in self.records:
            item = belief(record)
            if item is None or item.slot != (subject.casefold(), relation):
                continue
            if at is None or (item.positive and item.holds_at(at)):
                found.add(bare(item.object))
        return found


def tell(stream: Stream, folder: Path, *, recipe: str = "beliefs", together: int = 1) -> Believed:
    """Tell a stream to a fresh space, message by message or several at once, and return what the space then holds.

    Args:
        stream: what is told.
        folder: where the space lives.
        recipe: the memory design.
        together: how many messages one call remembers.
    """
    messages = [Message(text=change.text, author=change.subject, at=change.said_at, session="life") for change in stream.changes]
    with Memory(folder, embedder="hash", recipe=recipe, durability="normal") as memory:
        space = memory.space("life")
        for start in range(0, len(messages), together):
            space.remember(messages[start : start + together])
        return Believed(records=tuple(space.memories(limit=FOREVER)))


def believe(stream: Stream, *, seed: int, recipe: str = "beliefs", together: int = 1, moments: int = 20) -> Judgement:
    """Tell a stream and judge what is believed of it."""
    with tempfile.TemporaryDirectory(prefix="mneme-life-") as folder:
        held = tell(stream, Path(folder), recipe=recipe, together=together)
    bared = _bared(stream)
    return judge(bared, lambda s, r, at: held.values(s, r, at), lambda s, r: held.values(s, r, None), seed=seed, moments=moments)


def _bared(stream: Stream) -> Stream:
    """The stream with values as they are compared: without articles and case."""
    from dataclasses import replace

    changes = (replace(c, object=bare(c.object), instead_of=bare(c.instead_of) if c.instead_of else "") for c in stream.changes)
    return Stream(changes=tuple(changes))
