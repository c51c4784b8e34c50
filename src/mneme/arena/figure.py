"""A measured figure with its target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with what it should be.

    Args:
        name: what was measured.
        value: the figure.
        of: how many it is a share of.
        least, most: the target; None where there is none.
    """

    name: str
    value: float
    of: int
    least: float | None = None
    most: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the target is met."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)
