"""An organiser with a model where there is one, and its deterministic sibling where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.components import Organiser
from mneme.core.context import Context
from mneme.core.operations import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """Organises by model when the memory has one.

    Args:
        by_rule: works without a model.
        by_model: asks ``ctx.llm``.
    """

    by_rule: Organiser
    by_model: Organiser

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return what the sibling that can work here makes of the operations."""
        return (self.by_rule if ctx.llm is None else self.by_model).organise(ctx, operations)
