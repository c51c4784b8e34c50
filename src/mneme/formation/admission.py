"""Admission: what a former makes is kept only if it is news and says enough; what weighs much is marked for distillation.

Source: SALM (arXiv 2411.00489), storage adapter: what, where (external or internal) and how to store. Differs: thresholds over novelty,
length and importance; the message itself is always there, so a refusal loses nothing; "internal" is a mark for an export.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Former
from mneme.core.context import Context
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode

FORM = "form"
"""Attribute: ``external``, or ``internal`` for what a model should learn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Keeps what is new of what another former makes.

    Args:
        by_rule: the former.
        novelty: 1 less the cosine with the nearest memory of its kind that a new one needs.
        least_words: shorter ones are left out.
        distil: importance from which it is marked ``internal``.
    """

    by_rule: Former
    novelty: float = 0.02
    least_words: int = 3
    distil: float = 0.7

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return the operations of the former without what is old or too short, and say how many in the trace."""
        made = self.by_rule.form(ctx, episodes)
        keeps = [operation for operation in made if isinstance(operation, Keep)]
        if not keeps:
            return made
        rows = ctx.embedder.embed([operation.memory.text for operation in keeps])
        kinds, values = ctx.index.codes("kind")
        out: set[str] = set()
        for number, operation in enumerate(keeps):
            memory = operation.memory
            mine = [code for code, value in enumerate(values) if value == memory.kind]
            there = np.isin(kinds, mine) & ctx.index.present
            nearest = float(ctx.index.dense(rows[number])[there].max()) if there.any() else -1.0
            earlier = [place for place in range(number) if keeps[place].memory.kind == memory.kind and keeps[place].memory.id not in out]
            nearest = max([nearest, *(float(rows[place] @ rows[number]) for place in earlier)])
            if 1 - nearest < self.novelty or len(memory.text.split()) < self.least_words:
                out.add(memory.id)
        ctx.trace.note(former="admission", made=len(keeps), left_out=len(out))
        return [self._marked(operation) for operation in made if not (isinstance(operation, Keep) and operation.memory.id in out)]

    def _marked(self, operation: Operation) -> Operation:
        if not isinstance(operation, Keep):
            return operation
        form = "internal" if operation.memory.importance >= self.distil else "external"
        return Keep(memory=replace(operation.memory, attributes={**operation.memory.attributes, FORM: form}))
