"""How a memory has faded and will: the recipe's forgetting curve over what the journal tells of its uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from mneme.core.journal import Entry
from mneme.core.records import Memory
from mneme.core.upkeep import ENDED, USELESS, Curve

_SAMPLES = 24
"""Moments between two uses; closer together after a use, where the curve is steep."""
_DAY = timedelta(days=1)
_LEAST_AHEAD = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How much of a memory is left at a moment.

    Args:
        at: the moment.
        retention: in [0, 1].
    """

    at: datetime
    retention: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Strength and uses from a moment on."""

    at: datetime
    strength: float
    uses: float


def course(curve: Curve, memory: Memory, entries: Sequence[Entry], now: datetime, until: datetime | None = None) -> list[Left]:
    """Return what was left of a memory from its birth to now, and what will be without another use.

    Args:
        curve: how memories fade.
        memory: in its present version.
        entries: the journal's entries about it, oldest first.
        now: the moment.
        until: how far to look ahead; as far again as it is old, at least a month, unless told.
    """
    held = _held(memory.id, memory.at, entries)
    end = until or _ahead(now, max(now - held[-1].at, _LEAST_AHEAD))
    left: list[Left] = []
    for one, following in zip(held, [*(step.at for step in held[1:]), end], strict=True):
        span = max(following - one.at, timedelta(0))
        moments = [one.at + span * (step / _SAMPLES) ** 2 for step in range(_SAMPLES + 1)] if span else [one.at]
        days = np.array([(moment - one.at) / _DAY for moment in moments], np.float32)
        strength = curve.born(np.full(len(days), one.strength, np.float32), np.full(len(days), one.uses, np.float32))
        kept = curve.retention(strength, days) * (USELESS if one.uses < 0 else 1.0)
        ended = np.array([memory.valid_to is not None and memory.valid_to <= moment for moment in moments])
        kept = np.where(ended, kept * ENDED, kept)
        left += [Left(at=moment, retention=round(float(part), 4)) for moment, part in zip(moments, kept, strict=True)]
    return left


def _held(id: str, born: datetime, entries: Sequence[Entry]) -> list[_Held]:
    held = [_Held(at=born, strength=1.0, uses=0.0)]
    for entry in entries:
        for change in entry.changes:
            if change.subject != id or change.op != "reinforce":
                continue
            last = held[-1]
            at = max(entry.recorded_at, last.at)
            added = (float(change.detail.get("strength", 0.0)), float(change.detail.get("uses", 0.0)))
            held.append(_Held(at=at, strength=last.strength + added[0], uses=last.uses + added[1]))
    return held


def _ahead(now: datetime, span: timedelta) -> datetime:
    latest = datetime.max.replace(tzinfo=UTC)
    return latest if latest - now < span else now + span
