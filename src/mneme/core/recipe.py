"""Recipes: named compositions of components, as frozen values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mneme.core.card import Card
from mneme.core.components import Channel, Former, Guard, Keeper, Organiser, Packer, Ranker, Refiner
from mneme.core.upkeep import Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A memory design: which components work together.

    Args:
        name: its name in the registry, in traces and in the arena.
        channels: what scores the space for a query.
        ranker: what fuses the scores.
        packer: what renders a context.
        refiners: what changes the order after it, in this order.
        formers: what makes memories out of episodes, besides the verbatim ones; none keeps episodes only.
        organisers: what fits new memories to those that are there, in this order.
        guards: what a formed memory has to pass.
        keepers: what looks after the space in every pass of upkeep, in this order.
        curve: how memories strengthen with use and fade without; None counts uses and nothing else.
        about: one sentence for a person.
        card: its paper, deviations and costs; None for a recipe of one's own that has none.
    """

    name: str
    channels: tuple[Channel, ...]
    ranker: Ranker
    packer: Packer
    refiners: tuple[Refiner, ...] = ()
    formers: tuple[Former, ...] = ()
    organisers: tuple[Organiser, ...] = ()
    guards: tuple[Guard, ...] = ()
    keepers: tuple[Keeper, ...] = ()
    curve: Curve | None = None
    about: str = ""
    card: Card | None = None

    @property
    def forming(self) -> str:
        """Twelve hexadecimal digits that change with what forms memories: formers, guards and organisers."""
        parts = [repr(self.formers), repr(self.guards), repr(self.organisers)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def spec(self) -> dict[str, object]:
        """Return the composition as plain values, for traces and logs."""
        return {
            "name": self.name,
            "channels": [repr(channel) for channel in self.channels],
            "ranker": repr(self.ranker),
            "packer": type(self.packer).__name__,
            "formers": [repr(former) for former in self.formers],
            "organisers": [repr(organiser) for organiser in self.organisers],
            "guards": [repr(guard) for guard in self.guards],
            "keepers": [keeper.name for keeper in self.keepers],
            "curve": repr(self.curve) if self.curve else "",
        }
