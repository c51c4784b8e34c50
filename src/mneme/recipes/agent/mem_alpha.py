"""Mem-alpha's and Memory-R1's memory under a policy: core, semantic and episodic entries, changed by tools.

Source: Mem-alpha (arXiv 2509.25911) and its code: insert, update, delete, search; exact repetitions are skipped; an episodic entry needs a
time. Memory-R1 (arXiv 2508.19828) uses the same operations on one bank. Differs: entries are memories of a space, so each change is
journalled and can be undone; an entry's id is the first free small number, which a model copies without mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mneme.core.llm import LLM, Prompt
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.recipes.agent.tools import Step, Surface, Tool, ToolFailed, run
from mneme.space import Space

KINDS = {"semantic": "fact", "episodic": "event"}
CORE = "core"
TAG = "mem-alpha"
SHOWN = 20

_TIMED = re.compile(
    r"\b(?:\d{4}-\d{2}(?:-\d{2})?|(?:19|20)\d{2}|\d{1,2}:\d{2}|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b", re.IGNORECASE
)

WRITE = Prompt(
    role="mem-alpha.write",
    system=(
        "You keep a memory with tools. core is one short paragraph that is always shown, semantic holds facts, episodic holds events with"
        " their time. Store what later questions may need, update instead of repeating, and ask for a heartbeat until you are done."
    ),
    template="Core: $core\n\nEntries:\n$entries\n\nNew text:\n$chunk\n\nTools:\n$tools\n\nDone:\n$steps\n\nChoose the next call.",
    trim=(("entries", "tail"), ("chunk", "head")),
)


class PolicyMemory:
    """A space under a policy.

    Args:
        space: where entries are kept.
        llm: the policy.
    """

    def __init__(self, space: Space, llm: LLM | None = None) -> None:
        self.space = space
        self.steps: list[Step] = []
        self._llm = llm
        self._ids: dict[str, str] = {}
        kind = {"type": "string", "enum": ["semantic", "episodic"]}
        any_kind = {"type": "string", "enum": [CORE, "semantic", "episodic"]}
        text = {"type": "string"}
        self.surface = Surface(
            [
                Tool(name="new_memory_insert", about="Add an entry.", parameters={"type": kind, "content": text}, call=self._insert),
                Tool(
                    name="memory_update",
                    about="Replace an entry, or the core paragraph.",
                    parameters={"type": any_kind, "id": text, "new": text},
                    call=self._update,
                    optional=("id",),
                ),
                Tool(name="memory_delete", about="Take an entry out.", parameters={"type": kind, "id": text}, call=self._delete),
                Tool(name="search_memory", about="Find entries.", parameters={"type": kind, "query": text}, call=self._search),
            ]
        )

    def read(self, chunk: str, *, most_steps: int = 20) -> list[Step]:
        """Store a chunk as it is, and let the policy work on it; returns its steps."""
        self.space.remember(chunk)
        if self._llm is None:
            return []
        made = run(self._llm, WRITE, lambda steps: self._variables(chunk, steps), self.surface, most_steps=most_steps)
        self.steps += made
        return made

    def entries(self, type: str) -> list[Memory]:
        """Return the entries of a type, oldest first."""
        return self.space.memories(Filter(kinds=(KINDS[type],), tags=(TAG,)), limit=10_000)

    def core(self) -> str:
        """Return the core paragraph; empty when there is none."""
        return next((block.text for block in self.space.blocks.list() if block.name == CORE), "")

    def size(self) -> int:
        """Return how many characters the memory has in all."""
        return len(self.core()) + sum(len(entry.text) for type in KINDS for entry in self.entries(type))

    def _variables(self, chunk: str, steps: Sequence[Step]) -> dict[str, object]:
        lines = [f"{self._number(entry)} ({type}): {entry.text}" for type in KINDS for entry in self.entries(type)[-SHOWN:]]
        done = [f"{step.call.tool} -> {step.result.text}" for step in steps]
        shown: dict[str, Any] = {"core": self.core() or "empty", "entries": "\n".join(lines) or "none", "chunk": chunk}
        return {**shown, "tools": self.surface.schemas(), "steps": "\n".join(done) or "nothing"}

    def _insert(self, type: str, content: str) -> str:
        if type == "episodic" and not _TIMED.search(content):
            raise ToolFailed("an episodic entry needs a time, such as a date")
        same = next((entry for entry in self.entries(type) if entry.text == content), None)
        if same is not None:
            return f"already there as {self._number(same)}"
        made = self.space.remember(content, kind=KINDS[type], tags=(TAG,)).ids[0]
        return f"inserted {self._number(self.space.get(made))}"

    def _update(self, type: str, new: str, id: str = "") -> str:
        if type == CORE:
            self.space.blocks.set(CORE, new)
            return "core replaced"
        entry = self._entry(type, id)
        self.space.revise(entry.id, new)
        return f"updated {id}"

    def _delete(self, type: str, id: str) -> str:
        self.space.forget(self._entry(type, id).id)
        return f"deleted {id}"

    def _search(self, type: str, query: str) -> str:
        found = self.space.recall(query, k=SHOWN, filters=Filter(kinds=(KINDS[type],), tags=(TAG,)))
        return "\n".join(f"{self._number(hit.memory)}: {hit.text}" for hit in found.hits) or "nothing found"

    def _number(self, entry: Memory) -> str:
        known = {full: short for short, full in self._ids.items()}
        if entry.id not in known:
            known[entry.id] = str(len(self._ids) + 1)
            self._ids[known[entry.id]] = entry.id
        return known[entry.id]

    def _entry(self, type: str, id: str) -> Memory:
        found = next((entry for entry in self.entries(type) if entry.id == self._ids.get(id)), None)
        if found is None:
            raise ToolFailed(f"there is no {type} entry {id!r}")
        return found
