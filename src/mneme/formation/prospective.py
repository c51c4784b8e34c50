"""Topics of each speaker, session by session, merged with the same topic of earlier sessions; keys to the messages that they rest on.

Source: RMM (arXiv 2503.08026), prospective reflection: per speaker a list of summaries with references to turns, or none; each is added or
merged. Differs: a merge is a revision, so the earlier summary stays in the history; without a model a speaker's messages are cut where the
topic shifts, a summary is its central sentence, and topics are merged by cosine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation, Revise
from mneme.core.ports import IntArray
from mneme.core.records import Episode, Memory, Span
from mneme.formation.nearby import among, nearest, standing
from mneme.formation.rules import derived_id
from mneme.formation.segments import TopicShift, segments
from mneme.formation.stretches import so_far, words_of
from mneme.formation.summary import extracts, render

TIER = "topic"

EXTRACT = Prompt(
    role="topics.extract",
    system="You list what a talk reveals about one speaker, a sentence per topic with the numbers of its lines. An empty list is fine.",
    template="Speaker: $speaker\n\nConversation:\n$talk",
    trim=(("talk", "tail"),),
)
UPDATE = Prompt(
    role="topics.update",
    system="You say whether a topic is new (add) or goes on with a known one (merge, with its number and one summary of both).",
    template="Known:\n$known\n\nNew: $new",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic and the lines that it rests on."""

    summary: str
    reference: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Topics of one speaker in one session."""

    items: list[Topic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Add it, or merge it with a known one."""

    action: Literal["add", "merge"]
    number: int = -1
    summary: str = ""


class _Board:
    """Topics while they are being fitted: those that are there, and what becomes of them."""

    def __init__(self, there: Sequence[Memory], positions: IntArray) -> None:
        self._there = {memory.id: memory for memory in there}
        self.positions = positions
        self.changed: dict[str, Memory] = {}
        self.read = {span.episode for memory in there for span in memory.sources}

    def put(self, memory: Memory) -> None:
        self.changed[memory.id] = memory
        self.read |= {span.episode for span in memory.sources}

    def operations(self) -> list[Operation]:
        return [
            Revise(id=id, text=memory.text, changes={"sources": memory.sources}) if id in self._there else Keep(memory=memory)
            for id, memory in self.changed.items()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFormer:
    """Keeps a memory per topic and speaker in the tier ``topic``.

    Args:
        near: cosine from which two topics are one, without a model.
        shown: known topics that a model compares with.
        every: after how many messages of a session it is looked at.
        least: words that a summary needs.
    """

    near: float = 0.6
    shown: int = 5
    every: int = 4
    least: int = 3

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return new topics, and topics with what was added to them."""
        talks = so_far(ctx, episodes, self.every)
        if not talks:
            return []
        board = _Board(standing(ctx, "summary", TIER), among(ctx, "summary", TIER))
        for whole in talks.values():
            talk = [episode for episode in whole if episode.id not in board.read]
            by_speaker: dict[str, list[Episode]] = defaultdict(list)
            for episode in talk:
                by_speaker[episode.author or episode.role or "someone"].append(episode)
            for speaker, said in by_speaker.items():
                found = self._by_rule(said) if ctx.llm is None else self._by_model(ctx, speaker, talk)
                for text, cited in found:
                    self._fit(ctx, board, speaker, text, cited)
        return board.operations()

    def _by_rule(self, said: Sequence[Episode]) -> list[tuple[str, list[Episode]]]:
        told = [episode for episode in said if len(words_of(episode.text)) >= self.least]
        if not told:
            return []
        parts = segments(TopicShift().starts(told), len(told), least=1)
        cut = [[told[number] for number in part] for part in parts]
        return [(render(part, extracts(part, most=1)) or part[0].text, part) for part in cut]

    def _by_model(self, ctx: Context, speaker: str, talk: Sequence[Episode]) -> list[tuple[str, list[Episode]]]:
        assert ctx.llm is not None
        lines = "\n".join(f"[{number}] {one.author or one.role or 'someone'}: {one.text}" for number, one in enumerate(talk))
        reply = ctx.llm.ask(EXTRACT, {"speaker": speaker, "talk": lines}, Topics)
        found = []
        for item in reply.items:
            cited = [talk[number] for number in dict.fromkeys(item.reference) if 0 <= number < len(talk)]
            if cited and item.summary.strip():
                found.append((item.summary.strip(), cited))
        return found

    def _fit(self, ctx: Context, board: _Board, speaker: str, text: str, cited: Sequence[Episode]) -> None:
        spans = tuple(Span(episode=episode.id, start=0, end=len(episode.text)) for episode in cited)
        same, summary = self._same(ctx, text, self._near(ctx, board, speaker, text))
        if same is None:
            board.put(_memory(speaker, text, cited, spans))
        elif not set(spans) <= set(same.sources):
            board.put(replace(same, text=summary, sources=tuple(dict.fromkeys((*same.sources, *spans)))))

    def _near(self, ctx: Context, board: _Board, speaker: str, text: str) -> list[tuple[Memory, float]]:
        """Return the speaker's topics nearest to a text with their cosines, best first."""
        row = ctx.embedder.embed([text])[0]
        fresh = [memory for memory in board.changed.values() if memory.attributes.get("speaker") == speaker]
        cosines = (ctx.embedder.embed([memory.text for memory in fresh]) @ row).tolist() if fresh else []
        found = nearest(
            ctx, board.positions, row, self.shown, without=board.changed, holds=lambda memory: memory.attributes.get("speaker") == speaker
        )
        return sorted([*found, *zip(fresh, cosines, strict=True)], key=lambda pair: (-pair[1], pair[0].id))[: self.shown]

    def _same(self, ctx: Context, text: str, near: Sequence[tuple[Memory, float]]) -> tuple[Memory | None, str]:
        """Return the known topic that a new one goes on with, and the summary of both."""
        if not near:
            return None, ""
        if ctx.llm is None:
            best, cosine = near[0]
            return (best, max(best.text, text, key=len)) if cosine >= self.near else (None, "")
        listed = "\n".join(f"[{number}] {memory.text}" for number, (memory, _) in enumerate(near))
        reply = ctx.llm.ask(UPDATE, {"known": listed, "new": text}, Decision)
        if reply.action == "merge" and 0 <= reply.number < len(near):
            return near[reply.number][0], reply.summary.strip() or text
        return None, ""


def _memory(speaker: str, text: str, cited: Sequence[Episode], spans: tuple[Span, ...]) -> Memory:
    first, last = cited[0], cited[-1]
    return Memory(
        id=derived_id(first.id, f"topic|{speaker}|{text}"),
        text=text,
        kind="summary",
        at=first.at,
        recorded_at=last.recorded_at,
        valid_from=first.at,
        author=first.author,
        attributes={"by": "topics", "speaker": speaker},
        sources=spans,
        tier=TIER,
    )
