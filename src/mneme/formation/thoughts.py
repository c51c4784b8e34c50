"""Thoughts: what a session was about, one sentence per tag of a fixed ontology, merged with what was thought before.

Source: CAIM (arXiv 2505.13044), post-thinking: inductive thoughts with tags from an ontology alone, then a review that merges and drops.
Differs: a tag that the model makes up is mapped to the nearest label or left out; without a model a message gets the label that is
nearest to it, and the longest of a tag's messages is its thought; a thought that is told again is revised, its earlier wording stays in
its history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Archive, Keep, Operation, Revise
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Episode, Memory, Span
from mneme.formation.closing import closed
from mneme.formation.nearby import among
from mneme.formation.nearby import nearest as nearest_known
from mneme.formation.rules import derived_id
from mneme.formation.stretches import so_far

TAG, OF = "thought", "tag:"
_LONG_UNSPACED = 6
ONTOLOGY = (
    "work: job, office, colleagues, boss, company, career, salary",
    "family: mother, father, sister, brother, child, baby, niece, grandparents, relatives",
    "friends: friend, neighbour, party with friends, meeting people",
    "health: illness, doctor, medicine, pain, allergy, sleep, diet",
    "home: house, flat, moving, furniture, garden, repairs",
    "travel: trip, flight, holiday, hotel, visiting another country",
    "food: cooking, restaurant, recipe, meal, drink",
    "sport: running, football, gym, cycling, training",
    "culture: music, film, book, concert, museum, art",
    "learning: school, university, course, exam, language",
    "money: buying, price, bank, saving, insurance",
    "animals: dog, cat, pet, vet",
)

EXTEND = Prompt(
    role="thoughts.extend",
    system="You note the key events of a conversation, one sentence each, with tags of the given list alone. Chit-chat is no event.",
    template="Tags: $tags\n\nConversation of $date:\n$talk",
    trim=(("talk", "tail"),),
)
REVIEW = Prompt(
    role="thoughts.review",
    system="You compare a new thought with an earlier one of its tag: same (merge them), outdated (the earlier no longer holds), or new.",
    template="Earlier: $earlier\n\nNew: $new",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """An event and its tags."""

    text: str
    tags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thoughts:
    """What the model noted."""

    items: list[Thought]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """How a new thought stands to an earlier one."""

    decision: Literal["same", "outdated", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThoughtFormer:
    """Keeps thoughts as notes with the tag ``thought`` and ``tag:<label>``.

    Args:
        ontology: ``label: words that belong to it``.
        near: cosine that a message, or a made-up tag, needs with a label.
        same: cosine from which two thoughts of one tag are one.
        every: after how many messages of a session it is thought over; what is left is thought over when another session begins.
        pause_s: a longer silence closes a talk that has no session.
        most_tags: of a thought.
    """

    ontology: tuple[str, ...] = ONTOLOGY
    near: float = 0.3
    same: float = 0.9
    every: int = 4
    most_tags: int = 2
    pause_s: float = 3600.0

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return new thoughts, and changes of those that are there."""
        positions = among(ctx, "note")
        known = {ctx.index.ids[position] for position in positions.tolist()}
        changed: dict[str, Memory] = {}
        for talk in self._talks(ctx, episodes):
            for memory in self._by_rule(ctx, talk) if ctx.llm is None else self._by_model(ctx, talk):
                if memory.id not in known and memory.id not in changed:
                    self._review(ctx, memory, positions, changed)
        return [operation for thought in changed.values() if (operation := _told(thought, thought.id in known)) is not None]

    def _talks(self, ctx: Context, episodes: Sequence[Episode]) -> list[Sequence[Episode]]:
        """Return the sessions that grew by enough messages or were closed, then closed talks that have no session."""
        loose = [talk for talk in closed(ctx, episodes, self.pause_s) if talk[0].session is None]
        return [*so_far(ctx, episodes, self.every).values(), *loose]

    def _by_rule(self, ctx: Context, talk: Sequence[Episode]) -> list[Memory]:
        said = [episode for episode in talk if _long_enough(episode.text) and not episode.text.rstrip().endswith(("?", "？", "؟"))]
        if not said:
            return []
        rows, labels = ctx.embedder.embed([episode.text for episode in said]), labelled(ctx, self.ontology)
        best: dict[str, Episode] = {}
        for episode, row in zip(said, rows, strict=True):
            for label in nearest(labels, row, self.near, 1):
                if label not in best or len(episode.text) > len(best[label].text):
                    best[label] = episode
        return [_memory(episode.text, [label], [episode]) for label, episode in best.items()]

    def _by_model(self, ctx: Context, talk: Sequence[Episode]) -> list[Memory]:
        assert ctx.llm is not None
        labels = labelled(ctx, self.ontology)
        lines = "\n".join(f"{episode.author or episode.role or 'someone'}: {episode.text}" for episode in talk)
        variables = {"tags": ", ".join(labels), "date": talk[0].at.date(), "talk": lines}
        made = []
        for item in ctx.llm.ask(EXTEND, variables, Thoughts).items:
            tags = [tag.strip().casefold() for tag in item.tags]
            strange = [tag for tag in tags if tag not in labels and tag]
            mapped = [label for tag in strange for label in nearest(labels, ctx.embedder.embed([tag])[0], self.near, 1)]
            if strange:
                ctx.trace.note(thoughts={"tags outside the ontology": len(strange), "mapped": len(mapped)})
            chosen = list(dict.fromkeys([*(tag for tag in tags if tag in labels), *mapped]))[: self.most_tags]
            if chosen and item.text.strip():
                made.append(_memory(item.text.strip(), chosen, talk))
        return made

    def _review(self, ctx: Context, memory: Memory, positions: IntArray, changed: dict[str, Memory]) -> None:
        """Put a new thought among those that changed, or into the one that it repeats; one that it outdates is over."""
        other, cosine = self._nearest(ctx, memory, positions, changed)
        decision = "same" if cosine >= self.same else "new"
        if ctx.llm is not None and other is not None and decision == "new":
            decision = ctx.llm.ask(REVIEW, {"earlier": other.text, "new": memory.text}, Reviewed).decision
        if other is not None and decision == "same":
            if not set(memory.sources) <= set(other.sources):  # else it was merged when these messages were read before
                changed[other.id] = _merged(other, memory)
            return
        if other is not None and decision == "outdated":
            changed[other.id] = replace(other, status="archived")
        changed[memory.id] = memory

    @staticmethod
    def _nearest(ctx: Context, memory: Memory, positions: IntArray, changed: Mapping[str, Memory]) -> tuple[Memory | None, float]:
        """Return the thought of a common tag that is nearest, with its cosine."""
        row, labels = _row(ctx, memory.text), set(tags_of(memory))

        def shares(one: Memory) -> bool:
            return TAG in one.tags and bool(labels & set(tags_of(one)))

        found = nearest_known(ctx, positions, row, 1, without={memory.id, *changed}, holds=shares)
        mine = [one for one in changed.values() if one.status == "active" and shares(one)]
        found += [(one, float(_row(ctx, one.text) @ row)) for one in mine]
        return max(found, key=lambda pair: (pair[1], pair[0].id), default=(None, 0.0))


def _long_enough(text: str) -> bool:
    """Whether a message may hold a thought: three words, or as much in a script that puts no spaces between them."""
    return len(text.split()) >= 3 or (not text.isascii() and len(text.strip()) >= _LONG_UNSPACED)


def _row(ctx: Context, text: str) -> FloatArray:
    """Return the vector of a text, worked out once in a call."""
    row: FloatArray = ctx.once(f"thought {text}", lambda: ctx.embedder.embed([text])[0])
    return row


def _told(thought: Memory, known: bool) -> Operation | None:
    """Return what makes a thought so; None for one that was over before it was kept."""
    if not known:
        return Keep(memory=thought) if thought.status == "active" else None
    if thought.status != "active":
        return Archive(id=thought.id)
    return Revise(
        id=thought.id, text=thought.text, changes={"attributes": thought.attributes, "sources": thought.sources, "at": thought.at}
    )


def _merged(other: Memory, memory: Memory) -> Memory:
    """Return a thought told again: its new words and time, with the messages of both."""
    later = max(other.at, memory.at)
    read_anew = not set(memory.sources).isdisjoint(other.sources)  # a longer stretch of the same talk
    told = {**other.attributes, "told_at": later.isoformat(), "times": _times(other) + (not read_anew)}
    text = memory.text if memory.at >= other.at else other.text
    return replace(other, text=text, at=later, attributes=told, sources=tuple(dict.fromkeys((*other.sources, *memory.sources))))


def labelled(ctx: Context, ontology: Sequence[str]) -> dict[str, FloatArray]:
    """Return label -> the vector of its words."""
    labels = [entry.partition(":")[0].strip().casefold() for entry in ontology]
    rows = ctx.once("ontology", lambda: ctx.embedder.embed([entry.replace(":", ",") for entry in ontology]))
    return dict(zip(labels, rows, strict=True))


def nearest(labels: dict[str, FloatArray], row: FloatArray, least: float, most: int) -> list[str]:
    """Return the labels nearest to a vector, best first."""
    cosines = {label: float(vector @ row) for label, vector in labels.items()}
    return [label for label in sorted(cosines, key=lambda one: (-cosines[one], one))[:most] if cosines[label] >= least]


def tags_of(memory: Memory) -> list[str]:
    """Return the labels of a thought."""
    return [tag[len(OF) :] for tag in memory.tags if tag.startswith(OF)]


def _times(memory: Memory) -> int:
    times = memory.attributes.get("times", 1)
    return times if isinstance(times, int) else 1


def _memory(text: str, labels: Sequence[str], talk: Sequence[Episode]) -> Memory:
    first, last = talk[0], talk[-1]
    memory = Memory(
        id=derived_id(first.id, f"thought|{'|'.join(labels)}|{text}"),
        text=text,
        kind="note",
        at=last.at,
        recorded_at=last.recorded_at,
        valid_from=first.at,
        session=first.session,
        tags=(TAG, *(f"{OF}{label}" for label in labels)),
        attributes={"by": "thoughts", "told_at": last.at.isoformat()},
        sources=tuple(Span(episode=episode.id, start=0, end=len(episode.text)) for episode in talk if episode.text),
    )
    return memory if len(talk) > 1 else replace(memory, author=first.author)
