"""A former for corrections: what a turn puts in the place of what was said before becomes a memory that organisers act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.context import Context
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.corrections import correction
from mneme.formation.rules import derived_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """Forms a note of each correction; :class:`mneme.organisation.reconcile.Reconcile` turns it into a revision of what was wrong.

    Args:
        skipped_roles: whose corrections do not count.
        nameless: what the author is called when an episode names none.
    """

    skipped_roles: tuple[str, ...] = ("assistant", "tool", "system")
    nameless: str = "The user"

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return a ``Keep`` for each episode that corrects something."""
        operations: list[Operation] = []
        for episode in episodes:
            found = None if episode.role in self.skipped_roles else correction(episode.text)
            if found is None:
                continue
            author = episode.author or self.nameless
            denied = f", not {found.old}" if found.old else ""
            memory = Memory(
                id=derived_id(episode.id, f"correction|{found.start}"),
                text=f"{author} meant {found.new}{denied}.",
                kind="note",
                at=episode.at,
                recorded_at=episode.recorded_at,
                valid_from=episode.at,
                author=episode.author,
                role=episode.role,
                session=episode.session,
                channel=episode.channel,
                tags=episode.tags,
                attributes={
                    "subject": author,
                    "relation": "meant",
                    "object": found.new,
                    "instead_of": found.old or "",
                    "claimed_by": author,
                    "polarity": True,
                    "statement": "correction",
                },
                sources=(Span(episode=episode.id, start=found.start, end=found.end),),
                importance=0.7,
            )
            operations.append(Keep(memory=memory))
            ctx.trace.note(former="corrections", episode=episode.id)
        return operations
