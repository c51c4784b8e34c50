"""FactConsolidation: numbered facts, later ones override; the current value must outrank every overwritten one.

Source: Hu et al. 2025, MemoryAgentBench (conflict resolution); ``conflict_resolution.json`` with ``factconsolidation_sh_*``
(single hop) and ``_mh_*`` (several hops). The release labels answers, not facts, so gold is derived: facts are read as
(relation, subject, value), the last value of a (relation, subject) is current. A single-hop question's gold is the current fact
about its subject with its answer; a multi-hop question's gold is the shortest chain of two or more current facts from a subject that
it names to its answer. Questions for which none is found have no gold and show in n of total.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from mneme.arena.task import Dataset, Options, Question, Sample, Task, existing_files, hash_files, names
from mneme.core.records import Message

# The wordings of the release, its spelling included; S is the subject, the value is what follows.
_WORDINGS = (
    "S is a citizen of", "S is affiliated with the religion of", "S is married to", "S was founded by",
    "S was founded in the city of", "S is associated with the sport of", "S was performed by", "S was created by",
    "S was created in the country of", "S was developed by", "S is located in the continent of", "S died in the city of",
    "S was born in the city of", "S worked in the city of", "S works in the field of", "S speaks the language of",
    "S was written in the language of", "S is employed by", "S is famous for", "S plays the position of", "S's child is",
    "The author of S is", "The headquarters of S is located in the city of", "The capital of S is",
    "The univeristy where S was educated is", "The official language of S is", "The original language of S is",
    "The company that produced S is", "The chairperson of S is", "The name of the current head of the S government is",
    "The name of the current head of state in S is", "The chief executive officer of S is", "The director of S is",
    "The origianl broadcaster of S is", "The head coach of S is", "The type of music that S plays is",
    "The Prime Minister of S is", "The President of S is", "The Governor of S is", "The Mayor of S is",
)  # fmt: skip
_PATTERNS = tuple((wording, re.compile(re.escape(wording).replace("S", "(?P<subject>.+?)", 1) + " (?P<value>.+)")) for wording in _WORDINGS)
_LINE = re.compile(r"(\d+)\. (.+?)\.?$")
_WORD = re.compile(r"\w+")
_START = datetime(2025, 1, 1, tzinfo=UTC)
_HOPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One numbered line, read."""

    ref: str
    relation: str
    subject: str
    value: str


def load(path: Path, options: Options) -> Dataset:
    """Read the official file; each context with its questions is a space."""
    files = existing_files(path, "*.json")
    rows = [row for file in files for row in orjson.loads(file.read_bytes())]
    rows = [row for row in rows if row["metadata"]["source"].startswith("factconsolidation")]
    return Dataset(samples=tuple(_sample(row, options.limit) for row in rows), sha256=hash_files(files))


def _sample(row: Mapping[str, Any], limit: int | None) -> Sample:
    name = row["metadata"]["source"].removeprefix("factconsolidation_")
    lines = [match for line in row["context"].splitlines() if (match := _LINE.match(line.strip()))]
    messages = tuple(
        Message(text=f"{match[2]}.", at=_START + timedelta(minutes=int(match[1])), session="facts", ref=match[1]) for match in lines
    )
    facts = [fact for match in lines if (fact := read_fact(match[1], match[2]))]
    history: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        history.setdefault((fact.relation, fact.subject), []).append(fact)
    asked = list(zip(row["questions"], row["answers"], strict=True))[:limit]
    questions = tuple(_question(f"{name}/{index}", name, text, answers, history) for index, (text, answers) in enumerate(asked))
    return Sample(id=name, messages=messages, questions=questions)


def read_fact(ref: str, text: str) -> Fact | None:
    """Return the line as relation, subject and value; None when it has no known wording."""
    for wording, pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match:
            return Fact(ref=ref, relation=wording, subject=match["subject"], value=match["value"])
    return None


def _question(name: str, category: str, text: str, answers: Sequence[str], history: Mapping[tuple[str, str], list[Fact]]) -> Question:
    find = _single if category.startswith("sh") else _chain
    chain = find(text, {answer.casefold() for answer in answers}, history)
    stale = {
        old.ref for fact in chain for old in history[fact.relation, fact.subject] if old.value.casefold() != fact.value.casefold()
    }  # fmt: skip
    return Question(
        id=name,
        text=text,
        category=category,
        gold={fact.ref: 1 for fact in chain},
        # Whether one value outranks others is a question of one fact; chains are scored by recall.
        stale=frozenset(stale) if category.startswith("sh") else frozenset(),
        answer=str(answers[0]),
    )


def _single(text: str, answers: set[str], history: Mapping[tuple[str, str], list[Fact]]) -> list[Fact]:
    words = _stems(text)
    found = [
        (len(fact.subject), len(words & _stems(fact.relation)), fact)
        for versions in history.values()
        if (fact := versions[-1]).value.casefold() in answers and fact.subject.casefold() in text.casefold()
    ]
    return [max(found, key=lambda entry: entry[:2])[2]] if found else []


def _stems(text: str) -> set[str]:
    return {word[:4] for word in _WORD.findall(text.casefold()) if len(word) > 2}


def _chain(text: str, answers: set[str], history: Mapping[tuple[str, str], list[Fact]]) -> list[Fact]:
    """Search breadth first; of equally short chains the one whose wordings share most with the question."""
    current = [versions[-1] for versions in history.values()]
    about: dict[str, list[Fact]] = {}
    for fact in current:
        about.setdefault(fact.subject.casefold(), []).append(fact)
    lowered, words = text.casefold(), _stems(text)
    paths = [[fact] for fact in current if fact.subject.casefold() in lowered]
    for _ in range(_HOPS):
        done = [path for path in paths if len(path) > 1 and path[-1].value.casefold() in answers]
        if done:
            return max(done, key=lambda path: (sum(len(words & _stems(fact.relation)) for fact in path), len(path[0].subject)))
        paths = [[*path, fact] for path in paths for fact in about.get(path[-1].value.casefold(), []) if fact not in path]
    return []


TASK = Task(
    name="factconsolidation",
    summary="numbered facts that override each other; the current one must come first",
    load=load,
    metrics=names("current_first", "stale_above_current", "recall@1", "recall@5", "recall@10", "recall@50", "recall_all@10"),
    data="memoryagentbench/conflict_resolution.json",
)
