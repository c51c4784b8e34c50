"""Answering: a recall, then an answer whose every citation is checked, or an honest "I don't know".

With a model, the answer must cite marks of the context with words that stand there, and may name nothing that the cited memories do not.
A reply that fails is asked for once more with what was wrong; then the evidence itself is given, as without a model: the best sentences,
word for word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mneme.core.llm import LLM, Prompt
from mneme.core.ports import Embedder, Store
from mneme.core.query import Answer, Citation, Recall
from mneme.core.records import ROLES, Memory
from mneme.engine.extracting import best_sentences, content
from mneme.guard.grounding import grounded
from mneme.text.quotes import locate

UNKNOWN = "I don't know."
ENOUGH = 0.4
"""Below this sufficiency, extracts are not taken for an answer, unless one memory has all of the question's words.

Chosen on LoCoMo as the highest in steps of 0.05 that still answers nine in ten of the questions whose evidence was found: with it 0.91 of
those are answered, 0.01 of the questions about other people's conversations and 0.62 of those asked of the wrong speaker
(``mneme arena run asking``).
"""

WORTH_ASKING = 0.2
"""Below this sufficiency a model is not asked; it can say for itself that it does not know."""

MOST_WORDS = 0.6
"""Of the question's content words, how many one memory must have where a recipe does not estimate the sufficiency."""

PROMPT = Prompt(
    role="ask.answer",
    system=(
        "You answer from the memories given, and from nothing else. Each memory has a mark such as [m3], a date and a speaker. Answer in "
        "one or two short sentences with names and dates instead of 'yesterday'. Cite the marks that the answer rests on, each with the "
        "words of that memory, exactly as written. A later memory outweighs an earlier one on the same matter; where two contradict each "
        "other, say so with both dates. If the memories do not answer the question, known is false."
    ),
    template="Today is $today.\n\nMemories:\n$context\n\n$conflicts\nQuestion: $question\n$problem",
    trim=(("context", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A mark with words of its memory."""

    mark: str
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model answers."""

    known: bool
    answer: str = ""
    citations: list[Cited] = field(default_factory=list)


def answer(
    store: Store, found: Recall, llm: LLM | None, now: datetime, embedder: Embedder, known: Sequence[Memory] = ()
) -> Answer:
    """Return the answer to the question of a recall.

    Args:
        store: where cited memories are checked.
        found: the recall, with a context.
        llm: the model; None gives extracts.
        now: the day for the model.
        embedder: compares sentences with the question.
        known: statements that answer the question by themselves, the latest first; a model does without them.
    """
    memories = {hit.memory.id: hit.memory for hit in found.hits}
    memories.update(store.memories([id for id in found.marks.values() if id not in memories]))
    if llm is None and known:
        return _stated(found, known)
    if not enough(found, ENOUGH if llm is None else WORTH_ASKING):
        return _unknown(found, ("too little was found that bears on the question",))
    if llm is None:
        return extracts(store, found, embedder)
    problem = ""
    for _ in range(2):
        reply = llm.ask(PROMPT, _variables(found, now, problem), Reply)
        if not reply.known:
            return _unknown(found, ("the model found no answer in the memories",))
        citations, problem = _checked(store, found, memories, reply, now)
        if not problem:
            return Answer(
                question=found.query,
                text=reply.answer.strip(),
                known=True,
                extract=False,
                citations=citations,
                sufficiency=found.sufficiency,
                conflicts=found.conflicts,
                notes=tuple(_stale(citations)),
                trace=found.trace,
            )
    given = extracts(store, found, embedder)
    return _noted(given, f"the model's answer was refused: {problem}; these are the best sentences")


def enough(found: Recall, least: float = ENOUGH) -> bool:
    """Whether the evidence is worth an answer: likely enough to answer, or one memory has all of the question's words.

    Args:
        found: the recall.
        least: the lowest sufficiency that is enough; where a recipe estimates none, the question's words decide.
    """
    if not found.hits:
        return False
    if found.sufficiency >= least:
        return True
    words = content(found.query)
    share = MOST_WORDS if found.sufficiency == 0.0 else 1.0
    held = [content(f"{hit.author or ''} {hit.text}") for hit in found.hits]
    return not words or max(len(words & having) for having in held) >= share * len(words)


def extracts(store: Store, found: Recall, embedder: Embedder) -> Answer:
    """Return the best sentences of what was found, word for word, with their dates and speakers."""
    chosen = best_sentences(found.query, found.hits, embedder)
    if not chosen:
        return _unknown(found, ("nothing that was found states anything",))
    marks = {id: mark for mark, id in found.marks.items()}
    ends = _ends(store, [one.memory for one in chosen])
    citations = tuple(
        Citation(id=one.memory.id, mark=marks.get(one.memory.id, ""), quote=one.text, at=one.memory.at, until=ends.get(one.memory.id))
        for one in chosen
    )
    return Answer(
        question=found.query,
        text="\n".join(f"{_told(one.memory)}: {one.text}" for one in chosen),
        known=True,
        extract=True,
        citations=citations,
        sufficiency=found.sufficiency,
        conflicts=found.conflicts,
        notes=tuple(_stale(citations)),
        trace=found.trace,
    )


def _stated(found: Recall, known: Sequence[Memory]) -> Answer:
    """Return what is believed, in the words of the statements."""
    citations = tuple(Citation(id=one.id, mark="", quote=one.text, at=one.at, until=one.valid_to) for one in known)
    return Answer(
        question=found.query,
        text="\n".join(f"{_told(one)}: {one.text}" for one in known),
        known=True,
        extract=True,
        citations=citations,
        sufficiency=found.sufficiency,
        conflicts=found.conflicts,
        notes=tuple(_stale(citations)),
        trace=found.trace,
    )


def _told(memory: Memory) -> str:
    return f"{memory.at:%Y-%m-%d}{f', {memory.author}' if memory.author else ''}"


def _variables(found: Recall, now: datetime, problem: str) -> dict[str, object]:
    pairs = [[f"{text} ({at:%Y-%m-%d})" for text, at in zip(one.texts, one.at, strict=True)] for one in found.conflicts]
    told = "\n".join(f"In conflict: {' / '.join(pair)}" for pair in pairs)
    return {
        "today": f"{now:%Y-%m-%d (%A)}",
        "context": found.context,
        "conflicts": told,
        "question": found.query,
        "problem": f"Your last answer was refused: {problem}. Answer again." if problem else "",
    }


def _checked(store: Store, found: Recall, memories: Mapping[str, Memory], reply: Reply, now: datetime) -> tuple[tuple[Citation, ...], str]:
    """Return the citations that hold, and what is wrong with the answer; nothing when it stands."""
    cited: list[tuple[str, Memory, str]] = []
    for one in reply.citations:
        mark = one.mark.strip("[] ")
        memory = memories.get(found.marks.get(mark, ""))
        span = None if memory is None else locate(one.quote, memory.indexed_text)
        if memory is not None and span is not None:
            cited.append((mark, memory, memory.indexed_text[span[0] : span[1]]))
    if not reply.answer.strip():
        return (), "it was empty"
    if not cited:
        return (), "no citation stands in the memories"
    ends = _ends(store, [memory for _, memory, _ in cited])
    citations = tuple(Citation(id=m.id, mark=mark, quote=quote, at=m.at, until=ends.get(m.id)) for mark, m, quote in cited)
    return citations, _invented(reply.answer, [memory for _, memory, _ in cited], found.query, now)


def _invented(text: str, cited: Sequence[Memory], question: str, now: datetime) -> str:
    """Say what kind of thing the answer has that neither its memories nor the question have; denials are the model's to judge."""
    spans = [f"{memory.author or ''} ({memory.at.day} {memory.at:%B %Y}): {memory.indexed_text}" for memory in cited] + [question]
    people = [memory.author for memory in cited if memory.author and memory.author.casefold() not in ROLES]
    moments = dict.fromkeys([*(memory.at for memory in cited), now])
    found = [grounded(text, spans, at, known=people) for at in moments]
    kinds = [{problem.kind for problem in verdict.problems if problem.kind != "negation"} for verdict in found]
    least = min(kinds, key=len)
    return f"a {' and a '.join(sorted(least))} in it is not in the cited memories" if least else ""


def _ends(store: Store, cited: Sequence[Memory]) -> dict[str, datetime]:
    """Return when what a memory says, or all that was read from it, stopped to hold."""
    ends = {memory.id: memory.valid_to for memory in cited if memory.valid_to is not None}
    episodes = {span.episode: memory.id for memory in cited for span in memory.sources}
    formed = store.memories(list(store.resting_on(list(episodes)))) if episodes else {}
    by_turn: dict[str, list[Memory]] = {}
    for memory in formed.values():
        for span in memory.sources:
            if span.episode in episodes and memory.id != episodes[span.episode] and memory.kind in ("fact", "profile", "preference"):
                by_turn.setdefault(episodes[span.episode], []).append(memory)
    for id, states in by_turn.items():
        over = [state.valid_to for state in states if state.valid_to is not None and state.status == "active"]
        if len(over) == len(states):
            ends.setdefault(id, max(end for end in over if end is not None))
    return ends


def _stale(citations: Sequence[Citation]) -> list[str]:
    return [f"{one.mark or one.id} held until {one.until:%Y-%m-%d}" for one in citations if one.until is not None]


def _unknown(found: Recall, notes: tuple[str, ...]) -> Answer:
    return Answer(
        question=found.query,
        text=UNKNOWN,
        known=False,
        extract=False,
        sufficiency=found.sufficiency,
        conflicts=found.conflicts,
        notes=notes,
        trace=found.trace,
    )


def _noted(given: Answer, note: str) -> Answer:
    return replace(given, notes=(*given.notes, note))
