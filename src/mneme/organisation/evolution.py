"""Stories: what became of a statement over time, worked out when it is written, so that a question about change finds one memory.

Source: PREMem (arXiv 2509.10852): evolution patterns between fragments of different sessions. Differs: fragments are paired by subject and
relation, whose pattern always follows by rule, and with a model also by likeness. Patterns by rule: transformation (another value of one
thing), specification (the same value in more words), accumulation (one more of many), extension (another relation of the subject to a
common thing), implication (another subject and the same name, in another session).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Archive, Keep, Operation
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.organisation.board import MOST_READ, statements_about, with_words
from mneme.text.relations import relation
from mneme.text.stopwords import stopwords

PATTERNS = ("extension", "accumulation", "specification", "transformation", "implication", "none")

JUDGE = Prompt(
    role="evolution.judge",
    system=(
        "You say how an earlier statement about somebody became a later one. Patterns: extension, accumulation, specification,"
        " transformation, implication, none. Name both values and both dates. Say none when they have nothing to do with each other."
    ),
    template="Earlier ($before): $earlier\nLater ($after): $later",
)

_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_WORD = re.compile(r"[^\W\d_]{3,}")
_NAME = re.compile(r"\b[A-Z][\w'’-]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How one statement became another, and that in a sentence."""

    pattern: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """Keeps a note per statement that changed.

    Args:
        kinds: what may change.
        most: statements of one story, the latest.
        asked: how many earlier statements a new one is compared with by the model.
    """

    kinds: tuple[str, ...] = ("fact", "event", "preference", "profile")
    most: int = 4
    asked: int = 3

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations, followed by the stories that they begin or go on with; what a story goes on with gives way to it."""
        fresh: list[Memory] = []
        told: dict[str, Memory] = {}
        over: dict[str, None] = {}
        for operation in operations:
            if not isinstance(operation, Keep) or operation.memory.kind not in self.kinds or not _subject(operation.memory):
                continue
            known = self._known(ctx, operation.memory, fresh)
            story = self._going_on(operation.memory, known)
            if story is not None:
                before = [_story_id(chain) for chain in self._chains(_alike(operation.memory, known))]
                standing = ctx.find(Filter(kinds=("note",), ids=tuple(before))) if before else []
                over |= dict.fromkeys(one.id for one in standing)
                told = {id: one for id, one in told.items() if id not in before}
            else:  # a story of other statements stands beside what is told of these
                story = self._beginning(ctx, operation.memory, known, fresh)
            if story is not None:
                told[story.id] = story
            fresh.append(operation.memory)
        return [*operations, *(Archive(id=id) for id in over), *(Keep(memory=story) for story in told.values())]

    def _known(self, ctx: Context, memory: Memory, fresh: Sequence[Memory]) -> list[Memory]:
        """Return what is believed of a memory's subject, oldest first; of one who is told much of, what shares its words."""
        subject = _subject(memory)
        rows = statements_about(ctx, subject)
        if len(rows) > MOST_READ:
            parts = [relation(str(memory.attributes.get("relation", ""))).phrase, *_content(memory)]
            rows = np.unique(np.concatenate([with_words(ctx, rows, part)[-MOST_READ:] for part in parts]))
        found = (*ctx.memories(rows.tolist()), *fresh)
        mine = {one.id: one for one in found if one.status == "active" and one.kind in self.kinds and _subject(one) == subject}
        return sorted((one for id, one in mine.items() if id != memory.id), key=_moment)

    def _going_on(self, memory: Memory, known: Sequence[Memory]) -> Memory | None:
        """Return the story of all that was said in one relation; None where the latest of it says nothing new."""
        chain = sorted([*_alike(memory, known), memory], key=_moment)[-self.most :]
        if len(chain) < 2 or memory not in chain or (pattern := _pattern(chain[-2], chain[-1])) is None:
            return None
        return _note(chain, pattern, _told(chain))

    def _beginning(self, ctx: Context, memory: Memory, known: Sequence[Memory], fresh: Sequence[Memory]) -> Memory | None:
        """Return the story of a statement and an earlier one in another relation, or about another."""
        alike = _alike(memory, known)
        earlier = [other for other in known if other.at <= memory.at and other not in alike]
        if ctx.llm is not None:
            return self._by_model(ctx, memory, earlier)
        return _extended(memory, earlier) or _implied(memory, [*_namesakes(ctx, memory), *fresh])

    def _chains(self, alike: Sequence[Memory]) -> list[Sequence[Memory]]:
        """Return what stories of these statements may have been told of, as they came one after the other."""
        return [alike[max(0, end - self.most) : end] for end in range(2, len(alike) + 1)]

    def _by_model(self, ctx: Context, memory: Memory, earlier: Sequence[Memory]) -> Memory | None:
        assert ctx.llm is not None
        if not earlier:
            return None
        for other in _nearest(ctx, memory, earlier)[: self.asked]:
            said = {"before": other.at.date(), "earlier": other.text, "after": memory.at.date(), "later": memory.text}
            reply = ctx.llm.ask(JUDGE, said, Judged)
            if reply.pattern in PATTERNS[:-1] and reply.text.strip():
                return _note([other, memory], reply.pattern, reply.text.strip())
        return None


def _nearest(ctx: Context, memory: Memory, others: Sequence[Memory]) -> list[Memory]:
    """Return memories by their likeness to one, the likest first; nothing is embedded that the index holds."""
    vector = ctx.embedder.embed([memory.text])[0]
    rows = statements_about(ctx, _subject(memory))
    cosines = ctx.index.exact(rows, vector).tolist() if len(rows) else []
    stored = {ctx.index.ids[row]: cosine for row, cosine in zip(rows.tolist(), cosines, strict=True)}
    fresh = [other for other in others if other.id not in stored]
    if fresh:
        stored |= dict(zip((one.id for one in fresh), (ctx.embedder.embed([one.text for one in fresh]) @ vector).tolist(), strict=True))
    return sorted(others, key=lambda one: (-stored[one.id], _moment(one)))


def _namesakes(ctx: Context, memory: Memory) -> list[Memory]:
    """Return statements about others that have a name of this one's value."""
    names = dict.fromkeys(_NAME.findall(str(memory.attributes.get("object", ""))))
    rows = [statements_about(ctx, name)[-MOST_READ:] for name in names]
    found = ctx.memories(np.unique(np.concatenate(rows)).tolist()) if rows else []
    return [one for one in found if one.status == "active"]


def _alike(memory: Memory, known: Sequence[Memory]) -> list[Memory]:
    return [other for other in known if other.attributes.get("relation") == memory.attributes.get("relation")]


def _moment(memory: Memory) -> tuple[datetime, str]:
    return memory.at, memory.id


def _pattern(earlier: Memory, later: Memory) -> str | None:
    one, other = (str(memory.attributes.get("object", "")).casefold() for memory in (earlier, later))
    if one == other:
        return None
    words = [set(_WORD.findall(value)) for value in (one, other)]
    if words[0] and words[0] < words[1]:
        return "specification"
    name = str(later.attributes.get("relation", ""))
    measured = _NUMBER.search(one) and _NUMBER.search(other) and _NUMBER.sub("#", one).split()[:2] == _NUMBER.sub("#", other).split()[:2]
    return "transformation" if relation(name).single or measured else "accumulation"


def _extended(memory: Memory, earlier: Sequence[Memory]) -> Memory | None:
    """Return the story of a statement that shares a thing with an earlier one in another relation."""
    words = _content(memory)
    shared = [other for other in earlier if words & _content(other)]
    if not shared:
        return None
    chain = [max(shared, key=lambda other: (len(words & _content(other)), other.at, other.id)), memory]
    return _note(chain, "extension", _told(chain))


def _implied(memory: Memory, others: Sequence[Memory]) -> Memory | None:
    """Return the story of a name that an earlier statement about somebody else has, in another session."""
    names = set(_NAME.findall(str(memory.attributes.get("object", ""))))
    others = [other for other in others if _subject(other) not in ("", _subject(memory))]
    shared = [
        other
        for other in others
        if other.session != memory.session and other.at <= memory.at and names & set(_NAME.findall(str(other.attributes.get("object", ""))))
    ]
    if not shared:
        return None
    chain = [max(shared, key=lambda other: (other.at, other.id)), memory]
    steps = [f"{one.text.rstrip('. ')} ({one.at:%Y-%m-%d})" for one in chain]
    return _note(chain, "implication", f"What goes together: {'; and '.join(steps)}.")


def _content(memory: Memory) -> set[str]:
    words = _WORD.findall(str(memory.attributes.get("object", "")).casefold())
    return {word for word in words if word not in stopwords("en")}


def _told(chain: Sequence[Memory]) -> str:
    steps = [f"{memory.text.rstrip('. ')} ({memory.at:%Y-%m-%d})" for memory in chain]
    return f"How {chain[-1].attributes['subject']} changed: {'; then '.join(steps)}."


def _note(chain: Sequence[Memory], pattern: str, text: str) -> Memory:
    last = chain[-1]
    return replace(
        last,
        id=_story_id(chain),
        text=text,
        kind="note",
        ref=None,
        media=(),
        valid_from=last.at,
        valid_to=None,
        attributes={"by": "evolution", "pattern": pattern, "of": [memory.id for memory in chain], "from": chain[0].at.isoformat()},
        sources=tuple(dict.fromkeys(span for memory in chain for span in memory.sources)),
    )


def _story_id(chain: Sequence[Memory]) -> str:
    digest = hashlib.blake2b("|".join(["evolution", *(memory.id for memory in chain)]).encode(), digest_size=8).hexdigest()[:10]
    return chain[-1].id[:-10] + digest


def _subject(memory: Memory) -> str:
    subject = memory.attributes.get("subject")
    return subject.casefold() if isinstance(subject, str) else ""
