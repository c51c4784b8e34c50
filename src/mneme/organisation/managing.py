"""A bank of entries kept by a policy: each new fact is added, widens an entry, takes one out of force, or adds nothing.

Source: Memory-R1 (arXiv 2508.19828): state = (new fact, related entries), action = (ADD, UPDATE, DELETE or NOOP, content). Differs: the
policy is a port; by default rules decide, or a model where there is one, and a trained policy takes the same place. An update whose text
keeps what the entry said is a new version of it, which rests on both messages; one that does not, and every deletion, ends the entry's
validity instead of removing it. An entry that was not shown can't be changed, and a text with words of its own is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation, Quarantine, Supersede
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Memory
from mneme.organisation.board import FORMED, Board
from mneme.text.stopwords import stopwords

Event = Literal["ADD", "UPDATE", "DELETE", "NOOP"]

DECIDE = Prompt(
    role="manager.decide",
    system=(
        "You keep a bank of facts. Given a new fact and numbered entries like it, choose ADD for news, UPDATE to write one entry anew so"
        " that it says both, or what holds now, DELETE when the fact says that an entry no longer holds, NOOP when it is known. Two things"
        " that can both be true belong into one entry and never replace each other."
    ),
    template="Entries:\n$entries\n\nNew fact: $fact\n\nChoose; give the entry's number, and for UPDATE its new text.$problem",
    trim=(("entries", "head"),),
)

SINGLE = re.compile(r"(?:lives? in|works? (?:at|for|as)|stud(?:y|ies) at)", re.IGNORECASE)
"""What holds for one value at a time: another value replaces it."""

_WORD = re.compile(r"[\w’'-]+")
_NOT = re.compile(r"\b(?:no longer|not|never|any ?more|stopped|quit|gave up)\b|n['’]t\b", re.IGNORECASE)
_SELF = frozenset({"i", "we", "my", "am", "i'm", "now", "also", "too", "really", "just", "longer", "anymore", "another", "new"})

_AUXILIARY = frozenset({"have", "has", "had", "am", "is", "was"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a policy wants done with a new fact.

    Args:
        event: the operation.
        entry: number of the entry that it concerns, from 0; None for ADD.
        text: what the entry says from now on, for UPDATE.
    """

    event: Event
    entry: int | None = None
    text: str = ""


class Policy(Protocol):
    """Decides what a new fact does to the bank: the place of a trained policy."""

    def decide(self, ctx: Context, fact: Memory, related: Sequence[Memory]) -> Decision:
        """Return the operation; ``related`` are the entries it may concern, nearest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePolicy:
    """Decides by the words of facts.

    Args:
        known: share of a fact's content words that an entry has when it is known.
    """

    known: float = 1.0

    def decide(self, ctx: Context, fact: Memory, related: Sequence[Memory]) -> Decision:
        """Return NOOP for what is known, DELETE for a denial, UPDATE for more about the same thing, else ADD."""
        return self.judged(fact.text, fact.author, related)

    def judged(self, text: str, author: str | None, related: Sequence[Memory]) -> Decision:
        """Return the same for a fact that is no memory yet."""
        words, denied, verb = content(text), _NOT.search(text) is not None, _verb(text)
        for number, entry in enumerate(related):
            held = content(entry.text)
            if entry.author != author or not words or not held:
                continue
            same_sign = (_NOT.search(entry.text) is not None) == denied
            shared = words & held
            if same_sign and len(shared) >= self.known * len(words):
                return Decision(event="NOOP", entry=number)
            if not same_sign and len(shared) >= 0.5 * min(len(words), len(held)):
                return Decision(event="DELETE", entry=number)
            if not same_sign or not verb or _verb(entry.text) != verb:
                continue
            if held <= words or _single(entry.text, text):
                return Decision(event="UPDATE", entry=number, text=text)
            if shared - {verb}:
                return Decision(event="UPDATE", entry=number, text=_union(entry.text, text))
        return Decision(event="ADD")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPolicy:
    """Decides by asking the model.

    Args:
        again: how often a model that names an entry which was not shown is told so and asked once more.
    """

    again: int = 0

    def decide(self, ctx: Context, fact: Memory, related: Sequence[Memory]) -> Decision:
        """Return what the model chose."""
        assert ctx.llm is not None
        listed = "\n".join(f"{number}. {entry.author or 'someone'}: {entry.text}" for number, entry in enumerate(related))
        said = {"entries": listed or "none", "fact": f"{fact.author or 'someone'}: {fact.text}", "problem": ""}
        for _ in range(self.again + 1):
            decision = ctx.llm.ask(DECIDE, said, Decision)
            if decision.event == "ADD" or (decision.entry is not None and 0 <= decision.entry < len(related)):
                return decision
            said["problem"] = f"\nThere is no entry {decision.entry}; give one of the numbers above, or choose ADD."
        return decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """Fits new facts into the bank as the policy says.

    Args:
        policy: None takes the model's choice where there is a model, and rules where there is none.
        similar: how many entries a policy is shown.
        near: least cosine of those.
    """

    policy: Policy | None = None
    similar: int = 10
    near: float = 0.3

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with each new fact decided on."""
        aside = {operation.id for operation in operations if isinstance(operation, Quarantine)}
        facts = [o.memory for o in operations if isinstance(o, Keep) and o.memory.kind in FORMED and o.memory.id not in aside]
        chosen = {fact.id for fact in facts}
        board = Board(ctx)
        board.out.extend(o for o in operations if not (isinstance(o, Keep) and o.memory.id in chosen))
        policy = self.policy or (RulePolicy() if ctx.llm is None else ModelPolicy())
        gone: set[str] = set()
        vectors = ctx.embedder.embed([fact.text for fact in facts])
        for number, fact in enumerate(facts):
            related = [memory for memory in self._related(board, vectors, facts, number) if memory.id not in gone]
            done, why = _apply(board, policy.decide(ctx, fact, related), fact, related, gone)
            ctx.trace.note(organiser="managed", memory=fact.id, decision=done, why=why)
        return board.out

    def _related(self, board: Board, vectors: FloatArray, facts: Sequence[Memory], number: int) -> list[Memory]:
        """Return the nearest entries, those of this batch among them, nearest first."""
        ctx = board.ctx
        bank = ctx.once("managed:bank", lambda: _bank(ctx))
        found: list[tuple[float, Memory]] = []
        if len(bank):
            cosines = ctx.index.dense(vectors[number])[bank]
            order = [place for place in np.argsort(-cosines, kind="stable")[: self.similar].tolist() if cosines[place] >= self.near]
            stored = ctx.memories(bank[order].tolist())
            found += [(float(cosines[place]), board.current(memory)) for place, memory in zip(order, stored, strict=False)]
        found += self._fresh(board, vectors, facts, number)
        near = [(cosine, memory) for cosine, memory in found if _holds(memory) and memory.id != facts[number].id]
        return [memory for _, memory in sorted(near, key=lambda pair: (-pair[0], pair[1].id))[: self.similar]]

    def _fresh(self, board: Board, vectors: FloatArray, facts: Sequence[Memory], number: int) -> list[tuple[float, Memory]]:
        """Return the nearest of those that this batch has added before, and what is as near as the last of them."""
        cosines = vectors[:number] @ vectors[number]
        near = np.flatnonzero(cosines >= self.near)
        found: list[tuple[float, Memory]] = []
        for place in near[np.argsort(-cosines[near], kind="stable")].tolist():
            cosine = float(cosines[place])
            if len(found) >= self.similar and cosine < found[-1][0]:
                break
            entry = board.added(facts[place].id)
            if entry is not None and _holds(entry):
                found.append((cosine, entry))
        return found


def _bank(ctx: Context) -> IntArray:
    codes, values = ctx.index.codes("kind")
    return np.flatnonzero(ctx.index.present & np.isin(codes, [code for code, value in enumerate(values) if value in FORMED]))


def _holds(entry: Memory) -> bool:
    return entry.valid_to is None and entry.status == "active"


def _apply(board: Board, decision: Decision, fact: Memory, related: Sequence[Memory], gone: set[str]) -> tuple[str, str]:
    """Do what was decided if the entry was shown and the text is grounded, else add; return what was done and why."""
    entry = related[decision.entry] if decision.entry is not None and 0 <= decision.entry < len(related) else None
    if decision.event == "ADD" or entry is None:
        why = "news" if decision.event == "ADD" else f"{decision.event} of an entry that was not shown"
        board.add(fact, "ADD", why)
        return "ADD", why
    if decision.event == "NOOP":
        board.support(entry, fact)
        return "NOOP", "known"
    if decision.event == "UPDATE" and content(entry.text) <= content(decision.text):
        if not content(decision.text) <= content(entry.text) | content(fact.text):
            board.add(fact, "ADD", "the new text had words of its own")
            return "ADD", "the new text had words of its own"
        board.change(entry, decision.text.strip(), sources=tuple(dict.fromkeys((*entry.sources, *fact.sources))))
        board.support(entry, fact)
        return "UPDATE", "the entry says both"
    if fact.valid_from < entry.valid_from:
        board.add(fact, "ADD", "it is older than what it would end")
        return "ADD", "it is older than what it would end"
    board.add(fact, decision.event, "the entry no longer holds")
    board.out.append(Supersede(id=entry.id, by=fact.id, at=max(fact.valid_from, entry.valid_from)))
    gone.add(entry.id)
    return decision.event, "the entry no longer holds"


@lru_cache(maxsize=20_000)
def content(text: str) -> frozenset[str]:
    """Return the words of a text that say something, in small letters.

    Example:
        >>> sorted(content("I adopted a dog named Buddy."))
        ['adopted', 'buddy', 'dog', 'named']
    """
    stops = stopwords("en")
    words = (word.casefold().strip("’'-") for word in _WORD.findall(_NOT.sub(" ", text)))
    return frozenset(word for word in words if word and word not in stops and word not in _SELF)


def _verb(text: str) -> str:
    """Return what a fact says of its subject in one word: the first word after "I" or a name that says something."""
    words = [word.casefold() for word in _WORD.findall(text)]
    if len(words) < 2 or words[0] in stopwords("en") - {"i", "we"}:
        return ""
    rest = [word for word in words[1:3] if word not in _SELF and word not in _AUXILIARY]
    return rest[0] if rest else ""


def _single(one: str, other: str) -> bool:
    """Whether two facts give values of the same relation that has one at a time."""
    first, second = SINGLE.search(one), SINGLE.search(other)
    return first is not None and second is not None and first[0].casefold()[-3:] == second[0].casefold()[-3:]


def _union(entry: str, fact: str) -> str:
    """Return the entry's text with what the fact adds, without saying the subject and the verb twice."""
    tail = re.split(rf"\b{re.escape(_verb(fact))}\b", fact, maxsplit=1, flags=re.IGNORECASE)[-1].strip(" .!")
    return f"{entry.rstrip(' .!')} and {tail}."
