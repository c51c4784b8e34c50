"""Thoughts about one thing in one relation become one thought, within their hash bucket.

Source: Think-in-Memory (arXiv 2311.08719), merge: thoughts of a bucket with the same head are written as one. Differs: they are joined when
the relation is the same, too, and may have many values; the joined thought is a new version of the earlier one and cites both messages;
what is denied later is taken out of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mneme.core.context import Context
from mneme.core.operations import Connect, Keep, Operation, Revise, Supersede
from mneme.core.records import Link, Memory
from mneme.organisation.belief import Belief, belief, turn_of
from mneme.organisation.board import Board
from mneme.text.polytope import order

KINDS = ("fact", "preference", "profile")
"""What may be joined: events of two days stay two."""


@dataclass(slots=True, kw_only=True)
class _Batch:
    """The operations so far, and where each memory is written in them."""

    out: list[Operation] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    now: dict[str, Memory] = field(default_factory=dict)

    def write(self, memory: Memory, *, new: bool = False) -> None:
        changes: dict[str, object] = {"attributes": memory.attributes, "sources": memory.sources}
        before = self.out[self.place[memory.id]] if memory.id in self.place else None
        operation = (
            Keep(memory=memory) if new or isinstance(before, Keep) else Revise(id=memory.id, text=memory.text, changes=changes)
        )  # fmt: skip
        self.now[memory.id] = memory
        if before is None:
            self.place[memory.id] = len(self.out)
            self.out.append(operation)
        else:
            self.out[self.place[memory.id]] = operation


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedThoughts:
    """Joins new statements to those of the same subject, relation and bucket; goes after what reconciles them.

    Args:
        buckets, seed: of the hash; as the ranker's.
        most: things that one thought names.
    """

    buckets: int = 8
    seed: int = 0
    most: int = 6

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with what was joined in the place of what was new."""
        board, batch = Board(ctx), _Batch()
        bound = {end for one in operations for end in _named(one)}
        for operation in operations:
            item = belief(operation.memory) if isinstance(operation, Keep) and operation.memory.kind in KINDS else None
            if item is None or item.relation.single or item.memory.id in bound:
                batch.out.append(operation)
            elif not item.positive:
                batch.out.append(operation)
                self._taken_out(board, batch, item)
            elif not self._joined(ctx, board, batch, item):
                batch.write(item.memory, new=True)
        return batch.out

    def _held(self, board: Board, batch: _Batch, item: Belief) -> list[Memory]:
        """Return the thoughts in force that the statement may belong to, as this batch has them."""
        stored = [one.memory for one in board.held(item.subject, [item.relation.name]) if one.positive and one.memory.kind in KINDS]
        there = {memory.id: batch.now.get(memory.id, memory) for memory in stored}
        fresh = (memory for memory in batch.now.values() if memory.id not in there)
        there |= {memory.id: memory for memory in fresh if (other := belief(memory)) is not None and other.slot == item.slot}
        return [memory for memory in there.values() if memory.valid_to is None and memory.id != item.memory.id]

    def _joined(self, ctx: Context, board: Board, batch: _Batch, item: Belief) -> bool:
        held = self._held(board, batch, item)
        if not held:
            return False
        buckets = order(ctx.embedder.embed([item.memory.text, *(memory.text for memory in held)]), self.buckets, self.seed)[:, 0]
        for memory, bucket in zip(held, buckets[1:].tolist(), strict=True):
            things = _things(memory)
            if item.object.casefold() in (thing.casefold() for thing in things):
                batch.out += [
                    Connect(link=Link(source=source, target=memory.id, type="supports")) for source in _turns(item.memory, memory)
                ]
                return True
            if bucket == buckets[0] and len(things) < self.most and (text := _with(memory, item.object)):
                ctx.trace.note(organiser="joined-thoughts", memory=memory.id)
                batch.write(_said(memory, text, [*things, item.object], item.memory))
                return True
        return False

    def _taken_out(self, board: Board, batch: _Batch, item: Belief) -> None:
        for memory in self._held(board, batch, item):
            things = _things(memory)
            left = [thing for thing in things if thing.casefold() != item.object.casefold()]
            if left and len(left) < len(things) and _listed(things) in memory.text:
                batch.write(_said(memory, memory.text.replace(_listed(things), _listed(left)), left, memory))


def _things(memory: Memory) -> list[str]:
    """Return what a thought names."""
    told = memory.attributes.get("objects")
    return [str(thing) for thing in told] if isinstance(told, (list, tuple)) else [str(memory.attributes["object"])]


def _listed(things: Sequence[str]) -> str:
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"


def _with(memory: Memory, thing: str) -> str:
    """Return a thought's text with one more thing; empty where the text does not end with what it names."""
    things, text = _things(memory), memory.text.rstrip(" .!")
    if not text.endswith(_listed(things)):
        return ""
    return f"{text.removesuffix(_listed(things))}{_listed([*things, thing])}."


def _said(memory: Memory, text: str, things: Sequence[str], other: Memory) -> Memory:
    sources = tuple(dict.fromkeys((*memory.sources, *other.sources)))
    told = {**memory.attributes, "object": _listed(things), "objects": list(things)}
    return replace(memory, text=text, sources=sources, attributes=told)


def _turns(memory: Memory, known: Memory) -> list[str]:
    """Return the messages that a statement rests on and the known one does not."""
    own = {span.episode for span in known.sources}
    return [turn_of(episode) for episode in dict.fromkeys(span.episode for span in memory.sources) if episode not in own]


def _named(operation: Operation) -> tuple[str, ...]:
    """Return the memories that an operation leans on."""
    if isinstance(operation, Connect):
        return operation.link.source, operation.link.target
    return (operation.by,) if isinstance(operation, Supersede) and operation.by else ()
