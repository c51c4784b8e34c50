"""The kinds of component: one Protocol each, with one method that matters. A recipe composes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mneme.core.context import Context, Query
from mneme.core.operations import Operation
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import Episode, Memory
from mneme.core.upkeep import Proposal, Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Positions in the order of a ranker, best first.

    Args:
        positions: ``(m,)``.
        scores: ``(m,)``, falling.
        parts: feature -> ``(m,)`` its contribution to the score.
        sufficiency: in [0, 1], whether what was found is likely to answer the question; 0 when the ranker does not say.
        notes: position -> what a person wants to know besides the numbers, such as which time range matched.
    """

    positions: IntArray
    scores: FloatArray
    parts: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    sufficiency: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A ranked memory on its way into the context.

    Args:
        memory: the memory.
        score: its score.
        position: where it stands in the index; None when several spaces were asked.
    """

    memory: Memory
    score: float
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A context within its budget.

    Args:
        text: the context.
        marks: mark -> memory id, in the order of the lines.
    """

    text: str
    marks: Mapping[str, str]


class Channel(Protocol):
    """Scores the space for a query from one point of view."""

    @property
    def name(self) -> str:
        """Its name in traces and explanations."""
        ...

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,) float32`` scores, higher is better, 0 where the channel sees nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The candidates of a query and what the channels said of the whole space.

    Args:
        positions: ``(m,)``, rising.
        channels: channel -> ``(size,)`` scores.
        totals: ``(m,)`` the sum so far, for features of a second pass; empty in the first.
    """

    positions: IntArray
    channels: Mapping[str, FloatArray]
    totals: FloatArray


class Feature(Protocol):
    """Scores the candidates from one point of view, on a scale that does not depend on the space."""

    @property
    def name(self) -> str:
        """Its name in weights, traces and explanations."""
        ...

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,) float32``, 0 where the feature sees nothing."""
        ...


class Ranker(Protocol):
    """Fuses the channels' scores into one order."""

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return at most ``query.k`` admitted positions, best first; ties by time, then position."""
        ...


class Estimator(Protocol):
    """Says whether what was found is likely to answer the question."""

    def estimate(self, ctx: Context, query: Query, scene: Scene, parts: Mapping[str, FloatArray]) -> float:
        """Return a probability in [0, 1]; ``parts`` are what each channel and feature contributes to the candidates' totals."""
        ...


class Refiner(Protocol):
    """Changes the order of a ranker where single scores can't tell."""

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the positions in their new order, not more than there were."""
        ...


class Packer(Protocol):
    """Renders hits into a context."""

    def count(self, text: str) -> int:
        """Return the length of a text in tokens."""
        ...

    def pack(self, ctx: Context | None, question: str, items: Sequence[Item], budget_tokens: int | None) -> Packed:
        """Return a context of ``items`` (best first) and what makes them understandable.

        Args:
            ctx: the view of the space; None when several spaces were asked.
            question: what was asked; long texts are cut to what bears on it.
            items: best first.
            budget_tokens: how long the context may be; None takes all items.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a guard says of an operation.

    Args:
        admit: do it as it is.
        quarantine: keep it out of every recall until somebody has judged it; refused when neither is set.
        why: the reason, without content of the space.
    """

    admit: bool
    quarantine: bool = False
    why: str = ""


class Guard(Protocol):
    """Judges operations before they are applied."""

    @property
    def name(self) -> str:
        """Its name in traces."""
        ...

    def check(self, ctx: Context, operation: Operation) -> Verdict:
        """Return whether the operation may be applied."""
        ...


class Former(Protocol):
    """Makes memories out of episodes."""

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return the operations that keep what the episodes say."""
        ...


class Organiser(Protocol):
    """Fits new memories to those that are there."""

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with what follows from them added, changed or left out."""
        ...


class Keeper(Protocol):
    """Looks after what is there."""

    @property
    def name(self) -> str:
        """Its name in reports and traces."""
        ...

    def upkeep(self, ctx: Round) -> Iterable[Proposal]:
        """Return what keeps the space small, current and fast, one proposal for everything that must happen together.

        A keeper proposes in the order of need and stops when ``ctx.out_of_time()`` says so; the next pass goes on from what it finds.
        """
        ...
