"""Stories: what became of a statement over time, worked out when it is written, so that a question about change finds one memory.

Source: PREMem (arXiv 2509.10852): evolution patterns between fragments of different sessions. Differs: fragments are paired by subject and
relation, and with a model also by likeness. Without one: transformation (another value of one thing), specification (the same value in more
words), accumulation (one more of many), extension (another relation of the subject to a common thing), implication (another subject and the
same name, in another session).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Archive, Keep, Operation
from mneme.core.query import Filter
from mneme.core.records import Memory
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
        most: statements of one story.
        asked: how many earlier statements a new one is compared with by the model.
    """

    kinds: tuple[str, ...] = ("fact", "event", "preference", "profile")
    most: int = 8
    asked: int = 3

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations, followed by the stories that they begin or go on with."""
        there = [memory for memory in ctx.find(Filter(kinds=self.kinds)) if _subject(memory)]
        stories = {tuple(_of(story)): story for story in ctx.find(Filter(kinds=("note",))) if story.attributes.get("by") == "evolution"}
        told: list[Operation] = []
        for operation in operations:
            if isinstance(operation, Keep) and operation.memory.kind in self.kinds and _subject(operation.memory):
                story = self._story(ctx, operation.memory, there)
                if story is not None:
                    before = tuple(_of(story)[:-1])
                    if before in stories and not any(isinstance(o, Archive) and o.id == stories[before].id for o in told):
                        told.append(Archive(id=stories[before].id))
                    told.append(Keep(memory=story))
                there.append(operation.memory)
        return [*operations, *told]

    def _story(self, ctx: Context, memory: Memory, there: Sequence[Memory]) -> Memory | None:
        earlier = [other for other in there if _subject(other) == _subject(memory) and other.id != memory.id and other.at <= memory.at]
        same = [other for other in earlier if other.attributes.get("relation") == memory.attributes.get("relation")]
        chain = [*sorted(same, key=lambda other: (other.at, other.id))[-(self.most - 1) :], memory]
        if len(chain) > 1 and (pattern := _pattern(chain[-2], memory)) is not None:
            return _note(chain, pattern, _told(chain))
        if ctx.llm is not None:
            return self._by_model(ctx, memory, earlier)
        return _extended(memory, earlier) or _implied(memory, [other for other in there if _subject(other) != _subject(memory)])

    def _by_model(self, ctx: Context, memory: Memory, earlier: Sequence[Memory]) -> Memory | None:
        assert ctx.llm is not None
        if not earlier:
            return None
        vectors = ctx.embedder.embed([memory.text, *(other.text for other in earlier)])
        order = (-(vectors[1:] @ vectors[0])).argsort(kind="stable")[: self.asked]
        for number in order.tolist():
            other = earlier[number]
            said = {"before": other.at.date(), "earlier": other.text, "after": memory.at.date(), "later": memory.text}
            reply = ctx.llm.ask(JUDGE, said, Judged)
            if reply.pattern in PATTERNS[:-1] and reply.text.strip():
                return _note([other, memory], reply.pattern, reply.text.strip())
        return None


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
    ids = [memory.id for memory in chain]
    digest = hashlib.blake2b("|".join(["evolution", *ids]).encode(), digest_size=8).hexdigest()[:10]
    return replace(
        last,
        id=last.id[:-10] + digest,
        text=text,
        kind="note",
        ref=None,
        media=(),
        valid_from=last.at,
        valid_to=None,
        attributes={"by": "evolution", "pattern": pattern, "of": ids, "from": chain[0].at.isoformat()},
        sources=tuple(dict.fromkeys(span for memory in chain for span in memory.sources)),
    )


def _subject(memory: Memory) -> str:
    subject = memory.attributes.get("subject")
    return subject.casefold() if isinstance(subject, str) else ""


def _of(story: Memory) -> list[str]:
    ids = story.attributes.get("of")
    return [str(id) for id in ids] if isinstance(ids, (list, tuple)) else []
