"""The records: what went in (messages, episodes), what an agent can recall (memories), and what ties them (links).

All of them are frozen; a change makes a new version. Times are aware and in UTC. Intervals are half open: ``[valid_from, valid_to)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NoReturn, get_args

Kind = Literal[
    "turn", "fact", "event", "preference", "profile", "summary", "note",
    "skill", "lesson", "case", "concept", "task", "resource", "secret",
]  # fmt: skip
Status = Literal["active", "archived", "quarantined", "undone", "erased"]
LinkType = Literal["about", "next", "part_of", "supports", "contradicts", "derived_from", "similar", "causes", "supersedes"]

KINDS: tuple[str, ...] = get_args(Kind)
STATUSES: tuple[str, ...] = get_args(Status)
LINK_TYPES: tuple[str, ...] = get_args(LinkType)


class _Empty(Mapping[str, Any]):
    """A mapping that stays empty; hashable, as Python 3.11 asks of a dataclass default (a mapping proxy is so from 3.12 on)."""

    __slots__ = ()

    def __getitem__(self, key: str) -> NoReturn:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


ROLES = frozenset({"user", "assistant", "system", "tool", "function", "developer", "human", "ai", "bot", "model"})
"""Authors that name a part in the conversation and no person."""

EMPTY: Mapping[str, object] = _Empty()
NO_NUMBERS: Mapping[str, float] = _Empty()


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A reference to something that is not text; mneme stores the reference and the caption, never the bytes.

    Args:
        uri: where it is.
        mime: its media type, such as ``image/png``; empty when unknown.
        caption: text that describes it; it is indexed with the message.
    """

    uri: str
    mime: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as a caller gives it to ``remember``.

    Args:
        text: what was said or seen; may be empty only if a medium has a caption.
        author: who said it.
        role: ``user``, ``assistant``, ``tool``, ``system`` or whatever the caller uses.
        at: when it was said, aware; None means now.
        session: the conversation it belongs to; neighbours in a session explain each other.
        ref: the caller's own id of it; hits carry it back.
        channel: where it came from, such as ``email``.
        media: what came with it.
        tags: labels to filter by.
        attributes: further facts about it, JSON values only.
    """

    text: str
    author: str | None = None
    role: str | None = None
    at: datetime | None = None
    session: str | None = None
    ref: str | None = None
    channel: str | None = None
    media: tuple[Media, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, object] = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Immutable raw input, as stored.

    Args:
        id: ``ep_...``.
        text: what was said or seen, as given.
        at: when it happened in the world.
        recorded_at: when the memory learned of it.
    """

    id: str
    text: str
    at: datetime
    recorded_at: datetime
    author: str | None = None
    role: str | None = None
    session: str | None = None
    ref: str | None = None
    channel: str | None = None
    media: tuple[Media, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, object] = EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters ``[start, end)`` of an episode's text on which a memory rests."""

    episode: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A record an agent can recall, in one of its versions.

    Args:
        id: ``mem_...``.
        text: what is recalled.
        kind: one of ``KINDS``.
        at: when what it tells happened or was said; orders memories in time.
        recorded_at: when this version became known to the memory.
        valid_from: from when it holds in the world.
        valid_to: until when (exclusive); None while it still holds.
        version: counts from 1.
        status: only ``active`` is recalled by default.
        sources: the spans it rests on.
        attributes: structured parts such as subject, relation and object; JSON values only.
        importance: in [0, 1]; 0.5 when nothing is known.
        tier: ``working``, ``short``, ``mid``, ``long`` or whatever a recipe uses; empty when it uses none.
    """

    id: str
    text: str
    kind: str = "note"
    at: datetime
    recorded_at: datetime
    valid_from: datetime
    valid_to: datetime | None = None
    version: int = 1
    status: str = "active"
    author: str | None = None
    role: str | None = None
    session: str | None = None
    ref: str | None = None
    channel: str | None = None
    media: tuple[Media, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, object] = EMPTY
    sources: tuple[Span, ...] = ()
    importance: float = 0.5
    tier: str = ""

    @property
    def indexed_text(self) -> str:
        """The text that search sees: the memory's own and the captions of its media."""
        captions = [medium.caption for medium in self.media if medium.caption]
        return "\n".join([self.text, *captions]) if captions else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How a memory has fared: not part of its versions, changed by ``Reinforce`` alone.

    Args:
        uses: how often it was recalled or found useful, less how often useless.
        last_used_at: when it was last recalled or judged; None if never.
        strength: a retention component's own scale; 1.0 at birth.
        state: the component's further numbers.
    """

    uses: float = 0.0
    last_used_at: datetime | None = None
    strength: float = 1.0
    state: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A typed, weighted edge between two memories of one space; one per source, target and type."""

    source: str
    target: str
    type: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of durable work.

    Args:
        id: ``job_...``.
        task: the name of what is to be done, such as ``form``.
        payload: its arguments; ids and settings only, never content.
        key: two jobs with one key are one job.
        state: ``waiting``, ``leased``, ``done``, ``dead`` or ``cancelled``.
        attempts: how often it was started.
        due_at: not before this.
        leased_until: when the lease of the worker that has it ends.
        error: why the last attempt failed.
    """

    id: str
    task: str
    payload: Mapping[str, object] = EMPTY
    key: str | None = None
    state: str = "waiting"
    attempts: int = 0
    due_at: datetime
    leased_until: datetime | None = None
    error: str | None = None
