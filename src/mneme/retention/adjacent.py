"""Adjacent merge: a sequence is held to a fixed length by merging its most similar neighbours.

Source: MemoryVLA: while longer than L, the pair of neighbours with the highest cosine is averaged and keeps the earlier time.
Differs: works on any sequence of vectors with times and says which entries went into which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.operations import Archive, Connect, Operation
from mneme.core.records import Link, Memory
from mneme.core.upkeep import FloatArray, IntArray, Proposal, Round, kept, made_id
from mneme.retention.condensing import MEDIA, chosen, parts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A shortened sequence.

    Args:
        vectors: ``(n, d)``.
        times: ``(n,)`` the time of each entry's first part, rising.
        parts: which entries of the input went into each.
    """

    vectors: FloatArray
    times: tuple[float, ...]
    parts: tuple[tuple[int, ...], ...]


def merge_adjacent(vectors: FloatArray, times: tuple[float, ...], length: int) -> Merged:
    """Return the sequence with at most ``length`` entries.

    Args:
        vectors: ``(n, d)``, in the order of time.
        times: one per vector.
        length: at least 1.

    Raises:
        InvalidInput: the length is below 1, or there are not as many times as vectors.
    """
    if length < 1 or len(times) != len(vectors):
        raise InvalidInput({"length": f"must be at least 1, with one time per vector; got {length}, {len(times)} and {len(vectors)}"})
    kept = [np.asarray(vector, np.float64) for vector in vectors]
    starts = list(times)
    parts: list[tuple[int, ...]] = [(number,) for number in range(len(times))]
    while len(kept) > length:
        rows = np.array(kept)
        norms = np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
        likeness = (rows[:-1] * rows[1:]).sum(axis=1) / (norms[:-1] * norms[1:])
        first = int(likeness.argmax())
        kept[first : first + 2] = [(kept[first] + kept[first + 1]) / 2]
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
        del starts[first + 1]
    return Merged(vectors=np.array(kept, np.float32).reshape(len(kept), -1), times=tuple(starts), parts=tuple(parts))


MERGED = "merged_from"
"""Attribute of a merged memory: the memories whose sentences it has, in the order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjacentMerge:
    """Holds every session to a fixed number of memories: the most similar neighbours become one, which keeps the earlier time.

    Differs from the paper: what is averaged are vectors to choose by; the merged text is made of the sentences of both that are worth most
    for their tokens, in their order, and cites them. The parts go to the archive.

    Args:
        length: memories that a session may have, at least 1.
        kinds: what is merged; memories of different kinds are not neighbours.
        most_tokens: of a merged text.
        first_out: drop the oldest instead of merging.
    """

    length: int = 16
    kinds: tuple[str, ...] = ("turn", "event")
    most_tokens: int = 120
    first_out: bool = False
    name: str = "adjacent-merge"

    def __post_init__(self) -> None:
        if self.length < 1 or self.most_tokens < 1:
            raise InvalidInput({"length": "and most_tokens must be at least 1"})

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose one merge per group of neighbours, oldest first."""
        census = ctx.census
        looked = census.active & ~ctx.held & (census.session.where(lambda session: session is not None))
        for kind in self.kinds:
            places = np.flatnonzero(looked & census.kind.among((kind,)))
            order = places[np.lexsort((census.row[places], census.at[places], census.session.codes[places]))]
            sessions = census.session.codes[order]
            cuts = np.flatnonzero(np.diff(sessions)) + 1
            for part in np.split(order, cuts):
                if ctx.out_of_time():
                    return
                if len(part) > self.length and ctx.fresh[part].any():
                    yield from self._shortened(ctx, part)

    def _shortened(self, ctx: Round, part: IntArray) -> Iterator[Proposal]:
        if self.first_out:
            for place in part[: len(part) - self.length].tolist():
                yield Proposal(keeper=self.name, why="oldest of a full session", operations=(Archive(id=ctx.census.ids[place]),))
            return
        memories = ctx.memories(part.tolist())
        merged = merge_adjacent(ctx.vectors(part.tolist()), tuple(map(float, ctx.census.at[part].tolist())), self.length)
        for numbers in merged.parts:
            if len(numbers) > 1:
                yield self._one(ctx, [memories[number] for number in numbers])

    def _one(self, ctx: Round, memories: Sequence[Memory]) -> Proposal:
        first = memories[0]
        texts = self._chosen(ctx, memories)
        one = replace(
            first,
            id=made_id(first.id, "adjacent|" + "|".join(f"{memory.id}:{memory.version}" for memory in memories)),
            text="\n".join(text for text in texts if text) or first.text,
            version=1,
            recorded_at=max(memory.recorded_at for memory in memories),
            ref=None,
            media=tuple(dict.fromkeys(medium for memory in memories for medium in memory.media)),
            tags=tuple(dict.fromkeys(tag for memory in memories for tag in memory.tags)),
            attributes={**first.attributes, MERGED: [memory.id for memory in memories]},
            sources=tuple(dict.fromkeys(span for memory in memories for span in memory.sources)),
            importance=max(memory.importance for memory in memories),
        )
        operations: list[Operation] = list(kept(ctx, one))
        for memory in memories:
            operations.append(Connect(link=Link(source=one.id, target=memory.id, type="derived_from")))
            operations.append(Archive(id=memory.id, expected_version=memory.version))
        return Proposal(keeper=self.name, why=f"{len(memories)} neighbours of a full session", operations=tuple(operations))

    def _chosen(self, ctx: Round, memories: Sequence[Memory]) -> list[str]:
        """Return what stays of each text."""
        parts = parts_of(ctx, memories)
        stay = chosen(parts, np.ones(len(memories), np.float32), float(self.most_tokens))
        return [
            " ".join(
                memory.text[every[n].start : every[n].end].strip() if whole else every[n].short
                for n, whole in sorted(taken.items())
                if every[n].start != MEDIA
            )
            for memory, every, taken in zip(memories, parts, stay, strict=True)
        ]
