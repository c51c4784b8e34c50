"""The layout that LoCoMo, REALTALK and TemporalMemoryDataset share: numbered sessions of turns with dialogue ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from mneme.arena.dates import parse_time
from mneme.core.records import Media, Message

_SESSION = re.compile(r"session_(\d+)")
_EVIDENCE = re.compile(r"D:?(\d+):(\d+)")


def read_turns(conversation: Mapping[str, Any]) -> list[Message]:
    """Return the turns of all sessions in order.

    A turn without a time of its own gets its session's plus one second for every turn before it, so that time orders turns as
    the file does.
    """
    turns: list[Message] = []
    numbers = sorted(int(match[1]) for key in conversation if (match := _SESSION.fullmatch(key)))
    for number in numbers:
        started = conversation.get(f"session_{number}_date_time")
        start = parse_time(started) if started else None
        for index, turn in enumerate(conversation[f"session_{number}"] or []):
            own = turn.get("date_time")
            at = parse_time(own) if own else start + timedelta(seconds=index) if start else None
            turns.append(
                Message(
                    text=str(turn.get("clean_text", turn.get("text")) or ""),
                    author=turn.get("speaker"),
                    at=at,
                    session=f"session_{number}",
                    ref=turn["dia_id"],
                    media=_media(turn),
                )
            )
    return [turn for turn in turns if turn.text.strip() or turn.media]


def _media(turn: Mapping[str, Any]) -> tuple[Media, ...]:
    caption = turn.get("blip_caption")
    if not caption:
        return ()
    uris = turn.get("img_url") or turn.get("img_file") or ""
    return (Media(uri=str(uris[0] if isinstance(uris, list) and uris else uris or ""), caption=str(caption)),)


def find_evidence(labels: Iterable[str], refs: Iterable[str]) -> list[str]:
    """Return the refs that evidence labels name, in label order, without repeats.

    Labels are written in several ways in the files (``D8:6; D9:17``, ``D:11:26``, ``D30:05``); what names no turn is left out.
    """
    by_number = {(int(match[1]), int(match[2])): ref for ref in refs if (match := _EVIDENCE.fullmatch(ref))}
    found = (by_number.get((int(session), int(turn))) for label in labels for session, turn in _EVIDENCE.findall(label))
    return list(dict.fromkeys(ref for ref in found if ref is not None))
