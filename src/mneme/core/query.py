"""What a caller asks and what comes back: filters, recalls, receipts and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mneme.core.clock import to_utc
from mneme.core.errors import InvalidInput
from mneme.core.records import EMPTY, KINDS, Memory
from mneme.core.trace import Trace

_LISTS = ("kinds", "authors", "roles", "sessions", "channels", "tiers", "refs", "ids", "tags")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which memories a call may see; every given field must hold, and one of a field's values is enough.

    Args:
        kinds, authors, roles, sessions, channels, tiers, refs, ids: accepted values; empty accepts all.
        tags: at least one of them is on the memory.
        since: ``at`` is not before it.
        until: ``at`` is before it.
        archived: archived memories too.
    """

    kinds: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    archived: bool = False

    def __post_init__(self) -> None:
        problems: dict[str, str] = {}
        for name in _LISTS:
            values = getattr(self, name)
            if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
                problems[name] = "must be a tuple of strings"
        unknown = [] if "kinds" in problems else sorted(set(self.kinds) - set(KINDS))
        if unknown:
            problems["kinds"] = f"unknown: {', '.join(unknown)}; known are {', '.join(KINDS)}"
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None:
                try:
                    to_utc(value, name)
                except InvalidInput as error:
                    problems.update(error.problems)
        if not problems and self.since and self.until and self.until < self.since:
            problems["until"] = "is before since; swap them"
        if problems:
            raise InvalidInput(problems)

    def accepts(self, memory: Memory) -> bool:
        """Return whether a memory passes, its status apart from ``archived`` included."""
        wanted = {
            "kind": self.kinds, "author": self.authors, "role": self.roles, "session": self.sessions,
            "channel": self.channels, "tier": self.tiers, "ref": self.refs, "id": self.ids,
        }  # fmt: skip
        if any(values and getattr(memory, name) not in values for name, values in wanted.items()):
            return False
        if self.tags and not set(self.tags) & set(memory.tags):
            return False
        if self.since is not None and memory.at < self.since:
            return False
        if self.until is not None and memory.at >= self.until:
            return False
        return memory.status == "active" or (self.archived and memory.status == "archived")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A recalled memory.

    Args:
        memory: the version that was recalled.
        score: higher is better; comparable within one recall only.
        why: channel or feature -> its contribution to the score; more of it with ``explain=True``.
        space: the space it comes from.
        mark: the mark that its line in the context carries; empty when it did not fit.
    """

    memory: Memory
    score: float
    why: Mapping[str, object] = EMPTY
    space: str = ""
    mark: str = ""

    @property
    def text(self) -> str:
        """The memory's text."""
        return self.memory.text

    @property
    def ref(self) -> str | None:
        """The caller's own id of the message."""
        return self.memory.ref

    @property
    def at(self) -> datetime:
        """When it was said or happened."""
        return self.memory.at

    @property
    def author(self) -> str | None:
        """Who said it."""
        return self.memory.author

    @property
    def session(self) -> str | None:
        """The conversation it belongs to."""
        return self.memory.session


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two memories that contradict each other, of which neither can win.

    Args:
        ids: both memories.
        texts: what they say.
        at: when each was said or happened.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """What a recall found.

    Args:
        query: the question.
        hits: best first; ties by time, then by id.
        context: ready for a prompt: dated, ordered, source-marked, within the budget.
        marks: mark in the context -> memory id.
        sufficiency: in [0, 1], whether the evidence is likely enough to answer.
        whole: the context holds everything that the filters admit.
        conflicts: what contradicts a hit, with both dates.
        trace: what the call did.
        counter: counts tokens as the call did.
    """

    query: str
    hits: tuple[Hit, ...]
    context: str = ""
    marks: Mapping[str, str] = EMPTY  # type: ignore[assignment]
    sufficiency: float = 0.0
    whole: bool = False
    conflicts: tuple[Conflict, ...] = ()
    trace: Trace | None = None
    counter: Callable[[str], int] = field(default=len, repr=False, compare=False)

    @property
    def context_tokens(self) -> int:
        """The length of the context by the counter of the call."""
        return self.counter(self.context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where an answer stands.

    Args:
        id: the memory.
        mark: its mark in the context that the answer was made from.
        quote: its words.
        at: when they were said.
        until: when the memory, or what was read from it, stopped to hold; None while it holds.
    """

    id: str
    mark: str
    quote: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What ``ask`` found.

    Args:
        question: as asked.
        text: the answer; "I don't know." when it is not known.
        known: whether the memories answer the question.
        extract: the text consists of sentences of memories, word for word, and no model wrote it.
        citations: what it rests on, each checked against the memory.
        sufficiency: in [0, 1], whether the evidence is likely enough.
        conflicts: what contradicts what was cited or found.
        notes: what a reader should know, such as that something no longer holds or that a reply was refused.
        trace: what the call did.
    """

    question: str
    text: str
    known: bool
    extract: bool
    citations: tuple[Citation, ...] = ()
    sufficiency: float = 0.0
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something of a call that was not done, and why.

    Args:
        subject: ``item 3`` of a list, or an id.
        problems: field -> what is wrong.
    """

    subject: str
    problems: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a writing call did. Whatever it names is durable.

    Args:
        verb: the call.
        ids: the memories it stored or changed, in the order of the input.
        episodes: the episodes it stored.
        jobs: work that is deferred.
        refused: what was not done and why.
        entry: the journal entry, 0 when nothing changed.
        duplicate: the key was used before; ids are those of the first call.
        trace: what the call did.
    """

    verb: str
    ids: tuple[str, ...] = ()
    episodes: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    entry: int = 0
    duplicate: bool = False
    trace: Trace | None = None

    @property
    def id(self) -> str:
        """The only memory of the call.

        Raises:
            InvalidInput: the call stored none or several.
        """
        if len(self.ids) != 1:
            raise InvalidInput({"receipt.id": f"the call concerned {len(self.ids)} memories; use receipt.ids"})
        return self.ids[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A place where something was found that should not be there.

    Args:
        place: file or index, with an offset or a row.
        what: what kind of trace it is; never the content itself.
    """

    place: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """What an erasure removed, and the search that followed it.

    Args:
        erased: ids of the memories and episodes that are gone.
        derived: of these, those that went because they rested only on erased ones.
        entry: the journal entry of the erasure.
        places: place -> how many rows or payloads were removed there.
        searched_bytes: how many bytes were searched afterwards.
        needles: how many texts, tokens and vectors were searched for.
        findings: what was still found; empty, or the erasure failed.
        outside: what lies beyond the store's reach and is the operator's to do, such as backups.
    """

    erased: tuple[str, ...]
    derived: tuple[str, ...] = ()
    entry: int = 0
    places: Mapping[str, int] = EMPTY  # type: ignore[assignment]
    searched_bytes: int = 0
    needles: int = 0
    findings: tuple[Finding, ...] = ()
    outside: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The same as ``erased``, as other receipts name it."""
        return self.erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What ``verify`` checked.

    Args:
        entries: journal entries whose chain was followed.
        memories: memories whose versions, rows and index agree.
        head: the hash of the last entry; keep it elsewhere to prove later that the journal was not rewritten.
        problems: what does not hold; empty when all is well.
    """

    entries: int
    memories: int
    head: str
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems
