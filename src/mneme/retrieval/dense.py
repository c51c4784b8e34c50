"""The dense channel: the cosine of the query with a memory's best passage."""

from __future__ import annotations

from dataclasses import dataclass

from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """The cosine of the query with the memory's best passage."""

    name: str = "dense"

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` cosines."""
        return ctx.index.dense(query.vector)
