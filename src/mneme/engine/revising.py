"""Revising: a caller's correction, or a change of the world, as operations; the caller's words are an episode on which they rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mneme.core.operations import Keep, Observe, Operation, Revise, Supersede
from mneme.core.records import Episode, Span
from mneme.core.records import Memory as Record
from mneme.engine import prepare
from mneme.engine.erasing import REVISES

if TYPE_CHECKING:
    from mneme.memory import Memory


def correction(
    engine: Memory, current: Record, text: str | None, changes: Mapping[str, Any], expected_version: int | None
) -> tuple[list[Operation], list[Record]]:
    """Return a correction: the caller's words are an episode on which the new version rests, unless its sources are given."""
    fields = dict(changes)
    operations: list[Operation] = []
    if text is not None and "sources" not in fields:
        episode = _words_of_caller(engine, text, current)
        operations.append(Observe(episode=episode))
        fields["sources"] = (Span(episode=episode.id, start=0, end=len(text)),)
    fields = prepare.revised_fields(fields)
    operations.append(Revise(id=current.id, text=text, changes=fields, expected_version=expected_version))
    return operations, [] if text is None else [replace(current, text=text)]


def supersession(
    engine: Memory, current: Record, text: str, since: datetime, expected_version: int | None
) -> tuple[list[Operation], list[Record]]:
    """Return a supersession: the old memory ends at ``since``, a new one begins."""
    now = engine.clock.now()
    episode = _words_of_caller(engine, text, current)
    memory = replace(
        current,
        id="mem" + episode.id[2:],
        text=text,
        at=since,
        recorded_at=now,
        valid_from=since,
        valid_to=None,
        version=1,
        status="active",
        ref=None,
        media=(),
        sources=(Span(episode=episode.id, start=0, end=len(text)),),
    )
    operations: list[Operation] = [
        Observe(episode=episode),
        Keep(memory=memory),
        Supersede(id=current.id, by=memory.id, at=since, expected_version=expected_version),
    ]
    return operations, [memory]


def _words_of_caller(engine: Memory, text: str, revised: Record) -> Episode:
    now = engine.clock.now()
    return Episode(
        id=engine.ids.new("ep"),
        text=text,
        at=now,
        recorded_at=now,
        author=engine.actor or None,
        session=revised.session,
        attributes={REVISES: revised.id},
    )
