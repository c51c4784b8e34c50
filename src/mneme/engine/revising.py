"""Revising: a caller's correction, or a change of the world, as operations; the caller's words are an episode on which they rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mneme.core.errors import InvalidInput
from mneme.core.operations import Keep, Observe, Operation, Revise, Supersede
from mneme.core.ports import Store
from mneme.core.records import Episode, Span
from mneme.core.records import Memory as Record
from mneme.engine import prepare
from mneme.engine.erasing import REVISES

if TYPE_CHECKING:
    from mneme.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words of the caller's own among the sources of a correction: they become an episode that goes with the memory."""

    text: str


def correction(
    engine: Memory,
    current: Record,
    text: str | None,
    changes: Mapping[str, Any],
    expected_version: int | None,
    store: Store,
) -> tuple[list[Operation], list[Record]]:
    """Return a correction: the caller's words are an episode on which the new version rests, unless its sources are given.

    Args:
        engine: gives ids and times.
        current: what is corrected.
        text: what it says from now on; None leaves that.
        changes: other fields; empty sources count as not given, and :class:`Words` may be among them.
        expected_version: refuse unless it is at this version.
        store: where the sources are.

    Raises:
        InvalidInput: a field is bad, or a source is not there.
    """
    fields = dict(changes)
    sources = prepare.listed(fields.pop("sources", None))
    if text is None and not fields and not sources:
        raise InvalidInput({"sources": "is empty; give spans that it rests on, or leave it out"})
    operations: list[Operation] = []
    if text is not None and not sources:
        sources = (Words(text=text),)
    spans: list[object] = []
    for source in sources:
        if isinstance(source, Words):
            episode = _words_of_caller(engine, source.text, current)
            operations.append(Observe(episode=episode))
            spans.append(Span(episode=episode.id, start=0, end=len(source.text)))
        else:
            spans.append(source)
    if spans:
        fields["sources"] = tuple(spans)
    fields = prepare.revised_fields(fields)
    new = {operation.episode.id: operation.episode for operation in operations if isinstance(operation, Observe)}
    _check_spans([span for span in fields.get("sources", ()) if span not in current.sources], store, new)
    operations.append(Revise(id=current.id, text=text, changes=fields, expected_version=expected_version))
    return operations, [] if text is None else [replace(current, text=text)]


def _check_spans(spans: Sequence[Span], store: Store, known: Mapping[str, Episode]) -> None:
    """Refuse spans of episodes that are not there, or past their end; one that a memory rested on was there, and erased since."""
    found = {**store.episodes([span.episode for span in spans if span.episode not in known]), **known} if spans else {}
    for span in spans:
        problem = prepare.span_problem(span, found)
        if problem and (span.episode in found or not store.resting_on([span.episode])):
            raise InvalidInput({"sources": problem})


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
