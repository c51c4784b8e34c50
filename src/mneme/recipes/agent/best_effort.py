"""Notes first, episodes when notes fail, and a note about what the episodes knew, so that it is asked of the notes next time.

Source: HiMem (arXiv 2601.06377): best-effort reading with a judge of sufficiency, reconsolidation when notes fail and episodes answer: each
new unit is independent, extendable or contradictory. Differs: without a model notes suffice when they hold most of the question's content
words and something besides, and the unit is the sentence that does; a contradicted note is archived, never removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mneme.core.llm import LLM, Prompt
from mneme.core.query import Hit
from mneme.core.records import Memory, Span
from mneme.engine.prepare import Given
from mneme.recipes.agent.cubes import contradictory
from mneme.space import Space
from mneme.text.quotes import locate
from mneme.text.script import clusters, is_paired, normalise, raw_tokens
from mneme.text.sentences import sentence_spans
from mneme.text.stopwords import stopwords

NOTES = ("fact", "preference", "profile", "note")
TAG = "reconsolidated"
UNANSWERABLE = "unanswerable"

JUDGE = Prompt(
    role="best-effort.judge",
    system="You judge whether what is given is enough to answer a question, and answer it if so. Nothing is guessed.",
    template="Question: $question\n\nGiven:\n$given",
    trim=(("given", "head"),),
)
EXTRACT = Prompt(
    role="best-effort.extract",
    system="You write down what conversations say about a question, one statement each, quoting the words that say it.",
    template="Question: $question\n\nMessages:\n$messages",
    trim=(("messages", "head"),),
)
RELATE = Prompt(
    role="best-effort.relate",
    system="You compare a new statement with a note: independent, extendable (write one text with both), or contradictory (the new holds).",
    template="Note: $note\n\nNew: $new",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Whether it suffices, and the answer."""

    sufficient: bool
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A statement, the message it is from by number, and its words."""

    message: int
    quote: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What the messages say."""

    items: list[Unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """How a new statement stands to a note; ``text`` joins both where it extends."""

    relation: Literal["independent", "extendable", "contradictory"]
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer and how it came about.

    Args:
        text: the answer; ``unanswerable`` when neither knows.
        layer: ``notes``, ``episodes`` or ``none``.
        written: ids of notes that were made or changed.
    """

    text: str
    layer: str
    written: tuple[str, ...] = ()


class BestEffort:
    """Reads a space layer by layer.

    Args:
        space: notes and episodes.
        llm: judge and extractor; None works by rule.
        k: hits of each layer.
        near: cosine from which a note is compared with a new statement.
    """

    def __init__(self, space: Space, llm: LLM | None = None, *, k: int = 10, near: float = 0.8) -> None:
        self.space = space
        self.note_reads = 0
        self.episode_reads = 0
        self._llm = llm
        self._k = k
        self._near = near

    def ask(self, question: str) -> Reply:
        """Return the answer of the notes, else that of the episodes, which leaves a note; else that there is none."""
        self.note_reads += 1
        notes = list(self.space.recall(question, k=self._k, kinds=NOTES).hits)
        judged = self._judged(question, notes)
        if judged.sufficient:
            return Reply(text=judged.answer, layer="notes")
        self.episode_reads += 1
        episodes = list(self.space.recall(question, k=self._k, kinds=("turn",)).hits)
        judged = self._judged(question, episodes)
        if not judged.sufficient:
            return Reply(text=UNANSWERABLE, layer="none")
        written = [self._written(unit, episodes[unit.message]) for unit in self._units(question, episodes)]
        return Reply(text=judged.answer, layer="episodes", written=tuple(id for id in written if id))

    def _judged(self, question: str, hits: Sequence[Hit]) -> Judged:
        if not hits:
            return Judged(sufficient=False)
        if self._llm is not None:
            given = "\n".join(f"{hit.at:%Y-%m-%d} {hit.author or ''}: {hit.text}" for hit in hits)
            return self._llm.ask(JUDGE, {"question": question, "given": given}, Judged)
        for hit in hits:
            for start, end in sentence_spans(hit.text):
                if _answers(question, hit.text[start:end]):
                    return Judged(sufficient=True, answer=hit.text[start:end].strip())
        return Judged(sufficient=False)

    def _units(self, question: str, hits: Sequence[Hit]) -> list[Unit]:
        if self._llm is not None:
            messages = "\n".join(f"[{number}] {hit.text}" for number, hit in enumerate(hits))
            found = self._llm.ask(EXTRACT, {"question": question, "messages": messages}, Units).items
            return [unit for unit in found if unit.text.strip() and 0 <= unit.message < len(hits) and _quoted(unit, hits)]
        for number, hit in enumerate(hits):
            for start, end in sentence_spans(hit.text):
                if _answers(question, hit.text[start:end]):
                    said = hit.text[start:end].strip()
                    return [Unit(message=number, quote=said, text=said)]
        return []

    def _written(self, unit: Unit, hit: Hit) -> str:
        """Keep a unit as a note, or change the note that it is about; returns the note's id."""
        notes = [one for one in self.space.recall(unit.text, k=3, kinds=NOTES).hits if self._cosine(unit.text, one.text) >= self._near]
        related = self._related(unit.text, notes[0].memory) if notes else Related(relation="independent")
        cited = _cited(unit, hit)
        if related.relation == "extendable":
            note = notes[0].memory
            text = related.text.strip() or unit.text
            self.space.revise(note.id, text, sources=(*note.sources, cited), reason="reconsolidation")
            return note.id
        if related.relation == "contradictory":
            self.space.forget(notes[0].memory.id, reason="reconsolidation: contradicted by an episode")
        given = Given(text=unit.text, kind="fact", sources=(cited,), author=hit.author, tags=(TAG,))
        return self.space.remember(memories=[given], reason="reconsolidation").ids[0]

    def _related(self, text: str, note: Memory) -> Related:
        if self._llm is not None:
            return self._llm.ask(RELATE, {"note": note.text, "new": text}, Related)
        if contradictory(note.text, text):
            return Related(relation="contradictory")
        more = _content(note.text) <= _content(text)
        return Related(relation="extendable", text=text) if more else Related(relation="independent")

    def _cosine(self, one: str, other: str) -> float:
        rows = self.space._memory.embedder.embed([one, other])
        return float(np.dot(rows[0], rows[1]))


def _quoted(unit: Unit, hits: Sequence[Hit]) -> bool:
    return locate(unit.quote, hits[unit.message].text) is not None


def _cited(unit: Unit, hit: Hit) -> Span:
    """Return the words of the message that a unit rests on."""
    source = hit.memory.sources[0]
    start, end = locate(unit.quote, hit.text) or (0, len(hit.text))
    return Span(episode=source.episode, start=source.start + start, end=source.start + end)


def _answers(question: str, sentence: str) -> bool:
    """Whether a sentence holds most of the question's content words, and something that the question does not."""
    asked, said = _content(question), _content(sentence)
    return bool(asked) and not sentence.rstrip().endswith(("?", "？", "؟")) and len(asked & said) >= 0.6 * len(asked) and bool(said - asked)


def _content(text: str) -> set[str]:
    """Return the words that a text is about; of a script without spaces, its characters."""
    tokens = raw_tokens(normalise(text))
    words = (word for token in tokens for word in (clusters(token) if is_paired(token) else [token]) if word not in stopwords("en"))
    return {word[:-1] if word.endswith("s") and len(word) > 3 else word for word in words}
