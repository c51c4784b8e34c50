"""ChatGPT's data export: ``conversations.json``, each conversation a tree of messages of which one branch is shown.

The branch that ends in ``current_node`` is taken: what the person saw last, without the answers that were regenerated away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mneme.core.records import EMPTY, Media, Message
from mneme.importers.item import Item, Report, as_object, looks_like, members, optional_text
from mneme.importers.moments import moment_or

SUMMARY = "ChatGPT's data export (the .zip or its conversations.json)"
# Not said by anyone: the model's notes to itself and the settings that the product repeats in every conversation.
_UNSPOKEN = frozenset({"thoughts", "reasoning_recap", "user_editable_context", "model_editable_context"})


def matches(document: object) -> bool:
    """Return whether a parsed JSON document is of this format."""
    return looks_like(document, lambda conversation: isinstance(conversation.get("mapping"), dict))


def items(document: object, name: str, report: Report) -> Iterator[Item]:
    """Yield the messages of every conversation's current branch, oldest first."""
    for number, conversation in enumerate(members(document)):
        if not isinstance(conversation, dict) or not isinstance(conversation.get("mapping"), dict):
            report.problem(f"{name}, conversation {number}", "has no object 'mapping'; left out")
            continue
        id = optional_text(conversation.get("conversation_id") or conversation.get("id"))
        yield from _conversation(conversation, id or f"{name}#{number}", report)


def branch(conversation: Mapping[str, Any]) -> list[str]:
    """Return the node ids from the root to the current node; without a current node, to the newest leaf."""
    mapping = conversation["mapping"]
    node = conversation.get("current_node")
    if not isinstance(node, str) or node not in mapping:
        node = _newest_leaf(mapping)
    path: list[str] = []
    seen: set[str] = set()
    while isinstance(node, str) and node in mapping and node not in seen:
        seen.add(node)
        path.append(node)
        entry = mapping[node]
        node = entry.get("parent") if isinstance(entry, dict) else None
    return path[::-1]


def _newest_leaf(mapping: Mapping[str, Any]) -> str | None:
    leaves = [id for id, node in mapping.items() if isinstance(node, dict) and not node.get("children")]

    def age(id: str) -> float:
        time = as_object(mapping[id].get("message")).get("create_time")
        return time if isinstance(time, int | float) else 0

    return max(leaves, key=age, default=None)


def _conversation(conversation: Mapping[str, Any], id: str, report: Report) -> Iterator[Item]:
    title = optional_text(conversation.get("title"))
    at = moment_or(conversation.get("create_time"), None)
    index = 0
    for node in branch(conversation):
        entry = conversation["mapping"][node]
        raw = entry.get("message") if isinstance(entry, dict) else None
        if raw is None:
            continue
        place = f"conversation {id}, message {node}"
        if not isinstance(raw, dict):
            report.problem(place, "is not an object; left out")
            continue
        # A message without a time was said after the one before it.
        at = moment_or(raw.get("create_time"), at)
        message = _message(raw, node, id, title, at)
        if message is None:
            report.skipped += 1
            continue
        yield Item(message=message, conversation=id, index=index, place=place)
        index += 1


def _message(raw: Mapping[str, Any], node: str, session: str, title: str | None, at: datetime | None) -> Message | None:
    author, content, metadata = as_object(raw.get("author")), as_object(raw.get("content")), as_object(raw.get("metadata"))
    role = optional_text(author.get("role"))
    hidden = metadata.get("is_visually_hidden_from_conversation") or str(content.get("content_type")) in _UNSPOKEN
    to_a_tool = role == "assistant" and raw.get("recipient", "all") not in ("all", None)
    if hidden or role == "system" or to_a_tool:
        return None
    text, media = _content(content)
    if not text.strip() and not media:
        return None
    return Message(
        text=text,
        role=role,
        author=optional_text(author.get("name")),
        at=at,
        session=session,
        ref=optional_text(raw.get("id")) or node,
        channel="chatgpt",
        media=media,
        attributes={"title": title} if title else EMPTY,
    )


def _content(content: Mapping[str, Any]) -> tuple[str, tuple[Media, ...]]:
    parts = content.get("parts")
    if not isinstance(parts, list):
        single = content.get("text") or content.get("result") or ""
        return (single if isinstance(single, str) else ""), ()
    texts: list[str] = []
    media: list[Media] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, dict) and isinstance(part.get("asset_pointer"), str):
            media.append(Media(uri=part["asset_pointer"], mime="image/*", caption=_caption(part)))
    return "\n".join(text for text in texts if text.strip()), tuple(media)


def _caption(part: Mapping[str, Any]) -> str:
    # Pictures that the model drew carry the words they were drawn from.
    drawn = as_object(as_object(part.get("metadata")).get("dalle"))
    return optional_text(drawn.get("prompt")) or "a picture without a caption"
