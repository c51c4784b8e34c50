"""A pool of evidence for one question that can be revised: what was inferred falls when better evidence contradicts it, however late.

Source: RetroRAG (arXiv 2501.05475), evidence collation and discovery, filter by relevance and attribution, retroactive update. Differs:
attribution is that a statement's names, numbers and most of its words stand in what it cites; what is dropped stays in the pool's log.
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
_WORD = re.compile(r"\w+")
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
        log: every inference in order of arrival, whatever became of it.
    """

    question: str
    retroactive: bool = True
    sources: dict[str, Source] = field(default_factory=dict)
    log: list[Inference] = field(default_factory=list)

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
        if any(words_of(one.statement) == words_of(known.statement) for known in self.log):
            return False
        cited = " ".join(self.sources[id].text for id in one.support if id in self.sources)
        if not cited or not attributed(one.statement, cited):
            self.log.append(replace(one, status="dropped", why="no source says so"))
            return False
        if not self._relevant(one):
            self.log.append(replace(one, status="dropped", why="does not bear on the question"))
            return False
        asked = words_of(self.question)
        one = replace(one, fit=len(asked & words_of(cited)) / max(len(asked), 1))
        rivals = [
            known
            for known in self.active
            if conflicting(one, known) or (known in replaces and known.entity.casefold() == one.entity.casefold())
        ]
        if any(not self._beats(one, known) for known in rivals):
            self.log.append(replace(one, status="dropped", why="contradicts what is better attributed"))
            return False
        for known in rivals:
            self.log[self.log.index(known)] = replace(known, status="revised", why=one.statement)
        self.log.append(one)
        return True

    def _beats(self, new: Inference, known: Inference) -> bool:
        return self.retroactive and (new.fit, new.round) >= (known.fit, known.round)

    def _relevant(self, one: Inference) -> bool:
        """Whether a statement shares words with the question, or names with a statement that holds."""
        names = {name.casefold() for name in names_of(one.statement)}
        held = {name.casefold() for known in self.active for name in names_of(known.statement)}
        return bool(words_of(one.statement) & words_of(self.question)) or bool(names & held)


def attributed(statement: str, cited: str) -> bool:
    """Return whether a text says what a statement says: all of its names and numbers, and most of its words.

    Example:
        >>> attributed("Ana lives in Porto.", "My friend Ana lives in Porto now."), attributed("Ana lives in Rome.", "Ana lives in Porto.")
        (True, False)
    """
    said, there = words_of(statement), words_of(cited)
    exact = words_of(" ".join([*names_of(statement), *re.findall(r"\d+", statement)]))
    return bool(said) and exact <= there and len(said & there) >= ATTRIBUTED * len(said)


def conflicting(one: Inference, other: Inference) -> bool:
    """Return whether two inferences say of the same thing the same with other names, so that not both can stand."""
    if one.entity.casefold() != other.entity.casefold():
        return False
    entity = words_of(one.entity)
    values, others = (words_of(" ".join(names_of(each.statement))) - entity for each in (one, other))
    said, told = words_of(one.statement) - values - entity, words_of(other.statement) - others - entity
    alike = len(said & told) >= SAME_RELATION * max(min(len(said), len(told)), 1)
    return bool(values) and bool(others) and not values & others and alike


def names_of(text: str) -> list[str]:
    """Return the names in a text, without the words that open a question."""
    held = (_LEADING.sub("", found.text) for found in mentions(text) if found.kind in ("person", "name"))
    return list(dict.fromkeys(name for name in held if name and name.casefold() not in stopwords("en")))


def words_of(text: str) -> set[str]:
    """Return the words of a text that are no function words, in small letters."""
    return {word for word in _WORD.findall(text.casefold()) if word not in stopwords("en")}
