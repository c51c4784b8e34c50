"""Reconciling by rule: each new statement is added, changes what is there, merges with it, takes it back, or adds nothing.

Guarded: one memory closes another only when subject and relation agree and the relation is single-valued then. Time in the world
decides, not the order of arrival: an older statement that comes late gets its own closed interval and leaves the newer one as it is.
What a user corrected outranks what was said before. Where neither can win, both stay, linked as a contradiction.

Source: operations of Mem0 (arXiv 2504.19413), by rule instead of by model. Differs: nothing is deleted; a denial ends the interval of
what it denies, and "never" makes it empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mneme.core.context import Context
from mneme.core.operations import Keep, Operation, Quarantine
from mneme.core.records import Memory
from mneme.organisation.belief import CORRECTION, REVISES, Belief, belief, is_state, refines, same_object
from mneme.organisation.board import Board, said_at
from mneme.organisation.corrected import apply_correction

CONSTANT = ("birthday", "born_in", "name")
"""Relations that don't change with time: another value is a contradiction and no news."""

ENDED_BY = {"moved_from": ("lives_in",)}
"""Events that end a state of the same object, besides those that the relations name."""

_ANY = re.compile(r"^(?:job|work|position|it|that|there|company|day job)$", re.IGNORECASE)
_NEVER = re.compile(r"\bnever\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Fits new statements to what is believed.

    Args:
        constant: relations of which another value contradicts instead of following.
    """

    constant: tuple[str, ...] = CONSTANT

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with each ``Keep`` decided on; what has no structure passes as it is."""
        pass_by = {operation.id for operation in operations if isinstance(operation, Quarantine)}
        board = Board(ctx)
        told = said_at(ctx)
        keeps = [o.memory for o in operations if isinstance(o, Keep) and o.memory.id not in pass_by and belief(o.memory) is not None]
        chosen = {memory.id for memory in keeps}
        board.out.extend(o for o in operations if not (isinstance(o, Keep) and o.memory.id in chosen))
        for memory in sorted(keeps, key=lambda memory: (told(memory), _end_last(memory))):
            decision, why = _decide(board, memory, told, self.constant)
            ctx.trace.note(organiser="reconcile", memory=memory.id, decision=decision, why=why)
        return board.out


def _end_last(memory: Memory) -> bool:
    return memory.attributes.get("statement") == CORRECTION


def _decide(board: Board, memory: Memory, told: Callable[[Memory], datetime], constant: Sequence[str]) -> tuple[str, str]:
    item = belief(memory)
    assert item is not None
    if memory.attributes.get("statement") == CORRECTION:
        return apply_correction(board, memory, told)
    if not is_state(item):
        return _happened(board, item)
    held = board.held(item.subject, [item.relation.name])
    same = [other for other in held if same_object(other.object, item.object)]
    others = [other for other in held if not same_object(other.object, item.object)]
    if not item.positive:
        positive = [other for other in same if other.positive]
        repeated = next((other for other in same if not other.positive and other.holds_at(item.begin)), None)
        if repeated is not None and not any(other.holds_at(item.begin) for other in positive):
            board.support(repeated.memory, item.memory)
            return "NOOP", "the denial is known"
        return _denied(board, item, positive)
    return _asserted(board, item, same, [other for other in others if other.positive], told, constant)


def _happened(board: Board, item: Belief) -> tuple[str, str]:
    """An event is added, unless the same event of the same time is known; it may end what it says it ends."""
    again = [
        other
        for other in board.held(item.subject, [item.relation.name])
        if same_object(other.object, item.object) and other.positive == item.positive and _same_time(other, item)
    ]
    if again:
        board.support(again[0].memory, item.memory)
        return "NOOP", "the same event is known"
    board.add(item.memory, "ADD", "an event")
    ends = (*item.relation.ends, *ENDED_BY.get(item.relation.name, ()))
    if item.positive and item.authority and item.memory.attributes.get("modality") != "planned":
        for other in board.held(item.subject, ends) if ends else ():
            matching = (
                same_object(other.object, item.object)
                or refines(other.object, item.object)
                or (other.relation.single and _ANY.match(item.object))
            )
            if other.positive and matching and other.begin < item.begin and other.holds_at(item.begin):
                board.close(other, item.begin, item.memory.id)
    return "ADD", "an event"


def _same_time(one: Belief, other: Belief) -> bool:
    if one.explicit and other.explicit:
        return one.memory.attributes.get("from") == other.memory.attributes.get("from")
    return one.memory.at.date() == other.memory.at.date()


def _denied(board: Board, item: Belief, same: Sequence[Belief]) -> tuple[str, str]:
    """A denial ends what it denies from its time on; one from before it began is an interval of its own."""
    at = item.begin
    doubted = [other for other in same if other.holds_at(at) and item.authority < other.authority]
    later = [other.begin for other in same if other.begin > at]
    closed = [other for other in same if other.holds_at(at) and item.authority >= other.authority]
    if _said_never(board.ctx, item):
        closed = [other for other in same if item.authority >= other.authority]
        why = "it was never so" if closed else "a denial"
        board.add(item.memory, "DELETE" if closed else "ADD", why)
        for other in closed:
            board.close(other, other.begin, item.memory.id)
        return "DELETE" if closed else "ADD", why
    memory = replace(item.memory, valid_to=min(later)) if later and not item.bounded else item.memory
    decision, why = ("UPDATE", f"{item.relation.name} ended") if closed else ("ADD", "a denial")
    board.add(memory, decision, why)
    for other in closed:
        board.close(other, max(at, other.begin), item.memory.id)
    for other in doubted:
        board.connect(item.memory.id, other.memory.id, "contradicts")
    return decision, why


def _said_never(ctx: Context, item: Belief) -> bool:
    episodes = ctx.episodes([span.episode for span in item.memory.sources])
    cited = (episodes[span.episode].text[span.start : span.end] for span in item.memory.sources if span.episode in episodes)
    return not item.ended and any(_NEVER.search(text) for text in cited)


def _asserted(
    board: Board,
    item: Belief,
    same: Sequence[Belief],
    others: Sequence[Belief],
    told: Callable[[Memory], datetime],
    constant: Sequence[str],
) -> tuple[str, str]:
    at = item.begin
    known = [other for other in same if other.positive]
    if repeated := next((other for other in known if other.holds_at(at)), None):
        board.support(repeated.memory, item.memory)
        return "NOOP", "it is known"
    if (widened := _began_earlier(item, known, others)) is not None:
        board.change(widened.memory, None, valid_from=at)
        board.support(widened.memory, item.memory)
        return "MERGE", "it began earlier than was known"
    if item.relation.single:
        return _single(board, item, known, others, [other for other in same if not other.positive], told, constant)
    memory = _until_next(item, [*known, *(other for other in same if not other.positive)])
    board.add(memory, "ADD", "a relation with many values")
    _end_denials(board, item, same)
    return "ADD", "a relation with many values"


def _began_earlier(item: Belief, known: Sequence[Belief], others: Sequence[Belief]) -> Belief | None:
    """The known belief of the same value that follows without another value in between."""
    following = [other for other in known if other.begin > item.begin and (item.explicit or not other.explicit)]
    if not following or item.begin_unknown or item.bounded:
        return None
    between = [other for other in others if item.relation.single and item.begin <= other.begin < following[0].begin]
    return None if between else following[0]


def _until_next(item: Belief, later: Sequence[Belief]) -> Memory:
    """The memory, ending where the next belief of its slot begins."""
    starts = [other.begin for other in later if other.begin > item.begin]
    ends = [end for end in (item.memory.valid_to, min(starts, default=None)) if end is not None]
    return replace(item.memory, valid_to=min(ends)) if ends and not item.begin_unknown else item.memory


def _end_denials(board: Board, item: Belief, same: Sequence[Belief]) -> None:
    for other in same:
        if not other.positive and other.begin < item.begin and other.holds_at(item.begin):
            board.close(other, item.begin, item.memory.id)


def _single(
    board: Board,
    item: Belief,
    known: Sequence[Belief],
    others: Sequence[Belief],
    denials: Sequence[Belief],
    told: Callable[[Memory], datetime],
    constant: Sequence[str],
) -> tuple[str, str]:
    """A new value of a single-valued relation."""
    if any(_corrected_since(board.ctx, other, told(item.memory)) for other in others if other.begin <= item.begin):
        return "NOOP", "the user's own correction outranks it"
    wider = [other for other in others if other.holds_at(item.begin)]
    for other in wider:
        if refines(other.object, item.object):
            board.support(other.memory, item.memory)
            return "NOOP", "it is known in more detail"
        if refines(item.object, other.object) and not item.explicit:
            attributes = {**other.memory.attributes, "object": item.object}
            board.change(other.memory, item.memory.text, attributes=attributes, sources=(*other.memory.sources, *item.memory.sources))
            return "MERGE", "it is known with less detail"
    if item.begin_unknown:
        memory = replace(item.memory, valid_to=_before_current(item, others, told))
        board.add(memory, "ADD", "it was so at some time before")
        return "ADD", "it was so at some time before"
    rivals = [other for other in wider if _neither_wins(item, other, constant)]
    memory = _until_next(item, [*others, *known, *denials])
    closing = [
        other for other in wider if other not in rivals and not other.begin_unknown and not item.bounded and other.begin < item.begin
    ]
    decision, why = ("UPDATE", f"a newer value of {item.relation.name}") if closing else ("ADD", f"a value of {item.relation.name}")
    if memory.valid_to is not None and not item.bounded:
        why = f"an earlier value of {item.relation.name}"
    board.add(memory, decision, "nothing says which of two holds" if rivals else why)
    for other in closing:
        board.close(other, item.begin, item.memory.id)
    for other in rivals:
        board.connect(item.memory.id, other.memory.id, "contradicts")
    _end_denials(board, item, denials)
    return decision, why


def _before_current(item: Belief, others: Sequence[Belief], told: Callable[[Memory], datetime]) -> datetime | None:
    said = told(item.memory)
    ends = [
        end for end in (item.memory.valid_to, *(other.begin for other in others if other.holds_at(said) and not other.begin_unknown)) if end
    ]
    end = min(ends, default=None)
    return None if end is None else max(end, item.begin)


def _neither_wins(item: Belief, other: Belief, constant: Sequence[str]) -> bool:
    if item.relation.name in constant:
        return True
    return item.authority < other.authority or item.begin == other.begin


def _corrected_since(ctx: Context, other: Belief, said: datetime) -> bool:
    """Whether the user set this value right after the other thing was said."""
    episodes = ctx.episodes([span.episode for span in other.memory.sources])
    corrected = [episode.at for episode in episodes.values() if REVISES in episode.attributes]
    corrected += [max(episode.at for episode in episodes.values())] if other.memory.attributes.get("corrected") and episodes else []
    return bool(corrected) and said < max(corrected)
