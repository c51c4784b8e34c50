"""Triples read by a model: what a passage states as head, relation and tail, for designs that walk over what triples connect.

Source: HippoRAG (arXiv 2405.14831): names of a passage, then triples that use them. Differs: both are one question; a triple whose ends are
not in the passage is dropped and counted in the trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mneme.core.context import Context
from mneme.core.errors import InvalidInput
from mneme.core.llm import LLM, Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.rules import derived_id, inherited
from mneme.text.script import is_paired, normalise, raw_tokens

_WORD = re.compile(r"\w+")

PROMPT = Prompt(
    role="form.triples",
    system=(
        "You read a passage and first list the names in it: people, places, organisations, works, dates. Then you write down what it "
        "states as triples of head, relation and tail. Each triple has at least one of the names; its ends are words of the passage, names "
        "in the place of pronouns. Questions and guesses state nothing."
    ),
    template="Passage, said by $author:\n$text",
    trim=(("text", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Triple:
    """A statement: its ends and what is between them."""

    head: str
    relation: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model answers."""

    triples: list[Triple]
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class TripleFormer:
    """Keeps a fact per triple, with the passage as its source.

    Args:
        most: triples of a passage.

    Raises:
        InvalidInput: from ``form``, when the memory has no model; compose with :class:`mneme.formation.either.Either`.
    """

    most: int = 40

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per triple, in the order of the passages."""
        if ctx.llm is None:
            raise InvalidInput({"llm": "is missing; open the memory with llm=, or compose this former with its rule-based sibling"})
        said = [episode for episode in episodes if episode.text.strip()]
        return [Keep(memory=memory) for episode in said for memory in self._read(ctx, ctx.llm, episode)]

    def _read(self, ctx: Context, llm: LLM, episode: Episode) -> Iterator[Memory]:
        author = episode.author or "somebody"
        reply = llm.ask(PROMPT, {"author": author, "text": episode.text}, Reply)
        there = _Words(f"{author} {episode.text}")
        made: dict[str, Memory] = {}
        foreign = 0
        for one in reply.triples[: self.most]:
            head, relation, tail = (" ".join(part.split()) for part in (one.head, one.relation, one.tail))
            if head not in there or tail not in there or not relation:
                foreign += 1
                continue
            memory = _memory(episode, head, relation, tail)
            made.setdefault(memory.id, memory)
        ctx.trace.note(former="triples", episode=episode.id, triples=len(made), foreign=foreign, prompt=PROMPT.hash)
        yield from made.values()


class _Words:
    """What a passage has: the words of a text, and anything it writes without blanks."""

    def __init__(self, text: str) -> None:
        self.text = normalise(text)
        self.words = {word for token in (self.text, *raw_tokens(self.text)) for word in _WORD.findall(token)}

    def __contains__(self, end: str) -> bool:
        tokens = raw_tokens(normalise(end))
        return bool(tokens) and all(self._has(token) for token in tokens)

    def _has(self, token: str) -> bool:
        words = _WORD.findall(token)
        return token in self.text if is_paired(token) or not words else self.words.issuperset(words)


def _memory(episode: Episode, head: str, relation: str, tail: str) -> Memory:
    return Memory(
        id=derived_id(episode.id, f"triple|{head}|{relation}|{tail}".casefold()),
        text=f"{head} {relation.replace('_', ' ')} {tail}",
        kind="fact",
        at=episode.at,
        valid_from=episode.at,
        **inherited(episode),
        attributes={"triple": [head, relation, tail], "formed_by": "model"},
        sources=(Span(episode=episode.id, start=0, end=len(episode.text)),),
    )
