"""The dense channel: the cosine of the query with a memory's best passage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray, IntArray

DENSE = "dense"
"""The channel's name."""

UNSCORED = -1.0
"""The score of a memory that was not scored, and the least that a cosine can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """The cosine of the query with the memory's best passage.

    Args:
        admitted_only: leave archived memories unscored where the query does not admit them; for rankers that ask :func:`lent` for those
            that stand near the candidates. In a space that is mostly archive this spares most of the work.
    """

    admitted_only: bool = False
    name: str = DENSE

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` cosines."""
        return ctx.index.dense(query.vector, query.admitted if self.admitted_only else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """The conversations that the candidates belong to.

    Args:
        groups: ``(g,)`` their numbers, rising.
        members: ``(n,)`` the positions of all that is in them, conversation by conversation.
        starts: ``(g,)`` where each one's members begin.
        rising: the same positions, rising.
    """

    groups: IntArray
    members: IntArray
    starts: IntArray
    rising: IntArray


def conversations(ctx: Context, positions: IntArray) -> Conversations:
    """Return the conversations that the candidates belong to; worked out once for a call."""
    # What is kept holds the candidates too, so that their identity stays theirs.
    return ctx.once(f"conversations:{id(positions)}", lambda: (positions, _conversations(ctx.index, positions)))[1]


def _conversations(index: Index, positions: IntArray) -> Conversations:
    groups, count = index.groups
    near = np.zeros(count, bool)
    near[groups[positions]] = True
    wanted = np.flatnonzero(near)
    order, starts = index.memo("members", lambda: _members(groups, count))
    sizes = starts[wanted + 1] - starts[wanted]
    ends = np.cumsum(sizes)
    members = order[np.repeat(starts[wanted] - (ends - sizes), sizes) + np.arange(int(ends[-1]) if len(ends) else 0)]
    # Conversations come nearly in the order of positions, which a merging sort makes use of.
    return Conversations(groups=wanted, members=members, starts=ends - sizes, rising=np.sort(members, kind="stable"))


def _members(groups: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Return the positions by the number of their conversation, and ``(count + 1,)`` where each begins."""
    return np.argsort(groups, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(groups, minlength=count))])


def lent(ctx: Context, query: Query, channels: Mapping[str, FloatArray], positions: IntArray) -> Mapping[str, FloatArray]:
    """Return the channels with the cosines of all that is in a conversation with one of the candidates.

    What a conversation said bears on what of it is still recalled, the archived part of it too. The dense channel left these places open
    and its scores are of this question alone, so they are filled in where they stand: a copy is as long as the space.

    Args:
        positions: the candidates.
    """
    cosines = channels.get(DENSE)
    if cosines is None or not len(positions):
        return channels
    members = conversations(ctx, positions).rising
    missing = members[cosines[members] == UNSCORED]
    if not len(missing):
        return channels
    cosines[missing] = ctx.index.dense_at(missing, query.vector)
    return channels
