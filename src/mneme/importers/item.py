"""What every format yields and reports: messages with their place in the source, and what could not be taken as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mneme.core.records import Media, Message
from mneme.importers.moments import read_moment
from mneme.text.lines import one_line

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"
_LOOKED_AT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message of a source.

    Args:
        message: as ``remember`` takes it.
        conversation: the source's own name of the conversation; stable from one export to the next.
        index: the message's place in its conversation, from 0.
        place: where it stands in the source, in words, for reports.
        space: the space that the format suggests; None when all conversations belong to one person.
    """

    message: Message
    conversation: str
    index: int
    place: str
    space: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a source that could not be taken as it was.

    Args:
        place: where it stands, in words.
        what: what is wrong with it and what was done instead.
    """

    place: str
    what: str


@dataclass(slots=True, kw_only=True)
class Report:
    """What a reading met; grows while it runs.

    Args:
        format: the name of the format.
        messages: how many messages were read.
        skipped: messages that hold nothing to remember (empty, hidden by the source, a tool's inner call).
        replaced: characters that are no text (lone surrogates, bytes that are not UTF-8), replaced with U+FFFD.
        problems: what was malformed, with its place, in order.
    """

    format: str = ""
    messages: int = 0
    skipped: int = 0
    replaced: int = 0
    problems: list[Problem] = field(default_factory=list)

    def problem(self, place: str, what: str) -> None:
        """Write down that something was malformed."""
        self.problems.append(Problem(place=place, what=what))

    def moment(self, written: object, place: str) -> datetime | None:
        """Return the moment of a session; None, with a problem written down, when it is no date."""
        try:
            return read_moment(written)
        except ValueError:
            self.problem(place, f"its date {written!r} is not a date; its turns are dated by the import")
            return None

    def clean(self, text: str) -> str:
        """Return the text with lone surrogates replaced, and count them."""
        if text.isascii() or not _LONE_SURROGATE.search(text):
            return text
        text, count = _LONE_SURROGATE.subn(REPLACEMENT, text)
        self.replaced += count
        return text

    def clean_message(self, message: Message) -> Message:
        """Return the message with lone surrogates replaced in every text that it has, and its names on one line."""
        media = tuple(Media(uri=self.clean(m.uri), mime=self.clean(m.mime), caption=self.clean(m.caption)) for m in message.media)
        return replace(
            message,
            text=self.clean(message.text),
            author=self._clean_optional(message.author),
            role=self._clean_optional(message.role),
            session=self._clean_optional(message.session),
            ref=self._clean_optional(message.ref),
            channel=self._clean_optional(message.channel),
            media=media,
            tags=tuple(self.clean(tag) for tag in message.tags),
            attributes=self._clean_attributes(message.attributes),
        )

    def _clean_optional(self, text: str | None) -> str | None:
        return None if text is None else one_line(self.clean(text))

    def _clean_attributes(self, attributes: Mapping[str, object]) -> Mapping[str, object]:
        if not attributes:
            return attributes
        cleaned = self._clean_value(dict(attributes))
        assert isinstance(cleaned, dict)
        return cleaned

    def _clean_value(self, value: object) -> object:
        match value:
            case str():
                return self.clean(value)
            case dict():
                return {self.clean(str(name)): self._clean_value(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self._clean_value(inner) for inner in value]
            case _:
                return value


def members(document: object) -> list[object]:
    """Return what a JSON document lists; itself alone when it is no list."""
    return document if isinstance(document, list) else [document]


def looks_like(document: object, fits: Callable[[Mapping[str, object]], bool]) -> bool:
    """Return whether one of a document's first members fits; the very first may be malformed."""
    return any(isinstance(member, dict) and fits(member) for member in members(document)[:_LOOKED_AT])


def as_object(value: object) -> dict[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return a JSON list, an empty one for anything else."""
    return value if isinstance(value, list) else []


def optional_text(value: object) -> str | None:
    """Return a name or id as text, None when there is none; numbers become their digits."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    return text or None
