"""What a personal model would be trained with: replies that were accepted, and replies with their corrections.

Source: MaLP, export for an adapter: supervised pairs (context, reply) and preference pairs from accepted and corrected replies. Differs:
nothing is trained here; pairs are read from what is in the space, so what was erased is in none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.formation.refinements import ASSISTANT, accepted, put_right
from mneme.recipes.agent.everything import everything
from mneme.recipes.agent.forms import Pair, write_instructions, write_preferences
from mneme.recipes.agent.rewards import normalised
from mneme.space import Space

PAUSE = timedelta(hours=1)
"""A silence after which messages without a session are another talk."""


class Personal:
    """Pairs of one space.

    Args:
        space: the space.
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    def preferences(self) -> list[Pair]:
        """Return a pair per correction: the question, the reply that was put right, and what was right; each once."""
        return _once(pair for talk in self._talks() for pair in _corrected(talk))

    def instructions(self) -> list[Pair]:
        """Return a pair per reply that was accepted; each once."""
        return _once(pair for talk in self._talks() for pair in _praised(talk))

    def style(self, most: int = 20) -> list[Memory]:
        """Return the preferences that hold, the latest first: what every reply should heed, whatever the question."""
        now = self.space._memory.clock.now()
        found = everything(self.space, Filter(kinds=("preference",)))
        known = [memory for memory in found if memory.valid_to is None or memory.valid_to > now]
        return sorted(known, key=lambda memory: (memory.at, memory.id), reverse=True)[:most]

    def export(self, folder: Path) -> dict[str, int]:
        """Write ``preferences.jsonl`` and ``instructions.jsonl`` and return how many lines each has."""
        return {
            "preferences": write_preferences(self.preferences(), folder / "preferences.jsonl"),
            "instructions": write_instructions(self.instructions(), folder / "instructions.jsonl"),
        }

    def _talks(self) -> list[list[Memory]]:
        """Return the messages of each session in the order of time; archived ones are there, erased ones are not.

        Messages without a session make one talk until nobody speaks for an hour.
        """
        found = everything(self.space, Filter(kinds=("turn",), archived=True), ("active", "archived"))
        talks: dict[tuple[str | None, int], list[Memory]] = {}
        last, number = None, 0
        for memory in sorted(found, key=lambda memory: (memory.at, memory.id)):
            if memory.session is None:
                number += last is not None and memory.at - last > PAUSE
                last = memory.at
            talks.setdefault((memory.session, 0 if memory.session is not None else number), []).append(memory)
        return list(talks.values())


def _corrected(talk: Sequence[Memory]) -> Iterator[Pair]:
    for place in range(1, len(talk)):
        reply, correction = talk[place - 1], talk[place]
        if reply.role not in ASSISTANT or correction.role in ASSISTANT:
            continue
        right = put_right(correction.text)
        if not right:
            continue
        after = talk[place + 1] if place + 1 < len(talk) and talk[place + 1].role in ASSISTANT else None
        question = talk[place - 2] if place > 1 and talk[place - 2].role not in ASSISTANT else None
        used = [one for one in (question, reply, correction, after) if one is not None]
        yield Pair(
            key=f"correction:{correction.id}",
            kind="preference",
            question=question.text if question else "",
            answer=after.text if after else right,
            rejected=reply.text,
            sources=tuple(one.id for one in used),
        )


def _praised(talk: Sequence[Memory]) -> Iterator[Pair]:
    for place in range(2, len(talk)):
        question, reply, praise = talk[place - 2 : place + 1]
        if question.role in ASSISTANT or reply.role not in ASSISTANT or praise.role in ASSISTANT or not accepted(praise.text):
            continue
        sources = (question.id, reply.id, praise.id)
        yield Pair(key=f"accepted:{reply.id}", kind="self", question=question.text, answer=reply.text, sources=sources)


def _once(pairs: Iterator[Pair]) -> list[Pair]:
    """Return the pairs without those that say what an earlier one said."""
    kept: dict[tuple[str, ...], Pair] = {}
    for pair in pairs:
        kept.setdefault(tuple(normalised(text) for text in (pair.question, pair.answer, pair.rejected)), pair)
    return list(kept.values())
