"""LongMemEval, the official JSON: questions, each with the haystack of dated chat sessions in which its answer lies.

Each question suggests a space of its own (its ``question_id``); ``ref`` is ``SESSION#TURN`` with turns counted from 0. The gold labels
(``has_answer``, ``answer``) are no part of what was said and stay out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mneme.core.records import Message
from mneme.importers.item import Item, Report, as_list, looks_like, members, optional_text

SUMMARY = "LongMemEval's official JSON; a space for each question's haystack"


def matches(document: object) -> bool:
    """Return whether a parsed JSON document is of this format."""
    return looks_like(document, lambda question: "haystack_sessions" in question)


def items(document: object, name: str, report: Report) -> Iterator[Item]:
    """Yield the turns of every haystack in the order of its sessions."""
    for number, question in enumerate(members(document)):
        if not isinstance(question, dict) or not isinstance(question.get("haystack_sessions"), list):
            report.problem(f"{name}, question {number}", "has no list 'haystack_sessions'; left out")
            continue
        yield from _haystack(question, optional_text(question.get("question_id")) or f"question-{number}", report)


def haystack(question: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Yield the name, the date as written and the turns of each session of a question; a session without a name is numbered."""
    names = as_list(question.get("haystack_session_ids"))
    dates = as_list(question.get("haystack_dates"))
    for number, turns in enumerate(question["haystack_sessions"]):
        name = (optional_text(names[number]) if number < len(names) else None) or f"session-{number}"
        yield name, dates[number] if number < len(dates) else None, turns


def turn_message(turn: object, *, session: str, ref: str, at: datetime | None) -> Message | None:
    """Return a turn as a message; None when it says nothing."""
    text = turn.get("content") if isinstance(turn, dict) else None
    if not isinstance(turn, dict) or not isinstance(text, str) or not text.strip():
        return None
    return Message(text=text, role=optional_text(turn.get("role")), at=at, session=session, ref=ref)


def _haystack(question: Mapping[str, Any], space: str, report: Report) -> Iterator[Item]:
    index = 0
    for session, date, turns in haystack(question):
        place = f"{space}, session {session}"
        if not isinstance(turns, list):
            report.problem(place, "is not a list of turns; left out")
            continue
        at = report.moment(date, place)
        for position, turn in enumerate(turns):
            where = f"{place}, turn {position}"
            message = turn_message(turn, session=session, ref=f"{session}#{position}", at=at)
            if message is None:
                report.problem(where, "has no text; left out")
                continue
            yield Item(message=message, conversation=space, index=index, place=where, space=space)
            index += 1
