"""Sessions at several granularities: a summary of the whole, and its keywords.

Source: MemGAS (arXiv 2505.19549): session, turns, summary, keywords. Differs: without a model the summary is made of its central sentences
and the keywords are its names and the words that come back; session and turns need no memories of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Archive, Keep, Operation
from mneme.core.query import Filter
from mneme.core.records import Episode, Memory, Span
from mneme.formation.rules import derived_id
from mneme.formation.stretches import keywords, so_far
from mneme.formation.summary import extracts, render

DIGEST = Prompt(
    role="sessions.digest",
    system="You write down what a conversation was about so that it is found again. You add nothing that was not said.",
    template="Conversation of $date:\n$talk\n\nSummarise it in at most 80 words, and give up to 8 keywords.",
    trim=(("talk", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A summary and keywords."""

    summary: str
    keywords: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFormer:
    """Keeps a summary and keywords per session; longer sessions replace those of the same session before.

    Args:
        most: sentences of a summary.
        words: keywords; 0 for none.
        every: how many new messages make a new digest; of a session of more than sixteen times as many, a sixteenth of it.
    """

    most: int = 5
    words: int = 8
    every: int = 8

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return the digests of the sessions that grew."""
        operations: list[Operation] = []
        for name, said in so_far(ctx, episodes, self.every, sparser=True).items():
            older = [
                old for old in ctx.find(Filter(kinds=("summary", "concept"), sessions=(name,))) if old.attributes.get("by") == "digest"
            ]
            if _id(said, "summary") in {old.id for old in older}:
                continue  # the session was read when its last message came
            for memory in self._digest(ctx, name, said):
                operations += [Archive(id=old.id) for old in older if old.kind == memory.kind]
                operations.append(Keep(memory=memory))
        return operations

    def _digest(self, ctx: Context, name: str, said: Sequence[Episode]) -> list[Memory]:
        chosen = extracts(said, most=self.most)
        if not chosen:
            return []
        spans = tuple(Span(episode=said[item.episode].id, start=item.start, end=item.end) for item in chosen)
        whole = tuple(Span(episode=episode.id, start=0, end=len(episode.text)) for episode in said if episode.text)
        text, words = render(said, chosen), keywords([episode.text for episode in said], self.words)
        if ctx.llm is not None:
            talk = "\n".join(f"{episode.author or episode.role or 'someone'}: {episode.text}" for episode in said)
            reply = ctx.llm.ask(DIGEST, {"date": said[0].at.date(), "talk": talk}, Digest)
            text, words, spans = reply.summary.strip() or text, reply.keywords or words, whole
        made = [_memory(said, name, "summary", text, spans)]
        if self.words and words:
            made.append(_memory(said, name, "concept", ", ".join(words[: self.words]), whole))
        return made


def _id(said: Sequence[Episode], kind: str) -> str:
    return derived_id(said[0].id, f"digest|{kind}|{len(said)}|{said[-1].id}")


def _memory(said: Sequence[Episode], session: str, kind: str, text: str, spans: tuple[Span, ...]) -> Memory:
    return Memory(
        id=_id(said, kind),
        text=text,
        kind=kind,
        at=said[0].at,
        recorded_at=said[-1].recorded_at,
        valid_from=said[0].at,
        session=session,
        attributes={"by": "digest", "episodes": len(said), "until": said[-1].at.isoformat()},
        sources=spans,
    )
