"""Feasts that name a day: fixed, moving and reckoned from Easter."""

from __future__ import annotations

import re
from datetime import timedelta

from mneme.text.timex import calendar as cal
from mneme.text.timex import lexicon as lex
from mneme.text.timex.calendar import Interval
from mneme.text.timex.lexicon import Atom, Scene


def in_year(name: str, year: int, scene: Scene) -> Interval | None:
    """The day a feast falls on in a year."""
    entry = lex.FEASTS[name]
    if len(entry) == 3:
        return cal.nth_weekday(year, entry[0], entry[1], entry[2], scene.anchor)
    if entry[0] == 0:
        month, day = cal.easter(year)
        sunday = cal.on_date(year, month, day, scene.anchor)
        return cal.day_of(sunday.lower + timedelta(days=entry[1])) if sunday else None
    return cal.on_date(year, entry[0], entry[1], scene.anchor)


def step_to(name: str, step: int, scene: Scene) -> Interval | None:
    """The last (-1), this year's (0) or the next (1) day of a feast."""
    days = [day for shift in (-1, 0, 1) if (day := in_year(name, scene.anchor.year + shift, scene))]
    if step < 0:
        return [day for day in days if day.upper <= scene.anchor][-1]
    if step > 0:
        return next(day for day in days if day.lower > scene.anchor)
    return days[1]


def bare(match: re.Match[str], scene: Scene) -> Atom | None:
    """On Christmas Eve, Easter 2022."""
    name = match["feast"].lower().replace("’", "'")
    if match["year"]:
        dated = in_year(name, int(match["year"]), scene)
        return Atom(match.start(), match.end(), dated, "day") if dated else None
    lean = lex.leaning(scene.text, match.start()) or -1
    found = step_to(name, lean, scene)
    return Atom(match.start("feast"), match.end(), found, "day") if found else None
