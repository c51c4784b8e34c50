"""A corpus of dialogues with known facts, and how well a reader extracts them.

Every dialogue mixes facts in the first and third person, denials, questions, hypotheticals, hearsay, quotations and small talk.
The truth is known because each turn is made from it.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from mneme.arena.generated import extraction_words as words
from mneme.text.relations import positive_form

Phrasings = Literal["development", "held-out"]
_MONTHS = "January February March April May June July August September October November December".split()
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_AUTHORS = ("Melanie", "Joanna", "Victor", "Hiro", "Amara", "Stefan", "Carmen", "Liam")
_DETERMINER = re.compile(r"^(?:a|an|the|my|our|some)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a turn states: the truth that an extraction is compared with.

    Attributes:
        required: False for what follows from the turn and may be extracted but need not be.
    """

    subject: str
    relation: str
    object: str
    polarity: bool = True
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One line of a dialogue with the facts it states, none for most."""

    author: str
    text: str
    at: datetime
    facts: tuple[Fact, ...] = ()
    sort: str = "fact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """One extraction, in the form that is compared."""

    subject: str
    relation: str
    object: str
    polarity: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well a reader did.

    Attributes:
        precision: right extractions over all; 1.0 when there were none.
        recall: required facts found over all required facts.
        by_relation: relation -> (found, required).
        wrong: (turn text, extraction) of what no turn states, for a person to look at.
        missed: (turn text, fact) not found.
        by_sort: sort of turn -> wrong extractions from it.
    """

    precision: float
    recall: float
    extracted: int
    required: int
    by_relation: dict[str, tuple[int, int]] = field(default_factory=dict)
    wrong: tuple[tuple[str, Extracted], ...] = ()
    missed: tuple[tuple[str, Fact], ...] = ()
    by_sort: dict[str, int] = field(default_factory=dict)


class _Stated(Protocol):
    @property
    def subject(self) -> str: ...
    @property
    def relation(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def polarity(self) -> bool: ...


Reader = Callable[[Turn], Sequence[_Stated]]


def corpus(seed: int, *, dialogues: int = 40, turns: int = 24, phrasings: Phrasings = "held-out") -> list[list[Turn]]:
    """Dialogues with known facts; the same seed gives the same dialogues.

    Args:
        seed: of everything random.
        dialogues: how many.
        turns: lines in each.
        phrasings: ``held-out`` for judging; ``development`` for the phrasings that the rules may be written against.
    """
    rng = random.Random(seed)
    return [_dialogue(rng, turns, phrasings) for _ in range(dialogues)]


def score(dialogues: Sequence[Sequence[Turn]], reader: Reader) -> Score:
    """Precision and recall of a reader over a corpus.

    Disliking counts as denied liking. Objects match without their article; a moved-to also states where one lives.
    """
    found, required = Counter[str](), Counter[str]()
    wrong: list[tuple[str, Extracted]] = []
    missed: list[tuple[str, Fact]] = []
    by_sort, total = Counter[str](), 0
    for turn in (turn for dialogue in dialogues for turn in dialogue):
        stated = {_normal(item.subject, item.relation, item.object, item.polarity): item for item in reader(turn)}
        gold = {_normal(fact.subject, fact.relation, fact.object, fact.polarity): fact for fact in turn.facts}
        total += len(stated)
        for key, item in stated.items():
            if key not in gold:
                by_sort[turn.sort] += 1
                made = Extracted(subject=item.subject, relation=item.relation, object=item.object, polarity=item.polarity)
                wrong.append((turn.text, made))
        for key, fact in gold.items():
            if fact.required:
                required[fact.relation] += 1
                found[fact.relation] += key in stated
                if key not in stated:
                    missed.append((turn.text, fact))
    needed = sum(required.values())
    return Score(
        precision=1 - len(wrong) / total if total else 1.0,
        recall=sum(found.values()) / needed if needed else 1.0,
        extracted=total,
        required=needed,
        by_relation={name: (found[name], required[name]) for name in sorted(required)},
        wrong=tuple(wrong),
        missed=tuple(missed),
        by_sort=dict(by_sort),
    )


def _normal(subject: str, relation: str, value: str, polarity: bool) -> tuple[str, str, str, bool]:
    name, sign = positive_form(relation, polarity)
    return subject.casefold(), name, _DETERMINER.sub("", value.strip(" .\"'")).casefold(), sign


def _dialogue(rng: random.Random, turns: int, phrasings: Phrasings) -> list[Turn]:
    authors = rng.sample(_AUTHORS, 2)
    at = datetime(2023, 1, 1, 9, tzinfo=UTC) + timedelta(days=rng.randrange(700), minutes=rng.randrange(600))
    lines: list[Turn] = []
    for number in range(turns):
        author = authors[number % 2]
        at += timedelta(minutes=rng.randrange(1, 6))
        sort = rng.choices(
            ("fact", "third", "denied", "quoted", "hypothetical", "question", "hearsay", "chitchat"), (38, 14, 7, 5, 10, 7, 7, 12)
        )[0]
        lines.append(_turn(rng, author, at, sort, phrasings))
    return lines


def _turn(rng: random.Random, author: str, at: datetime, sort: str, phrasings: Phrasings) -> Turn:
    held = phrasings == "held-out"
    if sort in ("fact", "third", "denied"):
        text, facts = _stated(rng, author, sort, held)
        extra = _said(rng, rng.choice(words.CHITCHAT[held].split("|"))) if rng.random() < 0.3 else ""
        text = f"{extra} {text}" if rng.random() < 0.5 else f"{text} {extra}"
        return Turn(author=author, text=text.strip(), at=at, facts=facts, sort=sort)
    if sort == "quoted":
        pattern, relation, subject = rng.choice(words.QUOTED[held])
        filled = _fillers(rng)
        value = filled["city"] if "{city}" in pattern else filled["company"]
        who = subject.format(author=author, **filled)
        facts = (Fact(subject=who, relation=relation, object=value),)
        return Turn(author=author, text=pattern.format(**filled), at=at, facts=facts, sort=sort)
    pool = {"hypothetical": words.HYPOTHETICAL, "question": words.QUESTION, "hearsay": words.HEARSAY, "chitchat": words.CHITCHAT}[sort]
    return Turn(author=author, text=_said(rng, rng.choice(pool[held].split("|"))), at=at, sort=sort)


def _stated(rng: random.Random, author: str, sort: str, held: bool) -> tuple[str, tuple[Fact, ...]]:
    options = [name for name, saying in words.RELATIONS.items() if _phrasings(saying, sort, held)]
    relation = rng.choice(options)
    saying = words.RELATIONS[relation]
    pattern = rng.choice(_phrasings(saying, sort, held).split("|"))
    filled = _fillers(rng)
    value = rng.choice(saying.objects)
    if "{o}" not in pattern:
        value = "smoking"
    person = rng.choice([name for name in words.PEOPLE if name != value])
    subject = person if sort == "third" else author
    text = pattern.format(**{**filled, "o": value, "s": person})
    polarity = sort != "denied"
    bare = value.strip('"').removeprefix("my ")
    facts = [Fact(subject=subject, relation=relation, object=bare, polarity=polarity)]
    if relation == "pet":
        kinds = ("dog", "cat", "rabbit", "puppy", "kitten", "parrot")
        facts += [Fact(subject=f"{subject}'s {kind}", relation="name", object=bare, required=False) for kind in kinds]
    facts += [Fact(subject=subject, relation=name, object=thing, required=False) for name, thing in _entailed(relation, saying, bare, text)]
    return text[0].upper() + text[1:], tuple(facts)


def _entailed(relation: str, saying: words.Saying, value: str, text: str) -> list[tuple[str, str]]:
    """What a turn says besides: true, but not asked for."""
    entailed = [(saying.also, value)] if saying.also else []
    low = text.lower()
    if relation in ("pet", "child", "sibling"):
        kinds = "dog cat rabbit puppy kitten parrot son daughter baby girl boy sister brother"
        for kind in kinds.split():
            if kind in low:
                entailed += [(relation, f"{kind}"), ("adopted", kind), ("adopted", f"kitten named {value}")]
                entailed += [(relation, f"{size} {kind}") for size in ("little", "baby", "younger", "twin", "older")]
    if relation == "married_to":
        entailed += [("marital_status", "married")]
    if relation == "works_at":
        entailed += [("started", "job"), ("joined", value)]
    if relation == "job" and "enjoy" in low:
        entailed += [("likes", "days")]
    if relation == "born_in":
        entailed += [("grew_up_in", value)]
    if relation == "graduated_from":
        entailed += [("studies_at", value)]
    if relation == "lives_in" and "settled" in low:
        entailed += [("moved_to", value)]
    return entailed


def _phrasings(saying: words.Saying, sort: str, held: bool) -> str:
    if sort == "fact":
        return saying.first_held if held else saying.first
    if sort == "third":
        return saying.third_held if held else saying.third
    return saying.denied_held if held else saying.denied


def _fillers(rng: random.Random) -> dict[str, str]:
    person, other = rng.sample(words.PEOPLE, 2)
    return {
        "city": rng.choice(words.CITIES),
        "company": rng.choice(words.COMPANIES),
        "s": person,
        "other": other,
        "year": str(rng.randrange(2009, 2022)),
        "month": rng.choice(_MONTHS),
        "weekday": rng.choice(_WEEKDAYS),
        "n": str(rng.randrange(2, 12)),
    }


def _said(rng: random.Random, pattern: str) -> str:
    return pattern.format(**_fillers(rng))
