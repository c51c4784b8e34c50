"""OpenAI-style messages: JSON lines (or one JSON list) of ``{"role": ..., "content": ...}``, or of ``{"messages": [...]}``.

Further keys are understood under their usual names: a time (``at``, ``timestamp``, ``created_at``, ...), a conversation (``session``,
``conversation_id``, ``thread_id``), an id (``ref``, ``id``), a speaker (``author``, ``name``). What else is plain becomes an attribute.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mneme.core.errors import InvalidInput
from mneme.core.records import Media, Message
from mneme.importers.item import Item, Report, looks_like, members, optional_text
from mneme.importers.moments import read_moment
from mneme.importers.source import Source, parse_json

SUMMARY = "OpenAI-style messages, one JSON object a line (or one JSON list)"
_TIMES = ("at", "timestamp", "created_at", "create_time", "created", "time", "date")
_SESSIONS = ("session", "session_id", "conversation", "conversation_id", "thread_id", "chat_id")
_REFS = ("ref", "id", "uuid", "message_id")
_AUTHORS = ("author", "name", "speaker")
_TEXTS = ("content", "text")
_KNOWN = frozenset((*_TIMES, *_SESSIONS, *_REFS, *_AUTHORS, *_TEXTS, "role", "channel", "tags", "messages", "media"))


def matches(document: object) -> bool:
    """Return whether a parsed JSON document, or the first line of a file, is of this format."""
    return looks_like(document, _fits)


def _fits(entry: Mapping[str, object]) -> bool:
    said = "role" in entry and ("content" in entry or "tool_calls" in entry)
    return said or "text" in entry or isinstance(entry.get("messages"), list)


def items(document: object, name: str, report: Report) -> Iterator[Item]:
    """Yield the messages of a parsed JSON document."""
    yield from _numbered(((f"{name}, item {number}", entry) for number, entry in enumerate(members(document))), name, report)


def line_items(source: Source, report: Report) -> Iterator[Item]:
    """Yield the messages of a JSON lines file; a line that is not JSON is reported and left out."""
    yield from _numbered(_lines(source, report), source.name, report)


def _lines(source: Source, report: Report) -> Iterator[tuple[str, object]]:
    for number, line in source.lines(report):
        if not line.strip():
            continue
        place = f"{source.name}, line {number}"
        try:
            yield place, parse_json(line.encode("utf-8", "surrogatepass"), place, report)
        except InvalidInput:
            report.problem(place, "is not JSON; left out")


def _numbered(entries: Iterator[tuple[str, object]], name: str, report: Report) -> Iterator[Item]:
    counts: dict[str, int] = {}
    last_at: dict[str, datetime | None] = {}
    for number, (place, entry) in enumerate(entries):
        if not isinstance(entry, dict):
            report.problem(place, "is not an object; left out")
            continue
        whole = entry.get("messages")
        session = _first(entry, _SESSIONS) or (f"{name}#{number}" if isinstance(whole, list) else name)
        members = whole if isinstance(whole, list) else [entry]
        for position, member in enumerate(members):
            where = f"{place}, message {position}" if isinstance(whole, list) else place
            if not isinstance(member, dict):
                report.problem(where, "is not an object; left out")
                continue
            message = _message({**_outer(entry, whole), **member}, session, last_at, where, report)
            if message is None:
                report.skipped += 1
                continue
            index = counts.get(session, 0)
            counts[session] = index + 1
            yield Item(message=message, conversation=session, index=index, place=where)


def _outer(entry: Mapping[str, Any], whole: object) -> dict[str, Any]:
    """Return what an object with a list of messages says about all of them: their time."""
    return {key: entry[key] for key in _TIMES if key in entry} if isinstance(whole, list) else {}


def _first(entry: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := optional_text(entry.get(name)))), None)


def _message(raw: Mapping[str, Any], session: str, last_at: dict[str, datetime | None], place: str, report: Report) -> Message | None:
    text, media = _content(next((raw[name] for name in _TEXTS if raw.get(name) is not None), ""))
    if not text.strip() and not media:
        return None
    written = next((raw[name] for name in _TIMES if raw.get(name) is not None), None)
    if written is not None:
        try:
            last_at[session] = read_moment(written)
        except ValueError:
            report.problem(place, f"its time {written!r} is not a date; the one before it is used")
    tags = raw.get("tags")
    return Message(
        text=text,
        author=_first(raw, _AUTHORS),
        role=optional_text(raw.get("role")),
        at=last_at.get(session),
        session=session,
        ref=_first(raw, _REFS),
        channel=optional_text(raw.get("channel")),
        media=media,
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        attributes={k: v for k, v in raw.items() if k not in _KNOWN and isinstance(v, str | int | float | bool)},
    )


def _content(content: object) -> tuple[str, tuple[Media, ...]]:
    if isinstance(content, str):
        return content, ()
    texts: list[str] = []
    media: list[Media] = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, dict) and (url := _url(part)):
            media.append(_medium(url))
    return "\n".join(text for text in texts if text.strip()), tuple(media)


def _url(part: Mapping[str, Any]) -> str | None:
    inner = part.get("image_url")
    return optional_text(inner.get("url") if isinstance(inner, dict) else inner)


def _medium(url: str) -> Media:
    if not url.startswith("data:"):
        return Media(uri=url, mime="image/*", caption="a picture without a caption")
    # Bytes are never stored; their digest still tells two pictures apart.
    mime = url[5:].partition(";")[0].partition(",")[0]
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    return Media(uri=f"sha256:{digest}", mime=mime, caption="a picture without a caption")
