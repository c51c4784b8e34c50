"""The linear ranker: a weighted sum of channel scores and features over the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Feature, Ranked, Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.candidates import candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearSum:
    """One order out of channels and features, each on a fixed scale, with constant weights.

    Args:
        features: the features, in the order of explanations.
        weights: channel or feature -> weight; one that is not named does not count.
    """

    features: tuple[Feature, ...]
    weights: Mapping[str, float]

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return at most ``query.k`` admitted positions, best first; ties by time, then position."""
        scene = Scene(positions=candidates(ctx, query.admitted, channels, query.k), channels=channels)
        parts: dict[str, FloatArray] = {}
        for name, scores in channels.items():
            parts[name] = scores[scene.positions] * np.float32(self.weights.get(name, 0.0))
        for feature in self.features:
            parts[feature.name] = feature.score(ctx, query, scene) * np.float32(self.weights[feature.name])
        total = np.zeros(len(scene.positions), np.float32)
        for part in parts.values():
            total += part
        order = np.lexsort((scene.positions, ctx.index.at[scene.positions], -total))[: query.k]
        return Ranked(positions=scene.positions[order], scores=total[order], parts={name: part[order] for name, part in parts.items()})
