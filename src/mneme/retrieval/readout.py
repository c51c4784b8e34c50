"""The read-out channel: what a question first reminds of is mixed into it, and the mixture is searched for.

Source: XMem (the best 30 by a kernel, weighed by a softmax) and MemoryVLA (a gate mixes what was read with what is current). Differs: keys
and values are the vectors of whole memories, and the gate has one setting in place of learned weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.attending import gated, readout
from mneme.core.context import Context, Query
from mneme.core.errors import InvalidInput
from mneme.core.ports import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """The cosine with the question after it has read.

    Args:
        top: how many memories are read; their texts are embedded for it, so the channel costs about as much as writing them did.
        shrinkage: how much nearer memories weigh more than others.
        bias: of the gate: 0 mixes equally, below 0 keeps more of the question.
    """

    top: int = 30
    shrinkage: float = 40.0
    bias: float = -1.0
    name: str = "readout"

    def __post_init__(self) -> None:
        if self.top < 1 or self.shrinkage <= 0:
            raise InvalidInput({"top": f"must be at least 1 and shrinkage above 0; got {self.top} and {self.shrinkage}"})

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` cosines with the mixture; those with the question itself where nothing is admitted."""
        cosines = ctx.index.dense(query.vector, query.admitted)
        places = np.flatnonzero(query.admitted)
        best = places[np.argsort(-cosines[places], kind="stable")[: self.top]]
        read = ctx.memories(best.tolist())
        if not read:
            return cosines
        vectors = ctx.embedder.embed([memory.text for memory in read])
        found = readout(vectors, vectors, query.vector, top=self.top, shrinkage=self.shrinkage)
        mixed = gated(query.vector, found.value, bias=self.bias)
        unit = (mixed / max(float(np.linalg.norm(mixed)), 1e-9)).astype(np.float32)
        ctx.trace.note(channel=self.name, read=len(read), most=round(float(found.affinity.max()), 3))
        return ctx.index.dense(unit, query.admitted)
