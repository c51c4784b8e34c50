"""Facts, events, preferences, profile and plans read by a model; the sibling of :class:`mneme.formation.rules.RuleFormer`.

The model quotes, the code decides: each statement cites words of a message, the quotation must stand there, times are resolved by the
grammar of time against the moment of the message, and the grounding gate checks the wording. What the model can't quote is dropped and
counted in the trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from mneme.core.context import Context
from mneme.core.errors import InvalidInput
from mneme.core.llm import LLM, Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.batches import Line, batches, numbered
from mneme.formation.rules import derived_id, inherited
from mneme.formation.statement import validity
from mneme.text.quotes import locate
from mneme.text.relations import RELATIONS, relation, told
from mneme.text.time_expressions import find_times

_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
_WEIGHTS = {"profile": 0.7, "preference": 0.6, "fact": 0.6, "event": 0.5, "plan": 0.55}

PROMPT = Prompt(
    role="form.statements",
    system=(
        "You read messages and write down what they state about people, for a memory that must never be wrong. Write one item for each "
        "lasting fact, event, preference, trait or plan. Quote the words that say it, exactly as written, in one piece. Write the item as "
        "a short sentence in the third person with names instead of pronouns. Leave out questions, jokes, wishes, conditions, small talk, "
        "guesses, and everything that is not said. Do not work out dates: copy the words about time into the item. When nothing is "
        "stated, the list is empty."
    ),
    template=(
        "People: $people\nRelations to use where they fit, else a short verb phrase: $relations\n\nMessages:\n$messages\n\n"
        "For every item: message is its number, quote the exact words, subject whom it is about, relation and object in short, negated "
        "true when it is denied, ended true when it was so before and is no longer."
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One statement as the model gives it."""

    message: int
    quote: str
    text: str
    kind: Literal["fact", "event", "preference", "profile", "plan"]
    subject: str
    relation: str
    object: str
    negated: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model answers; the list is required, so that a part of a broken reply is not taken for an empty one."""

    items: list[Item]


def _implied(item: Item) -> list[Item]:
    """Where someone moved to, they live from then on."""
    if item.relation.strip().casefold().replace(" ", "_") != "moved_to" or item.negated or item.kind == "plan":
        return []
    text = told(item.subject.strip(), "lives_in", item.object.strip())
    return [replace(item, relation="lives_in", kind="profile", text=text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFormer:
    """Forms statements by asking the model, some messages at a time.

    Args:
        most_messages, most_chars: how much one question holds; small models lose the thread in long ones.
        skipped_roles: whose messages are not read.
        nameless: what the author is called when a message names none.

    Raises:
        InvalidInput: from ``form``, when the memory has no model; compose with :class:`mneme.formation.either.Either`.
    """

    most_messages: int = 12
    most_chars: int = 6000
    skipped_roles: tuple[str, ...] = ("assistant", "tool", "system")
    nameless: str = "The user"

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return a ``Keep`` for each statement whose quotation was found."""
        if ctx.llm is None:
            raise InvalidInput({"llm": "is missing; open the memory with llm=, or compose this former with its rule-based sibling"})
        read = [episode for episode in episodes if episode.role not in self.skipped_roles and episode.text.strip()]
        operations: list[Operation] = []
        for batch in batches(read, self.most_messages, self.most_chars):
            operations += self._of_batch(ctx, ctx.llm, batch)
        return operations

    def _of_batch(self, ctx: Context, llm: LLM, batch: Sequence[Line]) -> Iterator[Operation]:
        people = list(dict.fromkeys(line.episode.author or self.nameless for line in batch))
        variables = {"people": ", ".join(people), "relations": ", ".join(RELATIONS), "messages": numbered(batch, self.nameless)}
        reply = llm.ask(PROMPT, variables, Reply)
        lines = {line.number: line for line in batch}
        found = unquoted = 0
        made: dict[str, Memory] = {}
        for item in reply.items:
            line = lines.get(item.message)
            span = None if line is None else locate(item.quote, line.text)
            if line is None or span is None or not item.text.strip() or not item.subject.strip():
                unquoted += 1
                continue
            for stated in (item, *_implied(item)):
                memory = self._memory(line, stated, (span[0] + line.start, span[1] + line.start))
                made.setdefault(memory.id, memory)
            found += 1
        ctx.trace.note(former="model", messages=len(batch), statements=found, unquoted=unquoted, prompt=PROMPT.hash)
        return iter([Keep(memory=memory) for memory in made.values()])

    def _memory(self, line: Line, item: Item, span: tuple[int, int]) -> Memory:
        episode = line.episode
        name = item.relation.strip().casefold().replace(" ", "_").replace("-", "_") or "states"
        known = relation(name)
        kind = "event" if item.kind in ("event", "plan") else item.kind
        times = find_times(episode.text[span[0] : span[1]], episode.at)
        tense = "event" if item.kind == "event" else "plan" if item.kind == "plan" else "state"
        begin, end, precision, rule = validity(times, tense, episode.at)
        attributes: dict[str, object] = {
            "subject": item.subject.strip(),
            "relation": name,
            "object": item.object.strip(),
            "polarity": not item.negated,
            "modality": "planned" if item.kind == "plan" else "asserted",
            "claimed_by": episode.author or self.nameless,
            "statement": "foresight" if item.kind == "plan" else item.kind,
            "formed_by": "model",
        }
        if item.ended:
            attributes["ended"] = True
        if precision is not None and begin is not None:
            attributes |= {"precision": precision, "from": begin.isoformat()} | ({"to": end.isoformat()} if end else {})
        if rule is not None:
            attributes["recurring"] = rule
        key = "|".join((item.subject, name, item.object, str(item.negated), item.text)).casefold()
        valid_from, valid_to = self._held(item.kind, begin, end, episode.at)
        return Memory(
            id=derived_id(episode.id, f"model|{key}"),
            text=item.text.strip(),
            kind=known.kind if name in RELATIONS and known.kind not in ("event", "foresight") and kind != "event" else kind,
            at=begin if item.kind == "event" and begin is not None else episode.at,
            valid_from=valid_from,
            valid_to=valid_to,
            **inherited(episode),
            attributes=attributes,
            sources=(Span(episode=episode.id, start=span[0], end=span[1]),),
            importance=_WEIGHTS[item.kind],
        )

    @staticmethod
    def _held(kind: str, begin: datetime | None, end: datetime | None, at: datetime) -> tuple[datetime, datetime | None]:
        """As for statements by rule: an event stays true, a plan is open until its time is over."""
        if kind == "plan":
            return at, end if end is not None and end > at else None
        if kind == "event":
            return begin or at, None
        start = begin or _LONG_AGO
        return start, end if end is None or end > start else None
