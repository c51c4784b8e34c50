"""What callers send over REST and MCP: the arguments of every verb as plain JSON, checked before they reach the engine.

Names and meanings are those of :class:`mneme.Space`. Values are taken as they are: a number in quotes is not a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator

from mneme.core.errors import InvalidInput
from mneme.core.records import Kind as MemoryKind
from mneme.core.records import Message
from mneme.engine.upkeep import UpkeepBudget
from mneme.values import (
    LARGEST,
    Attributes,
    Brought,
    Call,
    Count,
    Filters,
    Id,
    MediaPart,
    Moment,
    Name,
    Said,
    SpanPart,
    Text,
    given,
    media_of,
)

MOST_MESSAGES = 10_000
MOST_IDS = 10_000
MOST_CALLS = 100
MOST_HITS = 10_000
MOST_TOKENS = 10_000_000
MOST_QUESTION = 100_000

_Call = TypeVar("_Call", bound=Call)


class Remember(Call):
    """Store messages, and memories that the caller extracted itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"what": "I moved to Porto in May.", "author": "ana", "session": "s1"},
                {"what": [{"text": "Where do you live?", "author": "bo"}, {"text": "In Porto.", "author": "ana"}], "session": "s1"},
            ]
        }
    )

    what: Text | Said | Annotated[list[Text | Said], Field(max_length=MOST_MESSAGES)] = []
    at: Moment | None = None
    author: Name | None = None
    role: Name | None = None
    session: Name | None = None
    ref: Name | None = None
    channel: Name | None = None
    media: list[MediaPart] = []
    tags: list[Name] = []
    kind: MemoryKind = "turn"
    memories: Annotated[list[Brought], Field(max_length=MOST_MESSAGES)] = []
    key: Name | None = None
    partial: bool = False
    wait: bool = False
    reason: Text | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of :meth:`mneme.Space.remember`."""
        values = given(self)
        values["what"] = [_said(one) for one in self.what] if isinstance(self.what, list) else _said(self.what)
        values["media"] = media_of(self.media)
        values["tags"] = tuple(self.tags)
        values["memories"] = [memory.given() for memory in self.memories]
        return values


class _Question(Call):
    """What calls that find something share: which memories may be seen, and as of when."""

    filters: Filters | None = None
    kinds: list[MemoryKind] = []
    as_of: Moment | None = None
    known_at: Moment | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the verb."""
        return given(self) | {"filters": self.filters.filter() if self.filters else None}


Question = Annotated[Text, Field(max_length=MOST_QUESTION)]


class Recall(_Question):
    """Find what bears on a question."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "Where does Ana live?", "k": 5}, {"query": "Porto", "budget_tokens": 500}]}
    )

    query: Question
    k: Annotated[int, Field(ge=1, le=MOST_HITS)] | None = None
    budget_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    explain: bool = False
    archived: bool = False


class RecallMany(_Question):
    """Ask several spaces and merge their hits fairly."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "Where does Ana live?", "spaces": ["ana", "bo"], "k": 5}]})

    query: Question
    spaces: Annotated[list[Text], Field(min_length=1, max_length=MOST_CALLS)]
    k: Annotated[int, Field(ge=1, le=MOST_HITS)] | None = None
    budget_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    explain: bool = False


class Ask(_Question):
    """Answer a question from what is remembered, with citations."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "Where does Ana live?"}]})

    question: Question
    k: Annotated[int, Field(ge=1, le=MOST_HITS)] | None = None
    budget_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = 2000


class Upkeep(Call):
    """Look after the space within a budget, or with ``dry_run`` only tell what would be done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dry_run": True}, {"seconds": 10}]})

    dry_run: bool = False
    seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    operations: Annotated[int, Field(ge=1, le=LARGEST)] | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of :meth:`mneme.Space.upkeep`."""
        return {"dry_run": self.dry_run, "budget": UpkeepBudget(seconds=self.seconds, operations=self.operations)}


class WriteBlock(Call):
    """Write a block, a short text that is always in context."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Ana, a potter in Porto.", "limit_chars": 500}]})

    text: Text
    limit_chars: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class EditBlock(Call):
    """Add a line to a block, or replace a piece of it; an empty ``new`` takes the piece out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"append": "Allergic to walnuts."}, {"old": "Lisbon", "new": "Porto"}]})

    append: Text | None = None
    old: Text | None = None
    new: Text | None = None

    @model_validator(mode="after")
    def _one_edit(self) -> EditBlock:
        if (self.append is None) == (self.old is None) or (self.old is None) != (self.new is None):
            raise ValueError("give either append, or old with new")
        return self


class SetPolicies(Call):
    """Give a space its rules, holds and limits."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"toml": "[[limit]]\nmemories = 10000\n"}]})

    toml: Text
    reason: Text | None = None


class Revise(Call):
    """Correct a memory, or with ``since`` tell that the world changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Ana lives in Lisbon.", "since": "2024-05-01T00:00:00Z"}]})

    text: Text | None = None
    since: Moment | None = None
    reason: Text | None = None
    expected_version: Count | None = None
    kind: MemoryKind | None = None
    attributes: Attributes | None = None
    importance: Annotated[float, Field(ge=0, le=1)] | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    tags: list[Name] | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of :meth:`mneme.Space.revise`, the id apart.

        Raises:
            InvalidInput: a field that can't be empty is null.
        """
        values = given(self)
        empty = [name for name in ("kind", "attributes", "importance", "valid_from", "tags") if name in values and values[name] is None]
        if empty:
            raise InvalidInput(dict.fromkeys(empty, "can't be null; leave it out to keep it as it is"))
        if "tags" in values:
            values["tags"] = tuple(values["tags"])
        return values


class ReviseOne(Revise):
    """A revision that names its memory, for a batch."""

    id: Id


Target = Id | Annotated[list[Id], Field(max_length=MOST_IDS)] | Filters


class Forget(Call):
    """Archive memories, or with ``erase`` remove them for good."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"target": ["mem_01j8z4k2m5qq0x7c3d9f"]}, {"target": {"authors": ["ana"]}, "erase": True}]}
    )

    target: Target
    erase: bool = False
    reason: Text | None = None


class Restore(Call):
    """Make archived, quarantined or undone memories active again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target": "mem_01j8z4k2m5qq0x7c3d9f"}]})

    target: Target
    reason: Text | None = None


class Seen(Call):
    """A hit of a recall: its id, the mark and the score that the recall gave it, and what the score is made of."""

    id: Id
    mark: Text = ""
    score: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    parts: Annotated[dict[Text, Annotated[float, Field(ge=-1e6, le=1e6)]], Field(max_length=64)] = {}


class Feedback(Call):
    """Tell which memories of a recall helped.

    With ``hits`` the two lists may name ids, marks or refs of these hits; without, they are ids of memories.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"useful": ["mem_01j8z4k2m5qq0x7c3d9f"]}]})

    useful: Annotated[list[Name], Field(max_length=MOST_HITS)] = []
    useless: Annotated[list[Name], Field(max_length=MOST_HITS)] = []
    hits: Annotated[list[Seen], Field(max_length=MOST_HITS)] | None = None


class Undo(Call):
    """Take back the last changes, or one entry of the journal."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 1}, {"entry": 17, "reason": "wrong person"}]})

    count: Annotated[int, Field(ge=1, le=10_000)] | None = None
    entry: Count | None = None
    reason: Text | None = None


class Jobs(Call):
    """Deferred work, by the ids of its jobs; without ids all that was given up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": ["job_01j8z4k2m5qq0x7c3d9f"]}, {}]})

    ids: Annotated[list[Id], Field(max_length=MOST_IDS)] = []


class One(Call):
    """One memory, by its id."""

    id: Id


class BatchCall(Call):
    """One call of a batch: a verb and its arguments."""

    verb: Annotated[str, Field(min_length=1, max_length=40)]
    arguments: dict[str, Any] = {}


class Batch(Call):
    """Calls that are made one after another; each succeeds or fails for itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "calls": [
                        {"verb": "remember", "arguments": {"what": "Ana moved to Porto."}},
                        {"verb": "recall", "arguments": {"query": "Ana"}},
                    ]
                }
            ]
        }
    )

    calls: Annotated[list[BatchCall], Field(min_length=1, max_length=MOST_CALLS)]


def parse(kind: type[_Call], values: Mapping[str, Any]) -> _Call:
    """Return checked arguments.

    Raises:
        InvalidInput: names every bad field.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(problems_of(error.errors(include_url=False, include_input=False, include_context=False))) from None


def problems_of(errors: Sequence[Any], skip: int = 0) -> dict[str, str]:
    """Return field -> problem of pydantic's errors; ``skip`` parts of each place are left out. What was sent is not repeated."""
    problems: dict[str, str] = {}
    for error in errors:
        place = ".".join(part for part in map(_part, error["loc"][skip:]) if part)
        message = str(error["msg"]).removeprefix("Value error, ")
        problems.setdefault(place or "body", message[:1].lower() + message[1:])
    return problems


def _part(part: object) -> str:
    text = str(part)
    # Pydantic puts the names of the alternatives of a union into the place.
    hidden = "[" in text or text in {"str", "constrained-str", *(kind.__name__ for kind in (Said, Filters, SpanPart))}
    return "" if hidden else text.encode("utf-8", "replace").decode()[:100]


def _said(one: str | Said) -> str | Message:
    return one if isinstance(one, str) else one.message()
