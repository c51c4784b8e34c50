"""Frozen memories: nothing that is formed later changes, ends or archives a memory with the tag ``frozen``.

Source: MemOS (arXiv 2507.03724), the frozen state of the lifecycle. Differs: what contradicts a frozen memory is kept beside it; a person
can still correct it, after thawing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.context import Context
from mneme.core.operations import Archive, Operation, Revise, Supersede
from mneme.core.query import Filter

TAG = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Leaves out what would change a frozen memory; goes last."""

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations that leave frozen memories alone, and say in the trace how many did not."""
        frozen = {memory.id for memory in ctx.find(Filter(tags=(TAG,)))}
        if not frozen:
            return list(operations)
        kept = [one for one in operations if not (isinstance(one, (Archive, Revise, Supersede)) and one.id in frozen)]
        ctx.trace.note(organiser="frozen", left_out=len(operations) - len(kept))
        return kept
