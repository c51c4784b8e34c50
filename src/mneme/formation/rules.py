"""The rule-based former: statements that can be read for certain become memories with their source, time and structure.

No model. What it cannot read it leaves to the verbatim memory of the episode. Ids follow from the episode and the statement, so
forming the same episode again makes the same memories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mneme.core.context import Context
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.reading import read
from mneme.formation.routing import importance
from mneme.formation.statement import Statement
from mneme.formation.wording import sentence
from mneme.text.relations import relation

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFormer:
    """Forms facts, events, preferences, profile and plans by rule.

    Args:
        skipped_roles: whose episodes are not read: what an assistant or a tool says in the first person is nobody's life.
        nameless: what the author is called when an episode names none.
        implied: relations that are kept besides the one that implies them; moving somewhere makes living there.
    """

    skipped_roles: tuple[str, ...] = ("assistant", "tool", "system")
    nameless: str = "The user"
    implied: tuple[str, ...] = ("lives_in",)

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per statement, in the order of episodes and of the text."""
        known = _authors(ctx, episodes)
        operations: list[Operation] = []
        for episode in episodes:
            if episode.role in self.skipped_roles:
                continue
            with ctx.aside():
                found = read(episode.text, episode.author or self.nameless, episode.at, known)
            operations += [Keep(memory=self._memory(episode, item)) for item in [*found, *self._implied(found)]]
            ctx.trace.note(former="rules", episode=episode.id, statements=len(found))
        return operations

    def _implied(self, found: Iterable[Statement]) -> list[Statement]:
        implied = []
        for item in found:
            name = relation(item.relation).implies
            if name in self.implied and item.polarity and item.modality != "planned":
                implied.append(replace(item, relation=name, kind=relation(name).kind, valid_to=None))
        return implied

    def _memory(self, episode: Episode, item: Statement) -> Memory:
        begin, end = _held(item, episode.at)
        key = "|".join((item.subject, item.relation, item.object, str(item.polarity), str(item.span_start)))
        return Memory(
            id=derived_id(episode.id, key),
            text=sentence(item),
            kind="event" if item.kind == "foresight" else item.kind,
            at=item.valid_from if item.kind == "event" and item.valid_from else episode.at,
            valid_from=begin,
            valid_to=end,
            **inherited(episode),
            attributes=_attributes(item),
            sources=(Span(episode=episode.id, start=item.span_start, end=item.span_end),),
            importance=importance(item),
        )


def inherited(episode: Episode) -> dict[str, Any]:
    """Return the fields that what is made of an episode has from it: who said it, where, and when it was recorded."""
    return {name: getattr(episode, name) for name in ("recorded_at", "author", "role", "session", "ref", "channel", "tags")}


def derived_id(episode: str, key: str) -> str:
    """The id of a memory made from an episode: its time, then 50 bits of what was made; the same input gives the same id.

    Example:
        >>> derived_id("ep_01j8z4k2m5qq0x7c3d9f", "a") == derived_id("ep_01j8z4k2m5qq0x7c3d9f", "a")
        True
    """
    digest = hashlib.blake2b(f"{episode}|{key}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big") >> 14
    moment = episode.partition("_")[2][:10].rjust(10, "0")
    return "mem_" + moment + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(45, -1, -5))


def _authors(ctx: Context, episodes: Sequence[Episode]) -> list[str]:
    _, values = ctx.index.codes("author")
    names = [value for value in values if isinstance(value, str) and value]
    return list(dict.fromkeys([*names, *(episode.author for episode in episodes if episode.author)]))


def _held(item: Statement, at: datetime) -> tuple[datetime, datetime | None]:
    """The memory's validity: an event stays true once it happened, a plan is open from when it is made until its time is over."""
    if item.kind == "foresight":
        return at, item.valid_to if item.valid_to and item.valid_to > at else None
    if item.kind == "event":
        return item.valid_from or at, None
    begin = item.valid_from or _LONG_AGO
    return begin, item.valid_to if item.valid_to is None or item.valid_to > begin else None


def _attributes(item: Statement) -> dict[str, object]:
    told: dict[str, object] = {
        "subject": item.subject,
        "relation": item.relation,
        "object": item.object,
        "polarity": item.polarity,
        "modality": item.modality,
        "claimed_by": item.claimed_by,
        "statement": item.kind,
    }
    if item.ended:
        told["ended"] = True
    if item.precision is not None and item.valid_from is not None:
        told["precision"] = item.precision
        told["from"] = item.valid_from.isoformat()
        if item.valid_to is not None:
            told["to"] = item.valid_to.isoformat()
    if item.valid_from is None:
        told["since_unknown"] = True
    if item.recurring is not None:
        told["recurring"] = item.recurring
    return told
