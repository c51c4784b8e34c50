"""The form of the question against the form of the text: a when wants a time, an answer follows a question, small talk is short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import BoolArray, Context, Index, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.features.marked import marked
from mneme.text.marks import ASKS, TIME
from mneme.text.questions import read_question

FULL_LENGTH_WORDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class TellsTime:
    """1 for a text with an expression of time, if the question asks when."""

    name: str = "tells-time"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` of 0 and 1."""
        asked = read_question(query.text).when
        return marked(ctx.index, TIME)[scene.positions] * np.float32(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """1 for a text that follows a question in its session."""

    name: str = "answers"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` of 0 and 1."""
        asks = ctx.index.memo("asks", lambda: np.append(marked(ctx.index, ASKS), np.float32(0.0)))
        return asks[ctx.index.previous[scene.positions]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Words up to 15, over 15: very short turns rarely answer anything; 1 for a lone statement, which is no small talk."""

    name: str = "length"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` in [0, 1]."""
        index = ctx.index
        short = np.minimum(index.lengths[scene.positions], FULL_LENGTH_WORDS).astype(np.float32) / np.float32(FULL_LENGTH_WORDS)
        alone = index.memo("alone", lambda: _alone(index))[scene.positions]
        return np.where(alone, np.float32(1.0), short)


def _alone(index: Index) -> BoolArray:
    groups, count = index.groups
    return np.bincount(groups[index.present], minlength=count)[groups] <= 1
