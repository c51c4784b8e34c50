"""The best of each type, merged: no type crowds out another, and a question may say which type it is after.

Source: ENGRAM (arXiv 2511.12960): top k of each store, union, duplicates once, sorted by similarity. PerLTQA (arXiv 2402.16288): scores
weighted by how likely the question is after a type. Differs: the classifier is a model that says chances, or a handful of rules with a soft
outcome; a chance moves a score by its logarithm, so that it never shuts a type out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.retrieval.consulting import consulted
from mneme.retrieval.fusion import best
from mneme.retrieval.keyed import summed
from mneme.retrieval.provenance import kind_mask, or_all

_KIN = (
    r"(?:siblings?|brothers?|sisters?|mother|father|parents?|child(?:ren)?|sons?|daughters?|wife|husband|married|spouse|partner|friends?|boss"
    r"|colleagues?|cousins?|uncle|aunt|nephew|niece|neighbou?rs?)"
)
_CUES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "event": re.compile(r"\b(?:when|where did|what happened|how long|last|ago|visit(?:ed)?|went|trip|attend\w*)\b", re.I),
        "turn": re.compile(r"\b(?:sa(?:y|id)|tell|told|talk\w*|mention\w*|suggest\w*|recommend\w*|conversation|discuss\w*)\b", re.I),
        "profile": re.compile(
            rf"\b(?:who (?:is|am)\b(?!.*\b{_KIN}\b|\s+\w+\s+to\b)|name|age|old|job|work\w*|live[sd]?|born|birthday|hobby|hobbies)\b", re.I
        ),
        "fact": re.compile(rf"\b(?:who is \w+ to|{_KIN}|relationship|related|pets?|owns?|drives?|plays?)\b", re.I),
        "preference": re.compile(r"\b(?:favou?rite|prefer\w*|like[sd]?|love[sd]?|hate[sd]?|enjoy\w*|allergic|dislike\w*)\b", re.I),
        "skill": re.compile(r"\b(?:how (?:do|to|can)|steps?|procedure|reset|instructions?)\b", re.I),
    }
)


SPARE = 3
"""So many times as many as are taken of a type are looked at, so that what repeats another takes no place."""

LEAST_CHANCE = 0.01
"""No type is less likely, so that a wrong guess can be outweighed by a good match."""

CLASSIFY = Prompt(
    role="types.classify",
    system="You say which kind of memory holds the answer to a question, as a chance between 0 and 1 for each kind; they sum to 1.",
    template="Kinds:\n$types\n\nQuestion: $question",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How likely a type is."""

    type: str
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """How likely each type is."""

    chances: list[Chance]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Ranks the union of the best of each type.

    Args:
        types: name of a type -> kinds of memory that it holds.
        each: how many of a type at most, 0 as many as hits are wanted; kinds of no type are left out.
        weights: channel -> weight of its z-score; channels that are not named count 1.
        steer: in [0, 1]: how much the question's likely type counts; 0 gives the plain order.
        recent: this many of the newest are taken besides the best, of the types of ``recent_of``.
        recent_of: names of types; empty takes all.
        ask_model: the model, where there is one, says what the question is after.
    """

    types: Mapping[str, tuple[str, ...]]
    each: int = 20
    weights: Mapping[str, float] = field(default_factory=dict)
    steer: float = 0.0
    recent: int = 0
    recent_of: tuple[str, ...] = ()
    ask_model: bool = False

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted memories of the types, best first; ties by time, then position."""
        plain = summed(query, channels, self.weights)
        masks = {name: kind_mask(ctx, kinds) & query.admitted for name, kinds in self.types.items()}
        steered = self.steered(plain, masks, self.chances(ctx, query)) if self.steer else plain
        chosen = np.zeros(ctx.index.size, bool)
        each = self.each or query.k
        for name, mask in masks.items():
            chosen[_distinct(ctx, best(steered, mask, ctx.index.at, SPARE * each), each)] = True
            if self.recent and (not self.recent_of or name in self.recent_of):
                chosen[best(ctx.index.at.astype(np.float32), mask, ctx.index.at, self.recent)] = True
        chosen = or_all(chosen, query.admitted)
        positions = _distinct(ctx, best(steered, chosen, ctx.index.at, SPARE * query.k), query.k)
        return Ranked(positions=positions, scores=steered[positions], parts={"match": plain[positions]})

    def chances(self, ctx: Context, query: Query) -> dict[str, float]:
        """Return how likely the question is after each type: as the model says, if it says so of some type, else by rule."""
        if not self.ask_model:
            return likely(query.text, self.types)
        listed = "\n".join(f"{name}: {', '.join(kinds)}" for name, kinds in self.types.items())
        reply = consulted(ctx, CLASSIFY, {"types": listed, "question": query.text}, Classified)
        told = reply.chances if reply else []
        said = {one.type: min(max(one.chance, LEAST_CHANCE), 1.0) for one in told if one.type in self.types}
        if not said:
            return likely(query.text, self.types)
        weights = {name: said.get(name, LEAST_CHANCE) for name in self.types}
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    def steered(self, scores: FloatArray, masks: Mapping[str, BoolArray], chances: Mapping[str, float]) -> FloatArray:
        """Return scores moved by the logarithm of each type's chance over the even one: an even spread moves nothing."""
        moved = scores.copy()
        for name, mask in masks.items():
            moved[mask] += np.float32(self.steer * np.log(max(chances[name] * len(masks), 1e-6)))
        return moved


def likely(question: str, types: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Return how likely a question is after each type; they sum to 1.

    Example:
        >>> chances = likely("When did Ana visit Porto?", {"events": ("event",), "facts": ("fact",)})
        >>> chances["events"] > 0.6
        True
    """
    hits = {name: 1.0 + 2.0 * sum(bool(_CUES[kind].search(question)) for kind in kinds if kind in _CUES) for name, kinds in types.items()}
    total = sum(hits.values())
    return {name: value / total for name, value in hits.items()}


def _distinct(
    ctx: Context, positions: np.ndarray[tuple[int, ...], np.dtype[np.int64]], k: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the positions without those that repeat the text of a better one."""
    texts: set[str] = set()
    kept = []
    said = {memory.id: memory.text for memory in ctx.memories(positions.tolist())}
    for position in positions.tolist():
        text = " ".join(said.get(ctx.index.ids[position], "").casefold().split())
        if text not in texts:
            texts.add(text)
            kept.append(position)
    return np.array(kept[:k], np.int64)
