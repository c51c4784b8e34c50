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
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Episode, Link, Memory, Span
from mneme.formation.nearby import among, nearest
from mneme.formation.rules import derived_id
from mneme.formation.stretches import keywords
from mneme.text.script import is_paired, normalise, raw_tokens
from mneme.text.stopwords import stopwords

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
    number: int | None = None
    changed: bool = False
    row: FloatArray | None = None


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
        stored, fresh, links = among(ctx, "note"), list[_Note](), list[Operation]()
        rows = ctx.embedder.embed([memory.text for memory in described])
        changed: dict[str, _Note] = {}
        for count, memory in enumerate(described):
            note = _Note(memory=memory, number=count)
            near = self._nearest(ctx, stored, rows[count], fresh, rows[:count], changed)
            others, cosines = [other for other, _ in near], [cosine for _, cosine in near]
            if ctx.llm is not None and others:
                chosen = self._by_model(ctx, note, others)
                for other in (one for one in others if one.changed):
                    row = ctx.embedder.embed([other.memory.text])[0]
                    if other.number is None:
                        other.row, changed[other.memory.id] = row, other
                    else:
                        rows[other.number] = row
            else:
                chosen = self._by_rule(note, others, cosines)
            links += [Connect(link=_link(note.memory, others[place].memory, cosines[place])) for place in chosen]
            fresh.append(note)
        revised: list[Operation] = [
            Revise(id=id, text=note.memory.text, changes={"attributes": dict(note.memory.attributes), "sources": note.memory.sources})
            for id, note in changed.items()
        ]
        return [*(Keep(memory=note.memory) for note in fresh), *links, *revised]

    def _nearest(
        self, ctx: Context, stored: IntArray, row: FloatArray, fresh: Sequence[_Note], rows: FloatArray, changed: Mapping[str, _Note]
    ) -> list[tuple[_Note, float]]:
        """Return the nearest notes of the space and of this call, with their cosines, best first."""
        found = nearest(ctx, stored, row, self.neighbours, without=changed, holds=lambda memory: "context" in memory.attributes)
        near = [(_Note(memory=memory), cosine) for memory, cosine in found]
        near += [(note, float(note.row @ row)) for note in changed.values() if note.row is not None]
        cosines = rows @ row
        near += [(fresh[place], float(cosines[place])) for place in np.argsort(-cosines, kind="stable")[: self.neighbours].tolist()]
        return sorted(near, key=lambda pair: (-pair[1], pair[0].memory.id))[: self.neighbours]

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

    def _by_rule(self, note: _Note, near: Sequence[_Note], cosines: Sequence[float]) -> list[int]:
        words = set(_strings(note.memory, "keywords"))
        chosen = [
            place
            for place, other in enumerate(near)
            if cosines[place] >= self.near and words & set(_strings(other.memory, "keywords"))
        ]  # fmt: skip
        for place in chosen:
            own, other = _strings(note.memory, "tags"), near[place].memory
            # A neighbour's tags of its own: what it has from others would rest on messages that nobody here has read.
            theirs = [tag for tag in _strings(other, "tags") if tag in _strings(other, "keywords")]
            tags = list(dict.fromkeys([*own, *theirs]))[:MOST_TAGS]
            if tags != own:
                note.memory = _changed(note.memory, tags=tags, spans=other.sources[:1])
        return chosen

    def _by_model(self, ctx: Context, note: _Note, near: Sequence[_Note]) -> list[int]:
        """Change the notes that the model changes, and return the numbers of those that it links to."""
        assert ctx.llm is not None
        listed = "\n".join(f"{number}. {other.memory.text}" for number, other in enumerate(near))
        reply = ctx.llm.ask(EVOLVE, {"note": note.memory.text, "neighbours": listed}, Evolution)
        if not reply.should_evolve:
            return []
        linked = [number for number in dict.fromkeys(reply.connect) if 0 <= number < len(near)]
        read, own = [other.memory for other in near], note.memory
        grounds = {tag: _grounds(tag, own.text, read) for tag in reply.tags}
        tags = [tag for tag, spans in grounds.items() if spans is not None]
        if len(tags) < len(grounds):
            ctx.trace.note(notes={"tags that nothing shown has": len(grounds) - len(tags)})
        if tags:
            spans = [read[number].sources[0] for number in linked] + [span for tag in tags for span in grounds[tag] or ()]
            note.memory = _changed(own, tags=tags, spans=spans)
        for change in reply.changes:
            if 0 <= change.number < len(near):
                other = near[change.number]
                words = " ".join([change.context or "", *(change.tags or ())])
                spans = [own.sources[0], *_all_grounds(words, f"{read[change.number].text} {own.text}", read)]
                other.memory = _changed(other.memory, context=change.context, tags=change.tags, spans=spans)
                other.changed = True
        unknown = [change.number for change in reply.changes if not 0 <= change.number < len(near)]
        if unknown:
            ctx.trace.note(notes={"unknown neighbours": unknown})
        return linked


def wording(content: str, attributes: dict[str, object]) -> str:
    """Return the text by which a note is found: content, keywords, tags and context."""
    parts = [content, ", ".join(map(str, attributes["keywords"])), ", ".join(map(str, attributes["tags"])), str(attributes["context"])]  # type: ignore[call-overload]
    return "\n".join(part for part in parts if part)


def _changed(memory: Memory, *, context: str | None = None, tags: Sequence[str] | None = None, spans: Sequence[Span] = ()) -> Memory:
    """Return a note with another context or other tags; what it has from other notes rests on their messages, too."""
    attributes = dict(memory.attributes)
    if context is not None:
        attributes["context"] = context
    if tags is not None:
        attributes["tags"] = list(tags)[:MOST_TAGS]
    sources = memory.sources
    if spans:
        sources = tuple(dict.fromkeys((*sources, *spans)))
        attributes["leads_to"] = ["mem" + sources[0].episode[2:]]  # to its own message alone
    return replace(memory, attributes=attributes, text=wording(str(attributes["content"]), attributes), sources=sources)


def _grounds(words: str, own: str, read: Sequence[Memory]) -> list[Span] | None:
    """Return what words rest on that are not a note's own: the messages of all that have one; None where nothing has it."""
    strange = _telling(words) - _among(words, own)
    found = set().union(*(_among(words, memory.text) for memory in read))
    return _all_grounds(words, own, read) if strange <= found else None


def _all_grounds(words: str, own: str, read: Sequence[Memory]) -> list[Span]:
    """Return the messages of all notes that have one of the words that are not a note's own."""
    spans: list[Span] = []
    strange = _telling(words) - _among(words, own)
    for memory in read:
        if mine := strange & _among(words, memory.text):
            said = mine <= _among(words, str(memory.attributes.get("content", "")))
            spans += memory.sources[:1] if said else memory.sources  # it may have the word from another note
    return spans


def _telling(text: str) -> frozenset[str]:
    return frozenset(raw_tokens(normalise(text))) - stopwords("en")


def _among(words: str, text: str) -> frozenset[str]:
    """Return those of the words that a text has."""
    plain = normalise(text)
    there = set(raw_tokens(plain))
    return frozenset(word for word in _telling(words) if word in there or (is_paired(word) and word in plain))


def _link(memory: Memory, other: Memory, weight: float) -> Link:
    source, target = ("mem" + found.sources[0].episode[2:] for found in (memory, other))
    return Link(source=source, target=target, type="similar", weight=weight)


def _strings(memory: Memory, name: str) -> list[str]:
    values = memory.attributes.get(name)
    return [str(value) for value in values] if isinstance(values, (list, tuple)) else []
