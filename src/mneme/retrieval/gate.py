"""A gate: small talk asks nothing of the memory, so nothing is recalled for it; as a ranker around another, nothing is even searched.

Source: SCM (arXiv 2304.13343), controller question 1; CAIM (arXiv 2505.13044), memory controller. Differs: the rule sibling closes the
gate only for greetings, thanks and other talk without a content word; a doubtful question passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Channel, Ranked, Ranker
from mneme.core.context import Context, Query
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.retrieval.consulting import consulted

NEEDED = Prompt(
    role="gate.needed",
    system="You decide whether a message can be answered without knowing anything that was said or happened before.",
    template="Message: $question\n\nIs knowledge of earlier conversations needed to answer it well?",
)

_SMALL_TALK = re.compile(
    r"\W*(?:hi|hey|hello|thanks?(?:\s+you)?(?:\s+(?:so|very)\s+much)?|good\s+(?:morning|evening|night|day)|bye|goodbye|ok(?:ay)?|cool|great|nice|"
    r"sure|yes|no|lol|haha+|how\s+are\s+you|see\s+you)(?:\W+(?:there|all|everyone|again|then|ok(?:ay)?))*\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Whether the memory is needed."""

    needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Returns no hits for what needs none.

    Args:
        ask_model: ask the model where there is one; otherwise the rule decides alone.
    """

    ask_model: bool = True

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits, or none."""
        if not closed(ctx, query, self.ask_model):
            return ranked
        return replace(
            ranked, positions=ranked.positions[:0], scores=ranked.scores[:0], parts={name: part[:0] for name, part in ranked.parts.items()}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """Ranks what needs the memory; for what does not no channel is searched.

    Args:
        channels: what is searched behind the gate.
        ranker: ranks what they say.
        ask_model: as :class:`Gate`.
    """

    channels: tuple[Channel, ...]
    ranker: Ranker
    ask_model: bool = True

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return what the ranker says, or nothing."""
        if closed(ctx, query, self.ask_model):
            return Ranked(positions=np.zeros(0, np.int64), scores=np.zeros(0, np.float32))
        behind = {channel.name: channel.search(ctx, query) for channel in self.channels}
        return self.ranker.rank(ctx, query, {**channels, **behind})


def closed(ctx: Context, query: Query, ask_model: bool) -> bool:
    """Return whether a question needs nothing of the memory; a model that can't say leaves it to the rule."""
    shut = small_talk(query.text)
    if not shut and ask_model:
        reply = consulted(ctx, NEEDED, {"question": query.text}, Needed)
        shut = reply is not None and not reply.needed
    if shut:
        ctx.trace.note(gate="no memory needed")
    return shut


def small_talk(text: str) -> bool:
    """Return whether a message is a greeting, thanks or the like, and nothing else.

    Example:
        >>> small_talk("Hello there!"), small_talk("Hello, where is my key?")
        (True, False)
    """
    return _SMALL_TALK.fullmatch(text) is not None
