"""How a person writes: tone, length, density, formality and emotion, followed over time, and a line that tells a model how to answer.

Source: PAMU (arXiv 2510.09720): sliding window and moving average per trait, fused, with a test for change; a control prefix. Differs:
traits are measured by words and marks of English, not by classifiers; an emotion changes when the leading one does; the line changes only
when a trait changes its third of the scale; a change is told and leaves lambda and the moving average as they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mneme.core.operations import Archive, Operation, Restore
from mneme.core.records import Memory
from mneme.core.upkeep import Proposal, Round, kept, made_id
from mneme.retention.drift import Drift
from mneme.text.feelings import emotions, polarity
from mneme.text.stopwords import stopwords
from mneme.text.tokens import count_tokens

TAG = "style"
EMOTION = "emotion"
TRAITS: Mapping[str, tuple[str, str, str]] = {
    "length": ("short", "of middle length", "long"),
    "density": ("chatty", "plain", "dense"),
    "formality": ("informal", "neutral in tone", "formal"),
    "tone": ("gloomy", "matter-of-fact", "warm"),
}
"""Trait -> what its thirds are called, from low to high."""

_LONG_TOKENS = 80
_CASUAL = re.compile(
    r"\b(?:lol|haha\w*|omg|btw|gonna|wanna|gotta|yeah|yep|nope|hey|hi|cool|dude|kinda|thx|pls|u|ur|ok)\b|\w['’](?:s|m|re|ve|ll|d|t)\b|!{2,}|[:;]-?[)(DP]",
    re.IGNORECASE,
)
_FORMAL = re.compile(
    r"\b(?:regarding|therefore|however|furthermore|moreover|sincerely|kindly|would\s+you|could\s+you\s+please|dear|pursuant|accordingly|hence|thus|whom)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def traits(text: str) -> dict[str, float]:
    """Return each trait of a message, in [0, 1].

    Example:
        >>> casual, formal = traits("haha yeah gonna go, lol!!"), traits("I would therefore kindly ask you to reply.")
        >>> casual["formality"] < 0.34 < 0.66 < formal["formality"]
        True
    """
    words = _WORD.findall(text.casefold())
    content = [word for word in words if word not in stopwords("en")]
    casual, formal = len(_CASUAL.findall(text)), len(_FORMAL.findall(text))
    marks = casual + formal
    return {
        "length": min(1.0, count_tokens(text) / _LONG_TOKENS),
        "density": len(set(content)) / len(words) if words else 0.5,
        "formality": 0.5 + 0.5 * (formal - casual) / marks * min(1.0, 0.4 + 0.2 * marks) if marks else 0.5,
        "tone": 0.5 + 0.5 * polarity(text),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a trait.

    Args:
        trait: which, or ``emotion``.
        at: the number of the message where it began, from 0.
        before, after: the trait's words, or the leading emotions.
    """

    trait: str
    at: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How somebody writes after some messages.

    Args:
        values: trait -> its fused value.
        emotion: emotion -> its fused share; they sum to 1.
        changes: oldest first.
        messages: how many there were.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    emotion: Mapping[str, float] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    messages: int = 0

    def words(self) -> dict[str, str]:
        """Return trait -> its word."""
        return {name: third(name, value) for name, value in self.values.items()}

    def prefix(self, recent: int = 10) -> str:
        """Return a line for a prompt: how to write, and what changed within the last messages."""
        told = ", ".join(self.words().values())
        feeling = leading(self.emotion)
        mood = "" if feeling == "neutral" else f"; mostly {feeling}"
        shifts = [one for one in self.changes if self.messages - one.at <= recent and one.before != one.after]
        moved = "".join(f"; recently shifted from {one.before} to {one.after}" for one in shifts[-3:])
        return f"{told}{mood}{moved}"


def third(trait: str, value: float) -> str:
    """Return the word of a trait's third of the scale.

    Example:
        >>> third("length", 0.1), third("length", 0.9)
        ('short', 'long')
    """
    return TRAITS[trait][min(2, int(max(value, 0.0) * 3))]


def followed(texts: Sequence[str], drift: Drift | None = None) -> Style:
    """Return the style after these messages of one person, oldest first."""
    if not texts:
        return Style()
    drift = drift or Drift()
    measured = [traits(text) for text in texts]
    values, changes = {}, []
    for name in TRAITS:
        readings = drift.follow([one[name] for one in measured])
        values[name] = readings[-1].fused
        for number, reading in enumerate(readings):
            if reading.changed and number:
                changes.append(
                    Change(trait=name, at=number, before=third(name, readings[number - 1].fused), after=third(name, reading.mean))
                )
    felt = drift.follow_shares([emotions(text) for text in texts])
    led = [leading(shares) for shares in felt]
    changes += [
        Change(trait=EMOTION, at=number, before=led[number - 1], after=led[number])
        for number in range(1, len(led))
        if led[number] != led[number - 1]
    ]
    return Style(values=values, emotion=felt[-1], changes=tuple(sorted(changes, key=lambda one: one.at)), messages=len(texts))


def leading(emotion: Mapping[str, float]) -> str:
    """Return the emotion with the greatest share, ``neutral`` where it ties with another or there is none.

    Example:
        >>> leading({"joy": 0.5, "neutral": 0.5}), leading({"joy": 0.6, "neutral": 0.4})
        ('neutral', 'joy')
    """
    return max(emotion, key=lambda name: (round(emotion[name], 6), name == "neutral", name)) if emotion else "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Styles:
    """Keeps a preference memory per person that says how they write.

    Args:
        drift: how traits are followed.
        least: messages before anything is said.
        most: messages that are looked at, the newest.
        skipped_roles: whose style is nobody's preference.
    """

    drift: Drift = field(default_factory=Drift)
    least: int = 5
    most: int = 200
    skipped_roles: tuple[str, ...] = ("assistant", "tool", "system")
    name: str = "styles"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose the line of each person whose line changed, in place of the old one."""
        census = ctx.census
        said = census.active & census.kind.among(("turn",)) & ~census.role.among(self.skipped_roles)
        if not np.any(said & ctx.fresh):
            return
        by_author: dict[str, list[int]] = defaultdict(list)
        for place in np.flatnonzero(said).tolist():
            by_author[str(census.author.values[int(census.author.codes[place])] or "The user")].append(place)
        there = self._there(ctx)
        for author, places in by_author.items():
            if len(places) < self.least:
                continue
            newest = sorted(places, key=lambda place: (int(census.at[place]), census.ids[place]))[-self.most :]
            turns = ctx.memories(newest)
            memory = _memory(author, turns, followed([turn.text for turn in turns], self.drift))
            old = there.get(author)
            if old is not None and old.text == memory.text:
                continue
            back: list[Operation] = [Restore(id=memory.id)] if ctx.status_of(memory.id) == "archived" else kept(ctx, memory)
            if old is not None:
                back.append(Archive(id=old.id))
            yield Proposal(keeper=self.name, why=f"{len(turns)} messages", operations=tuple(back))

    def _there(self, ctx: Round) -> dict[str, Memory]:
        census = ctx.census
        tagged = census.active & census.kind.among(("preference",)) & census.tags.where(lambda tags: TAG in tags)
        lines = ctx.memories(np.flatnonzero(tagged).tolist())
        return {str(line.attributes["subject"]): line for line in lines if {"subject", "traits"} <= line.attributes.keys()}


def _memory(author: str, turns: Sequence[Memory], style: Style) -> Memory:
    last = turns[-1]
    text = f"{author} writes {style.prefix()}."
    recent = turns[-5:]
    return Memory(
        id=made_id(turns[0].id, f"style|{author}|{last.id}|{text}"),
        text=text,
        kind="preference",
        at=last.at,
        recorded_at=last.recorded_at,
        valid_from=recent[0].at,
        author=last.author,
        tags=(TAG,),
        attributes={
            "subject": author,
            "traits": {name: round(value, 3) for name, value in style.values.items()},
            "emotion": {name: round(value, 3) for name, value in style.emotion.items()},
            "changes": [[one.trait, one.at, one.before, one.after] for one in style.changes],
        },
        sources=tuple(span for turn in recent for span in turn.sources),
    )
