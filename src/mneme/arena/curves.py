"""Forgetting curves drawn against their closed forms: the line is the formula, worked out here; the marks are what the component gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from mneme.arena.plots import Point, Series, line_chart
from mneme.core.records import Usage
from mneme.core.upkeep import Curve
from mneme.retention.exponential import Exponential
from mneme.retention.fsrs import PARAMETERS, Fsrs
from mneme.retention.half_life import HalfLife
from mneme.retention.layered import LAYERS, ORDER, Item, Layered

_START = datetime(2024, 1, 1, tzinfo=UTC)
_RECALLED = (2, 13, 59)
"""Days of the recalls in the last chart: those of the worked example of FSRS-6, each when retention has fallen to about 0.9."""
_STRENGTHS = (1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of one family.

    Args:
        heading: its name and formula.
        names: the lines.
        svg: the picture.
        off: the largest difference between marks and lines; None where there is no closed form.
    """

    heading: str
    names: tuple[str, ...]
    svg: str
    off: float | None = None


def charts() -> list[Chart]:
    """Return one chart per family, and one of what recalls do."""
    power = -PARAMETERS[20]
    factor = 0.9 ** (1 / power) - 1
    first = PARAMETERS[2]
    return [
        _family("Exponential, R = exp(-t / 5 S)", Exponential(scale_days=5), lambda t, s: math.exp(-t / (5 * s)), 40),
        _family("Half-life, R = 2^(-t / 30 h)", HalfLife(first_days=30), lambda t, s: 2 ** (-t / (30 * s)), 120),
        _family("FSRS-6, R = (1 + F t / S)^C", Fsrs(), lambda t, s: float((1 + factor * t / (first * s)) ** power), 120),
        _layers(),
        _recalled(),
    ]


def _family(heading: str, curve: Curve, closed: Callable[[float, float], float], days: int) -> Chart:
    lines, dots, off = [], [], 0.0
    for number, strength in enumerate(_STRENGTHS):
        ts = np.linspace(0, days, 11)
        given = curve.retention(np.full(len(ts), strength, np.float32), ts.astype(np.float32)).tolist()
        off = max(off, *(abs(value - closed(t, strength)) for t, value in zip(ts.tolist(), given, strict=True)))
        name = f"strength {strength:g}"
        fine = np.linspace(0, days, 101).tolist()
        lines.append(_series(name, fine, [closed(t, strength) for t in fine]))
        dots.append(Series(name=name, points=_points(ts.tolist(), given), style="dots", like=number))
    names = tuple(line.name for line in lines)
    return Chart(heading=heading, names=names, svg=_drawn(heading, [*lines, *dots]), off=off)


def _layers() -> Chart:
    heading = "Layered decay, recency = exp(-d / Q)"
    lines, dots, off, days = [], [], 0.0, 120
    layered = Layered()
    for number, layer in enumerate(ORDER):
        item, seen = Item(layer=layer, importance=50.0), [1.0]
        for _ in range(days):
            item = layered.day(item)
            seen.append(layered.recency(item))
        closed = [math.exp(-day / LAYERS[layer].days) for day in range(days + 1)]
        off = max(off, *(abs(one - other) for one, other in zip(seen, closed, strict=True)))
        every = [float(day) for day in range(days + 1)]
        lines.append(_series(f"{layer}, Q {LAYERS[layer].days:g}", every, closed))
        dots.append(Series(name=layer, points=_points(every[::12], seen[::12]), style="dots", like=number))
    return Chart(heading=heading, names=tuple(line.name for line in lines), svg=_drawn(heading, [*lines, *dots]), off=off)


def _recalled() -> Chart:
    heading = f"What recalls on days {', '.join(map(str, _RECALLED))} do"
    lines = []
    for name, curve in (("exponential", Exponential(scale_days=5)), ("half-life", HalfLife(first_days=30)), ("fsrs", Fsrs())):
        usage, last, days, kept = Usage(), 0, [], []
        for day in range(121):
            strength = np.array([usage.strength], np.float32)
            days.append(float(day))
            kept.append(float(curve.retention(strength, np.array([day - last], np.float32))[0]))
            if day in _RECALLED:
                change = curve.reinforced("one", usage if last else None, _START, "good", _START + timedelta(days=day))
                usage = Usage(uses=usage.uses + 1, strength=usage.strength + change.strength, state={**usage.state, **change.state})
                last = day
                days.append(day + 0.01)
                kept.append(1.0)
        lines.append(_series(name, days, kept))
    return Chart(heading=heading, names=tuple(line.name for line in lines), svg=_drawn(heading, lines))


def _series(name: str, xs: Sequence[float], ys: Sequence[float]) -> Series:
    return Series(name=name, points=_points(xs, ys), style="line")


def _points(xs: Sequence[float], ys: Sequence[float]) -> list[Point]:
    return [Point(x=x, y=y, lo=y, hi=y) for x, y in zip(xs, ys, strict=True)]


def _drawn(title: str, series: Sequence[Series]) -> str:
    return line_chart(title, series, x_label="days", y_label="retention", log_x=False)
