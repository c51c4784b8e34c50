"""What kinds of memory a turn is worth, and how much it matters, without a model."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mneme.formation.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which stores a turn belongs to; several or none may be true.

    Attributes:
        episodic: it tells what happened.
        semantic: it tells what is so, or what someone likes.
        procedural: it tells how something is done.
    """

    episodic: bool
    semantic: bool
    procedural: bool

    @property
    def mask(self) -> str:
        """The three as bits, for example ``"110"``."""
        return "".join("1" if bit else "0" for bit in (self.episodic, self.semantic, self.procedural))


_PAST = re.compile(
    r"\b(?:was|were|went|visited|met|bought|saw|had|did|got|made|took|came|left|found|began|won|lost|learned|started|moved|finished|attended|tried|happened"
    r"|became|gave|told|ran|ate|flew|drove|joined|adopted|graduated|quit|celebrated|\w{3,}ed)\b",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:I|we|my|our|he|she|they|his|her)\b|[A-Z][a-z]+\s+(?:is|was|has|had|\w+ed)\b")
_SO = re.compile(
    r"\b(?:(?:I|[Ww]e|[Hh]e|[Ss]he|[Tt]hey|[A-Z]\w+)(?:['’](?:m|s|re)|\s+(?:am|is|are|live|lives|work|works|love|loves|like|likes|hate|hates|prefer|prefers|enjoy|enjoys"
    r"|own|owns|speak|speaks|have|has|play|plays|study|studies|don['’]t|doesn['’]t|can['’]t))|my\s+(?:\w+\s+){1,3}(?:is|are))\b"
)
_HOW = re.compile(
    r"\b(?:how\s+to|step\s+\d|first,?\s+\w+.{0,400}?\bthen\b|make\s+sure\s+(?:to|you)|always\s+\w+\s+before|in\s+order\s+to|you\s+(?:need|have)\s+to|instructions?|recipe\s+is)\b"
    r"|^\W*to\s+\w+[^,.]*,\s*(?:you\s+)?(?:first\s+)?(?:hold|press|click|open|run|turn|go|use|set|type|select|push|pull|add|mix|type|install|restart|enter|call|check|unplug|plug|switch)"
    r"|^\W*(?:hold|press|click|open|run|type|select|install|preheat|mix|restart|unplug)\s+(?:the|a|your|and|on)\b",
    re.IGNORECASE | re.DOTALL,
)


def route(text: str) -> Route:
    """Which kinds of memory a turn holds, from its words alone.

    Source: ENGRAM, arXiv 2511.12960 (a three-bit router). Differs: rules in the place of its language model.

    Example:
        >>> [route(line).mask for line in ("I visited Oslo on May 3", "I am allergic to nuts", "haha ok")]
        ['100', '010', '000']
    """
    asks = text.rstrip().endswith("?")
    how = _HOW.search(text) is not None and not asks
    person = _PERSON.search(text) is not None
    return Route(
        episodic=not asks and person and _PAST.search(text) is not None,
        semantic=not asks and _SO.search(text) is not None,
        procedural=how,
    )


_WEIGHTS = {"profile": 0.7, "preference": 0.6, "fact": 0.6, "event": 0.5, "foresight": 0.55}
_GRAVE = frozenset(
    "allergic_to married_to divorced engaged_to child moved_to lives_in works_at job quit adopted birthday name email phone".split()
)
_SLIGHT = frozenset("went_to watched likes dislikes started met".split())


def importance(statement: Statement) -> float:
    """How much a statement matters, in [0, 1]: lasting facts of a life most, passing events and hearsay least.

    Example:
        An allergy weighs 0.8, an outing 0.4.
    """
    weight = _WEIGHTS[statement.kind]
    weight += 0.1 if statement.relation in _GRAVE else -0.1 if statement.relation in _SLIGHT else 0.0
    return round(weight - (0.15 if statement.modality == "reported" else 0.0), 2)
