"""Values of calls: what the arguments of verbs are made of, as plain JSON, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from mneme.core.query import Filter
from mneme.core.records import Kind as MemoryKind
from mneme.core.records import Media, Message, Span
from mneme.engine.prepare import Given

LARGEST = 2**53
"""The largest whole number that every JSON reader keeps exact."""

def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("is no date and time; write 2024-05-01T14:30:00+02:00") from None
    else:
        raise ValueError("must be a text such as 2024-05-01T14:30:00Z")
    if moment.tzinfo is None:
        raise ValueError("has no time zone; end it with Z or an offset such as +02:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999 in UTC") from None


def _clean(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("has a lone surrogate; send valid Unicode") from None
    return value


def _shallow(value: dict[str, Any]) -> dict[str, Any]:
    if _depth(value) > 32:
        raise ValueError("is nested deeper than 32 levels; flatten it")
    return value


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level and depth <= 32:
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ())
        ]
        depth += 1
    return depth


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2024-05-01T14:30:00+02:00"]}),
]
Text = Annotated[str, AfterValidator(_clean)]
Name = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_clean)]
Id = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_clean)]
Attributes = Annotated[dict[Text, Any], AfterValidator(_shallow)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]


class Call(BaseModel):
    """Arguments of a verb; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MediaPart(Call):
    """A reference to something that is not text."""

    uri: Text
    mime: Text = ""
    caption: Text = ""


class Said(Call):
    """One message."""

    text: Text
    author: Name | None = None
    role: Name | None = None
    at: Moment | None = None
    session: Name | None = None
    ref: Name | None = None
    channel: Name | None = None
    media: list[MediaPart] = []
    tags: list[Name] = []
    attributes: Attributes = {}

    def message(self) -> Message:
        """Return the message as the engine takes it."""
        values = given(self)
        if "media" in values:
            values["media"] = media_of(self.media)
        if "tags" in values:
            values["tags"] = tuple(self.tags)
        return Message(**values)


class SpanPart(Call):
    """Characters ``[start, end)`` of an episode's text."""

    episode: Id
    start: Count
    end: Count


class Brought(Call):
    """A memory that the caller extracted itself."""

    text: Text
    kind: MemoryKind = "fact"
    sources: list[Name | SpanPart] = []
    at: Moment | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    author: Name | None = None
    role: Name | None = None
    session: Name | None = None
    ref: Name | None = None
    channel: Name | None = None
    tags: list[Name] = []
    attributes: Attributes = {}
    importance: Annotated[float, Field(ge=0, le=1)] = 0.5

    def given(self) -> Given:
        """Return it as the engine takes it."""
        values = given(self)
        values["sources"] = tuple(
            source if isinstance(source, str) else Span(episode=source.episode, start=source.start, end=source.end)
            for source in self.sources
        )
        values["tags"] = tuple(self.tags)
        return Given(**values)


class Filters(Call):
    """Which memories a call may see; every given field must hold, and one of a field's values is enough."""

    kinds: list[MemoryKind] = []
    authors: list[Text] = []
    roles: list[Text] = []
    sessions: list[Text] = []
    channels: list[Text] = []
    tiers: list[Text] = []
    refs: list[Text] = []
    ids: list[Text] = []
    tags: list[Text] = []
    since: Moment | None = None
    until: Moment | None = None
    archived: bool = False

    def filter(self) -> Filter:
        """Return the filter as the engine takes it."""
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given(self).items()}
        return Filter(**values)


def given(call: BaseModel) -> dict[str, Any]:
    """Return the arguments that were sent."""
    return {name: getattr(call, name) for name in type(call).model_fields if name in call.model_fields_set}


def media_of(parts: Sequence[MediaPart]) -> tuple[Media, ...]:
    """Return references as the engine takes them."""
    return tuple(Media(uri=part.uri, mime=part.mime, caption=part.caption) for part in parts)
