"""LoCoMo, the official JSON: a list of conversations between two people, in dated sessions, with captions of the pictures they sent.

Each conversation suggests a space of its own (its ``sample_id``); ``ref`` is the dialogue id, so that hits can be held against
``evidence``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mneme.core.records import EMPTY, Media, Message
from mneme.importers.item import Item, Report, as_list, as_object, looks_like, members, optional_text

SUMMARY = "LoCoMo's official JSON; a space for each conversation"
_SESSION = re.compile(r"session_(\d+)")


def matches(document: object) -> bool:
    """Return whether a parsed JSON document is of this format."""
    return looks_like(document, _fits)


def _fits(sample: Mapping[str, object]) -> bool:
    conversation = sample.get("conversation")
    return isinstance(conversation, dict) and "speaker_a" in conversation


def items(document: object, name: str, report: Report) -> Iterator[Item]:
    """Yield the turns of every conversation, session by session."""
    for number, member in enumerate(members(document)):
        sample = as_object(member)
        conversation = sample.get("conversation")
        if not isinstance(conversation, dict):
            report.problem(f"{name}, conversation {number}", "has no object 'conversation'; left out")
            continue
        space = optional_text(sample.get("sample_id")) or f"conversation-{number}"
        yield from _conversation(conversation, space, report)


def session_moments(conversation: Mapping[str, Any]) -> dict[str, object]:
    """Return session name -> its date as written, in the order of the sessions' numbers; only sessions that have turns."""
    numbered = sorted(int(found[1]) for key in conversation if (found := _SESSION.fullmatch(key)))
    return {f"session_{number}": conversation.get(f"session_{number}_date_time") for number in numbered}


def _conversation(conversation: Mapping[str, Any], space: str, report: Report) -> Iterator[Item]:
    index = 0
    for session, written in session_moments(conversation).items():
        place = f"{space}, {session}"
        turns = conversation[session]
        if not isinstance(turns, list):
            report.problem(place, "is not a list of turns; left out")
            continue
        at = report.moment(written, place) if turns else None
        for number, turn in enumerate(turns):
            message = turn_message(turn, session, at)
            where = f"{place}, turn {number}"
            if message is None:
                report.problem(where, "has no text; left out")
                continue
            yield Item(message=message, conversation=space, index=index, place=where, space=space)
            index += 1


def turn_message(turn: object, session: str, at: datetime | None) -> Message | None:
    """Return a turn of the layout as a message; None when it says and shows nothing.

    The cleaned text of releases that have one is taken before the raw one.
    """
    if not isinstance(turn, dict):
        return None
    text, caption = turn.get("clean_text", turn.get("text")), turn.get("blip_caption")
    text = text if isinstance(text, str) else ""
    sent = turn.get("img_url") or turn.get("img_file")
    urls = [url for url in (as_list(sent) or [sent]) if isinstance(url, str)]
    caption = caption if isinstance(caption, str) else ""
    if caption and not urls:
        urls = [f"image:{turn.get('dia_id', '')}"]
    media = tuple(Media(uri=url, mime="image/*", caption=caption if i == 0 else "") for i, url in enumerate(urls))
    if not text.strip() and not caption.strip():
        return None
    query = optional_text(turn.get("query"))
    return Message(
        text=text,
        author=optional_text(turn.get("speaker")),
        at=at,
        session=session,
        ref=optional_text(turn.get("dia_id")),
        media=media,
        attributes={"image_query": query} if query else EMPTY,
    )
