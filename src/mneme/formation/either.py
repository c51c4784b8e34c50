"""A former with a model where there is one, and its deterministic sibling where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.components import Former
from mneme.core.context import Context
from mneme.core.operations import Operation
from mneme.core.records import Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """Forms by model when the memory has one.

    Args:
        by_rule: works without a model.
        by_model: asks ``ctx.llm``.
    """

    by_rule: Former
    by_model: Former

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return what the sibling that can work here makes of the episodes, and say in the trace which it was."""
        ctx.trace.note(former="either", chosen="rule" if ctx.llm is None else "model")
        return (self.by_rule if ctx.llm is None else self.by_model).form(ctx, episodes)
