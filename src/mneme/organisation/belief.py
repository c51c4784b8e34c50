"""What organisers know of a memory: who, which relation, what, whether it is denied, and who says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mneme.core.records import Memory
from mneme.text.relations import Relation, positive_form, relation

CORRECTION = "correction"
"""The ``statement`` of a memory that puts one value in the place of another."""

REVISES = "mneme:revises"
"""The attribute of an episode that holds a user's own wording of a memory."""

_DETERMINER = re.compile(r"^(?:an?|the|my|our|his|her|their|some)\s+", re.IGNORECASE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """The structure of a memory.

    Args:
        memory: the memory.
        subject: whom it is about.
        relation: in its positive form: disliking is denied liking.
        object: as written.
        positive: False when it is denied.
        ended: for a denial, whether it was so before.
        authority: 2 when the subject says it, 1 when another person does, 0 when it is hearsay.
    """

    memory: Memory
    subject: str
    relation: Relation
    object: str
    positive: bool
    ended: bool
    authority: int

    @property
    def slot(self) -> tuple[str, str]:
        """Whom and in which relation, for comparison."""
        return self.subject.casefold(), self.relation.name

    @property
    def begin(self) -> datetime:
        """From when it holds."""
        return self.memory.valid_from

    @property
    def explicit(self) -> bool:
        """Whether its beginning was told, and is not just the moment of the telling."""
        return "from" in self.memory.attributes

    @property
    def bounded(self) -> bool:
        """Whether its end was told with it."""
        return "to" in self.memory.attributes

    @property
    def begin_unknown(self) -> bool:
        """Whether it only is known to have been so at some time before."""
        return bool(self.memory.attributes.get("since_unknown"))

    def holds_at(self, moment: datetime) -> bool:
        """Whether it holds at a moment."""
        return self.begin <= moment and (self.memory.valid_to is None or moment < self.memory.valid_to)


def belief(memory: Memory) -> Belief | None:
    """Return the structure of a memory, None when it has none."""
    told = memory.attributes
    subject, name, value = told.get("subject"), told.get("relation"), told.get("object")
    if not (isinstance(subject, str) and subject and isinstance(name, str) and name and isinstance(value, str)):
        return None
    positive_name, positive = positive_form(name, bool(told.get("polarity", True)))
    claimant = str(told.get("claimed_by") or "")
    reported = told.get("modality") == "reported"
    authority = (
        0
        if reported
        else 2
        if claimant.casefold() == subject.casefold() or subject.casefold().startswith(f"{claimant.casefold()}'s")
        else 1
    )
    return Belief(
        memory=memory,
        subject=subject,
        relation=relation(positive_name),
        object=value,
        positive=positive,
        ended=bool(told.get("ended")),
        authority=authority,
    )


def same_object(one: str, other: str) -> bool:
    """Return whether two values are the same but for case, article and punctuation.

    Example:
        >>> same_object("a sailboat", "Sailboat."), same_object("Lisbon", "Porto")
        (True, False)
    """
    return bare(one) == bare(other)


def bare(value: str) -> str:
    """Return a value without article, case and punctuation, for comparison."""
    words = _WORD.findall(_DETERMINER.sub("", value.strip()).casefold())
    return " ".join(words) or value.strip().casefold()


def refines(longer: str, shorter: str) -> bool:
    """Return whether one value says the same and more: "Lisbon, Portugal" against "Lisbon"."""
    more, less = bare(longer).split(), bare(shorter).split()
    return 0 < len(less) < len(more) and any(more[i : i + len(less)] == less for i in range(len(more) - len(less) + 1))


def is_state(item: Belief) -> bool:
    """Whether it holds over time and its end can be told; events and plans just happen or pass."""
    return item.relation.kind not in ("event", "foresight") and item.memory.attributes.get("modality") != "planned"


def turn_of(episode: str) -> str:
    """Return the id of the verbatim memory of an episode: the two share what follows the prefix."""
    return "mem" + episode[2:]
