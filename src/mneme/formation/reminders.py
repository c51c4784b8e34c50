"""Reminders: what has a date ahead, or comes back, becomes a task that surfaces when its time comes, asked for or not.

Source: MMAG (arXiv 2512.01710), event-linked memory and routines. Differs: the grammar of time finds the dates, no model does; a routine
keeps its rule (RFC 5545) and surfaces on its days.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mneme.core.context import Context
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.rules import derived_id
from mneme.text.sentences import sentence_spans
from mneme.text.time_expressions import TimeMention, find_times

TAG, ROUTINE = "reminder", "routine"
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_AHEAD = "There will be: "
_NOTE_WORDS = 8
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|did|do|does|will|went|came|got|saw|met|\w{3,}ed)\b|['’](?:s|m|re|ve|d|ll)\b", re.IGNORECASE
)
_VAGUE = frozenset({"order", "since", "until"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderFormer:
    """Keeps a task per sentence with a time ahead.

    Args:
        skipped_roles: whose messages are not read.
        longest: a stretch of time longer than this is no date to be reminded of.
    """

    skipped_roles: tuple[str, ...] = ("assistant", "tool", "system")
    longest: timedelta = timedelta(days=14)

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per sentence that names a time ahead or a routine."""
        operations: list[Operation] = []
        for episode in episodes:
            if episode.role in self.skipped_roles:
                continue
            for start, end in sentence_spans(episode.text):
                sentence = episode.text[start:end]
                if sentence.rstrip().endswith("?"):
                    continue
                found = next((mention for mention in _times(sentence, episode.at) if self._ahead(mention, episode.at)), None)
                if found is not None:
                    operations.append(Keep(memory=_memory(episode, start, end, found)))
        return operations

    def _ahead(self, mention: TimeMention, at: datetime) -> bool:
        if mention.kind in _VAGUE:
            return False
        return mention.recurring is not None or (mention.lower > at and mention.upper - mention.lower <= self.longest)


def _times(sentence: str, at: datetime) -> list[TimeMention]:
    """Return the times of a sentence; a note without a verb, such as "Exam on June 5", is about what is to come."""
    if len(sentence.split()) <= _NOTE_WORDS and not _VERB.search(sentence):
        return find_times(_AHEAD + sentence, at)
    return find_times(sentence, at)


def occurs(rule: str, first: datetime, day: datetime) -> bool:
    """Return whether a routine falls on a day.

    Args:
        rule: such as ``FREQ=WEEKLY;BYDAY=MO``.
        first: an occurrence.
        day: any moment of the day.

    Example:
        >>> from datetime import UTC
        >>> monday = datetime(2024, 6, 3, tzinfo=UTC)
        >>> [occurs("FREQ=WEEKLY;BYDAY=MO", monday, datetime(2024, 6, number, tzinfo=UTC)) for number in (9, 10)]
        [False, True]
    """
    parts = dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)
    step = int(parts.get("INTERVAL", "1"))
    days = (day.date() - first.date()).days
    if days < 0:
        return False
    if "BYDAY" in parts and _DAYS[day.weekday()] not in parts["BYDAY"].split(","):
        return False
    frequency = parts.get("FREQ", "")
    if frequency == "DAILY":
        return days % step == 0
    if frequency == "WEEKLY":
        return ("BYDAY" in parts or days % 7 == 0) and (days // 7) % step == 0
    if frequency == "MONTHLY":
        return day.day == first.day or "BYDAY" in parts
    return frequency == "YEARLY" and (day.month, day.day) == (first.month, first.day)


def _memory(episode: Episode, start: int, end: int, mention: TimeMention) -> Memory:
    text = episode.text[start:end].strip()
    told: dict[str, object] = {"by": TAG, "due": mention.lower.isoformat(), "over": mention.upper.isoformat()}
    if mention.recurring is not None:
        told["rrule"] = mention.recurring
    return Memory(
        id=derived_id(episode.id, f"{TAG}|{start}"),
        text=text,
        kind="task",
        at=episode.at,
        recorded_at=episode.recorded_at,
        valid_from=episode.at if mention.recurring is not None else mention.lower,
        valid_to=None if mention.recurring is not None else mention.upper,
        author=episode.author,
        session=episode.session,
        channel=episode.channel,
        tags=(TAG,) if mention.recurring is None else (TAG, ROUTINE),
        attributes=told,
        sources=(Span(episode=episode.id, start=start, end=end),),
    )
