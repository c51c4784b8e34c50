"""Answers from the points of an investigation and the messages that they rest on.

Source: HGMem (arXiv 2512.23959), the last step. Differs: only points of which a message is among the hits are told; without a model the
points are the answer, in the order of the hits.
"""

from __future__ import annotations

from dataclasses import dataclass

from mneme.core.llm import LLM, Prompt
from mneme.core.query import Hit, Recall
from mneme.space import Space

ANSWER = Prompt(
    role="hgmem.answer",
    system="You answer a question from notes and the messages behind them, and say so when they do not tell.",
    template="Notes:\n$points\n\nMessages:\n$context\n\nQuestion: $question",
    trim=(("context", "head"), ("points", "head")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said."""

    text: str


def points_of(found: Recall) -> list[str]:
    """Return the points that a recall tells of, each once."""
    return list(dict.fromkeys(point for hit in found.hits for point in _points(hit)))


def answer(space: Space, question: str, llm: LLM | None = None, *, k: int = 10) -> str:
    """Return an answer to a question asked of a space of the recipe ``hgmem``.

    Args:
        space: the space.
        question: what is asked.
        llm: words the answer; None returns the points, one a line.
        k: how many messages are behind it.
    """
    found = space.recall(question, k=k)
    points = "\n".join(points_of(found))
    if llm is None:
        return points
    return llm.ask(ANSWER, {"points": points or "none", "context": found.context, "question": question}, Answer).text


def _points(hit: Hit) -> list[str]:
    told = hit.why.get("points")
    return [str(point) for point in told] if isinstance(told, (list, tuple)) else []
