"""The layout that LoCoMo, REALTALK and TemporalMemoryDataset share: numbered sessions of turns with dialogue ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from mneme.arena.dates import parse_time
from mneme.core.records import Message
from mneme.importers.locomo import session_moments, turn_message

_EVIDENCE = re.compile(r"D:?(\d+):(\d+)")


def read_turns(conversation: Mapping[str, Any]) -> list[Message]:
    """Return the turns of all sessions in order.

    A turn without a time of its own gets its session's plus one second for every turn before it, so that time orders turns as
    the file does.
    """
    turns: list[Message] = []
    for session, started in session_moments(conversation).items():
        start = parse_time(str(started)) if started else None
        for index, turn in enumerate(conversation[session] or []):
            own = turn.get("date_time")
            at = parse_time(own) if own else start + timedelta(seconds=index) if start else None
            if (message := turn_message(turn, session, at)) is not None:
                turns.append(message)
    return turns


def find_evidence(labels: Iterable[str], refs: Iterable[str]) -> list[str]:
    """Return the refs that evidence labels name, in label order, without repeats.

    Labels are written in several ways in the files (``D8:6; D9:17``, ``D:11:26``, ``D30:05``); what names no turn is left out.
    """
    by_number = {(int(match[1]), int(match[2])): ref for ref in refs if (match := _EVIDENCE.fullmatch(ref))}
    found = (by_number.get((int(session), int(turn))) for label in labels for session, turn in _EVIDENCE.findall(label))
    return list(dict.fromkeys(ref for ref in found if ref is not None))
