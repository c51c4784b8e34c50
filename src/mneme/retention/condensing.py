"""Spending a token budget sentence by sentence: what a message says that is worth its tokens stays, the message goes to the archive.

Nothing is rewritten: a condensed memory is made of whole sentences of the original and cites their spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.operations import Archive, Connect, Operation, Reinforce
from mneme.core.records import Link, Memory, Span
from mneme.core.upkeep import FloatArray, IntArray, Proposal, Round, kept, made_id
from mneme.retention.replacement import OVERHEAD_TOKENS
from mneme.retention.worth import DEFAULT_WEIGHTS, commonness, features, worth
from mneme.text.analyser import Analyser
from mneme.text.sentences import sentence_spans

CONDENSED_FROM = "condensed_from"
"""Attribute of a condensed memory: the memory whose sentences it has."""

SPOKEN = ("turn", "note", "event")
"""Kinds that may be shortened; what was formed stays whole or goes."""

MEDIA = -1
_SHORTEST_WORDS = 3
_NEXT_SENTENCE = 0.5
"""What a further sentence of a message is worth beside its better one: a message that is found by one need not be found by two."""

_CHUNK = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a memory that can stay alone.

    Args:
        start, end: characters of its text; ``MEDIA`` for the captions of its media.
        tokens: its length.
        worth: how likely it is asked for.
    """

    start: int
    end: int
    tokens: float
    worth: float


def condensed(
    ctx: Round, places: IntArray, standing: FloatArray, tokens: float, why: str, weights: Mapping[str, float] = DEFAULT_WEIGHTS
) -> Iterator[tuple[int, Proposal]]:
    """Yield (place, what happens to it) for memories of which not everything fits into so many tokens.

    Args:
        ctx: the round.
        places: the memories that share the budget.
        standing: ``(len(places),)`` by what each one's worth is multiplied.
        tokens: the budget.
        why: for the reasons.
        weights: what makes a sentence worth keeping.
    """
    memories = [memory for start in range(0, len(places), _CHUNK) for memory in ctx.memories(places[start : start + _CHUNK].tolist())]
    there = {memory.id for memory in memories}
    here = np.fromiter((ctx.census.ids[place] in there for place in places.tolist()), bool, len(places))
    parts = parts_of(ctx, memories, weights)
    stay = chosen(parts, standing[here], tokens)
    for place, memory, every, stays in zip(places[here].tolist(), memories, parts, stay, strict=True):
        if len(stays) == len(every):
            continue
        if not stays:
            yield place, Proposal(keeper="budget", why=f"{why}: worth least for its tokens", operations=(Archive(id=memory.id),))
            continue
        operations = _shortened(ctx, memory, [every[number] for number in stays])
        told = f"{why}: {len(stays)} of {len(every)} sentences stay"
        yield place, Proposal(keeper="budget", why=told, operations=tuple(operations))


def parts_of(ctx: Round, memories: Sequence[Memory], weights: Mapping[str, float] = DEFAULT_WEIGHTS) -> list[list[Part]]:
    """Return the parts of each memory, in their order; a sentence of one or two words goes with the next."""
    analyser = Analyser()
    common = commonness(analyser, [memory.indexed_text for memory in memories])
    found: list[list[Part]] = []
    for memory in memories:
        spans = joined_sentences(memory.text) if memory.kind in SPOKEN else [(0, len(memory.text))]
        pieces = [(start, end, memory.text[start:end].strip()) for start, end in spans]
        if memory.kind in SPOKEN:
            pieces += [(MEDIA, MEDIA, medium.caption) for medium in memory.media if medium.caption]
        found.append(
            [
                Part(
                    start=start,
                    end=end,
                    tokens=float(ctx.count_tokens(text)),
                    worth=worth(features(text, analyser.terms(text), common, memory.role), weights),
                )
                for start, end, text in pieces
            ]
        )
    return found


def joined_sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans of sentences of at least three words; shorter ones are joined to the next, or the one before at the end."""
    spans: list[tuple[int, int]] = []
    waiting: int | None = None
    for start, end in sentence_spans(text):
        first = start if waiting is None else waiting
        if len(text[first:end].split()) < _SHORTEST_WORDS and text[first:end].isascii():
            waiting = first
            continue
        spans.append((first, end))
        waiting = None
    if waiting is not None and spans:
        spans[-1] = (spans[-1][0], len(text))
    return spans or [(0, len(text))]


def chosen(parts: Sequence[Sequence[Part]], standing: FloatArray, tokens: float) -> list[list[int]]:
    """Return which parts of each memory stay, in their order: the most worth per token first, until the budget is spent."""
    owner: list[int] = []
    number: list[int] = []
    density: list[float] = []
    cost: list[float] = []
    for memory, (every, factor) in enumerate(zip(parts, standing.tolist(), strict=True)):
        order = sorted(range(len(every)), key=lambda n: -every[n].worth / (every[n].tokens + OVERHEAD_TOKENS))
        for rank, n in enumerate(order):
            owner.append(memory)
            number.append(n)
            cost.append(every[n].tokens)
            density.append(factor * every[n].worth * _NEXT_SENTENCE**rank / (every[n].tokens + OVERHEAD_TOKENS))
    kept: list[list[int]] = [[] for _ in parts]
    left = tokens
    for item in np.argsort(-np.array(density), kind="stable").tolist():
        if cost[item] <= left:
            left -= cost[item]
            kept[owner[item]].append(number[item])
    return [sorted(numbers) for numbers in kept]


def _shortened(ctx: Round, memory: Memory, stays: Sequence[Part]) -> list[Operation]:
    """Return the operations that put a condensed memory in the place of one."""
    spans = [(part.start, part.end) for part in stays if part.start != MEDIA]
    text = " ".join(memory.text[start:end].strip() for start, end in spans)
    media = memory.media if any(part.start == MEDIA for part in stays) else ()
    id = made_id(memory.id, f"condensed|{memory.id}|{memory.version}|{spans}|{bool(media)}")
    short = replace(
        memory,
        id=id,
        text=text,
        media=media,
        version=1,
        sources=_cited(memory, spans),
        attributes={**memory.attributes, CONDENSED_FROM: memory.id},
    )
    if ctx.status_of(id) is not None:
        return [*kept(ctx, short), Archive(id=memory.id, expected_version=memory.version)]
    operations: list[Operation] = [
        *kept(ctx, short),
        Connect(link=Link(source=id, target=memory.id, type="derived_from")),
        Archive(id=memory.id, expected_version=memory.version),
    ]
    used = ctx.usage([memory.id]).get(memory.id)
    if used is not None:
        operations.append(Reinforce(id=id, uses=used.uses, strength=used.strength - 1.0, at=used.last_used_at, state=used.state))
    return operations


def _cited(memory: Memory, spans: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Return the spans that the sentences rest on: exact for a verbatim memory, else all that the memory rests on."""
    if len(memory.sources) == 1 and spans:
        source = memory.sources[0]
        if source.end - source.start == len(memory.text):
            return tuple(Span(episode=source.episode, start=source.start + start, end=source.start + end) for start, end in spans)
    return memory.sources
