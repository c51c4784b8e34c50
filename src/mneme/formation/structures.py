"""Triples and atomic facts of every message, without a model by cutting sentences: units of memory in two more structures.

Source: On the Structural Memory of LLM Agents (arXiv 2412.15266): key elements and triples "<head; relation; tail>", atomic facts.
Differs: without a model a triple is what stands between two names of a sentence, or between the speaker and what the speaker says of
himself; an atomic fact is a clause whose pronoun at the front is replaced by the last name before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.batches import Line, batches, numbered
from mneme.formation.rules import derived_id
from mneme.text.names import mentions
from mneme.text.sentences import sentence_spans
from mneme.text.stopwords import stopwords

TAG = "structure:"
MOST_RELATION_WORDS = 6
MOST_TAIL_WORDS = 8

EXTRACT = Prompt(
    role="structures.extract",
    system=(
        "You take messages apart. Triples say head, relation and tail in a few words each. Atomic facts are full sentences with one fact"
        " each, with names instead of pronouns. Give for each the number of its message. Add nothing that is not said."
    ),
    template="Messages:\n$messages\n\nGive the triples and the atomic facts.",
)

_JOINS = r"(?:and|but|so|because|while)\s++"
# Starts are unique and quantifiers possessive, so that a long run of blanks is read once.
_CUT = re.compile(
    rf"(?<!\s)(?:\s*+;\s*+|\s*+,\s++{_JOINS}|\s++{_JOINS})"
    r"(?=(?:I|[Ww]e|[Hh]e|[Ss]he|[Ii]t|[Tt]hey|my|our|his|her|their|the|[A-Z][\w’'-]+)\b['’\s])\s*+"
)
# "This" and "that" are left: they point at things and at what was said, seldom at who was named.
_PRONOUN = re.compile(r"(?:he|she|it|they)\b", re.IGNORECASE)
_SELF = re.compile(r"(?:I|we)(?:['’](?:m|ve|re|d|ll))?\s+", re.IGNORECASE)
# Without a comma behind it "no" is part of what is said: "No one came."
_FILLER = re.compile(
    r"^(?:(?:and|but|so|because|then)\b[\s,]*+|(?:oh|yes|well)\s*+(?:[,!.…–—]\s*+|(?<=\s)(?=\S))|no\s*+[,!.…–—]\s*+)", re.IGNORECASE
)
_WORD = re.compile(r"[\w'’-]+")
_FIRST = re.compile(
    r"(?P<name>[A-ZÀ-ÖØ-Þ][\w’'-]*)\s+(?:is|was|has|had|will|can|wrote|went|got|made|took|met|bought|told|said|came|gave|found|left|won|lost|began"
    r"|ran|built|drew|held|kept|led|sold|taught|knew|grew|saw|ate|sang|[a-z]{2,}(?:ed|es|[^s]s))\b"
)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidTriple:
    """A triple as the model gives it."""

    message: int
    head: str
    relation: str
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidFact:
    """An atomic fact as the model gives it."""

    message: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What the model takes out of messages."""

    triples: list[SaidTriple]
    facts: list[SaidFact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structures:
    """Keeps triples, atomic facts, or both.

    Args:
        kinds: ``triples``, ``atomic-facts``.
        most_messages, most_chars: of one question to a model.
    """

    kinds: tuple[str, ...] = ("triples", "atomic-facts")
    most_messages: int = 12
    most_chars: int = 6000

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per unit, in the order of episodes and of the text."""
        made = self._by_model(ctx, episodes) if ctx.llm is not None else self._by_rule(episodes)
        kept = {memory.id: memory for memory in made}
        ctx.trace.note(former="structures", episodes=len(episodes), units=len(kept))
        return [Keep(memory=memory) for memory in kept.values()]

    def _by_rule(self, episodes: Sequence[Episode]) -> Iterator[Memory]:
        for episode in episodes:
            found = list(_told(episode.text, episode.author or ""))
            if "triples" in self.kinds:
                for spans, fact in found:
                    for said in triples(fact, episode.author or ""):
                        yield _unit(episode, spans, "triples", f"<{'; '.join(said)}>", said)
            if "atomic-facts" in self.kinds:
                for spans, fact in found:
                    if len(_WORD.findall(fact)) >= 3:
                        yield _unit(episode, spans, "atomic-facts", fact)

    def _by_model(self, ctx: Context, episodes: Sequence[Episode]) -> Iterator[Memory]:
        assert ctx.llm is not None
        for lines in batches(episodes, self.most_messages, self.most_chars):
            reply = ctx.llm.ask(EXTRACT, {"messages": numbered(lines, "The user")}, Extracted)
            line_of = {line.number: line for line in lines}
            for triple in reply.triples if "triples" in self.kinds else ():
                said = (triple.head.strip(), triple.relation.strip(), triple.tail.strip())
                if all(said) and triple.message in line_of:
                    yield _whole(line_of[triple.message], "triples", f"<{'; '.join(said)}>", said)
            for fact in reply.facts if "atomic-facts" in self.kinds else ():
                if fact.text.strip() and fact.message in line_of:
                    yield _whole(line_of[fact.message], "atomic-facts", fact.text.strip())


def clauses(text: str, author: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and wording of each clause; a pronoun at its front becomes the last name before it.

    Example:
        >>> [fact for _, _, fact in clauses("Ann wrote Blue and she lives in Oslo.", "")]
        ['Ann wrote Blue', 'Ann lives in Oslo']
    """
    for (*_, (start, end)), fact in _told(text, author):
        yield start, end, fact


def _told(text: str, author: str) -> Iterator[tuple[tuple[tuple[int, int], ...], str]]:
    """Yield the wording of each clause with where it stands, behind the clause that names whom its pronoun stands for."""
    last, named_at = "", (0, 0)
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        if sentence.rstrip().endswith(("?", "？")):
            continue
        begin = 0
        for cut in [*_CUT.finditer(sentence), None]:
            stop = cut.start() if cut else len(sentence)
            piece = sentence[begin:stop]
            lead = len(piece) - len(piece.lstrip())
            told = _FILLER.sub("", piece.strip()).rstrip(" .!…,")
            names = [name for _, _, name in _named(told)]
            here = (start + begin + lead, start + begin + len(piece.rstrip()))
            spans: tuple[tuple[int, int], ...] = (here,)
            if last and (pronoun := _PRONOUN.match(told)):
                told = last + told[pronoun.end() :]  # who is meant stays who is meant, whomever the clause names besides
                spans = (named_at, here)
            elif names:
                last, named_at = names[0], here
            elif _SELF.match(told) and author:
                last, named_at = author, here
            if _LETTER.search(told):
                yield spans, told
            begin = cut.end() if cut else stop


def triples(fact: str, author: str) -> list[tuple[str, str, str]]:
    """Return head, relation and tail of a clause.

    Example:
        >>> triples("Blue was filmed in Oslo", "")
        [('Blue', 'was filmed in', 'Oslo')]
        >>> triples("I adopted a small dog", "Ben")
        [('Ben', 'adopted', 'a small dog')]
    """
    found = []
    names = _named(fact)
    for (_, end, one), (start, _, other) in pairwise(names):
        between = fact[end:start].strip(" ,")
        if 0 < len(_WORD.findall(between)) <= MOST_RELATION_WORDS and between.casefold() not in ("and", "or", "with", "'s", "’s"):
            found.append((one, between, other))
    if (own := _SELF.match(fact)) and author:
        words = fact[own.end() :].split()
        if len(words) >= 2:
            found.append((author, words[0], " ".join(words[1 : 1 + MOST_TAIL_WORDS])))
    elif names and not found and names[0][0] == 0:
        words = fact[names[0][1] :].split()
        if len(words) >= 2 and not words[0].startswith(("'", "’", ",")):
            found.append((names[0][2], words[0], " ".join(words[1 : 1 + MOST_TAIL_WORDS])))
    return found


def _named(text: str) -> list[tuple[int, int, str]]:
    """Return start, end and name of each name; a capital at the front counts where a verb follows."""
    found = [(mention.start, mention.end, mention.canonical) for mention in mentions(text) if mention.kind in ("person", "name")]
    first = _FIRST.match(text)
    if first and (not found or found[0][0] > 0) and first["name"].casefold() not in stopwords("en"):
        found.insert(0, (0, first.end("name"), first["name"]))
    return found


def _whole(line: Line, structure: str, text: str, said: tuple[str, str, str] | None = None) -> Memory:
    return _unit(line.episode, ((line.start, line.start + len(line.text)),), structure, text, said)


def _unit(
    episode: Episode, spans: Sequence[tuple[int, int]], structure: str, text: str, said: tuple[str, str, str] | None = None
) -> Memory:
    return Memory(
        id=derived_id(episode.id, f"{structure}|{spans[-1][0]}|{text}"),
        text=text,
        kind="fact",
        at=episode.at,
        recorded_at=episode.recorded_at,
        valid_from=episode.at,
        author=episode.author,
        session=episode.session,
        ref=episode.ref,
        channel=episode.channel,
        tags=(*episode.tags, TAG + structure),
        attributes={"triple": list(said)} if said else {},
        sources=tuple(Span(episode=episode.id, start=start, end=end) for start, end in spans),
    )
