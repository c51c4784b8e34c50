"""A guard for what is settled: a formed memory that contradicts ground truth is set aside until somebody has judged it.

Source: MARK (arXiv 2505.05177), refined memories against immutable knowledge. Differs: ground truth are memories with the tag
``immutable``; by rule two sentences of the form "X is Y" contradict each other when they say different things of one X, or one denies what
the other says; a model, where there is one, judges the pairs that a rule can't.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mneme.core.components import Verdict
from mneme.core.context import Context
from mneme.core.llm import Prompt
from mneme.core.operations import Keep, Operation
from mneme.core.query import Filter
from mneme.text.stopwords import stopwords

TAG = "immutable"

_ADMIT = Verdict(admit=True)
_SAYS = re.compile(
    r"^\W*(?P<what>[^.!?,;\n]{1,60}?)\s+(?:is|are|was|were|means?|stands?\s+for)\s+(?P<deny>not\s+|never\s+)?(?P<value>[^.!?\n]+)", re.I
)
_WORD = re.compile(r"\w+")

CONTRADICTS = Prompt(
    role="guard.contradicts",
    system="You say whether a new statement can't be true if the settled ones are. Different subjects never contradict each other.",
    template="Settled:\n$settled\n\nNew: $new",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradicts:
    """Whether the new statement contradicts a settled one."""

    contradicts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Immutable:
    """Quarantines what contradicts ground truth.

    Args:
        asked: how many settled statements about the same words a model is shown.
        name: its name in traces.
    """

    asked: int = 5
    name: str = "immutable"

    def check(self, ctx: Context, operation: Operation) -> Verdict:
        """Return whether the memory agrees with ground truth."""
        if not isinstance(operation, Keep) or TAG in operation.memory.tags:
            return _ADMIT
        settled = ctx.once("immutable", lambda: [memory.text for memory in ctx.find(Filter(tags=(TAG,)))])
        text = operation.memory.text
        if any(contradicts(text, other) for other in settled):
            return Verdict(admit=False, quarantine=True, why="immutable: contradicts ground truth")
        words = _content(text)
        shared = sorted((other for other in settled if words & _content(other)), key=lambda other: -len(words & _content(other)))
        if ctx.llm is not None and shared:
            variables = {"settled": "\n".join(shared[: self.asked]), "new": text}
            if ctx.llm.ask(CONTRADICTS, variables, Contradicts).contradicts:
                return Verdict(admit=False, quarantine=True, why="immutable: contradicts ground truth, says the model")
        return _ADMIT


def contradicts(one: str, other: str) -> bool:
    """Return whether two sentences say different things of the same thing.

    Example:
        >>> contradicts("A stone is liquid.", "Stones are solid."), contradicts("A stone is liquid.", "Water is liquid.")
        (True, False)
    """
    first, second = _SAYS.match(one), _SAYS.match(other)
    if first is None or second is None or not _content(first["what"]) or _content(first["what"]) != _content(second["what"]):
        return False  # "it" and "she" name nothing that two sentences could be about
    values, denied = (_content(first["value"]), _content(second["value"])), bool(first["deny"]) != bool(second["deny"])
    same = bool(values[0] & values[1])
    return same if denied else not same and bool(values[0]) and bool(values[1])


@lru_cache(maxsize=4096)
def _content(text: str) -> frozenset[str]:
    words = (word for word in _WORD.findall(text.casefold()) if word not in stopwords("en"))
    return frozenset(word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word for word in words)
