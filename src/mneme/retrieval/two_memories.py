"""Two memories while passages are read one after the other: what was said on a question, and the answer that it makes so far.

Source: CHIME (two memories, a context memory and an answer memory, refined passage by passage). Differs: no network is trained. A passage's
evidence is its best sentence; what it says is a number with its unit, a time, a name, yes or no, or the words that the question lacks, as
the question wants it. Evidence that says the same agrees, a source counts once, and an answer weighs its sources less those against it.
Passages that say nothing and passages that agree change nothing; reading ends after three that agree while nobody objects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.text.analyser import Analyser
from mneme.text.names import mentions
from mneme.text.sentences import sentences
from mneme.text.stopwords import stopwords
from mneme.text.time_expressions import find_times

Wanted = Literal["amount", "time", "name", "yes or no", "words"]

LEAST_SHARE = 0.3
SAME_SHARE = 0.5
_NOT = "not "
_FORMS: tuple[tuple[Wanted, re.Pattern[str]], ...] = (
    ("time", re.compile(r"^(?:when|(?:on |in )?(?:what|which) (?:year|month|date|day|time))\b", re.IGNORECASE)),
    (
        "amount",
        re.compile(
            r"\bhow (?:long|many|much|old|far|big|tall|heavy|high|wide|deep|fast|often|large|small)\b"
            r"|^what (?:is|are|was|were)(?: the| its)? (?:price|size|weight|length|width|height|capacity|age|number|cost|depth)\b",
            re.IGNORECASE,
        ),
    ),
    ("name", re.compile(r"^(?:who|whom|whose|where|which (?:city|country|town|person|brand|company))\b", re.IGNORECASE)),
    (
        "yes or no",
        re.compile(
            r"^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must|am)(?:n['’]t)?\b", re.IGNORECASE
        ),
    ),
)
_PLAIN = re.compile(r"\W*(?:yes|yep|yeah|no|nope)\b", re.IGNORECASE)
_CHOICE = re.compile(r"([\w'’-]+),? or (?:an? |the )?([\w'’-]+)", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;:–—]|\b(?:but|and|rather)\b", re.IGNORECASE)
_DENIAL = re.compile(r"\b(?:no|nope|not|never|none|cannot|without|hardly|neither|nor|fails?|failed)\b|n['’]t\b", re.IGNORECASE)
_UNSURE = re.compile(r"\bnot (?:sure|certain)\b|\b(?:don['’]t|do not) know\b|\bno idea\b", re.IGNORECASE)
_NOT_DENIED = re.compile(r"\bnot only\b|\bno (?:problems?|trouble|doubt|issues?)\b", re.IGNORECASE)
_UNITS = {
    "hr": "hour", "h": "hour", "min": "minute", "sec": "second", "lb": "pound", "oz": "ounce", "in": "inch", "inche": "inch", "ft": "foot",
    "feet": "foot", "yr": "year", "wk": "week", "buck": "dollar", "$": "dollar", "usd": "dollar", "€": "euro", "eur": "euro",
    "kg": "kilogram",
    "kilo": "kilogram", "km": "kilometre", "kilometer": "kilometre", "cm": "centimetre", "centimeter": "centimetre", "mm": "millimetre",
}  # fmt: skip
_analyser = Analyser("en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text to read.

    Args:
        source: what counts as one source, such as an episode's id.
        text: the passage.
        at: when it was said.
    """

    source: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a passage says on the question: an item of the context memory.

    Args:
        source, at: of the passage.
        text: its words.
        values: what they say, in a form that can be compared.
        denied: they deny these values.
        fit: in [0, 1], the share of the question's content words that the sentence has.
    """

    source: str
    at: datetime
    text: str
    values: frozenset[str]
    denied: bool = False
    fit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible answer: an item of the answer memory.

    Args:
        values: what it says, as in the evidence.
        text: the words of the evidence that fits the question best.
        support, opposed: sources that agree, and sources that say otherwise.
        latest: when it was last said.
    """

    values: frozenset[str]
    text: str
    support: tuple[str, ...]
    opposed: tuple[str, ...]
    latest: datetime

    @property
    def weight(self) -> int:
        """Sources for it less those against it."""
        return len(self.support) - len(self.opposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a passage did to the answer.

    Args:
        source: of the passage.
        evidence: what it said on the question; empty when nothing.
        answer: the words of the answer after it; empty while there is none.
        support, opposed: how many sources were for and against it then.
        flipped: another answer led before.
    """

    source: str
    evidence: str
    answer: str
    support: int
    opposed: int
    flipped: bool


class Reading:
    """Both memories of one question.

    Args:
        question: as asked.
        patience: how many passages in a row must agree with the answer, and nothing else change, for the reading to be over; None reads
            every passage.

    Attributes:
        wanted: what the question asks for.
        evidence: the context memory, by source.
        candidates: the answer memory, the best first.
        history: a step for each passage.
    """

    def __init__(self, question: str, *, patience: int | None = 3) -> None:
        self.question = question
        self.wanted = wanted(question)
        self.evidence: dict[str, Evidence] = {}
        self.candidates: tuple[Candidate, ...] = ()
        self.history: list[Step] = []
        self._patience = patience
        self._calm = 0
        self._asked = frozenset(_content(question))
        # Of what a question lets one choose from, each is a possible answer.
        self._known = self._asked - {word for pair in _CHOICE.findall(question) for word in _content(" ".join(pair))}

    @property
    def over(self) -> bool:
        """Whether the passages that agree are enough."""
        return self._patience is not None and self._calm >= self._patience

    def best_sentence(self, passage: Passage) -> Evidence | None:
        """Return what a passage says on the question, by rule; None when it says nothing on it."""
        parts = [part for part in sentences(passage.text) if not part.endswith(("?", "？")) and not _UNSURE.search(part)]
        if self._asked and self._share(passage.text) < LEAST_SHARE:
            return None
        read = [item for part in parts if (item := self.as_evidence(passage, part)) is not None]
        return max(read, key=lambda item: (item.fit, -len(item.text), item.text), default=None)

    def as_evidence(self, passage: Passage, words: str, says: str = "") -> Evidence | None:
        """Return words of a passage as evidence; None when they hold nothing of the kind that the question wants.

        Args:
            passage: where they stand.
            words: a sentence or a quotation.
            says: what they say in short, where somebody has read it out of them.
        """
        fit = self._share(words)
        values, denied = self._values(says or words, passage.at)
        plain = self.wanted == "yes or no"
        bears = bool(says) or not self._asked or (fit >= SAME_SHARE if plain else fit > 0) or (plain and _PLAIN.match(words) is not None)
        if not values or not bears:
            return None
        return Evidence(source=passage.source, at=passage.at, text=words.strip(), values=values, denied=denied, fit=fit)

    def take(self, passage: Passage, found: Evidence | None) -> Step:
        """Put evidence into the context memory and make the answer memory anew; returns what that changed."""
        led, known = self._leader(), {candidate.values for candidate in self.candidates}
        against = len(self.candidates[0].opposed) if self.candidates else 0
        fresh = found is not None and passage.source not in self.evidence
        if found is not None and fresh:
            self.evidence[passage.source] = found
            self.candidates = _weighed(tuple(self.evidence.values()), self.wanted)
        first = self.candidates[0] if self.candidates else None
        flipped = first is not None and led is not None and not (first.values & led)
        if first is not None and fresh:
            agrees = led is not None and passage.source in first.support and not flipped and len(first.opposed) == against
            self._calm = self._calm + 1 if agrees and len(self.candidates) == len(known) else 0
        step = Step(
            source=passage.source,
            evidence=found.text if found is not None else "",
            answer=first.text if first is not None else "",
            support=len(first.support) if first is not None else 0,
            opposed=len(first.opposed) if first is not None else 0,
            flipped=flipped,
        )
        self.history.append(step)
        return step

    def _leader(self) -> frozenset[str] | None:
        return self.candidates[0].values if self.candidates else None

    def _share(self, text: str) -> float:
        return len(self._asked & set(_content(text))) / len(self._asked) if self._asked else 0.0

    def _values(self, text: str, at: datetime) -> tuple[frozenset[str], bool]:
        """Return what a text says and whether it denies it."""
        denied = bool(_DENIAL.search(_NOT_DENIED.sub("", text)))
        if self.wanted == "yes or no":
            return frozenset({"no" if denied else "yes"}), False
        known = _typed(self.wanted, self.question, at) if not _CHOICE.search(self.question) else frozenset()
        found = _typed(self.wanted, text, at) - known
        if denied and found:  # "ten hours, not six" says ten
            plain = [part for part in _CLAUSE.split(text) if not _DENIAL.search(part)]
            said = found & frozenset(value for part in plain for value in _typed(self.wanted, part, at))
            said |= frozenset(value for value in found if self.wanted == "name" and any(value in part.casefold() for part in plain))
            found, denied = said or found, not said
        words = frozenset(_content(text)) - self._known if not found else frozenset()
        if self.wanted == "words":
            return (frozenset(map(_opposite, words)) if denied else words), False
        if self.wanted == "name" and words:
            return frozenset({" ".join(sorted(words))}), denied  # a place without a name, such as the top drawer
        return found, denied


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoMemories:
    """Reads all hits; those that agree on the answer of most sources come first, and each hit says where it stands.

    Where a question wants neither an amount, a time, a name nor yes or no, what agrees is loose and the order stays.

    Args:
        least: sources that must agree before the order changes.
    """

    least: int = 2

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits, those for the answer first."""
        order = ranked.positions.tolist()
        known = {memory.id: memory for memory in ctx.memories(order)}
        read = [known.get(ctx.index.ids[position]) for position in order]
        passages = [  # what was erased meanwhile says nothing
            Passage(source=memory.sources[0].episode if memory.sources else memory.id, text=memory.text, at=memory.at)
            if memory is not None
            else Passage(source=ctx.index.ids[position], text="", at=query.now)
            for position, memory in zip(order, read, strict=True)
        ]
        reading = read_by_rule(query.text, passages, patience=None)
        if not reading.candidates:
            return ranked
        first = reading.candidates[0]
        ctx.trace.note(two_memories={"read": len(reading.history), "for": len(first.support), "against": len(first.opposed)})
        stands = ["agrees" if one.source in first.support else "opposes" if one.source in first.opposed else "" for one in passages]
        told = {at: {**ranked.notes.get(at, {}), "answer": word} for at, word in zip(order, stands, strict=True) if word}
        noted = replace(ranked, notes={**ranked.notes, **told})
        if reading.wanted == "words" or len(first.support) < self.least:
            return noted
        rows = np.array(sorted(range(len(order)), key=lambda row: stands[row] != "agrees"), np.int64)
        # The scores stay with the places: they only say in which order the hits are.
        return replace(noted, positions=ranked.positions[rows], parts={name: part[rows] for name, part in ranked.parts.items()})


def read_by_rule(question: str, passages: Sequence[Passage], *, patience: int | None = 3) -> Reading:
    """Return both memories after passages were read in their order, until nothing changes any more."""
    reading = Reading(question, patience=patience)
    for passage in passages:
        if reading.over:
            break
        reading.take(passage, reading.best_sentence(passage))
    return reading


def wanted(question: str) -> Wanted:
    """Return what a question asks for.

    Example:
        >>> [wanted(text) for text in ("How long does it last?", "Does it fit?", "Where is it made?", "Why is it loud?")]
        ['amount', 'yes or no', 'name', 'words']
    """
    asks = sentences(question)[-1:] or [question]
    for kind, form in _FORMS:
        if form.search(asks[0].strip()):
            return "words" if kind == "yes or no" and _CHOICE.search(asks[0]) else kind
    return "words"


def _typed(kind: Wanted, text: str, at: datetime) -> frozenset[str]:
    if kind == "amount":
        counted = [one for one in mentions(text) if one.value is not None and one.kind in ("number", "quantity")]
        return frozenset(f"{one.value:g} {_unit(one.unit)}".strip() for one in counted)
    if kind == "time":
        return frozenset(
            f"{one.lower:%Y-%m-%d}..{one.upper:%Y-%m-%d}" for one in find_times(text, at) if one.kind not in ("recurring", "order")
        )
    if kind == "name":
        return frozenset(one.canonical.casefold() for one in mentions(text) if one.kind in ("person", "name"))
    return frozenset()


def _unit(unit: str) -> str:
    low = unit.casefold().rstrip(".")
    single = low[:-1] if low.endswith("s") and len(low) > 1 else low
    return _UNITS.get(single, single)


def _weighed(evidence: Sequence[Evidence], kind: Wanted) -> tuple[Candidate, ...]:
    """Return the answers that evidence makes, the best first; the order of the evidence does not matter."""
    made = []
    for values in _groups([item.values for item in evidence if not item.denied], kind):
        told = [item for item in evidence if item.values & values]
        agree = [item for item in told if not item.denied and (kind != "words" or item.values <= values)]
        support = {item.source for item in agree}
        against = {item.source for item in told if item.denied}
        if kind == "words":
            turned = frozenset(map(_opposite, values))
            against |= {item.source for item in evidence if _alike(item.values, turned)}
        elif kind != "name":  # only one of these can be right
            against |= {item.source for item in evidence if not item.denied}
        best = max(agree, key=lambda item: (item.fit, -len(item.text), item.text))
        made.append(
            Candidate(
                values=values,
                text=best.text,
                support=tuple(sorted(support)),
                opposed=tuple(sorted(against - support)),
                latest=max(item.at for item in agree),
            )
        )
    return tuple(sorted(made, key=lambda one: (-one.weight, -len(one.support), -one.latest.timestamp(), sorted(one.values))))


def _groups(sets: Sequence[frozenset[str]], kind: Wanted) -> list[frozenset[str]]:
    """Return one set for each thing that can be said: a single value, or words that belong together."""
    if kind != "words":
        return [frozenset({value}) for value in sorted({value for values in sets for value in values})]
    groups: list[list[frozenset[str]]] = []
    for values in sets:
        near = [group for group in groups if any(_alike(values, other) for other in group)]
        groups = [group for group in groups if group not in near] + [[values, *(other for group in near for other in group)]]
    return [frozenset(value for values in group for value in values) for group in groups]


def _opposite(word: str) -> str:
    return word.removeprefix(_NOT) if word.startswith(_NOT) else _NOT + word


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= SAME_SHARE * min(len(one), len(other))


def _content(text: str) -> list[str]:
    plain = " ".join(word for word in re.findall(r"[\w'’-]+", text) if word.casefold() not in stopwords("en"))
    return _analyser.terms(plain, "en")
