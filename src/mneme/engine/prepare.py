"""From what a caller gives to operations: validation first, all of it, every bad item and field named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from mneme.core.clock import to_utc
from mneme.core.codec import dumps
from mneme.core.errors import InvalidBatch, InvalidInput
from mneme.core.ids import Ids
from mneme.core.operations import Keep, Observe, Operation
from mneme.core.query import Refusal
from mneme.core.records import EMPTY, KINDS, Episode, Media, Memory, Message, Span
from mneme.text.lines import is_one_line

MAX_TEXT_BYTES = 64 * 2**20
MAX_NAME_CHARS = 1000

_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMES = ("author", "role", "session", "ref", "channel")
_MESSAGE_FIELDS = tuple(field.name for field in fields(Message))
_MEDIA_FIELDS = tuple(field.name for field in fields(Media))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Memories as a caller brings them, with their extraction already done: no model call is made for them.

    Args:
        text: the memory.
        kind: one of the known kinds.
        sources: what it rests on: ids of episodes or memories, the caller's own refs, or spans.
        at: when what it tells happened; None takes the sources' latest time, or now.
        valid_from, valid_to: when it holds in the world; None takes ``at`` and an open end.
        author, session, ref, channel, tags, attributes, importance: as on a memory.
    """

    text: str
    kind: str = "fact"
    sources: tuple[str | Span, ...] = ()
    at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    author: str | None = None
    role: str | None = None
    session: str | None = None
    ref: str | None = None
    channel: str | None = None
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, object] = EMPTY
    importance: float = 0.5


_GIVEN_FIELDS = tuple(field.name for field in fields(Given))


Problems = dict[int, dict[str, str]]
"""Place in a list -> field -> what is wrong with it."""


def as_messages(
    what: str | Message | Mapping[str, Any] | Iterable[str | Message | Mapping[str, Any]], **shared: Any
) -> tuple[list[Message], Problems]:
    """Return the messages of a ``remember`` call, and what is wrong with items that are none; an empty message stands for those.

    Args:
        what: one item or several.
        shared: fields that fill what a message leaves open.

    Raises:
        InvalidInput: ``what`` is neither an item nor several of them.
    """
    items = [what] if isinstance(what, str | Message | Mapping) else several("what", what)
    filled = {name: value for name, value in shared.items() if value not in (None, ())}
    messages: list[Message] = []
    malformed: Problems = {}
    for place, item in enumerate(items):
        message = _as_message(item)
        if not isinstance(message, Message):
            malformed[place] = message
            messages.append(Message(text=""))
            continue
        open_fields = {name: value for name, value in filled.items() if getattr(message, name) in (None, ())}
        messages.append(replace(message, **open_fields) if open_fields else message)
    return messages, malformed


def several(field: str, items: object) -> list[Any]:
    """Return the items of a list.

    Raises:
        InvalidInput: it is no list.
    """
    if not isinstance(items, Iterable) or isinstance(items, str | bytes | Mapping):
        raise InvalidInput({field: f"must be a list of items, not {type(items).__name__}"})
    return list(items)


def _as_message(item: object) -> Message | dict[str, str]:
    """Return the message that an item is, or what is wrong with it."""
    if isinstance(item, Message):
        return item
    if isinstance(item, str):
        return Message(text=item)
    if not isinstance(item, Mapping):
        return {"message": f"must be a string, a mapping or a mneme.Message, not {type(item).__name__}"}
    problems = _key_problems(item, _MESSAGE_FIELDS)
    values = dict(item)
    values["tags"] = listed(values.get("tags"))
    values["media"] = tuple(_as_medium(medium) for medium in listed(values.get("media")))
    return problems or Message(**values)


def _key_problems(item: Mapping[Any, Any], known: Sequence[str]) -> dict[str, str]:
    """Return what is wrong with the keys of a mapping that stands for a record with a text."""
    problems = {str(key): f"is unknown; known fields are {', '.join(known)}" for key in item if key not in known}
    return problems if "text" in item else {"text": "is missing", **problems}


def listed(value: Any) -> tuple[Any, ...]:
    """Return the items of a list; one thing is a list of it."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def _as_medium(value: Any) -> Any:
    """Return the medium that a mapping describes; anything else as it is, to be refused with its place."""
    if isinstance(value, Mapping) and "uri" in value and set(value) <= set(_MEDIA_FIELDS):
        return Media(**value)
    return value


def check_messages(
    messages: Sequence[Message], malformed: Problems, *, single: bool, partial: bool
) -> tuple[list[int], tuple[Refusal, ...]]:
    """Return which messages are good, and the refusals of the others.

    Args:
        messages: as :func:`as_messages` gives them.
        malformed: what it found wrong.
        single: the call gave one message and no list.
        partial: refuse the bad ones and go on.

    Raises:
        InvalidInput: a message is bad and ``partial`` is false; all bad ones are named.
    """
    bad = {place: problems for place, message in enumerate(messages) if (problems := malformed.get(place) or _problems(message))}
    if bad and not partial:
        raise InvalidInput(bad[0]) if single else InvalidBatch(bad)
    good = [place for place in range(len(messages)) if place not in bad]
    return good, _refusals(bad)


def _refusals(bad: Problems) -> tuple[Refusal, ...]:
    return tuple(Refusal(subject=f"item {place}", problems=problems) for place, problems in bad.items())


def text_problem(text: object) -> str | None:
    """Return what is wrong with a text, None when nothing is."""
    if not isinstance(text, str):
        return f"must be a string, not {type(text).__name__}"
    lone = _SURROGATE.search(text)
    if lone:
        mend = "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        return f"has a lone surrogate at character {lone.start()}; mend it with {mend}"
    if len(text) > MAX_TEXT_BYTES:
        return f"has {len(text):,} characters, more than the {MAX_TEXT_BYTES:,} that one message may have; split it"
    return None


def _problems(message: Message) -> dict[str, str]:
    problems: dict[str, str] = {}
    problem = text_problem(message.text)
    if problem:
        problems["text"] = problem
    elif not message.text.strip() and not any(str(getattr(medium, "caption", "")).strip() for medium in listed(message.media)):
        problems["text"] = "is empty; give some text, or a medium with a caption"
    for name in _NAMES:
        value = getattr(message, name)
        if value is None:
            continue
        problem = text_problem(value)
        if problem is None and (not value or len(value) > MAX_NAME_CHARS):
            problem = f"must have 1 to {MAX_NAME_CHARS} characters; leave it out if there is none"
        if problem is None and not is_one_line(value):
            problem = "must be one line without control characters; mend it with ' '.join(value.split())"
        if problem:
            problems[name] = problem
    if message.at is not None:
        problems.update(time_problem("at", message.at))
    problems.update(tag_problems(message.tags))
    for place, medium in enumerate(listed(message.media)):
        if not isinstance(medium, Media) or any(text_problem(part) for part in (medium.uri, medium.mime, medium.caption)):
            problems[f"media[{place}]"] = f"must be a mneme.Media, or a mapping with its fields {', '.join(_MEDIA_FIELDS)}, all strings"
    problems.update(attribute_problem(message.attributes))
    return problems


def tag_problems(tags: Iterable[object]) -> dict[str, str]:
    """Return what is wrong with tags, nothing when they are plain labels."""
    if isinstance(tags, str):
        return {"tags": "must be a list of strings, not one string"}
    problems = {}
    for place, tag in enumerate(tags):
        problem = text_problem(tag)
        if problem is None and (not tag or "\0" in str(tag)):
            problem = "must be a label without NUL bytes; leave it out if it is empty"
        if problem:
            problems[f"tags[{place}]"] = problem
    return problems


def time_problem(field: str, value: object) -> dict[str, str]:
    """Return what is wrong with a time, nothing when it is aware."""
    try:
        to_utc(value, field)  # type: ignore[arg-type]
    except InvalidInput as error:
        return error.problems
    return {}


def revised_fields(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a correction as a record has them: lists as tuples, times in UTC.

    Raises:
        InvalidInput: with every bad field.
    """
    fields = dict(changes)
    problems: dict[str, str] = {}
    for name in ("valid_from", "valid_to", "at"):
        if name in fields and (name != "valid_to" or fields[name] is not None):
            problems.update(time_problem(name, fields[name]))
    for name in ("kind", "tier"):
        if name in fields and text_problem(fields[name]):
            problems[name] = str(text_problem(fields[name]))
    if "importance" in fields and (isinstance(fields["importance"], bool) or not isinstance(fields["importance"], int | float)):
        problems["importance"] = "must be a number in [0, 1]"
    if "tags" in fields:
        fields["tags"] = listed(fields["tags"])
        problems.update(tag_problems(fields["tags"]))
    if "sources" in fields:
        fields["sources"] = listed(fields["sources"])
        if not all(isinstance(source, Span) for source in fields["sources"]):
            problems["sources"] = "must be mneme.Span values"
    if "attributes" in fields:
        problems.update(attribute_problem(fields["attributes"]))
    if problems:
        raise InvalidInput(problems)
    return fields | {name: to_utc(fields[name], name) for name in ("valid_from", "valid_to", "at") if fields.get(name) is not None}


def span_problem(span: Span, found: Mapping[str, Episode]) -> str | None:
    """Return what is wrong with a span, None when it is within one of these episodes."""
    episode = found.get(span.episode)
    if episode is None:
        return _no_source(span.episode)
    length = len(episode.text)
    if 0 <= span.start < span.end <= length or (span.start, span.end) == (0, length):  # a photo has no words of its own
        return None
    return f"[{span.start}, {span.end}) is outside the {length} characters of {span.episode!r}"


def _no_source(name: str) -> str:
    return f"{name!r} is no episode, memory or ref of this space; remember the source first"


def attribute_problem(attributes: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with attributes, nothing when they are plain JSON values."""
    if not isinstance(attributes, Mapping):
        return {"attributes": f"must be a mapping with JSON values, not {type(attributes).__name__}"}
    try:
        dumps(dict(attributes))
    except (TypeError, ValueError) as error:
        return {"attributes": f"must be JSON values with string keys: {error}"}
    return {}


def episodes_and_turns(messages: Sequence[Message], ids: Ids, now: datetime, kind: str) -> tuple[list[Episode], list[Memory]]:
    """Return an episode and its verbatim memory for each message.

    The two share the part of their ids behind the prefix: that is how erasing the memory knows that the episode goes with it.
    """
    episodes, memories = [], []
    for message in messages:
        at = now if message.at is None else to_utc(message.at, "at")
        id = ids.new("mem")
        shared: dict[str, Any] = {name: getattr(message, name) for name in (*_NAMES, "media", "tags", "attributes")}
        episode = Episode(id="ep" + id[3:], text=message.text, at=at, recorded_at=now, **shared)
        span = Span(episode=episode.id, start=0, end=len(message.text))
        memories.append(Memory(id=id, text=message.text, kind=kind, at=at, recorded_at=now, valid_from=at, sources=(span,), **shared))
        episodes.append(episode)
    return episodes, memories


def verbatim_operations(episodes: Sequence[Episode], memories: Sequence[Memory]) -> list[Operation]:
    """Return the operations that take in episodes with their verbatim memories."""
    operations: list[Operation] = []
    for episode, memory in zip(episodes, memories, strict=True):
        operations += (Observe(episode=episode), Keep(memory=memory))
    return operations


def as_given(item: object) -> Given | dict[str, str]:
    """Return the memory that a caller brought, its sources and tags as tuples, or what is wrong with it."""
    if isinstance(item, Mapping):
        problems = _key_problems(item, _GIVEN_FIELDS)
        if problems:
            return problems
        item = Given(**item)
    if not isinstance(item, Given):
        return {"memory": f"must be a mneme.Given or a mapping with its fields, not {type(item).__name__}"}
    sources = tuple(_as_source(source) for source in listed(item.sources))
    if not all(isinstance(source, str | Span) for source in sources):
        return {"sources": "must be ids, refs, or spans with episode, start and end"}
    return replace(item, sources=sources, tags=listed(item.tags))


def _as_source(value: Any) -> Any:
    """Return the span that a mapping describes; anything else as it is."""
    if not isinstance(value, Mapping) or set(value) != {"episode", "start", "end"}:
        return value
    fits = isinstance(value["episode"], str) and isinstance(value["start"], int) and isinstance(value["end"], int)
    return Span(**value) if fits else value


def given_memories(
    items: Sequence[object], ids: Ids, now: datetime, resolve: Callable[[Sequence[str]], dict[str, Episode]], *, partial: bool
) -> tuple[list[Memory], tuple[Refusal, ...]]:
    """Return memories for what a caller brought, with their sources resolved to spans.

    Args:
        resolve: gives the episodes behind ids of episodes, ids of memories or refs.

    Raises:
        InvalidBatch: an item is bad, or names a source that is not there, and ``partial`` is false.
    """
    given = [as_given(item) for item in items]
    whole = [item for item in given if isinstance(item, Given)]
    names = [source.episode if isinstance(source, Span) else source for item in whole for source in item.sources]
    found = resolve(names)
    bad: Problems = {}
    memories = []
    for place, item in enumerate(given):
        problems = _given_problems(item, found, now) if isinstance(item, Given) else item
        if problems or not isinstance(item, Given):
            bad[place] = problems
            continue
        spans = tuple(_span(source, found) for source in item.sources)
        shared: dict[str, Any] = {name: getattr(item, name) for name in (*_NAMES, "tags", "attributes", "kind", "text", "importance")}
        at, valid_from, valid_to = _given_times(item, found, now)
        memories.append(
            Memory(id=ids.new("mem"), at=at, recorded_at=now, valid_from=valid_from, valid_to=valid_to, sources=spans, **shared)
        )
    if bad and not partial:
        raise InvalidBatch(bad)
    return memories, _refusals(bad)


def _given_times(item: Given, found: Mapping[str, Episode], now: datetime) -> tuple[datetime, datetime, datetime | None]:
    """Return when it happened, and from when until when it holds."""
    named = (source.episode if isinstance(source, Span) else source for source in item.sources)
    latest = max((found[name].at for name in named if name in found), default=now)
    at = latest if item.at is None else to_utc(item.at, "at")
    valid_from = at if item.valid_from is None else to_utc(item.valid_from, "valid_from")
    return at, valid_from, None if item.valid_to is None else to_utc(item.valid_to, "valid_to")


def _span(source: str | Span, found: Mapping[str, Episode]) -> Span:
    if isinstance(source, Span):
        return replace(source, episode=found[source.episode].id)
    episode = found[source]
    return Span(episode=episode.id, start=0, end=len(episode.text))


def _given_problems(item: Given, found: Mapping[str, Episode], now: datetime) -> dict[str, str]:
    shared = {name: getattr(item, name) for name in (*_NAMES, "tags", "attributes", "at")}
    problems = _problems(Message(text=item.text, **shared))
    if item.kind not in KINDS:
        problems["kind"] = f"{item.kind!r} is unknown; known are {', '.join(KINDS)}"
    if not isinstance(item.importance, int | float) or not 0.0 <= item.importance <= 1.0:
        problems["importance"] = "must be a number in [0, 1]"
    for name in ("valid_from", "valid_to"):
        value = getattr(item, name)
        if value is not None:
            problems.update(time_problem(name, value))
    if not problems:
        _, start, end = _given_times(item, found, now)
        if end is not None and end < start:
            problems["valid_to"] = "is before valid_from; give an end that is not before the start"
    for source in item.sources:
        problem = span_problem(source, found) if isinstance(source, Span) else None if source in found else _no_source(source)
        if problem:
            problems["sources"] = problem
    return problems
