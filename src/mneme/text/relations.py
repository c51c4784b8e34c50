"""The relations that rule-based formation reads and that organisation reasons about.

A relation is *single-valued* when one subject can have one object of it at a time: where someone lives, not which books
someone read. Only single-valued relations let a newer statement close an older one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

StatementKind = Literal["fact", "event", "preference", "profile", "foresight"]
FAVOURITE = "favourite_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How a relation behaves.

    Attributes:
        name: as statements carry it.
        kind: the kind of memory it makes.
        single: whether a subject has at most one object of it at a time.
        phrase: how it reads between subject and object.
        denial: how its negation reads.
        opposite: the relation that means the same with the polarity turned; empty when there is none.
        implies: the relation with the same object that begins to hold with it ("moved_to" makes "lives_in").
        ends: relations of the subject that stop holding for this object ("quit" ends "works_at").
    """

    name: str
    kind: StatementKind
    single: bool
    phrase: str
    denial: str
    opposite: str = ""
    implies: str = ""
    ends: tuple[str, ...] = ()


def _table(*rows: Relation) -> dict[str, Relation]:
    return {row.name: row for row in rows}


def _fact(name: str, phrase: str, denial: str, *, single: bool = False, kind: StatementKind = "fact", **more: object) -> Relation:
    return Relation(name=name, kind=kind, single=single, phrase=phrase, denial=denial, **more)  # type: ignore[arg-type]


def _event(name: str, phrase: str, base: str, **more: object) -> Relation:
    return Relation(name=name, kind="event", single=False, phrase=phrase, denial=f"did not {base}", **more)  # type: ignore[arg-type]


RELATIONS: dict[str, Relation] = _table(
    _fact("name", "is called", "is not called", single=True, kind="profile"),
    _fact("nickname", "goes by", "does not go by", kind="profile"),
    _fact("age", "is aged", "is not aged", single=True, kind="profile"),
    _fact("birthday", "has a birthday on", "does not have a birthday on", single=True, kind="profile"),
    _fact("born_in", "was born in", "was not born in", single=True, kind="profile"),
    _fact("from", "is from", "is not from", single=True, kind="profile"),
    _fact("grew_up_in", "grew up in", "did not grow up in", kind="profile"),
    _fact("lives_in", "lives in", "does not live in", single=True, kind="profile"),
    _fact("job", "works as", "does not work as", single=True, kind="profile"),
    _fact("works_at", "works at", "does not work at", single=True, kind="profile"),
    _fact("studies", "studies", "does not study", single=True, kind="profile"),
    _fact("studies_at", "studies at", "does not study at", single=True, kind="profile"),
    _fact("speaks", "speaks", "does not speak", kind="profile"),
    _fact("email", "has the e-mail address", "does not have the e-mail address", single=True, kind="profile"),
    _fact("phone", "has the phone number", "does not have the phone number", single=True, kind="profile"),
    _fact("diet", "is", "is not", single=True, kind="profile"),
    _fact("eats", "eats", "does not eat", kind="preference"),
    _fact("drinks", "drinks", "does not drink", kind="preference"),
    _fact("allergic_to", "is allergic to", "is not allergic to", kind="profile"),
    _fact("married_to", "is married to", "is not married to", single=True),
    _fact("engaged_to", "is engaged to", "is not engaged to", single=True),
    _fact("dating", "is dating", "is not dating", single=True),
    _fact("marital_status", "is", "is not", single=True, kind="profile"),
    _fact("child", "has the child", "does not have the child"),
    _fact("sibling", "has the sibling", "does not have the sibling"),
    _fact("parent", "has the parent", "does not have the parent"),
    _fact("friend", "is friends with", "is not friends with"),
    _fact("boss", "has the boss", "does not have the boss", single=True),
    _fact("pet", "has the pet", "does not have the pet"),
    _fact("owns", "owns", "does not own"),
    _fact("drives", "drives", "does not drive", single=True),
    _fact("plays", "plays", "does not play"),
    _fact("reads", "is reading", "is not reading"),
    _fact("likes", "likes", "does not like", kind="preference", opposite="dislikes"),
    _fact("dislikes", "dislikes", "does not dislike", kind="preference", opposite="likes"),
    _fact("plans_to", "plans to", "does not plan to", kind="foresight"),
    _event("moved_to", "moved to", "move to", implies="lives_in"),
    _event("moved_from", "moved from", "move from"),
    _event("went_to", "went to", "go to"),
    _event("bought", "bought", "buy", implies="owns"),
    _event("sold", "sold", "sell", ends=("owns", "drives")),
    _event("started", "started", "start"),
    _event("quit", "quit", "quit", ends=("works_at", "job", "plays", "studies")),
    _event("joined", "joined", "join"),
    _event("met", "met", "meet"),
    _event("read", "read", "read"),
    _event("watched", "watched", "watch"),
    _event("adopted", "adopted", "adopt"),
    _event("won", "won", "win"),
    _event("graduated_from", "graduated from", "graduate from"),
    _event("divorced", "got divorced from", "get divorced from", ends=("married_to",)),
)


def relation(name: str) -> Relation:
    """The relation of this name; any ``favourite_...`` is a single-valued preference, anything unknown a multi-valued fact.

    Example:
        >>> relation("lives_in").single, relation("favourite_colour").single, relation("likes").single
        (True, True, False)
    """
    if name in RELATIONS:
        return RELATIONS[name]
    if name.startswith(FAVOURITE):
        what = name.removeprefix(FAVOURITE).replace("_", " ")
        return Relation(
            name=name, kind="preference", single=True, phrase=f"has as favourite {what}", denial=f"does not have as favourite {what}"
        )
    return Relation(name=name, kind="fact", single=False, phrase=name.replace("_", " "), denial=f"not {name.replace('_', ' ')}")


def positive_form(name: str, polarity: bool) -> tuple[str, bool]:
    """One form for statements that mean the same: disliking is read as not liking."""
    if name == "dislikes":
        return "likes", not polarity
    return name, polarity


_HAS = ("child", "pet", "sibling", "parent")
_COUNTED = re.compile(r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|some|\d+)\s", re.IGNORECASE)


def told(subject: str, name: str, value: str, *, polarity: bool = True) -> str:
    """A sentence that says the statement in the third person, for a memory's text.

    Example:
        >>> told("Ana", "job", "engineer"), told("Ana", "pet", "two cats"), told("Ana", "plans_to", "flying home")
        ('Ana works as an engineer.', 'Ana has two cats.', 'Ana plans on flying home.')
    """
    found = relation(name)
    phrase = found.phrase if polarity else found.denial
    if name == "job" and not _COUNTED.match(value):
        value = f"{'an' if value[:1].lower() in 'aeiou' else 'a'} {value}"
    elif name in _HAS and _COUNTED.match(value):
        phrase = "has" if polarity else "does not have"
    elif name == "plans_to" and (_COUNTED.match(value) or value.split(" ")[0].endswith("ing")):
        noun = _COUNTED.match(value) is not None
        phrase = ("has planned" if noun else "plans on") if polarity else ("has not planned" if noun else "does not plan on")
    return f"{subject} {phrase} {value}".strip() + "."
