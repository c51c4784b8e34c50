"""Long messages get a summary of their own, so that a reader short of room can take that instead.

Source: SCM (arXiv 2304.13343): a turn of more than 300 tokens is summarised when it is written, a shorter one is its own summary. Differs:
a turn is a message; without a model the summary is its first sentence and those nearest to the middle of what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.rules import derived_id
from mneme.formation.segments import lexical_vectors
from mneme.text.sentences import sentence_spans
from mneme.text.tokens import count_tokens

BY = "turn-summary"

SUMMARISE = Prompt(
    role="turns.summarise",
    system="You shorten one message and keep every fact, name and number that a later question may be about. You add nothing.",
    template="Message:\n$message",
    trim=(("message", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """A shorter message."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTurns:
    """Keeps a summary of every long message.

    Args:
        over_tokens: messages of more tokens are long.
        sentences: of a summary that is made without a model.
    """

    over_tokens: int = 300
    sentences: int = 3

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per long message, in order."""
        long = [episode for episode in episodes if count_tokens(episode.text) > self.over_tokens]
        return [Keep(memory=self._summary(ctx, episode)) for episode in long]

    def _summary(self, ctx: Context, episode: Episode) -> Memory:
        spans = central(episode.text, self.sentences)
        text = " ".join(episode.text[start:end].strip() for start, end in spans)
        if ctx.llm is not None:
            text = ctx.llm.ask(SUMMARISE, {"message": episode.text}, Shortened).text.strip() or text
            spans = [(0, len(episode.text))]
        return Memory(
            id=derived_id(episode.id, BY),
            text=text,
            kind="summary",
            at=episode.at,
            recorded_at=episode.recorded_at,
            valid_from=episode.at,
            session=episode.session,
            author=episode.author,
            attributes={"by": BY},
            sources=tuple(Span(episode=episode.id, start=start, end=end) for start, end in spans),
        )


def central(text: str, most: int) -> list[tuple[int, int]]:
    """Return the spans of the first sentence and of those nearest to the middle of the text, in order, ``most`` in all."""
    spans = sentence_spans(text)
    if len(spans) <= most:
        return list(spans) or [(0, len(text))]
    rows = lexical_vectors([text[start:end] for start, end in spans])
    near = rows @ rows.mean(axis=0)
    near[0] = np.inf
    chosen = np.argsort(-near, kind="stable")[:most]
    return [spans[place] for place in sorted(chosen.tolist())]
