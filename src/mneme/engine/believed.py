"""What is believed, for a question that asks for one relation of one subject: every value that holds, and none that has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mneme.core.context import Context
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.organisation.belief import Belief
from mneme.organisation.board import FORMED, Board
from mneme.text.questions import named_people
from mneme.text.slots import THE_USER, Slot, asked_slot

MOST = 8
"""Of many values, such as all that somebody likes, the latest."""


def believed(ctx: Context, question: str, moment: datetime, where: Filter) -> list[Memory]:
    """Return the statements that answer a question at a moment, the latest first.

    Where nothing of the relation holds any more, the last that did is returned, with its end. Nothing is returned for questions put
    another way, and for a space without statements of the kind.

    Args:
        ctx: the space.
        question: as asked.
        moment: when in the world.
        where: which memories may be seen; what was formed has no place in a filter by kind that does not name it.
    """
    slot = asked_slot(question)
    if slot is None or (where.kinds and not set(where.kinds) & set(FORMED)):
        return []
    held = [item for item in _held(ctx, slot) if where.accepts(item.memory)]
    positive = [item for item in held if item.positive and item.begin <= moment]
    current = [item for item in positive if item.holds_at(moment)]
    if current:
        return [item.memory for item in _latest(current)][:MOST]
    ended = [item for item in positive if item.memory.valid_to is not None]
    return [max(ended, key=lambda item: (item.memory.valid_to, item.begin)).memory] if ended else []


def _held(ctx: Context, slot: Slot) -> list[Belief]:
    return next((found for name in _subjects(ctx, slot.subject) if (found := Board(ctx).held(name, [slot.relation]))), [])


def _subjects(ctx: Context, subject: str) -> list[str]:
    """Return under which names a subject may be known: as asked, or the one person who speaks and is meant by it."""
    _, authors = ctx.index.codes("author")
    people = [author for author in authors if isinstance(author, str) and author]
    meant = people if subject == THE_USER else named_people(subject, people)
    return [subject, *meant] if len(meant) == 1 else [subject]


def _latest(held: Sequence[Belief]) -> list[Belief]:
    """Return beliefs by their beginning, the latest first, each value once."""
    chosen: dict[str, Belief] = {}
    for item in sorted(held, key=lambda item: (item.begin, item.memory.id), reverse=True):
        chosen.setdefault(item.object.casefold(), item)
    return list(chosen.values())
