"""Five layers under one controller: the conversation, a sealed profile, what has a date, what is around, and the work at hand.

Source: MMAG (arXiv 2512.01710): layers, proactive reminders, token shares, conflict resolution. Differs: the order in which layers win a
contradiction is this project's (an utterance of now, the work at hand, the conversation, the profile, the surroundings), since the paper
gives none; losers are told. The conversation is trimmed first and the profile never; the cap is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mneme.core.errors import InvalidInput, ModelError
from mneme.core.llm import LLM, Prompt
from mneme.core.query import Filter, Receipt
from mneme.core.records import Memory
from mneme.engine.prepare import Given
from mneme.formation.reminders import ROUTINE, TAG, occurs
from mneme.recipes.agent.everything import everything
from mneme.recipes.agent.sealed_profile import SealedProfile
from mneme.space import Space
from mneme.text.tokens import count_tokens

SENSOR = "sensor"
CAP_TOKENS = 90_000
_ENOUGH_TURNS = 2_000
_UNFIT = 32
"""After so many messages in a row that do not fit, the conversation's part counts as full."""

EXTRACT = Prompt(
    role="layers.profile",
    system="You note what a message says lastingly of its author: name, level, traits, goals, preferences. Nothing is guessed.",
    template="Slots in use: $slots\n\nMessage: $message\n\nList slots in one word each with their values.",
)

_SLOTS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("name", re.compile(r"\b[Mm]y name is ([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)")),
    ("level", re.compile(r"\bI(?:['’]m| am)(?: still| now)?(?: an?)? (beginner|intermediate|advanced|fluent|expert)\b", re.I)),
    ("city", re.compile(r"\bI (?:now )?live in ([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)")),
    ("goal", re.compile(r"\bmy goal is (?:to )?([^.!?\n]{3,80})", re.I)),
    ("job", re.compile(r"\bI work as an? ([^.,!?\n]{3,40})", re.I)),
    ("likes", re.compile(r"\bI (?:really )?(?:like|love|enjoy) ([^.,!?\n]{3,40})", re.I)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A slot and its value."""

    slot: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What the model found in a message."""

    items: list[Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """A value that lost against a layer above.

    Args:
        slot: what it is about.
        layer, value: which layer said what.
        by, winner: which layer won, with what.
    """

    slot: str
    layer: str
    value: str
    by: str
    winner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layered:
    """A context, layer by layer.

    Args:
        parts: layer -> its text, in the order of the prompt.
        trimmed: layers that were cut to the cap.
        overruled: contradictions, and who won.
    """

    parts: dict[str, str] = field(default_factory=dict)
    trimmed: tuple[str, ...] = ()
    overruled: tuple[Overruled, ...] = ()

    @property
    def text(self) -> str:
        """The whole context."""
        return "\n\n".join(f"<{name}>\n{text}\n</{name}>" for name, text in self.parts.items() if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A value that was said for now, when, and in which message."""

    value: str
    at: datetime
    message: str


class Layers:
    """The memory of one conversation partner.

    Args:
        space: conversation, dates, surroundings and work.
        profile: who the partner is; None keeps none.
        llm: finds slots of the profile; None works by rule.
        cap_tokens: of a context.
        ahead: how early what is due surfaces.
        count: the length of a text in tokens.
    """

    def __init__(
        self,
        space: Space,
        profile: SealedProfile | None = None,
        llm: LLM | None = None,
        *,
        cap_tokens: int = CAP_TOKENS,
        ahead: timedelta = timedelta(days=1),
        count: Callable[[str], int] = count_tokens,
    ) -> None:
        self.space = space
        self.profile = profile
        self._llm = llm
        self._cap = cap_tokens
        self._ahead = ahead
        self._count = count
        self._said: dict[str, _Said] = {}

    def hear(self, text: str, *, author: str | None = None, role: str = "user", session: str | None = None) -> Receipt:
        """Store a message, take in what has a date, and propose what it says of its author to the profile."""
        receipt = self.space.remember(text, author=author, role=role, session=session)
        if role == "user":
            for slot, value in self._slots(text).items():
                self._said[slot] = _Said(value=value, at=self._now(), message=receipt.ids[0])
                if self.profile is not None:
                    self.profile.propose(slot, value, sources=receipt.ids[:1])
        return receipt

    def sense(self, name: str, value: str, *, lasts: timedelta) -> None:
        """Note what is around, for as long as it lasts; a newer value of the same name takes its place."""
        old = self.space.memories(Filter(tags=(f"{SENSOR}:{name}",)))
        if old:
            self.space.forget([memory.id for memory in old])
        now = self._now()
        given = Given(
            text=f"{name}: {value}", kind="resource", tags=(SENSOR, f"{SENSOR}:{name}"), at=now, valid_from=now, valid_to=now + lasts,
            attributes={"name": name, "value": value},
        )  # fmt: skip
        self.space.remember(memories=[given])

    def work(self, text: str) -> None:
        """Set what is being done."""
        self.space.blocks.set("task", text)

    def done(self) -> None:
        """Clear what was being done, and what was said only for now."""
        self._said.clear()
        ids = [block.id for block in self.space.blocks.list() if block.name == "task"]
        if ids:
            self.space.forget(ids)

    def due(self) -> list[Memory]:
        """Return what falls due within the time ahead, and routines of today; soonest first."""
        now = self._now()
        tasks = everything(self.space, Filter(kinds=("task",), tags=(TAG,)))
        coming = [task for task in tasks if task.valid_to is not None and task.valid_from <= now + self._ahead and now < task.valid_to]
        routines = [task for task in tasks if ROUTINE in task.tags and occurs(str(task.attributes["rrule"]), _due(task), now)]
        return sorted(coming, key=lambda task: (task.valid_from, task.id)) + sorted(routines, key=lambda task: task.id)

    def context(self, question: str = "", *, cap_tokens: int | None = None) -> Layered:
        """Return everything that an answer should know, with the conversation last.

        Args:
            question: what is asked; what bears on it comes into the conversation's part. Empty for an opening turn.
            cap_tokens: None takes the cap of this memory.

        Raises:
            InvalidInput: the profile alone is longer than the cap.
        """
        cap = cap_tokens or self._cap
        profile, sensed, overruled = self._resolved()
        parts = {
            "profile": profile,
            "due": "\n".join(f"{_due(task):%Y-%m-%d}: {task.text}" for task in self.due()),
            "work": "\n".join(block.text for block in self.space.blocks.list() if block.name == "task"),
            "surroundings": "\n".join(sensed),
        }
        if self._count(Layered(parts={"profile": profile}).text) > cap:
            raise InvalidInput({"cap_tokens": f"is {cap}, less than the profile, which is never cut; raise it, or let the person edit it"})
        trimmed: list[str] = []
        for name in ("surroundings", "due", "work"):
            while parts[name] and self._count(Layered(parts=parts).text) > cap:
                parts[name] = "\n".join(parts[name].splitlines()[:-1])
                trimmed = [*trimmed, name] if name not in trimmed else trimmed
        lines, cut = self._conversation(question, lambda text: cap - self._count(Layered(parts={**parts, "conversation": text}).text))
        parts["conversation"] = "\n".join(lines)
        return Layered(parts=parts, trimmed=(*(["conversation"] if cut else []), *trimmed), overruled=tuple(overruled))

    def _conversation(self, question: str, room: Callable[[str], int]) -> tuple[list[str], bool]:
        """Return what bears on the question and the latest messages, oldest first, as many as fit; and whether something was left out."""
        turns = self._turns()
        found = {hit.memory.id: hit.memory for hit in self.space.recall(question, k=10, kinds=("turn",)).hits} if question.strip() else {}
        wanted = list(dict.fromkeys([*(turn.id for turn in turns[-4:][::-1]), *found, *(turn.id for turn in turns[::-1])]))
        by_id = {**found, **{turn.id: turn for turn in turns}}
        left = room("…")
        chosen: list[Memory] = []
        unfit = 0
        for id in wanted:
            cost = self._count("\n" + _line(by_id[id]))
            if cost <= left:
                chosen.append(by_id[id])
                left, unfit = left - cost, 0
            else:
                unfit += 1
            if left <= 0 or unfit >= _UNFIT:
                break
        # Lengths in tokens do not add up exactly.
        while chosen and room("\n".join(_lines(chosen))) < 0:
            chosen.pop()
        lines = _lines(chosen)
        if len(chosen) == len(wanted):
            return lines, False
        summaries = sorted(everything(self.space, Filter(kinds=("summary",))), key=lambda memory: (memory.at, memory.id))
        earlier = [f"(earlier) {summary.text}" for summary in summaries[-1:]]
        return ([*earlier, *lines] if room("\n".join([*earlier, *lines])) >= 0 else lines), True

    def _resolved(self) -> tuple[str, list[str], list[Overruled]]:
        """Return the profile's text, the lines of the surroundings, and what was overruled."""
        known = {} if self.profile is None else self.profile.slots()
        now, told = self._now(), self._still_said()
        sensed = [m for m in everything(self.space, Filter(tags=(SENSOR,))) if m.valid_to is not None and now < m.valid_to]
        overruled: list[Overruled] = []
        lines = []
        for name, slot in sorted(known.items()):
            said = told.get(name)
            if said is not None and said.at < slot.since:
                del told[name]  # the profile was set since
            elif said is not None and said.value.casefold() != slot.value.casefold():
                overruled.append(Overruled(slot=name, layer="profile", value=slot.value, by="utterance", winner=said.value))
                lines.append(f"{name}: {slot.value} (now said: {said.value}, not confirmed; go by what is said now)")
                continue
            lines.append(f"{name}: {slot.value}")
        around = []
        for memory in sensed:
            name, value = str(memory.attributes["name"]), str(memory.attributes["value"])
            above = told.get(name) or known.get(name)
            if above is not None and above.value.casefold() != value.casefold():
                layer = "utterance" if name in told else "profile"
                overruled.append(Overruled(slot=name, layer="surroundings", value=value, by=layer, winner=above.value))
            else:
                around.append(memory.text)
        return "\n".join(lines), around, overruled

    def _still_said(self) -> dict[str, _Said]:
        """Return what was said for now, without what was in messages that are gone."""
        there = {said.message for said in self._said.values()}
        there &= {memory.id for memory in self.space.memories(Filter(ids=tuple(there)), limit=len(there))} if there else set()
        return {slot: said for slot, said in self._said.items() if said.message in there}

    def _slots(self, text: str) -> dict[str, str]:
        """Return what a message says lastingly of its author: as the model says, by rule where there is none or it fails."""
        if self._llm is not None:
            used = sorted(self.profile.slots()) if self.profile is not None else []
            with suppress(ModelError):  # the message is stored; what the patterns know is better than nothing
                items = self._llm.ask(EXTRACT, {"slots": ", ".join(used) or "none", "message": text}, Slots).items
                return {item.slot.strip().casefold(): item.value.strip() for item in items if item.slot.strip() and item.value.strip()}
        return {name: found[1].strip() for name, pattern in _SLOTS if (found := pattern.search(text))}

    def _turns(self) -> list[Memory]:
        """Return the latest messages, oldest first: those of a day, a week, a quarter, or all, until there are enough to fill a context."""
        now = self._now()
        turns: list[Memory] = []
        for days in (1, 7, 90, None):
            since = None if days is None else now - timedelta(days=days)
            turns, after = [], ""
            while page := self.space.memories(Filter(kinds=("turn",), since=since), after=after, limit=500):
                turns += page
                after = page[-1].id
            if len(turns) >= _ENOUGH_TURNS:
                break
        return sorted(turns, key=lambda turn: (turn.at, turn.id))

    def _now(self) -> datetime:
        return self.space._memory.clock.now()


def _due(task: Memory) -> datetime:
    return datetime.fromisoformat(str(task.attributes["due"]))


def _lines(memories: Sequence[Memory]) -> list[str]:
    return [_line(memory) for memory in sorted(memories, key=lambda memory: (memory.at, memory.id))]


def _line(memory: Memory) -> str:
    return f"{memory.at:%Y-%m-%d %H:%M} {memory.author or memory.role or 'someone'}: {memory.text}"
