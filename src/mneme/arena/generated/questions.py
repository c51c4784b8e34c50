"""Questions about a stream of life changes, and what an answer to one is worth.

Source: HaluMem (arXiv 2511.03506), question stage: right, made up, or left out. Differs: the judge is no language model. The truth of a
slot at the moment of asking is known from the stream, so an answer is right when it has a value that holds and none that does not; a
value that has ended may be quoted when the answer says that it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mneme.arena.generated.life_changes import Stream
from mneme.arena.halumem import Judged
from mneme.core.query import Answer

ASKED: dict[str, tuple[str, ...]] = {
    "lives_in": ("Where does {s} live?", "Which city does {s} live in now?", "In what town has {s} made a home?"),
    "works_at": ("Where does {s} work?", "Which company does {s} work for?", "Tell me the employer of {s}."),
    "job": ("What is {s}'s job?", "What does {s} do for a living?", "What kind of work is {s} in?"),
    "diet": ("What diet does {s} follow?", "How does {s} eat: vegan, vegetarian or otherwise?", "Would {s} eat a steak?"),
    "favourite_colour": (
        "What is {s}'s favourite colour?",
        "Which colour does {s} like best?",
        "If I painted a wall for {s}, which colour would please most?",
    ),
    "likes": ("What does {s} love?", "What does {s} like?", "What would make {s} happy on a free day?"),
    "speaks": ("Which languages does {s} speak?", "What language does {s} speak?", "In which tongues could I write to {s}?"),
    "plays": ("What does {s} play?", "Which instrument or sport does {s} play?", "What is {s} playing in spare hours?"),
    "owns": ("What does {s} own?", "Which things does {s} own?", "What belongs to {s}?"),
    "allergic_to": ("What is {s} allergic to?", "Which allergies does {s} have?", "What must be kept away from {s} for health reasons?"),
}
"""Relation -> phrasings: two that rules read, and one put in another way, for which the evidence has to be found by meaning."""

STRANGERS = ("Gregor", "Fatima", "Wendell")
"""People of whom a stream says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with its truth.

    Args:
        text: the question.
        true: the values that hold, none when nothing is known or all has ended.
        past: the values of the slot that do not hold and were told at some time.
        told: whether the stream ever says anything of the slot.
    """

    text: str
    true: frozenset[str]
    past: frozenset[str]
    told: bool


def questions(stream: Stream, *, phrasing: int) -> Iterator[Asked]:
    """Yield a question for every slot of the stream, and as many about strangers as there are relations.

    Args:
        stream: what was told, all of it by now.
        phrasing: which of the wordings.
    """
    now = end(stream)
    for subject, relation in stream.slots:
        true = stream.truth(subject, relation, now)
        slot = [change for change in stream.changes if (change.subject, change.relation) == (subject, relation)]
        told = {change.object for change in slot} | {change.instead_of for change in slot if change.instead_of}
        text = ASKED[relation][phrasing].format(s=subject)
        yield Asked(text=text, true=true, past=frozenset(told - true), told=True)
    for number, wordings in enumerate(ASKED.values()):
        yield Asked(text=wordings[phrasing].format(s=STRANGERS[number % 3]), true=frozenset(), past=frozenset(), told=False)


def end(stream: Stream) -> datetime:
    """Return the moment of asking: a day after all was told."""
    return max(change.said_at for change in stream.changes) + timedelta(days=1)


def judge_answer(asked: Asked, answer: Answer) -> Judged:
    """Return what an answer is worth: ``correct``, ``hallucination`` or ``omission``."""
    if not answer.known:
        return "omission" if asked.true else "correct"
    if not asked.told:
        return "hallucination"
    current = " ".join(one.quote for one in answer.citations if one.until is None) if answer.extract else answer.text
    if any(_says(current, value) for value in asked.past):
        return "hallucination"
    ended = " ".join(one.quote for one in answer.citations if one.until is not None)
    if asked.true:
        return "correct" if any(_says(current, value) for value in asked.true) else "omission"
    return "correct" if any(_says(ended, value) for value in asked.past) else "omission"


def _says(text: str, value: str) -> bool:
    """Whether a text states a value; what it denies or corrects it does not state."""
    found = re.search(rf"(?<!not )\b{re.escape(value)}\b", text, re.IGNORECASE)
    return found is not None and not re.search(r"\b(?:don't|no longer|not)\b", text[max(0, found.start() - 30) : found.start()])
