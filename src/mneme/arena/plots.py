"""Charts as SVG text: no script, no font, no picture from elsewhere; colours come from the page's style sheet.

A series has its own colour, dash and marker, so that it can be told apart without colour. Every chart carries a title and a
description for screen readers; the page puts the figures in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

WIDTH, HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 48
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4")
_BAR_GAP = 0.22
SERIES = 10
"""Colours in the style sheet, ``--series-0`` onwards; further series repeat them with another dash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value with its interval.

    Args:
        x: place on the horizontal axis.
        y: the value.
        lo: lower end of its interval.
        hi: upper end.
    """

    x: float
    y: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A named line of points, in rising order of ``x``.

    Args:
        name: as the legend has it.
        points: the values.
        style: ``both`` a line and markers with intervals, ``line`` for many points, of which the last is marked, ``dots`` markers alone.
        like: the number of the series whose colour and marker it takes; None for its own.
    """

    name: str
    points: Sequence[Point]
    style: Literal["both", "line", "dots"] = "both"
    like: int | None = None


def line_chart(title: str, series: Sequence[Series], *, x_label: str, y_label: str, log_x: bool = True, y_max: float | None = 1.0) -> str:
    """Return a chart of lines with their intervals.

    Args:
        title: for screen readers; the page shows it as a heading.
        series: what is drawn.
        x_label: with its unit.
        y_label: with its unit.
        log_x: a logarithmic horizontal axis.
        y_max: upper end of the vertical axis; None fits it to the data.
    """
    xs = sorted({point.x for line in series for point in line.points})
    top = y_max if y_max is not None else _nice(max((point.hi for line in series for point in line.points), default=1.0))
    place_x = _scale_x(xs, log_x)
    ticks = _thinned(xs) if log_x or len(xs) <= 8 else _round_ticks(xs[0], xs[-1])
    parts = [_grid(top, y_label), _x_axis([(place_x(x), _number(x)) for x in ticks], x_label)]
    for number, line in enumerate(series):
        index = number if line.like is None else line.like
        spots = [(place_x(point.x), point) for point in line.points]
        path = " ".join(f"{x:.1f},{_place_y(point.y, top):.1f}" for x, point in spots)
        parts.append(f'<g class="s{index % SERIES}">')
        if line.style != "dots":
            parts.append(f'<polyline points="{path}" fill="none" stroke-dasharray="{_DASHES[index % len(_DASHES)]}"/>')
        for x, point in spots[-1:] if line.style == "line" else spots:
            low, high = _place_y(point.lo, top), _place_y(min(point.hi, top), top)
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" class="interval"/>')
            parts.append(_marker(index, x, _place_y(point.y, top), f"{line.name}, {_number(point.x)}: {point.y:.3f}"))
        parts.append("</g>")
    return _frame(title, f"{y_label} against {x_label} for {', '.join(line.name for line in series)}.", parts)


def bar_chart(title: str, groups: Sequence[str], series: Sequence[Series], *, y_label: str) -> str:
    """Return grouped bars with their intervals.

    Args:
        title: for screen readers.
        groups: names under the groups.
        series: one bar in each group; a point's ``x`` is the number of its group.
        y_label: what the height means, in [0, 1].
    """
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(groups))
    width = step * (1 - _BAR_GAP) / max(1, len(series))
    parts = [_grid(1.0, y_label), _x_axis([(_LEFT + step * (number + 0.5), _short(name, step)) for number, name in enumerate(groups)], "")]
    for index, line in enumerate(series):
        parts.append(f'<g class="s{index % SERIES}">')
        for point in line.points:
            x = _LEFT + step * (point.x + _BAR_GAP / 2) + width * index
            y, low, high = (_place_y(value, 1.0) for value in (point.y, point.lo, point.hi))
            tip = escape(f"{line.name}, {groups[int(point.x)]}: {point.y:.3f}")
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" height="{_place_y(0, 1.0) - y:.1f}">')
            parts.append(f"<title>{tip}</title></rect>")
            middle = x + width * 0.46
            parts.append(f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{low:.1f}" y2="{high:.1f}" class="interval over"/>')
        parts.append("</g>")
    return _frame(title, f"{y_label} by group for {', '.join(line.name for line in series)}.", parts)


def legend(names: Sequence[str]) -> str:
    """Return a list of the series with their line and marker."""
    rows = []
    for index, name in enumerate(names):
        dash = _DASHES[index % len(_DASHES)]
        sample = f'<line x1="0" x2="30" y1="7" y2="7" stroke-dasharray="{dash}"/>{_marker(index, 15, 7, "")}'
        rows.append(f'<li><svg width="30" height="14" aria-hidden="true" class="s{index % SERIES}">{sample}</svg>{escape(name)}</li>')
    return f'<ul class="legend">{"".join(rows)}</ul>'


def _frame(title: str, description: str, parts: Sequence[str]) -> str:
    label = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="chart">{label}{"".join(parts)}</svg>'


def _grid(top: float, label: str) -> str:
    lines = []
    for number in range(6):
        value = top * number / 5
        y = _place_y(value, top)
        lines.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>')
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    lines.append(f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(label)}</text>')
    return "".join(lines)


def _x_axis(ticks: Sequence[tuple[float, str]], label: str) -> str:
    y = HEIGHT - _BOTTOM
    marks = [f'<text x="{x:.1f}" y="{y + 18}" text-anchor="middle">{escape(text)}</text>' for x, text in ticks]
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    return f'{"".join(marks)}<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(label)}</text>'


def _scale_x(xs: Sequence[float], log_x: bool) -> Callable[[float], float]:
    transform = math.log if log_x and xs and xs[0] > 0 else float
    low, high = (transform(xs[0]), transform(xs[-1])) if xs else (0.0, 1.0)
    inner = WIDTH - _LEFT - _RIGHT - 24
    return lambda x: _LEFT + 12 + (inner * (transform(x) - low) / (high - low) if high > low else inner / 2)


def _place_y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * max(0.0, min(value, top)) / top


def _thinned(xs: Sequence[float]) -> list[float]:
    step = max(1, math.ceil(len(xs) / 8))
    return list(xs[::step])


def _round_ticks(low: float, high: float) -> list[float]:
    """Return the multiples of a round step in the range, at most nine."""
    step = _nice((high - low) / 8)
    return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _nice(value: float) -> float:
    """Return the next round number that is not below the value."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return float(next(factor * power for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if factor * power >= value))


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:.3g}"


def _short(name: str, step: float) -> str:
    room = max(3, int(step / 6.5))
    return name if len(name) <= room else f"{name[: room - 1]}…"


def _marker(index: int, x: float, y: float, tip: str) -> str:
    title = f"<title>{escape(tip)}</title>" if tip else ""
    kind = index % 6
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4">{title}</circle>'
    if kind == 1:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7">{title}</rect>'
    if kind == 2:
        return f'<polygon points="{x:.1f},{y - 4.5:.1f} {x + 4.5:.1f},{y + 3.5:.1f} {x - 4.5:.1f},{y + 3.5:.1f}">{title}</polygon>'
    if kind == 3:
        return f'<polygon points="{x:.1f},{y - 5:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + 5:.1f} {x - 5:.1f},{y:.1f}">{title}</polygon>'
    if kind == 4:
        return f'<polygon points="{x:.1f},{y + 4.5:.1f} {x + 4.5:.1f},{y - 3.5:.1f} {x - 4.5:.1f},{y - 3.5:.1f}">{title}</polygon>'
    return f'<path d="M{x - 4.5:.1f} {y:.1f}h9M{x:.1f} {y - 4.5:.1f}v9" stroke-width="3" fill="none">{title}</path>'
