"""Records to bytes and back: one canonical JSON form, so that a digest of a record is well defined.

Keys are sorted, defaults are left out, times are microseconds since 1970 in UTC and text is plain UTF-8 (an erased word can be searched
for in a file's raw bytes). The short keys keep rows small; they are part of the file format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from mneme.core.clock import from_micros, to_micros
from mneme.core.records import EMPTY, Episode, Job, Link, Media, Memory, Span, Usage

_SHARED = ("author", "role", "session", "ref", "channel")


def dumps(value: object) -> bytes:
    """Return canonical JSON of plain values."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def loads(data: bytes | str) -> Any:
    """Return the plain values of JSON."""
    return orjson.loads(data)


def episode_to_plain(episode: Episode) -> dict[str, Any]:
    """Return an episode as plain JSON values."""
    plain: dict[str, Any] = {
        "id": episode.id,
        "text": episode.text,
        "at": to_micros(episode.at),
        "recorded_at": to_micros(episode.recorded_at),
    }
    _put_shared(plain, episode)
    return plain


def episode_from_plain(plain: Mapping[str, Any]) -> Episode:
    """Return the episode that :func:`episode_to_plain` wrote."""
    return Episode(
        id=plain["id"],
        text=plain["text"],
        at=from_micros(plain["at"]),
        recorded_at=from_micros(plain["recorded_at"]),
        **_get_shared(plain),
    )


def memory_to_plain(memory: Memory) -> dict[str, Any]:
    """Return a memory as plain JSON values."""
    plain: dict[str, Any] = {
        "id": memory.id,
        "text": memory.text,
        "kind": memory.kind,
        "at": to_micros(memory.at),
        "recorded_at": to_micros(memory.recorded_at),
        "valid_from": to_micros(memory.valid_from),
        "version": memory.version,
    }
    if memory.valid_to is not None:
        plain["valid_to"] = to_micros(memory.valid_to)
    if memory.status != "active":
        plain["status"] = memory.status
    if memory.sources:
        plain["sources"] = [[span.episode, span.start, span.end] for span in memory.sources]
    if memory.importance != 0.5:
        plain["importance"] = memory.importance
    if memory.tier:
        plain["tier"] = memory.tier
    _put_shared(plain, memory)
    return plain


def memory_from_plain(plain: Mapping[str, Any]) -> Memory:
    """Return the memory that :func:`memory_to_plain` wrote."""
    valid_to = plain.get("valid_to")
    return Memory(
        id=plain["id"],
        text=plain["text"],
        kind=plain["kind"],
        at=from_micros(plain["at"]),
        recorded_at=from_micros(plain["recorded_at"]),
        valid_from=from_micros(plain["valid_from"]),
        valid_to=None if valid_to is None else from_micros(valid_to),
        version=plain["version"],
        status=plain.get("status", "active"),
        sources=tuple(Span(episode=e, start=s, end=t) for e, s, t in plain.get("sources", ())),
        importance=plain.get("importance", 0.5),
        tier=plain.get("tier", ""),
        **_get_shared(plain),
    )


def usage_to_plain(usage: Usage) -> dict[str, Any]:
    """Return usage as plain JSON values."""
    return {
        "uses": usage.uses,
        "last_used_at": None if usage.last_used_at is None else to_micros(usage.last_used_at),
        "strength": usage.strength,
        "state": dict(usage.state),
    }


def usage_from_plain(plain: Mapping[str, Any]) -> Usage:
    """Return the usage that :func:`usage_to_plain` wrote."""
    last = plain["last_used_at"]
    return Usage(
        uses=plain["uses"],
        last_used_at=None if last is None else from_micros(last),
        strength=plain["strength"],
        state=dict(plain["state"]),
    )


def link_to_plain(link: Link) -> dict[str, Any]:
    """Return a link as plain JSON values."""
    return {"source": link.source, "target": link.target, "type": link.type, "weight": link.weight}


def link_from_plain(plain: Mapping[str, Any]) -> Link:
    """Return the link that :func:`link_to_plain` wrote."""
    return Link(source=plain["source"], target=plain["target"], type=plain["type"], weight=plain["weight"])


def job_to_plain(job: Job) -> dict[str, Any]:
    """Return a job as plain JSON values."""
    return {
        "id": job.id,
        "task": job.task,
        "payload": dict(job.payload),
        "key": job.key,
        "state": job.state,
        "attempts": job.attempts,
        "due_at": to_micros(job.due_at),
        "leased_until": None if job.leased_until is None else to_micros(job.leased_until),
        "error": job.error,
    }


def job_from_plain(plain: Mapping[str, Any]) -> Job:
    """Return the job that :func:`job_to_plain` wrote."""
    leased = plain["leased_until"]
    return Job(
        id=plain["id"],
        task=plain["task"],
        payload=plain["payload"],
        key=plain["key"],
        state=plain["state"],
        attempts=plain["attempts"],
        due_at=from_micros(plain["due_at"]),
        leased_until=None if leased is None else from_micros(leased),
        error=plain["error"],
    )


def _put_shared(plain: dict[str, Any], record: Episode | Memory) -> None:
    for name in _SHARED:
        value = getattr(record, name)
        if value is not None:
            plain[name] = value
    if record.media:
        plain["media"] = [[medium.uri, medium.mime, medium.caption] for medium in record.media]
    if record.tags:
        plain["tags"] = list(record.tags)
    if record.attributes:
        plain["attributes"] = dict(record.attributes)


def _get_shared(plain: Mapping[str, Any]) -> dict[str, Any]:
    shared: dict[str, Any] = {name: plain.get(name) for name in _SHARED}
    shared["media"] = tuple(Media(uri=u, mime=m, caption=c) for u, m, c in plain.get("media", ()))
    shared["tags"] = tuple(plain.get("tags", ()))
    shared["attributes"] = cast("Mapping[str, object]", plain.get("attributes", EMPTY))
    return shared
