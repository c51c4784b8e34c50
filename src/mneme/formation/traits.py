"""Personas of everybody who speaks: a trait of at most twenty words from a message, or none.

Source: LD-Agent (arXiv 2406.05925): a persona extractor reads each utterance of the user and of the agent, and keeps a trait or nothing;
the banks stay apart. Differs: without a model traits are the statements that rules can read, of an agent the sentences in which it says
what it is, likes or does, as they were said; a bank has no last place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mneme.core.components import Former
from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.records import Episode, Memory, Span
from mneme.formation.refinements import ASSISTANT
from mneme.formation.rules import RuleFormer, derived_id, inherited
from mneme.text.sentences import sentence_spans

NONE = "no_trait"
_OWN = re.compile(r"^\W*I(?:['’]m| am| have| like| love| enjoy| prefer| hate| work| live| speak| was born)\b", re.IGNORECASE)
_PASSING = re.compile(r"\b(?:sorry|happy to|glad|afraid|sure|here to|going to|not able|unable)\b|\?\s*$", re.IGNORECASE)

PERSONA = Prompt(
    role="traits.persona",
    system="You say in at most 20 words what a message tells lastingly of the one who wrote it, or NO_TRAIT. You add nothing.",
    template="Message of $author: $message",
    trim=(("message", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """A trait, or ``NO_TRAIT``."""

    trait: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Keeps traits as profile memories with their author and role.

    Args:
        by_rule: reads everybody but the agent where there is no model.
        words: of a trait, at most.
        skipped_roles: whose messages are not read.
    """

    by_rule: Former = field(default_factory=RuleFormer)
    words: int = 20
    skipped_roles: tuple[str, ...] = ("tool", "system")

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return one ``Keep`` per trait, in the order of episodes."""
        read = [episode for episode in episodes if episode.role not in self.skipped_roles and episode.text.strip()]
        if ctx.llm is None:
            agent = [memory for episode in read if episode.role in ASSISTANT for memory in self._own(episode)]
            return [
                *self.by_rule.form(ctx, [episode for episode in read if episode.role not in ASSISTANT]),
                *(Keep(memory=one) for one in agent),
            ]
        operations: list[Operation] = []
        for episode in read:
            said = {"author": episode.author or episode.role or "someone", "message": episode.text}
            text = ctx.llm.ask(PERSONA, said, Trait).trait.strip()
            if text and not text.casefold().replace(" ", "_").startswith(NONE):
                operations.append(Keep(memory=_memory(episode, " ".join(text.split()[: self.words]), 0, len(episode.text))))
        return operations

    def _own(self, episode: Episode) -> list[Memory]:
        spans = [(start, end) for start, end in sentence_spans(episode.text)]
        own = [
            (start, end) for start, end in spans if _OWN.search(episode.text[start:end]) and not _PASSING.search(episode.text[start:end])
        ]
        return [_memory(episode, " ".join(episode.text[start:end].split()[: self.words]), start, end) for start, end in own]


def _memory(episode: Episode, text: str, start: int, end: int) -> Memory:
    return Memory(
        id=derived_id(episode.id, f"trait|{start}|{text}"),
        text=text,
        kind="profile",
        at=episode.at,
        valid_from=episode.at,
        attributes={"by": "traits"},
        sources=(Span(episode=episode.id, start=start, end=end),),
        **inherited(episode),
    )
