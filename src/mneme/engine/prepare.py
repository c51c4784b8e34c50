"""From what a caller gives to operations with their material: validation first, all of it, then embedding and terms side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np

from mneme.core.clock import to_utc
from mneme.core.codec import dumps
from mneme.core.errors import InvalidBatch, InvalidInput
from mneme.core.ids import Ids
from mneme.core.operations import Keep, Observe, Operation
from mneme.core.ports import Embedder, Material
from mneme.core.query import Refusal
from mneme.core.records import EMPTY, KINDS, Episode, Media, Memory, Message, Span
from mneme.text.analyser import Analyser
from mneme.text.sentences import sentences

MAX_TEXT_BYTES = 64 * 2**20
MAX_NAME_CHARS = 1000
SEGMENT_WORDS = 40
MOST_SEGMENTS = 8
MAX_SEGMENTED_CHARS = 20_000
ASKERS = frozenset({"user", "human"})

_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMES = ("author", "role", "session", "ref", "channel")
_MESSAGE_FIELDS = tuple(field.name for field in fields(Message))


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


def as_messages(what: str | Message | Mapping[str, Any] | Iterable[str | Message | Mapping[str, Any]], **shared: Any) -> list[Message]:
    """Return the messages of a ``remember`` call; ``shared`` fields fill what a message leaves open.

    Raises:
        InvalidInput: an item is neither a string, a mapping nor a message, or a mapping has unknown keys.
    """
    items = [what] if isinstance(what, str | Message | Mapping) else list(what)
    filled = {name: value for name, value in shared.items() if value not in (None, ())}
    messages = []
    for place, item in enumerate(items):
        message = _as_message(item, place)
        open_fields = {name: value for name, value in filled.items() if getattr(message, name) in (None, ())}
        messages.append(replace(message, **open_fields) if open_fields else message)
    return messages


def _as_message(item: object, place: int) -> Message:
    if isinstance(item, Message):
        return item
    if isinstance(item, str):
        return Message(text=item)
    if isinstance(item, Mapping):
        unknown = sorted(str(key) for key in set(item) - set(_MESSAGE_FIELDS))
        if unknown or "text" not in item:
            missing = "" if "text" in item else "; text is missing"
            raise InvalidBatch({place: {", ".join(unknown) or "text": f"known fields are {', '.join(_MESSAGE_FIELDS)}{missing}"}})
        values = dict(item)
        values["media"] = tuple(m if isinstance(m, Media) else Media(**m) for m in values.get("media") or ())
        values["tags"] = tuple(values.get("tags") or ())
        return Message(**values)
    raise InvalidBatch({place: {"message": f"must be a string, a mapping or a mneme.Message, not {type(item).__name__}"}})


def check_messages(messages: Sequence[Message], *, single: bool, partial: bool) -> tuple[list[int], tuple[Refusal, ...]]:
    """Return which messages are good, and the refusals of the others.

    Raises:
        InvalidInput: a message is bad and ``partial`` is false; all bad ones are named.
    """
    bad = {place: problems for place, message in enumerate(messages) if (problems := _problems(message))}
    if bad and not partial:
        raise InvalidInput(bad[0]) if single else InvalidBatch(bad)
    good = [place for place in range(len(messages)) if place not in bad]
    return good, tuple(Refusal(subject=f"item {place}", problems=problems) for place, problems in bad.items())


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
    elif not message.text.strip() and not any(medium.caption.strip() for medium in message.media):
        problems["text"] = "is empty; give some text, or a medium with a caption"
    for name in _NAMES:
        value = getattr(message, name)
        if value is None:
            continue
        problem = text_problem(value)
        if problem is None and (not value or len(value) > MAX_NAME_CHARS):
            problem = f"must have 1 to {MAX_NAME_CHARS} characters; leave it out if there is none"
        if problem:
            problems[name] = problem
    if message.at is not None:
        problems.update(time_problem("at", message.at))
    for place, tag in enumerate(message.tags):
        if text_problem(tag) or not tag:
            problems[f"tags[{place}]"] = text_problem(tag) or "is empty; leave it out"
    for place, medium in enumerate(message.media):
        if not isinstance(medium, Media) or any(text_problem(part) for part in (medium.uri, medium.mime, medium.caption)):
            problems[f"media[{place}]"] = "must be a mneme.Media of plain strings"
    problems.update(attribute_problem(message.attributes))
    return problems


def time_problem(field: str, value: object) -> dict[str, str]:
    """Return what is wrong with a time, nothing when it is aware."""
    try:
        to_utc(value, field)  # type: ignore[arg-type]
    except InvalidInput as error:
        return error.problems
    return {}


def attribute_problem(attributes: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with attributes, nothing when they are plain JSON values."""
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


def given_memories(
    given: Sequence[Given], ids: Ids, now: datetime, resolve: Callable[[Sequence[str]], dict[str, Episode]], *, partial: bool
) -> tuple[list[Memory], tuple[Refusal, ...]]:
    """Return memories for what a caller brought, with their sources resolved to spans.

    Args:
        resolve: gives the episodes behind ids of episodes, ids of memories or refs.

    Raises:
        InvalidBatch: an item is bad, or names a source that is not there, and ``partial`` is false.
    """
    names = [source.episode if isinstance(source, Span) else source for item in given for source in item.sources]
    found = resolve(names)
    bad: dict[int, dict[str, str]] = {}
    memories = []
    for place, item in enumerate(given):
        problems = _given_problems(item, found)
        if problems:
            bad[place] = problems
            continue
        spans = tuple(_span(source, found) for source in item.sources)
        latest = max((found[span.episode].at for span in spans if span.episode in found), default=now)
        at = latest if item.at is None else to_utc(item.at, "at")
        shared: dict[str, Any] = {name: getattr(item, name) for name in (*_NAMES, "tags", "attributes", "kind", "text", "importance")}
        valid_from = at if item.valid_from is None else to_utc(item.valid_from, "valid_from")
        valid_to = None if item.valid_to is None else to_utc(item.valid_to, "valid_to")
        memories.append(
            Memory(id=ids.new("mem"), at=at, recorded_at=now, valid_from=valid_from, valid_to=valid_to, sources=spans, **shared)
        )
    if bad and not partial:
        raise InvalidBatch(bad)
    return memories, tuple(Refusal(subject=f"item {place}", problems=problems) for place, problems in bad.items())


def _span(source: str | Span, found: Mapping[str, Episode]) -> Span:
    if isinstance(source, Span):
        return replace(source, episode=found[source.episode].id)
    episode = found[source]
    return Span(episode=episode.id, start=0, end=len(episode.text))


def _given_problems(item: Given, found: Mapping[str, Episode]) -> dict[str, str]:
    shared = {name: getattr(item, name) for name in (*_NAMES, "tags", "attributes", "at")}
    problems = _problems(Message(text=item.text, **shared))
    if item.kind not in KINDS:
        problems["kind"] = f"{item.kind!r} is unknown; known are {', '.join(KINDS)}"
    if not 0.0 <= item.importance <= 1.0:
        problems["importance"] = "must be in [0, 1]"
    for name in ("valid_from", "valid_to"):
        value = getattr(item, name)
        if value is not None:
            problems.update(time_problem(name, value))
    if not problems and item.valid_from and item.valid_to and item.valid_to < item.valid_from:
        problems["valid_to"] = "is before valid_from; give an end that is not before the start"
    for source in item.sources:
        name = source.episode if isinstance(source, Span) else source
        if name not in found:
            problems["sources"] = f"{name!r} is no episode, memory or ref of this space; remember the source first"
        elif isinstance(source, Span) and not 0 <= source.start < source.end <= len(found[name].text):
            problems["sources"] = f"[{source.start}, {source.end}) is outside the {len(found[name].text)} characters of {name!r}"
    return problems


def keys(memory: Memory, embedder: Embedder) -> list[str]:
    """Return the texts by which a memory is found: its passages, and for the asker's own long messages also their segments.

    In a long message about many things the one that is asked for hardly moves the whole's vector.
    """
    whole = embedder.passages(memory.indexed_text)
    own = (memory.role or memory.author or "").casefold() in ASKERS
    return [*whole, *segments(memory.text)] if own else whole


def segments(text: str) -> list[str]:
    """Return the sentences of a long text packed to at most 40 words, at most 8 of them; nothing for a short text."""
    if len(text) > MAX_SEGMENTED_CHARS or len(text.split()) <= SEGMENT_WORDS:
        return []
    packed: list[list[str]] = []
    for sentence in sentences(text):
        words = len(sentence.split())
        if packed and sum(len(part.split()) for part in packed[-1]) + words <= SEGMENT_WORDS:
            packed[-1].append(sentence)
        elif words:
            packed.append([sentence])
    return [" ".join(parts) for parts in packed[:MOST_SEGMENTS]] if len(packed) > 1 else []


def material_for(memories: Sequence[Memory], embedder: Embedder, analyser: Analyser) -> dict[str, Material]:
    """Return what search needs of each memory's text, by its id; embedding and terms are worked out side by side."""
    passages = [keys(memory, embedder) for memory in memories]
    flat = [part for parts in passages for part in parts]
    if len(memories) == 1:
        vectors = embedder.embed(flat)
        terms = [analyser.document(memories[0].indexed_text)]
    elif memories:
        with ThreadPoolExecutor(1, thread_name_prefix="mneme-embed") as pool:
            pending = pool.submit(embedder.embed, flat)
            terms = [analyser.document(memory.indexed_text) for memory in memories]
            vectors = pending.result()
    else:
        return {}
    cuts = np.cumsum([len(parts) for parts in passages])[:-1]
    parts_of = zip(memories, terms, np.split(vectors, cuts), strict=True)
    return {memory.id: Material(terms=row, vectors=part) for memory, row, part in parts_of}
