"""Notes with keywords, tags and context that link themselves, and change the notes they are linked to.

Source: A-MEM (arXiv 2502.12110): note construction, link generation, evolution. Differs: links and evolution are one question to the model;
neighbours are named by number and mapped to ids, never by their rank in a list (the packaged code changes the wrong notes); without a
model keywords are names and repeated words, a link needs a cosine and a keyword in common, and evolution joins tags. The message stays as
it was said: the note is its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Connect, Keep, Operation, Revise
from mneme.core.ports import FloatArray
from mneme.core.query import Filter
from mneme.core.records import Episode, Link, Memory, Span
from mneme.formation.rules import derived_id
from mneme.formation.stretches import keywords

MOST_TAGS = 6

DESCRIBE = Prompt(
    role="notes.describe",
    system="You describe a note so that it is found again: keywords, one sentence of context, broad tags.",
    template="Note of $date:\n$text",
)
EVOLVE = Prompt(
    role="notes.evolve",
    system=(
        "You tend a collection of notes. Given a new note and its nearest neighbours by number, say which are truly connected, and whether"
        " a neighbour's context or tags should now read differently. When in doubt, change nothing."
    ),
    template="New note: $note\n\nNeighbours:\n$neighbours",
    trim=(("neighbours", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the model says of a note."""

    keywords: list[str]
    context: str
    tags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a neighbour should read; None leaves a part as it is."""

    number: int
    context: str | None = None
    tags: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """Connections of the new note, its tags, and changes of neighbours, all by number."""

    should_evolve: bool
    connect: list[int] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Note:
    memory: Memory
    fresh: bool
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFormer:
    """Keeps a note per message, linked and evolving.

    Args:
        neighbours: how many nearest notes are looked at.
        near: the cosine that a link needs, without a model.
    """

    neighbours: int = 5
    near: float = 0.5

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return notes, links between the messages of linked notes, and the notes that changed."""
        described = [self._describe(ctx, episode) for episode in episodes if episode.text.strip()]
        if not described:
            return []
        there = self._known(ctx)
        links: list[Operation] = []
        rows = np.concatenate([_rows(ctx, [note.memory for note in there]), _rows(ctx, described)])
        for count, memory in enumerate(described, len(there)):
            note = _Note(memory=memory, fresh=True)
            nearest = np.argsort(-(rows[:count] @ rows[count]), kind="stable")[: self.neighbours]
            near = {int(place): there[place] for place in nearest.tolist()}
            cosines = {place: float(rows[place] @ rows[count]) for place in near}
            if ctx.llm is not None and near:
                chosen, changed = self._by_model(ctx, note, near)
                for place in changed:
                    rows[place] = _rows(ctx, [there[place].memory])[0]
            else:
                chosen = self._by_rule(note, near, cosines)
            links += [Connect(link=_link(note.memory, there[place].memory, cosines[place])) for place in chosen]
            there.append(note)
        kept: list[Operation] = [Keep(memory=note.memory) for note in there if note.fresh]
        revised: list[Operation] = [
            Revise(id=note.memory.id, text=note.memory.text, changes={"attributes": dict(note.memory.attributes)})
            for note in there
            if note.changed and not note.fresh
        ]
        return [*kept, *links, *revised]

    def _known(self, ctx: Context) -> list[_Note]:
        return [_Note(memory=memory, fresh=False) for memory in ctx.find(Filter(kinds=("note",))) if "context" in memory.attributes]

    def _describe(self, ctx: Context, episode: Episode) -> Memory:
        words = keywords([episode.text], 5)
        context, tags = "", words[:2]
        if ctx.llm is not None:
            told = ctx.llm.ask(DESCRIBE, {"date": episode.at.date(), "text": episode.text}, Description)
            words, context, tags = told.keywords or words, told.context.strip(), told.tags
        attributes: dict[str, object] = {"keywords": words, "tags": tags[:MOST_TAGS], "context": context}
        return Memory(
            id=derived_id(episode.id, "note"),
            text=wording(episode.text, attributes),
            kind="note",
            at=episode.at,
            recorded_at=episode.recorded_at,
            valid_from=episode.at,
            author=episode.author,
            role=episode.role,
            session=episode.session,
            attributes={**attributes, "content": episode.text},
            sources=(Span(episode=episode.id, start=0, end=len(episode.text)),),
        )

    def _by_rule(self, note: _Note, near: Mapping[int, _Note], cosines: Mapping[int, float]) -> list[int]:
        words = set(_strings(note.memory, "keywords"))
        chosen = [place for place, other in near.items() if cosines[place] >= self.near and words & set(_strings(other.memory, "keywords"))]
        if chosen:
            tags = [tag for place in chosen for tag in _strings(near[place].memory, "tags")]
            note.memory = _changed(note.memory, tags=list(dict.fromkeys([*_strings(note.memory, "tags"), *tags])))
        return chosen

    def _by_model(self, ctx: Context, note: _Note, near: Mapping[int, _Note]) -> tuple[list[int], list[int]]:
        """Return the places of the notes that the model links to, and of those that it changed."""
        assert ctx.llm is not None
        places = list(near)
        listed = "\n".join(f"{number}. {near[place].memory.text}" for number, place in enumerate(places))
        reply = ctx.llm.ask(EVOLVE, {"note": note.memory.text, "neighbours": listed}, Evolution)
        if not reply.should_evolve:
            return [], []
        if reply.tags:
            note.memory = _changed(note.memory, tags=reply.tags)
        changes = {places[change.number]: change for change in reply.changes if 0 <= change.number < len(places)}
        unknown = [change.number for change in reply.changes if not 0 <= change.number < len(places)]
        for place, change in changes.items():
            near[place].memory = _changed(near[place].memory, context=change.context, tags=change.tags)
            near[place].changed = True
        if unknown:
            ctx.trace.note(notes={"unknown neighbours": unknown})
        connected = [places[number] for number in dict.fromkeys(reply.connect) if 0 <= number < len(places)]
        return connected, list(changes)


def _rows(ctx: Context, memories: Sequence[Memory]) -> FloatArray:
    if not memories:
        return np.zeros((0, ctx.embedder.width), np.float32)
    return ctx.embedder.embed([memory.text for memory in memories])


def wording(content: str, attributes: dict[str, object]) -> str:
    """Return the text by which a note is found: content, keywords, tags and context."""
    parts = [content, ", ".join(map(str, attributes["keywords"])), ", ".join(map(str, attributes["tags"])), str(attributes["context"])]  # type: ignore[call-overload]
    return "\n".join(part for part in parts if part)


def _changed(memory: Memory, *, context: str | None = None, tags: Sequence[str] | None = None) -> Memory:
    attributes = dict(memory.attributes)
    if context is not None:
        attributes["context"] = context
    if tags is not None:
        attributes["tags"] = list(tags)[:MOST_TAGS]
    return replace(memory, attributes=attributes, text=wording(str(attributes["content"]), attributes))


def _link(memory: Memory, other: Memory, weight: float) -> Link:
    source, target = ("mem" + found.sources[0].episode[2:] for found in (memory, other))
    return Link(source=source, target=target, type="similar", weight=weight)


def _strings(memory: Memory, name: str) -> list[str]:
    values = memory.attributes.get(name)
    return [str(value) for value in values] if isinstance(values, (list, tuple)) else []
