"""Claude's data export: ``conversations.json``, each conversation a list ``chat_messages``; attached texts come as captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mneme.core.records import EMPTY, Media, Message
from mneme.importers.item import Item, Report, as_list, looks_like, members, optional_text
from mneme.importers.moments import moment_or

SUMMARY = "Claude's data export (the .zip or its conversations.json)"
_ROLES = {"human": "user", "assistant": "assistant"}


def matches(document: object) -> bool:
    """Return whether a parsed JSON document is of this format."""
    return looks_like(document, lambda conversation: isinstance(conversation.get("chat_messages"), list))


def items(document: object, name: str, report: Report) -> Iterator[Item]:
    """Yield the messages of every conversation, oldest first."""
    for number, conversation in enumerate(members(document)):
        if not isinstance(conversation, dict) or not isinstance(conversation.get("chat_messages"), list):
            report.problem(f"{name}, conversation {number}", "has no list 'chat_messages'; left out")
            continue
        yield from _conversation(conversation, optional_text(conversation.get("uuid")) or f"{name}#{number}", report)


def _conversation(conversation: Mapping[str, Any], id: str, report: Report) -> Iterator[Item]:
    title = optional_text(conversation.get("name"))
    at = moment_or(conversation.get("created_at"), None)
    index = 0
    for position, raw in enumerate(conversation["chat_messages"]):
        place = f"conversation {id}, message {position}"
        if not isinstance(raw, dict):
            report.problem(place, "is not an object; left out")
            continue
        at = moment_or(raw.get("created_at"), at)
        text, media = _text(raw), _media(raw)
        if not text.strip() and not media:
            report.skipped += 1
            continue
        sender = optional_text(raw.get("sender"))
        message = Message(
            text=text,
            role=_ROLES.get(sender or "", sender),
            at=at,
            session=id,
            ref=optional_text(raw.get("uuid")),
            channel="claude",
            media=media,
            attributes={"title": title} if title else EMPTY,
        )
        yield Item(message=message, conversation=id, index=index, place=place)
        index += 1


def _text(raw: Mapping[str, Any]) -> str:
    # The flat text repeats the blocks, with a notice in place of each block that is no text; the blocks are cleaner.
    blocks = raw.get("content")
    if isinstance(blocks, list):
        said = [b["text"] for b in blocks if isinstance(b, dict) and b.get("type") == "text" and isinstance(b.get("text"), str)]
        joined = "\n".join(text for text in said if text.strip())
        if joined:
            return joined
        if any(isinstance(block, dict) and block.get("type") not in ("text", None) for block in blocks):
            return ""
    flat = raw.get("text")
    return flat if isinstance(flat, str) else ""


def _media(raw: Mapping[str, Any]) -> tuple[Media, ...]:
    found: list[Media] = []
    for attached in as_list(raw.get("attachments")):
        if isinstance(attached, dict):
            uri = optional_text(attached.get("file_name")) or "attachment"
            caption = optional_text(attached.get("extracted_content")) or uri
            found.append(Media(uri=uri, mime=optional_text(attached.get("file_type")) or "", caption=caption))
    for file in as_list(raw.get("files")):
        name = optional_text(file.get("file_name")) if isinstance(file, dict) else None
        if name:
            found.append(Media(uri=name, caption=name))
    return tuple(found)
