"""The topic of a conversation: what the asker spoke of there on the whole, for requests for advice.

"My phone is empty by noon, any tips?" shares no word with the conversation about power banks that it is answered by, and no single message
of that is near to it. The mean of the asker's messages is: what they have in common is the topic. What the other side said at length is
not the asker's taste, so it counts only where the asker says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.dense import Conversations, conversations
from mneme.retrieval.features.people import own_words
from mneme.text.questions import asks_advice

MOST_MESSAGES = 64
"""Of a longer conversation an even sample is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """The cosine with the mean vector of the asker's messages in the conversation, if the question asks for advice."""

    name: str = "topic"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` cosines."""
        if not len(scene.positions) or not asks_advice(query.text):
            return np.zeros(len(scene.positions), np.float32)
        near = conversations(ctx, scene.positions)
        rows, starts = _telling(near, own_words(ctx.index)[near.members] > 0)
        rising = np.argsort(rows)
        vectors = np.empty((len(rows), len(query.vector)), np.float32)
        vectors[rising] = ctx.index.vectors_at(rows[rising])
        sums = np.add.reduceat(vectors, starts, axis=0)
        cosines: FloatArray = (sums @ query.vector) / np.maximum(np.linalg.norm(sums, axis=1), np.float32(1e-9))
        return cosines[np.searchsorted(near.groups, ctx.index.groups[0][scene.positions])].astype(np.float32)


def _telling(near: Conversations, own: np.ndarray) -> tuple[IntArray, IntArray]:
    """Return the positions that tell what each conversation is about, conversation by conversation, and where each one's begin."""
    count = len(near.groups)
    sizes = np.diff(np.append(near.starts, len(near.members)))
    number = np.repeat(np.arange(count), sizes)
    speaks = np.bincount(number[own], minlength=count) > 0
    chosen = np.flatnonzero(own | ~speaks[number])
    number = number[chosen]
    counts = np.bincount(number, minlength=count)
    place = np.arange(len(chosen)) - (np.cumsum(counts) - counts)[number]
    kept = place % (-(-counts // MOST_MESSAGES))[number] == 0
    kept_counts = np.bincount(number[kept], minlength=count)
    return near.members[chosen[kept]], np.cumsum(kept_counts) - kept_counts
