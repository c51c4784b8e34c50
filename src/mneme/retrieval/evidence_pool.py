"""A pool of evidence for one question that can be revised: what was inferred falls when better evidence contradicts it, however late.

Source: RetroRAG (arXiv 2501.05475), evidence collation and discovery, filter by relevance and attribution, retroactive update. Differs:
attribution is that a statement's names, numbers and most of its words stand in what it cites, and that the clause nearest to each of
its own denies when that one does; what is dropped stays in the pool's log, and gets in later when a source bears it out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mneme.text.names import mentions
from mneme.text.stopwords import stopwords

ATTRIBUTED = 0.8
"""Least share of a statement's words that its sources have."""
SAME_RELATION = 0.5
WEAKER = "contradicts what is better attributed"
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_ENDS = re.compile(r"\s*(?:$|[.!;,\n](?!\w))")
_CLAUSE = re.compile(r"[.!?;,\n]+|\b(?:but|and|while|although)\b", re.IGNORECASE)
_DENIES = re.compile(r"\b(?:no\s+longer|not|never|no|nobody|none|nothing|neither|nor|without|cannot)\b|n['’]t\b", re.IGNORECASE)
_LEADING = re.compile(r"^(?:(?:do|does|did|is|are|was|were|has|have|had|who|whose|what|when|where|why|how|which|the)\b\s*)+", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage that was retrieved: id of the memory, its text, the query that found it first, and in which round."""

    id: str
    text: str
    query: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A statement that rests on sources.

    Args:
        statement: what it says.
        entity: what it is about.
        support: ids of sources.
        round: when it was inferred.
        fit: share of the question's words that its sources have.
        status: ``dropped`` did not pass a filter or lost a conflict on arrival, ``revised`` was replaced later.
        why: the reason when it is not active.
    """

    statement: str
    entity: str
    support: tuple[str, ...]
    round: int
    fit: float = 0.0
    status: Literal["active", "revised", "dropped"] = "active"
    why: str = ""


@dataclass(slots=True, kw_only=True)
class EvidencePool:
    """The evidence for one question.

    Args:
        question: what is asked.
        retroactive: False keeps what came first, as forward chains do.
        sources: id -> passage.
        log: every inference in order of arrival, whatever became of it; one that was dropped is tried again when it comes again.
    """

    question: str
    retroactive: bool = True
    sources: dict[str, Source] = field(default_factory=dict)
    log: list[Inference] = field(default_factory=list)
    _words: dict[str, frozenset[str]] = field(default_factory=dict)
    _names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _arrived: dict[tuple[frozenset[str], bool], list[int]] = field(default_factory=dict)

    def words(self, text: str) -> frozenset[str]:
        """Return :func:`words_of` a text, worked out once for the pool."""
        if text not in self._words:
            self._words[text] = frozenset(words_of(text))
        return self._words[text]

    def names(self, text: str) -> tuple[str, ...]:
        """Return :func:`names_of` a text, worked out once for the pool."""
        if text not in self._names:
            self._names[text] = tuple(names_of(text))
        return self._names[text]

    @property
    def active(self) -> list[Inference]:
        """The inferences that hold, in order of arrival."""
        return [one for one in self.log if one.status == "active"]

    def collate(self, source: Source) -> bool:
        """Take in a passage; returns whether it is new."""
        new = source.id not in self.sources
        self.sources.setdefault(source.id, source)
        return new

    def admit(self, one: Inference, *, replaces: Sequence[Inference] = ()) -> bool:
        """Take in an inference if it passes the filters; what it contradicts falls, or it falls itself.

        Args:
            one: the inference.
            replaces: active ones that somebody says it supersedes; heeded where both are about the same.
        """
        key = self.words(one.statement), denies(one.statement)
        before = [self.log[place] for place in self._arrived.get(key, ())]
        if any(known.status != "dropped" for known in before):
            return False
        if before and before[-1].why == WEAKER:  # said again it is no later than it was
            one = replace(one, round=before[-1].round)
        cited = " ".join(self.sources[id].text for id in one.support if id in self.sources)
        one = replace(one, fit=len(self.words(self.question) & self.words(cited)) / max(len(self.words(self.question)), 1))
        why, rivals = self._unfit(one, cited), list[Inference]()
        if not why:
            rivals = [
                known
                for known in self.active
                if self._conflicting(one, known) or (known in replaces and known.entity.casefold() == one.entity.casefold())
            ]
            why = WEAKER if any(not self._beats(one, known) for known in rivals) else ""
        if why and before:
            return False
        for known in () if why else rivals:
            place = next(place for place, each in enumerate(self.log) if each is known)
            self.log[place] = replace(known, status="revised", why=one.statement)
        self._arrived.setdefault(key, []).append(len(self.log))
        self.log.append(replace(one, status="dropped", why=why) if why else one)
        return not why

    def _unfit(self, one: Inference, cited: str) -> str:
        """Return why an inference does not pass the filters; nothing when it does."""
        if not cited or not attributed(one.statement, cited):
            return "no source says so"
        return "" if self._relevant(one) else "does not bear on the question"

    def _conflicting(self, one: Inference, other: Inference) -> bool:
        """Return whether two inferences say of the same thing the same with other names, or one denies the other: not both can stand."""
        if one.entity.casefold() != other.entity.casefold():
            return False
        if denies(one.statement) != denies(other.statement) and _undenied(one.statement) == _undenied(other.statement):
            return True
        (said, values), (told, others) = self._relation(one), self._relation(other)
        alike = len(said & told) >= SAME_RELATION * max(min(len(said), len(told)), 1)
        return bool(values) and bool(others) and not values & others and alike

    def _relation(self, one: Inference) -> tuple[frozenset[str], frozenset[str]]:
        """Return what a statement says of its entity, and the names with which it says so."""
        entity = self.words(one.entity)
        values = frozenset().union(*(self.words(name) for name in self.names(one.statement))) - entity
        return self.words(one.statement) - values - entity, values

    def _beats(self, new: Inference, known: Inference) -> bool:
        return self.retroactive and (new.fit, new.round) >= (known.fit, known.round)

    def _relevant(self, one: Inference) -> bool:
        """Whether a statement shares words with the question, or names with a statement that holds."""
        if self.words(one.statement) & self.words(self.question):
            return True
        names = {name.casefold() for name in self.names(one.statement)}
        return bool(names) and any(name.casefold() in names for known in self.active for name in self.names(known.statement))


def attributed(statement: str, cited: str) -> bool:
    """Return whether a text says what a statement says: all of its names and numbers, most of its words, and no denial of it.

    Example:
        >>> attributed("Ana lives in Porto.", "My friend Ana lives in Porto now."), attributed("Ana lives in Rome.", "Ana lives in Porto.")
        (True, False)
        >>> attributed("Ana was not born in Porto.", "Ana was born in Porto.")
        False
    """
    said = words_of(statement)
    if said and _word_for_word(statement.strip(), cited):
        return True
    there = words_of(cited)
    numbers = set(_NUMBER.findall(statement)) <= set(_NUMBER.findall(cited))
    if not said or not numbers or not words_of(" ".join(names_of(statement))) <= there or len(said & there) < ATTRIBUTED * len(said):
        return False
    return _denied_alike(statement, cited)


def _word_for_word(statement: str, cited: str) -> bool:
    """Return whether a statement stands in a text as whole sentences or clauses that begin a sentence."""
    for found in re.finditer(re.escape(statement), cited):
        before, behind = cited[: found.start()].rstrip(" "), cited[found.end() :]
        whole = not behind[:1].isalnum() if statement[-1] in ".!?" else _ENDS.match(behind) is not None
        if whole and (not before or before[-1] in ".!?\n"):
            return True
    return False


def _denied_alike(statement: str, cited: str) -> bool:
    """Return whether each clause of a statement denies when one of the text's that shares most words with it does."""
    theirs = [(words_of(clause), denies(clause)) for clause in _CLAUSE.split(cited)]
    for clause in _CLAUSE.split(statement):
        said = words_of(clause)
        most = max(len(said & words) for words, _ in theirs)
        if most and denies(clause) not in {denied for words, denied in theirs if len(said & words) == most}:
            return False
    return True


def _undenied(statement: str) -> set[str]:
    return words_of(_DENIES.sub(" ", statement))


def denies(text: str) -> bool:
    """Return whether a text denies something.

    Example:
        >>> denies("She never came."), denies("She came.")
        (True, False)
    """
    return _DENIES.search(text) is not None


def names_of(text: str) -> list[str]:
    """Return the names in a text, without the words that open a question."""
    held = (_LEADING.sub("", found.text) for found in mentions(text) if found.kind in ("person", "name"))
    return list(dict.fromkeys(name for name in held if name and name.casefold() not in stopwords("en")))


def words_of(text: str) -> set[str]:
    """Return the words of a text that are no function words, in small letters."""
    return {word for word in _WORD.findall(text.casefold()) if word not in stopwords("en")}
