"""A statement: what the rules read out of a turn, and when it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mneme.text.relations import StatementKind, relation
from mneme.text.time_expressions import TimeMention
from mneme.text.timex.calendar import Precision

Modality = Literal["asserted", "planned", "reported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One reading of a stretch of a turn.

    Attributes:
        subject: whom it is about; a person's full name where known, or "Ana's sister".
        relation: a name of ``mneme.text.relations``, or ``favourite_...``.
        object: what is said, in the words of the turn without time and possessives.
        polarity: False when it is denied; the denial is what holds from ``valid_from`` on.
        ended: for a denial, whether it was so before ("no longer", "anymore").
        modality: ``reported`` when someone other than the author claims it, ``planned`` for intentions.
        claimed_by: who claims it.
        valid_from: from when it holds; for an event when it happened; None when it held at some time before.
        valid_to: until when; for an event the end of the interval it happened in; None while it holds.
        precision: how exactly the time is known; None when the turn does not say and its own date is used.
        recurring: an RFC 5545 rule when it repeats.
        kind: the kind of memory it makes.
        span_start: first character of the turn that it rests on.
        span_end: the character after the last.
    """

    subject: str
    relation: str
    object: str
    polarity: bool
    ended: bool
    modality: Modality
    claimed_by: str
    valid_from: datetime | None
    valid_to: datetime | None
    precision: Precision | None
    recurring: str | None
    kind: StatementKind
    span_start: int
    span_end: int


def validity(
    times: Iterable[TimeMention], tense: str, at: datetime
) -> tuple[datetime | None, datetime | None, Precision | None, str | None]:
    """When a statement holds: what the clause says, else from the moment of the turn (states) or at it (events)."""
    dated = [time for time in times if time.kind != "order"]
    rule = next((time.recurring for time in dated if time.recurring), None)
    dated = [time for time in dated if not time.recurring]
    if not dated:
        if tense == "past":
            return None, at, None, rule
        return at, None, None, rule
    time = dated[0]
    if tense == "state":
        if time.kind == "until":
            return at, time.upper, time.precision, rule
        ended = time.kind == "range" and time.upper < at
        return time.lower, time.upper if ended else None, time.precision, rule
    if tense == "past":
        if time.kind in ("since", "until"):
            return (time.lower, at, time.precision, rule) if time.kind == "since" else (None, time.upper, time.precision, rule)
        return time.lower, min(time.upper, at), time.precision, rule
    return time.lower, time.upper, time.precision, rule


def make(
    *, subject: str, name: str, value: str, at: datetime, author: str, start: int, end: int, polarity: bool = True, ended: bool = False,
    times: Sequence[TimeMention] = (),
) -> Statement:  # fmt: skip
    """A statement of an attribute that holds from the turn on, or from the time it names."""
    begin, until, precision, rule = validity(times, "state", at)
    return Statement(
        subject=subject, relation=name, object=value, polarity=polarity, ended=ended, modality="asserted", claimed_by=author,
        valid_from=begin,
        valid_to=until, precision=precision, recurring=rule, kind=relation(name).kind, span_start=start, span_end=end,
    )  # fmt: skip
