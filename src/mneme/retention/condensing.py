"""Spending a token budget sentence by sentence: what a message says that is worth its tokens stays, the message goes to the archive.

Nothing is made up: a condensed memory is made of sentences of the original, whole or without the words that they can spare
(:mod:`mneme.retention.terse`), and cites their spans. A further sentence in short is worth more than another's spared words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.operations import Archive, Connect, Operation, Reinforce
from mneme.core.records import Link, Memory, Span
from mneme.core.upkeep import FloatArray, IntArray, Proposal, Round, kept, made_id
from mneme.retention.replacement import OVERHEAD_TOKENS
from mneme.retention.terse import terse
from mneme.retention.worth import DEFAULT_WEIGHTS, Commonness, commonness, features, worth
from mneme.text.analyser import Analyser
from mneme.text.sentences import sentence_spans

CONDENSED_FROM = "condensed_from"
"""Attribute of a condensed memory: the memory whose sentences it has."""

SPOKEN = ("turn", "note", "event")
"""Kinds that may be shortened; what was formed stays whole or goes."""

MEDIA = -1
_SHORTEST_WORDS = 3
_NEXT_SENTENCE = 0.85
"""What a further sentence of a message is worth beside its better one, which often says the same."""
_WHOLE = 0.05
"""What having a sentence whole is worth beside having it in short."""

_CHUNK = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a memory that can stay alone.

    Args:
        start, end: characters of its text; ``MEDIA`` for the captions of its media.
        tokens: its length.
        worth: how likely it is asked for.
        short: the same in fewer words; empty where none can be spared.
        short_tokens: the length of that.
    """

    start: int
    end: int
    tokens: float
    worth: float
    short: str = ""
    short_tokens: float = 0.0

    @property
    def least(self) -> float:
        """The fewest tokens that it can be kept in."""
        return self.short_tokens if self.short else self.tokens


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
        if len(stays) == len(every) and all(stays.values()):
            continue
        if not stays:
            yield place, Proposal(keeper="budget", why=f"{why}: worth least for its tokens", operations=(Archive(id=memory.id),))
            continue
        operations = _shortened(ctx, memory, [(every[number], whole) for number, whole in sorted(stays.items())])
        told = f"{why}: {len(stays)} of {len(every)} sentences stay, {sum(not whole for whole in stays.values())} in fewer words"
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
        found.append([_part(ctx, memory, analyser, common, weights, piece) for piece in pieces])
    return found


def _part(
    ctx: Round, memory: Memory, analyser: Analyser, common: Commonness, weights: Mapping[str, float], piece: tuple[int, int, str]
) -> Part:
    start, end, text = piece
    short = terse(text, analyser.detect(text)) if start != MEDIA and memory.kind in SPOKEN else text
    tokens, fewer = float(ctx.count_tokens(text)), float(ctx.count_tokens(short))
    return Part(
        start=start,
        end=end,
        tokens=tokens,
        worth=worth(features(text, analyser.terms(text), common, memory.role), weights),
        short=short if fewer < tokens else "",
        short_tokens=fewer,
    )


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


def chosen(parts: Sequence[Sequence[Part]], standing: FloatArray, tokens: float) -> list[dict[int, bool]]:
    """Return which parts of each memory stay, number -> whether whole: the most worth per token first, until the budget is spent."""
    owner: list[int] = []
    number: list[int] = []
    density: list[float] = []
    cost: list[float] = []
    for memory, (every, factor) in enumerate(zip(parts, standing.tolist(), strict=True)):
        order = sorted(range(len(every)), key=lambda n: -every[n].worth / (every[n].least + OVERHEAD_TOKENS))
        for rank, n in enumerate(order):
            part = every[n]
            worth = factor * part.worth * _NEXT_SENTENCE**rank
            offers = [(worth / (part.least + OVERHEAD_TOKENS), part.least)]
            if part.short:
                # A sentence is whole after it is there in short: the second offer never comes before the first.
                rest = part.tokens - part.least
                offers.append((min(_WHOLE * worth / rest, offers[0][0]), rest))
            for value, size in offers:
                owner.append(memory)
                number.append(n)
                cost.append(size)
                density.append(value)
    kept: list[dict[int, bool]] = [{} for _ in parts]
    left = tokens
    for item in np.argsort(-np.array(density), kind="stable").tolist():
        had, n = kept[owner[item]], number[item]
        again = item > 0 and (owner[item - 1], number[item - 1]) == (owner[item], n)
        if cost[item] <= left and again == (n in had):
            left -= cost[item]
            had[n] = again or not parts[owner[item]][n].short
    return kept


def _shortened(ctx: Round, memory: Memory, stays: Sequence[tuple[Part, bool]]) -> list[Operation]:
    """Return the operations that put a condensed memory in the place of one."""
    spans = [(part.start, part.end) for part, _ in stays if part.start != MEDIA]
    said = [memory.text[part.start : part.end].strip() if whole else part.short for part, whole in stays if part.start != MEDIA]
    text = " ".join(said)
    media = memory.media if any(part.start == MEDIA for part, _ in stays) else ()
    id = made_id(memory.id, f"condensed|{memory.id}|{memory.version}|{text}|{bool(media)}")
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
