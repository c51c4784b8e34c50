"""The linear ranker: a weighted sum of channel scores and features over the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Estimator, Feature, Ranked, Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.candidates import candidates, top
from mneme.retrieval.dense import lent
from mneme.retrieval.repeats import distinct

EXACT = "dense"
"""The channel whose scores come from 8-bit codes and are made exact for the best."""

LIFTS = "lifts"
"""The setting of a context with feature -> factor, what the space has learned from feedback (:mod:`mneme.retrieval.learned`)."""

MARGIN = 4
"""How many more than ``k`` are made exact; the codes' error can't lift one from further down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSum:
    """One order out of channels and features, each on a fixed scale, with constant weights.

    Args:
        features: the features, in the order of explanations.
        weights: channel or feature -> weight.
        second: features that go by the sum of ``features``.
        last: features that go by the order that all others make.
        sufficiency: says whether what was found is likely to answer.
    """

    features: tuple[Feature, ...]
    weights: Mapping[str, float]
    second: tuple[Feature, ...] = ()
    last: tuple[Feature, ...] = ()
    sufficiency: Estimator | None = None

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return at most ``query.k`` admitted positions without repeats, best first; ties by time, then position."""
        scene, parts = self.parts(ctx, query, channels)
        total = scene.totals
        sufficiency = self.sufficiency.estimate(ctx, query, scene, parts) if self.sufficiency is not None else 0.0
        near = top(total, query.k + MARGIN)
        self._make_exact(ctx, query, scene, near, total, parts)
        near = near[np.lexsort((scene.positions[near], ctx.index.at[scene.positions[near]], -total[near]))]
        found = distinct(ctx, scene.positions, total, parts, near, query.k)
        order = np.array(found.places, np.int64)
        ids = ctx.index.ids
        return Ranked(
            positions=scene.positions[order],
            scores=np.minimum.accumulate(total[found.ranks]) if len(order) else total[order],
            parts={name: part[order] for name, part in parts.items()},
            sufficiency=sufficiency,
            notes={
                int(scene.positions[place]): {"said-before": [ids[scene.positions[copy]] for copy in copies]}
                for place, copies in found.copies.items()
                if place in found.places
            },
        )

    def parts(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> tuple[Scene, dict[str, FloatArray]]:
        """Return the candidates with their totals, and what each channel and feature contributes, ``(m,)`` each."""
        positions = candidates(ctx, query.admitted, channels, query.k)
        total = np.zeros(len(positions), np.float32)
        scene = Scene(positions=positions, channels=lent(ctx, query, channels, positions), totals=total)
        weights = self._weights(ctx)
        parts = {name: scores[positions] * np.float32(weights[name]) for name, scores in channels.items()}
        for part in parts.values():
            total += part
        for step in (self.features, self.second, self.last):
            if step is self.second and step:
                ctx.memories(positions[top(total, query.k + MARGIN)].tolist())  # nearly all that will be read later, in one read
            found = {feature.name: feature.score(ctx, query, scene) * np.float32(weights[feature.name]) for feature in step}
            for part in found.values():
                total += part
            parts.update(found)
        return scene, parts

    def _weights(self, ctx: Context) -> Mapping[str, float]:
        """Return the weights as the space has learned to lift them."""
        lifts = ctx.settings.get(LIFTS)
        if not isinstance(lifts, Mapping) or not lifts:
            return self.weights
        return {name: weight * lifts.get(name, 1.0) for name, weight in self.weights.items()}

    def _make_exact(
        self, ctx: Context, query: Query, scene: Scene, near: IntArray, total: FloatArray, parts: dict[str, FloatArray]
    ) -> None:
        """Work out the cosines of the best in float32; changes ``total`` and ``parts`` in place."""
        weight = np.float32(self._weights(ctx).get(EXACT, 0.0))
        if weight and EXACT in parts and len(near):
            exact = ctx.index.exact(scene.positions[near], query.vector) * weight
            total[near] += exact - parts[EXACT][near]
            parts[EXACT][near] = exact
