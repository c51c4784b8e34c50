"""A gate: small talk asks nothing of the memory, so nothing is recalled for it.

Source: SCM (arXiv 2304.13343), controller question 1; CAIM (arXiv 2505.13044), memory controller. Differs: the rule sibling closes the
gate only for greetings, thanks and other talk without a content word; a doubtful question passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.llm import Prompt

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
        closed = small_talk(query.text)
        if not closed and self.ask_model and ctx.llm is not None:
            closed = not ctx.llm.ask(NEEDED, {"question": query.text}, Needed).needed
        if not closed:
            return ranked
        ctx.trace.note(gate="no memory needed")
        return replace(
            ranked, positions=ranked.positions[:0], scores=ranked.scores[:0], parts={name: part[:0] for name, part in ranked.parts.items()}
        )


def small_talk(text: str) -> bool:
    """Return whether a message is a greeting, thanks or the like, and nothing else.

    Example:
        >>> small_talk("Hello there!"), small_talk("Hello, where is my key?")
        (True, False)
    """
    return _SMALL_TALK.fullmatch(text) is not None
