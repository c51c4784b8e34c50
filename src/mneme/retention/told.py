"""Summaries told by a model: an extract of a day, week, month or topic becomes a few sentences, each of which quotes what bears it out.

The extractive summary is there first and stays as the earlier version. The model's text takes its place only when every check passes: each
sentence has a quotation that its messages really have, and names, numbers, dates and denials that the quotations bear out
(``ctx.grounded``, the gate before formed memories). Sentences that fail are left out; when more than half of them do, or the reply is of no
use, the extract stays and says so. Without a model, and when the model can't be reached or may spend no more, the extract stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.errors import BudgetExceeded, ContextOverflow, InvalidReply, ModelUnavailable
from mneme.core.llm import LLM, Prompt
from mneme.core.operations import Revise
from mneme.core.records import Episode, Memory, Span
from mneme.core.upkeep import DAY_US, Proposal, Round
from mneme.text.cited import Reply, Sentence
from mneme.text.quotes import locate

PROMPT = Prompt(
    role="retain.summary",
    system=(
        "You sum up what was said, for a memory that is read years later. Keep names, numbers, dates, decisions and plans; leave out "
        "greetings and small talk. Use only what is there. For every sentence quote, exactly as written, the words of one or more numbered "
        "messages that bear it out."
    ),
    template="$about\n\nMessages:\n$messages\n\nWrite at most $most sentences, in the order of time.",
    trim=(("messages", "head"),),
)

TOLD, WHY = "told_by", "told_why"
"""Attributes of a summary: ``model`` or ``extract``, and why the extract stayed."""

_TREE, _TOPIC = "tree:", "topic:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A stretch of an episode that the model may quote."""

    episode: Episode
    start: int
    end: int

    @property
    def text(self) -> str:
        """Its words."""
        return self.episode.text[self.start : self.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Lets a model tell the summaries that other keepers made.

    Args:
        most: sentences of a summary.
        calls: questions in one pass; the model's own ceilings hold besides.
        messages: lines that one question shows, the longest-standing order of time.
        least_share: of the sentences that must pass for the text to take the extract's place.
    """

    most: int = 6
    calls: int = 40
    messages: int = 60
    least_share: float = 0.5
    name: str = "told"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose the model's text for each summary that has none, oldest first."""
        if ctx.llm is None:
            return
        asked = 0
        for memory in self._untold(ctx):
            if asked >= self.calls or ctx.out_of_time():
                return
            lines = self._lines(ctx, memory)
            if not lines:
                continue
            asked += 1
            try:
                yield self._proposal(ctx, memory, lines, ctx.llm)
            except (BudgetExceeded, ModelUnavailable) as error:
                ctx.trace.note(keeper=self.name, stopped=type(error).__name__)
                return

    def _untold(self, ctx: Round) -> list[Memory]:
        census = ctx.census
        mine = census.active & ~ctx.held & census.kind.among(("summary", "concept"))
        mine &= census.tags.where(lambda tags: any(each.startswith((_TREE, _TOPIC)) for each in tags))
        return [memory for memory in ctx.memories(np.flatnonzero(mine).tolist()) if TOLD not in memory.attributes]

    def _lines(self, ctx: Round, memory: Memory) -> list[Line]:
        """Return what the summary is of: the messages of a day, else the sentences that it and the summaries below it cite."""
        if f"{_TREE}day" in memory.tags:
            return self._of_day(ctx, memory)
        below = [link.source for link in ctx.links([memory.id]) if link.type == "part_of" and link.target == memory.id]
        place_of = {id: place for place, id in enumerate(ctx.census.ids)} if below else {}
        children = ctx.memories([place_of[id] for id in below if id in place_of]) if below else []
        spans = list(dict.fromkeys(span for each in (memory, *children) for span in each.sources))
        episodes = ctx.episodes(sorted({span.episode for span in spans}))
        lines = [Line(episode=episodes[span.episode], start=span.start, end=span.end) for span in spans if span.episode in episodes]
        topic = str(memory.attributes.get("topic", ""))
        lines = [line for line in lines if topic.casefold() in line.text.casefold()] or lines
        return sorted(lines, key=_time)[-self.messages :] if topic else sorted(lines, key=_time)[: self.messages]

    def _of_day(self, ctx: Round, memory: Memory) -> list[Line]:
        census = ctx.census
        spoken = census.status.among(("active", "archived")) & census.kind.among(("turn",))
        day = to_micros(memory.valid_from) // DAY_US
        places = np.flatnonzero(spoken & (census.at // DAY_US == day))
        said = ctx.memories(places.tolist())
        episodes = ctx.episodes(sorted({span.episode for each in (memory, *said) for span in each.sources}))
        # What was said again on another day is one memory with the sources of both.
        own = [episode for episode in episodes.values() if episode.text.strip() and to_micros(episode.at) // DAY_US == day]
        lines = [Line(episode=episode, start=0, end=len(episode.text)) for episode in own]
        return sorted(lines, key=_time)[: self.messages]

    def _proposal(self, ctx: Round, memory: Memory, lines: Sequence[Line], llm: LLM) -> Proposal:
        about = memory.text.partition(".")[0]
        variables = {"about": f"About: {about}.", "messages": _numbered(lines), "most": self.most}
        try:
            reply = llm.ask(PROMPT, variables, Reply)
        except (InvalidReply, ContextOverflow) as error:
            return self._kept(memory, type(error).__name__)
        texts: list[str] = []
        spans: list[Span] = []
        for sentence in reply.sentences[: self.most]:
            cited = _cited(sentence, lines)
            if cited and ctx.grounded(sentence.text, [line.text for line in cited], cited[0].episode.at, _people(lines)):
                texts.append(sentence.text.strip())
                spans += [Span(episode=line.episode.id, start=line.start, end=line.end) for line in cited]
        given = len(reply.sentences[: self.most])
        ctx.trace.note(keeper=self.name, sentences=given, kept=len(texts), prompt=PROMPT.hash)
        if not texts or len(texts) < self.least_share * given:
            return self._kept(memory, f"{given - len(texts)} of {given} sentences not borne out")
        changes = {"attributes": {**memory.attributes, TOLD: "model"}, "sources": tuple(dict.fromkeys(spans))}
        told = Revise(id=memory.id, text=f"{about}. {' '.join(texts)}", changes=changes, expected_version=memory.version)
        return Proposal(keeper=self.name, why=f"told by the model in {len(texts)} of {given} sentences", operations=(told,))

    def _kept(self, memory: Memory, why: str) -> Proposal:
        changes = {"attributes": {**memory.attributes, TOLD: "extract", WHY: why}}
        operation = Revise(id=memory.id, changes=changes, expected_version=memory.version)
        return Proposal(keeper=self.name, why=f"the extract stays: {why}", operations=(operation,))


def _cited(sentence: Sentence, lines: Sequence[Line]) -> list[Line]:
    """Return the quoted stretches that are really there; none when a sentence has no true quotation."""
    found = []
    for quote in sentence.quotes:
        line = lines[quote.message - 1] if 1 <= quote.message <= len(lines) else None
        place = None if line is None else locate(quote.quote, line.text)
        if line is not None and place is not None:
            found.append(Line(episode=line.episode, start=line.start + place[0], end=line.start + place[1]))
    return found if sentence.text.strip() else []


def _numbered(lines: Sequence[Line]) -> str:
    return "\n".join(
        f"{number}. [{line.episode.at:%Y-%m-%d}] {line.episode.author or 'Somebody'}: {' '.join(line.text.split())}"
        for number, line in enumerate(lines, start=1)
    )


def _people(lines: Sequence[Line]) -> list[str]:
    return sorted({line.episode.author for line in lines if line.episode.author})


def _time(line: Line) -> tuple[object, ...]:
    return line.episode.at, line.episode.id, line.start
