"""Reading passages in turn for one question: evidence is gathered, the answer is refined, and the minority is shown.

Source: CHIME: a context memory and an answer memory across passages. Differs: see :mod:`mneme.retrieval.two_memories`; a model reads the
passages and words the answer where there is one, each reply is checked, and what fails the check is done by rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mneme.core.errors import ModelError
from mneme.core.llm import LLM, Prompt, scoped
from mneme.core.query import Hit
from mneme.engine.prepare import Given
from mneme.guard.grounding import grounded
from mneme.retrieval.two_memories import Candidate, Evidence, Passage, Reading, Step
from mneme.space import Space
from mneme.text.quotes import locate

TAG = "refined-answer"
_YES_OR_NO = re.compile(r"\W*(?:yes|no)\b", re.IGNORECASE)

READ = Prompt(
    role="chime.read",
    system=(
        "You read one passage for a question. If it bears on the question, quote the sentence that does, exactly as written, and say in a "
        "few words which answer it gives: yes or no, a number with its unit, a name, or a phrase. If an answer so far says the same, give "
        "its number, else -1. If the passage does not bear on the question, relevant is false."
    ),
    template="Question: $question\n\nAnswers so far:\n$answers\n\nPassage:\n$passage",
    trim=(("passage", "head"),),
)
WRITE = Prompt(
    role="chime.answer",
    system="You word the answer to a question in one sentence, from the evidence given and nothing else. Keep its numbers and names.",
    template="Question: $question\n\nAnswer before: $before\n\nEvidence that agrees:\n$evidence",
    trim=(("evidence", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a model finds in a passage."""

    relevant: bool
    quote: str = ""
    answer: str = ""
    same_as: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """The answer in words."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """An answer and how it came about.

    Args:
        question: as asked.
        text: the answer; empty when no passage bears on the question.
        sources: episodes that agree on it.
        minority: the other answers with their sources, the strongest first.
        evidence: all that was gathered.
        history: a step for each passage that was read.
        early: the reading ended before the passages did.
        refused: replies of the model that failed a check or never came.
        kept: the id of the summary; empty when none was kept.
    """

    question: str
    text: str
    sources: tuple[str, ...] = ()
    minority: tuple[Candidate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    history: tuple[Step, ...] = ()
    early: bool = False
    refused: int = 0
    kept: str = ""


class PassageReader:
    """A reader over one space.

    Args:
        space: where the passages are.
        llm: reads and words; None works by rule.
        patience: passages in a row that agree before the reading ends; None reads all.
    """

    def __init__(self, space: Space, llm: LLM | None = None, *, patience: int | None = 3) -> None:
        self.space = space
        self.refused = 0
        self._llm = None if llm is None else scoped(llm, space=space.name)
        self._patience = patience

    def ask(self, question: str, *, k: int = 20, keep: bool = False) -> Refined:
        """Return the answer of the best ``k`` messages, read in rank order; ``keep`` stores it as a summary that cites its sources."""
        hits = self.space.recall(question, k=k, kinds=("turn",)).hits
        return self.read(question, passages(hits), keep=keep)

    def read(self, question: str, given: Iterable[Passage], *, keep: bool = False) -> Refined:
        """Return the answer of passages read in the order given; their sources are episodes of the space where it is kept."""
        reading, before, text, early = Reading(question, patience=self._patience), self.refused, "", False
        for passage in given:
            if reading.over:
                early = True
                break
            step = reading.take(passage, self._evidence(reading, passage))
            if step.evidence and reading.candidates:
                text = self._worded(reading, text)
        if not reading.candidates:
            return Refined(question=question, text="", history=tuple(reading.history), refused=self.refused - before)
        first, *rest = reading.candidates
        found = Refined(
            question=question,
            text=text,
            sources=first.support,
            minority=tuple(rest),
            evidence=tuple(reading.evidence.values()),
            history=tuple(reading.history),
            early=early,
            refused=self.refused - before,
        )
        return replace(found, kept=self._kept(found)) if keep else found

    def _evidence(self, reading: Reading, passage: Passage) -> Evidence | None:
        if self._llm is None:
            return reading.best_sentence(passage)
        answers = "\n".join(f"[{number}] {one.text}" for number, one in enumerate(reading.candidates)) or "none"
        try:
            said = self._llm.ask(READ, {"question": reading.question, "answers": answers, "passage": passage.text}, Read)
        except ModelError:
            return self._by_rule(reading, passage)
        if not said.relevant:
            return None
        return quoted(reading, passage, said) or self._by_rule(reading, passage)

    def _by_rule(self, reading: Reading, passage: Passage) -> Evidence | None:
        self.refused += 1
        return reading.best_sentence(passage)

    def _worded(self, reading: Reading, before: str) -> str:
        """Return the leading answer in words; the evidence itself where the model's wording fails the check."""
        first = reading.candidates[0]
        if self._llm is None:
            return first.text
        agree = [item for item in reading.evidence.values() if item.source in first.support]
        shown = "\n".join(f"- {item.text}" for item in agree)
        try:
            text = self._llm.ask(WRITE, {"question": reading.question, "before": before or "none", "evidence": shown}, Worded).text.strip()
        except ModelError:
            text = ""
        if text and follows(reading, first, agree, text):
            return text
        self.refused += 1
        return first.text

    def _kept(self, found: Refined) -> str:
        given = Given(
            text=found.text,
            kind="summary",
            sources=found.sources,
            tags=(TAG,),
            attributes={"question": found.question, "against": sum(len(one.support) for one in found.minority)},
        )
        return self.space.remember(memories=[given], reason="answer refined over passages").ids[0]


def passages(hits: Iterable[Hit]) -> list[Passage]:
    """Return hits as passages in their order, one per episode."""
    made: dict[str, Passage] = {}
    for hit in hits:
        source = hit.memory.sources[0].episode if hit.memory.sources else hit.memory.id
        made.setdefault(source, Passage(source=source, text=hit.text, at=hit.at))
    return list(made.values())


def quoted(reading: Reading, passage: Passage, said: Read) -> Evidence | None:
    """Return what a model read as evidence; None when the passage does not have the words, or they hold no answer.

    A model may say which of the words count, and which answer in other words is the same; it can't add values that were not said.
    """
    span = locate(said.quote, passage.text)
    if span is None:
        return None
    words = passage.text[slice(*span)]
    if reading.wanted == "yes or no":
        return reading.as_evidence(passage, words, said.answer) if _YES_OR_NO.match(said.answer) else reading.as_evidence(passage, words)
    whole = reading.as_evidence(passage, words, words)
    if whole is None:
        return None
    short = reading.as_evidence(passage, words, said.answer) if said.answer.strip() else None
    found = replace(whole, values=whole.values & short.values) if short is not None and whole.values & short.values else whole
    if reading.wanted == "words" and 0 <= said.same_as < len(reading.candidates):
        return replace(found, values=reading.candidates[said.same_as].values)
    return found


def follows(reading: Reading, first: Candidate, agree: Sequence[Evidence], text: str) -> bool:
    """Return whether a wording says what the leading answer does, and names nothing that its evidence does not."""
    passage = Passage(source="", text=text, at=first.latest)
    said = reading.as_evidence(passage, text, text)
    same = said is not None and bool(said.values & first.values) and not said.denied
    return same and grounded(text, [reading.question, *(item.text for item in agree)], first.latest).ok
