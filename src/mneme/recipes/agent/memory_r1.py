"""Memory-R1's two agents with tools: a manager that keeps a bank of facts, and an answer agent that distils what was found.

Source: Memory-R1 (arXiv 2508.19828): ADD, UPDATE, DELETE or NOOP for each new fact, given the related entries; 60 entries for a question,
30 of each speaker, of which the relevant ones are read. Differs: the operations are tools, so that a model that misuses one is told
and goes on; entries are memories under small numbers that rest on what they were written from; a deletion archives. The policy is a model,
a function, or the rules of :class:`mneme.organisation.managing.RulePolicy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mneme.core.llm import LLM, Prompt, scoped
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.engine.prepare import Given
from mneme.organisation.managing import RulePolicy, content
from mneme.recipes.agent.entries import entry, nearest, reworded
from mneme.recipes.agent.everything import everything
from mneme.recipes.agent.tools import Call, ShortIds, Step, Surface, Tool, ToolFailed, run
from mneme.retrieval.distilled import SELECT, Chosen
from mneme.space import Space

TAG = "bank"
RELATED = 10
EACH = 30

MANAGE = Prompt(
    role="memory-r1.manage",
    system=(
        "You keep a bank of facts with tools. For the new fact choose one: add_fact for news, update_fact to write an entry anew so that it"
        " also says this, delete_fact for an entry that the new fact denies, keep_all when it is known already. Two things that can both be"
        " true are never a deletion."
    ),
    template="Entries:\n$entries\n\nNew fact, said by $speaker: $fact\n\nTools:\n$tools\n\nDone:\n$steps\n\nChoose the next call.",
    trim=(("entries", "head"),),
)
ANSWER = Prompt(
    role="memory-r1.answer",
    system="You answer a question from entries of a memory in as few words as possible.",
    template="Entries:\n$entries\n\nQuestion: $question\n\nAnswer:",
    trim=(("entries", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer in a few words."""

    text: str


Policy = Callable[["Bank", str, Sequence[Memory]], Iterator[Call]]
"""Yields the calls for a new fact, given the related entries."""


class Bank:
    """A bank of facts in a space that a model, a rule or a trained policy manages call by call.

    The recipe ``memory-r1`` does the same by itself, message by message; a space of a bank works by a recipe that forms nothing.

    Args:
        space: where entries are kept.
        llm: manages and answers.
        policy: manages, where it is a function; None takes the model, and rules where there is none.
    """

    def __init__(self, space: Space, llm: LLM | None = None, policy: Policy | None = None) -> None:
        self.space = space
        self._llm = None if llm is None else scoped(llm, space=space.name)
        self._policy = policy or (by_rule if llm is None else None)
        self._ids = ShortIds()
        self._read: tuple[str, ...] = ()
        self.speaker: str | None = None
        text = {"type": "string", "maxLength": 4000}
        self.surface = Surface(
            [
                Tool(name="add_fact", about="Add an entry.", parameters={"content": text}, call=self._add),
                Tool(name="update_fact", about="Write an entry anew.", parameters={"id": text, "content": text}, call=self._update),
                Tool(name="delete_fact", about="Take an entry out.", parameters={"id": text}, call=self._delete),
                Tool(name="keep_all", about="Change nothing.", parameters={}, call=lambda: "nothing changed"),
            ]
        )

    def manage(self, fact: str, *, speaker: str | None = None, most_steps: int = 5) -> list[Step]:
        """Store what was said as it is, and let the policy fit it into the bank; returns its steps."""
        self._read = self.space.remember(fact, author=speaker).ids
        self.speaker = speaker
        try:
            related = self.related(fact)
            if self._policy is not None:
                return [Step(call=call, result=self.surface.call(call.tool, call.arguments)) for call in self._policy(self, fact, related)]
            assert self._llm is not None
            return run(self._llm, MANAGE, lambda done: self._variables(fact, related, done), self.surface, most_steps=most_steps)
        finally:
            self._read = ()

    def related(self, fact: str) -> list[Memory]:
        """Return the entries that a new fact may concern, nearest first."""
        return [entry for entry, _ in nearest(self.space, fact, TAG, most=RELATED)]

    def entries(self) -> list[Memory]:
        """Return all entries, oldest first."""
        return everything(self.space, Filter(tags=(TAG,)))

    def candidates(self, question: str) -> list[Memory]:
        """Return the 30 best entries of each speaker, best first."""
        taken: dict[str | None, int] = {}
        found = []
        for known in self._found(question):
            taken[known.author] = taken.get(known.author, 0) + 1
            if taken[known.author] <= EACH:
                found.append(known)
        return found

    def distil(self, question: str) -> list[Memory]:
        """Return those candidates that bear on the question; all of them where a model or the rules find none."""
        found = self.candidates(question)
        if self._llm is not None and found:
            listed = "\n".join(f"{number}. {_told(entry)}" for number, entry in enumerate(found))
            numbers = self._llm.ask(SELECT, {"question": question, "entries": listed}, Chosen).numbers
            chosen = [found[number] for number in sorted(set(numbers)) if 0 <= number < len(found)]
        else:
            chosen = [entry for entry in found if content(entry.text) & content(question)]
        return chosen or found

    def answer(self, question: str) -> str:
        """Return an answer from the distilled entries; without a model, the entries themselves."""
        entries = "\n".join(map(_told, self.distil(question)))
        if self._llm is None:
            return entries
        return self._llm.ask(ANSWER, {"entries": entries or "none", "question": question}, Said).text

    def number(self, entry: Memory) -> str:
        """Return the small number under which tools know an entry."""
        return self._ids.number(entry.id)

    def _found(self, text: str) -> list[Memory]:
        return [hit.memory for hit in self.space.recall(text, k=10_000, filters=Filter(tags=(TAG,))).hits]

    def _variables(self, fact: str, related: Sequence[Memory], steps: Sequence[Step]) -> dict[str, object]:
        listed = "\n".join(f"{self.number(entry)}. {_told(entry)}" for entry in related)
        done = "\n".join(f"{step.call.tool} -> {step.result.text}" for step in steps)
        speaker = self.speaker or "someone"
        return {"entries": listed or "none", "fact": fact, "speaker": speaker, "tools": self.surface.schemas(), "steps": done or "nothing"}

    def _add(self, content: str) -> str:
        known = next((entry for entry, _ in nearest(self.space, content, TAG) if entry.text == content), None)
        if known is not None:
            return f"already there as {self.number(known)}"
        given = Given(text=content, author=self.speaker, tags=(TAG,), sources=self._read)
        return f"added {self.number(self.space.get(self.space.remember(memories=[given]).ids[0]))}"

    def _update(self, id: str, content: str) -> str:
        reworded(self.space, self._entry(id), content, self._read)
        return f"updated {id}"

    def _delete(self, id: str) -> str:
        self.space.forget(self._entry(id).id)
        return f"deleted {id}"

    def _entry(self, id: str) -> Memory:
        found = entry(self.space, self._ids.id(id), TAG)
        if found is None:
            raise ToolFailed(f"entry {id!r} is no longer there")
        return found


def by_rule(bank: Bank, fact: str, related: Sequence[Memory]) -> Iterator[Call]:
    """Yield the one call of the rule policy."""
    decision = RulePolicy().judged(fact, bank.speaker, related)
    if decision.event == "NOOP":
        yield Call(tool="keep_all")
    elif decision.event == "ADD" or decision.entry is None:
        yield Call(tool="add_fact", arguments={"content": fact})
    elif decision.event == "UPDATE":
        yield Call(tool="update_fact", arguments={"id": bank.number(related[decision.entry]), "content": decision.text})
    else:
        yield Call(tool="delete_fact", arguments={"id": bank.number(related[decision.entry])})
        yield Call(tool="add_fact", arguments={"content": fact})


def _told(entry: Memory) -> str:
    return f"{entry.at:%Y-%m-%d} {entry.author or 'someone'}: {entry.text}"
