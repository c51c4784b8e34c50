"""Summaries of sessions by a model; the sibling of :class:`mneme.formation.summary.SummaryFormer`. Every sentence cites its messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.context import Context
from mneme.core.errors import InvalidInput
from mneme.core.llm import LLM, Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.batches import Line, batches, numbered
from mneme.formation.rules import derived_id
from mneme.text.cited import Reply
from mneme.text.quotes import locate

PROMPT = Prompt(
    role="form.summary",
    system=(
        "You summarise a conversation for its own participants. Keep names, numbers, decisions and plans; leave out greetings. Use only "
        "what is said. For every sentence quote the words of one or more messages that bear it out, exactly as written."
    ),
    template="Messages:\n$messages\n\nWrite at most $most sentences, in the order of the conversation.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """Summarises each session of the episodes at hand.

    Args:
        least: sessions of fewer messages need no summary.
        most: sentences of a summary.
        most_messages, most_chars: how much one question holds; a longer session gets several summaries.
        nameless: what an author without a name is called.
    """

    least: int = 4
    most: int = 5
    most_messages: int = 40
    most_chars: int = 8000
    nameless: str = "The user"

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return a ``Keep`` for each summary; sentences whose quotations are not found are left out and counted."""
        if ctx.llm is None:
            raise InvalidInput({"llm": "is missing; open the memory with llm=, or compose this former with its rule-based sibling"})
        sessions: dict[str, list[Episode]] = {}
        for episode in episodes:
            if episode.session is not None and episode.text.strip():
                sessions.setdefault(episode.session, []).append(episode)
        operations: list[Operation] = []
        for found in sessions.values():
            for batch in batches(found, self.most_messages, self.most_chars) if len(found) >= self.least else ():
                operations += self._of_batch(ctx, ctx.llm, batch)
        return operations

    def _of_batch(self, ctx: Context, llm: LLM, batch: Sequence[Line]) -> list[Operation]:
        reply = llm.ask(PROMPT, {"messages": numbered(batch, self.nameless), "most": self.most}, Reply)
        lines = {line.number: line for line in batch}
        kept: list[str] = []
        spans: list[Span] = []
        for sentence in reply.sentences:
            cited = [span for quote in sentence.quotes if (span := _span(lines.get(quote.message), quote.quote)) is not None]
            if cited and sentence.text.strip():
                kept.append(sentence.text.strip())
                spans += cited
        ctx.trace.note(former="model-summary", sentences=len(kept), unquoted=len(reply.sentences) - len(kept), prompt=PROMPT.hash)
        if not kept:
            return []
        first, last = batch[0].episode, batch[-1].episode
        return [
            Keep(
                memory=Memory(
                    id=derived_id(first.id, f"summary|{last.id}"),
                    text=" ".join(kept),
                    kind="summary",
                    at=first.at,
                    recorded_at=last.recorded_at,
                    valid_from=first.at,
                    session=first.session,
                    attributes={"by": "session", "until": last.at.isoformat(), "formed_by": "model"},
                    sources=tuple(dict.fromkeys(spans)),
                )
            )
        ]


def _span(line: Line | None, quote: str) -> Span | None:
    found = None if line is None else locate(quote, line.text)
    return None if line is None or found is None else Span(episode=line.episode.id, start=line.start + found[0], end=line.start + found[1])
