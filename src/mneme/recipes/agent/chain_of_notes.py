"""Reading by notes: what was found as items in JSON, in the order of their dates, a note on each, and an answer from the notes alone.

Source: LongMemEval (arXiv 2410.10813), reading: structured items and chain of notes; no note at all means that it is not known. Differs:
without a model, and where it fails, a note is the item's sentence with most of the question's words, and the answer is the latest of the
fullest notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from mneme.core.errors import ModelError
from mneme.core.llm import LLM, Prompt, scoped
from mneme.core.query import Hit, Recall
from mneme.engine.extracting import content
from mneme.space import Space
from mneme.text.sentences import sentences

UNKNOWN = "unknown"
LEAST_SHARE = 0.5
"""Share of the question's content words that a sentence needs to be a note, without a model."""

TAKE = Prompt(
    role="notes.take",
    system="You take notes for a question: for each item what it says that helps, in its own words; an empty note where it says nothing.",
    template="Items:\n$items\n\nQuestion of $today: $question",
    trim=(("items", "tail"),),
)
ANSWER = Prompt(
    role="notes.answer",
    system="You answer a question from dated notes, briefly. Where notes disagree the latest holds. You add nothing.",
    template="Notes:\n$notes\n\nQuestion of $today: $question",
    trim=(("notes", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """A note per item, in order; empty ones for items that say nothing."""

    notes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read.

    Args:
        text: the answer, or ``unknown``.
        items: what was found, as JSON, in the order of time.
        notes: a note per item; empty where it says nothing.
        found: the recall.
    """

    text: str
    items: str
    notes: tuple[str, ...]
    found: Recall


class ChainOfNotes:
    """A reader over one space.

    Args:
        space: the space.
        llm: takes the notes and answers; None follows rules.
        k: how many items are read.
    """

    def __init__(self, space: Space, llm: LLM | None = None, *, k: int = 10) -> None:
        self.space = space
        self._llm = None if llm is None else scoped(llm, space=space.name)
        self._k = k

    def ask(self, question: str) -> Reading:
        """Return the answer to a question, with the notes that it rests on."""
        found = self.space.recall(question, k=self._k)
        hits = sorted(found.hits, key=lambda hit: (hit.at, hit.memory.id))
        items = as_json(hits)
        text, notes = self._by_model(question, hits, items) or self._by_rule(question, hits)
        return Reading(text=text, items=items, notes=tuple(notes), found=found)

    def _by_rule(self, question: str, hits: Sequence[Hit]) -> tuple[str, list[str]]:
        notes = [_note(hit.text, question) for hit in hits]
        return _latest(notes, question), notes

    def _by_model(self, question: str, hits: Sequence[Hit], items: str) -> tuple[str, list[str]] | None:
        """Return answer and notes; None without a model, or where it can't be reached, may not be asked or gives no fitting reply."""
        if self._llm is None:
            return None
        asked = {"question": question, "today": self.space._memory.clock.now().date()}
        try:
            taken = self._llm.ask(TAKE, {"items": items, **asked}, Notes).notes if hits else []
            notes = [note.strip() for note in taken[: len(hits)]] + [""] * (len(hits) - len(taken))
            if not any(notes):
                return UNKNOWN, notes
            listed = "\n".join(f"{hit.at:%Y-%m-%d}: {note}" for hit, note in zip(hits, notes, strict=True) if note)
            return self._llm.ask(ANSWER, {"notes": listed, **asked}, Said).text.strip() or UNKNOWN, notes
        except ModelError:
            return None


def as_json(hits: Sequence[Hit]) -> str:
    """Return hits as a JSON list in the order given: date, session, author, text."""
    rows = [
        {"date": f"{hit.at:%Y-%m-%d}", "session": hit.session, "author": hit.author or hit.memory.role, "text": hit.text} for hit in hits
    ]
    return orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode()


def _note(text: str, question: str) -> str:
    wanted = content(question)
    best = max(sentences(text), key=lambda sentence: len(wanted & content(sentence)), default="").strip()
    return best if wanted and len(wanted & content(best)) >= LEAST_SHARE * len(wanted) else ""


def _latest(notes: Sequence[str], question: str) -> str:
    wanted = content(question)
    shares = [len(wanted & content(note)) for note in notes]
    return next((note for note, share in reversed(list(zip(notes, shares, strict=True))) if note and share == max(shares)), UNKNOWN)
