"""Reconciling with a model: it proposes add, update, merge, delete or nothing; what it may do is guarded as by rule.

Source: Mem0 and Memory-R1 (arXiv 2504.19413, 2508.19828): similar memories under small numbers, one operation for each new fact. Differs:
statements of known relations are decided by rule; nothing is deleted, an interval ends; an update needs the same subject and relation and a
later beginning; a merged text must have its words from the two; a number that was not shown is ignored and told in the trace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mneme.core.context import Context
from mneme.core.llm import LLM, Prompt
from mneme.core.operations import Keep, Operation, Quarantine
from mneme.core.records import Memory
from mneme.organisation.belief import belief
from mneme.organisation.board import FORMED, Board
from mneme.organisation.reconcile import Reconcile
from mneme.text.relations import FAVOURITE, RELATIONS
from mneme.text.stopwords import stopwords

_WORD = re.compile(r"\w+")

PROMPT = Prompt(
    role="organise.reconcile",
    system=(
        "You keep a memory of facts true. For each new fact choose one event. ADD: it is news beside what is known. UPDATE: it takes the "
        "place of one known fact that was true before and is no longer. MERGE: it adds detail to one known fact; write one text with both. "
        "DELETE: it says that one known fact was never true. NOOP: it is known. Two things that can both be true are never an update."
    ),
    template="Known facts:\n$known\n\nNew facts:\n$new\n\nAnswer with one decision for each new fact; old is the known fact's number.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the model proposes for one new fact."""

    new: int
    event: Literal["ADD", "UPDATE", "MERGE", "DELETE", "NOOP"]
    old: int | None = None
    text: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model answers; the list is required, so that a part of a broken reply is not taken for an empty one."""

    decisions: list[Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReconcile:
    """Reconciles statements of relations that no rule knows by asking the model, all others by rule.

    Args:
        rule: decides what rules can decide, and everything when there is no model.
        similar: how many known facts are shown for each new one.
        near: least cosine of those.
        most: how many new facts one question holds.
    """

    rule: Reconcile = field(default_factory=Reconcile)
    similar: int = 10
    near: float = 0.4
    most: int = 8

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with each ``Keep`` decided on."""
        aside = {operation.id for operation in operations if isinstance(operation, Quarantine)}
        free = [o for o in operations if isinstance(o, Keep) and o.memory.id not in aside and _is_free(o.memory)]
        chosen = {operation.memory.id for operation in free}
        rest = [o for o in operations if not (isinstance(o, Keep) and o.memory.id in chosen)]
        decided = self.rule.organise(ctx, rest)
        if not free:
            return decided
        if ctx.llm is None:
            return [*decided, *free]
        board = Board(ctx)
        for start in range(0, len(free), self.most):
            self._decide(board, ctx.llm, [operation.memory for operation in free[start : start + self.most]])
        return [*decided, *board.out]

    def _decide(self, board: Board, llm: LLM, new: Sequence[Memory]) -> None:
        known = self._known(board.ctx, new)
        if not known:
            for memory in new:
                board.add(memory, "ADD", "nothing like it is known")
            return
        shown = {number: memory for number, memory in enumerate(known, 1)}
        variables = {"known": _listed(shown), "new": _listed(dict(enumerate(new, 1)))}
        proposed = {decision.new: decision for decision in llm.ask(PROMPT, variables, Reply).decisions}
        for number, memory in enumerate(new, 1):
            decision = proposed.get(number, Decision(new=number, event="ADD", why="the model said nothing of it"))
            done, why = _apply(board, decision, memory, shown)
            board.ctx.trace.note(organiser="model-reconcile", memory=memory.id, asked=decision.event, decision=done, why=why)

    def _known(self, ctx: Context, new: Sequence[Memory]) -> list[Memory]:
        vectors = ctx.embedder.embed([memory.text for memory in new])
        rows: dict[int, None] = {}
        codes, values = ctx.index.codes("kind")
        formed = ctx.index.present & np.isin(codes, [code for code, value in enumerate(values) if value in FORMED])
        for vector in vectors:
            scores = np.where(formed, ctx.index.dense(vector), -1.0)
            best = np.argsort(-scores, kind="stable")[: self.similar]
            rows.update(dict.fromkeys(int(row) for row in best if scores[row] >= self.near))
        return [memory for memory in ctx.memories(list(rows)) if memory.valid_to is None and memory.status == "active"]


def _is_free(memory: Memory) -> bool:
    """Whether no rule knows its relation, so that only a model can tell what it does to others."""
    if memory.kind not in FORMED or memory.attributes.get("statement") == "correction":
        return False
    name = memory.attributes.get("relation")
    return not isinstance(name, str) or (name not in RELATIONS and not name.startswith(FAVOURITE))


def _listed(memories: Mapping[int, Memory]) -> str:
    return "\n".join(f"[{number}] {memory.text} (since {memory.valid_from:%Y-%m-%d})" for number, memory in memories.items())


def _apply(board: Board, decision: Decision, memory: Memory, shown: Mapping[int, Memory]) -> tuple[str, str]:
    """Do what was proposed if the guard lets it, else add; return what was done and why."""
    if decision.event == "ADD":
        board.add(memory, "ADD", "the model found it new")
        return "ADD", "the model found it new"
    seen = None if decision.old is None else shown.get(decision.old)
    if seen is None:
        board.add(memory, "ADD", "the model named no known memory")
        return "ADD", f"{decision.event} of a number that was not shown"
    old = board.current(seen)  # an earlier decision of the same reply may have changed it
    if decision.event == "NOOP":
        if old.valid_to is not None:
            board.add(memory, "ADD", "what it repeats has ended")
            return "ADD", "what it repeats has ended"
        board.support(old, memory)
        return "NOOP", "the model found it known"
    if decision.event == "MERGE":
        why = "another fact was merged into it before" if old is not seen else ""
        why = why or ("" if _from_both(decision.text, old.text, memory.text) else "a merged text had words of its own")
        if why:
            board.add(memory, "ADD", why)
            return "ADD", why
        board.change(old, decision.text.strip(), sources=tuple(dict.fromkeys((*old.sources, *memory.sources))))
        return "MERGE", "the model merged it"
    refusal = "it has ended already" if old.valid_to is not None else _refusal(old, memory)
    if refusal:
        board.add(memory, "ADD", refusal)
        return "ADD", refusal
    item = belief(old)
    board.add(memory, decision.event, "the model found it newer" if decision.event == "UPDATE" else "the model found the other never true")
    if item is not None:
        board.close(item, memory.valid_from if decision.event == "UPDATE" else item.begin, memory.id)
    return decision.event, "same subject and relation"


def _refusal(old: Memory, new: Memory) -> str:
    """Return why one memory may not close another; empty when it may."""
    first, second = belief(old), belief(new)
    if first is None or second is None or first.slot != second.slot:
        return "subject and relation differ"
    if first.authority > second.authority:
        return "hearsay does not close what a person says of themselves"
    if second.begin < first.begin:
        return "it is older than what it would close"
    return ""


def _from_both(text: str, one: str, other: str) -> bool:
    """Whether a merged text has its content words from the two, and keeps the words of neither out."""
    words, first, second = (_content(part) for part in (text, one, other))
    return bool(words) and words <= first | second and len(words & first) >= 0.6 * len(first) and len(words & second) >= 0.6 * len(second)


def _content(text: str) -> set[str]:
    stops = stopwords("en")
    return {word for word in _WORD.findall(text.casefold()) if word not in stops}
