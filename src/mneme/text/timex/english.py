"""English expressions of days and longer stretches: each rule reads one form and resolves it.

A rule is a pattern with the words that must be in the text for it to be tried, and a function from its match to an
``Atom`` (or None when the match turns out not to be a time).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from mneme.text.timex import calendar as cal
from mneme.text.timex import feasts
from mneme.text.timex import lexicon as lex
from mneme.text.timex.calendar import Interval
from mneme.text.timex.lexicon import Atom, Scene

Resolver = Callable[["re.Match[str]", Scene], Atom | None]


class Rule(NamedTuple):
    """One form of expression; an empty set of words means that the text must contain a digit."""

    words: frozenset[str]
    pattern: re.Pattern[str]
    resolve: Resolver


def _point(match: re.Match[str], interval: Interval | None, family: str, kind: str = "point") -> Atom | None:
    return Atom(match.start(), match.end(), interval, family, kind) if interval else None


def iso(match: re.Match[str], scene: Scene) -> Atom | None:
    """2023-05-07, with or without a time."""
    year, month, day, hour, minute = (int(part) if part else -1 for part in match.groups())
    whole = cal.on_date(year, month, day, scene.anchor)
    if whole and hour >= 0 and hour < 24 and minute < 60:
        lower = whole.lower + timedelta(hours=hour, minutes=minute)
        whole = Interval(lower, lower + timedelta(minutes=1), "minute")
    return _point(match, whole, "date")


def numeric(match: re.Match[str], scene: Scene) -> Atom | None:
    """05/07/2023, 7.5.2023."""
    first, mark, second, year = int(match[1]), match[2], int(match[3]), int(match[4])
    year += 2000 if year < 70 and len(match[4]) == 2 else 1900 if len(match[4]) == 2 else 0
    # A dot is a European mark; a slash is read the American way unless told otherwise or impossible.
    day_first = scene.day_first if scene.day_first is not None else mark == "."
    if (day_first and second > 12) or (not day_first and first > 12):
        day_first = not day_first
    day, month = (first, second) if day_first else (second, first)
    return _point(match, cal.on_date(year, month, day, scene.anchor), "date")


def date(match: re.Match[str], scene: Scene) -> Atom | None:
    """7 May 2023, May 7th, 3-5 June."""
    groups = match.groupdict()
    word, day, second = groups["month"], int(groups["day"]), groups.get("to")
    if word == "may" and not groups.get("year") and not re.search(r"\d(?:st|nd|rd|th)|\bof\b", match[0]):
        return None
    month = lex.month_number(word)
    year = _written_year(groups.get("year"))
    if year is None:
        year = _near_year(scene, match.start(), month, day)
    found = cal.on_date(year, month, day, scene.anchor)
    if found and second:
        last = cal.on_date(year, month, int(second), scene.anchor)
        if last and last.lower > found.lower:
            return _point(match, Interval(found.lower, last.upper, "day"), "date", "range")
    return _point(match, found, "date")


def _written_year(text: str | None) -> int | None:
    if not text:
        return None
    digits = text.strip(" ,'’")
    return int(digits) if len(digits) == 4 else 2000 + int(digits) if int(digits) < 70 else 1900 + int(digits)


def _near_year(scene: Scene, position: int, month: int, day: int = 1) -> int:
    """The year that a date without one falls in: the past unless the clause points ahead."""
    anchor = scene.anchor
    lean = lex.leaning(scene.text, position)
    if lean > 0:
        return anchor.year + ((month, day) < (anchor.month, anchor.day if day > 1 else 1))
    return anchor.year - ((month, day) > (anchor.month, anchor.day))


def month_year(match: re.Match[str], scene: Scene) -> Atom | None:
    """May 2023, March of 2020."""
    if match["month"] == "may" and match["year"].strip()[0] in "'’":
        return None
    year = _written_year(match["year"])
    first = cal.on_date(year or 0, lex.month_number(match["month"]), 1, scene.anchor)
    return _point(match, cal.month_of(first.lower) if first else None, "month")


def month_range(match: re.Match[str], scene: Scene) -> Atom | None:
    """From May to July 2022."""
    first, last = lex.month_number(match["first"]), lex.month_number(match["last"])
    year = _written_year(match["year"]) or _near_year(scene, match.start(), last)
    begin = cal.on_date(year - (first > last), first, 1, scene.anchor)
    end = cal.on_date(year, last, 1, scene.anchor)
    if begin is None or end is None:
        return None
    return _point(match, Interval(begin.lower, cal.month_of(end.lower).upper, "month"), "span", "range")


def bare_month(match: re.Match[str], scene: Scene) -> Atom | None:
    """In May; nothing when the word is a verb or a name."""
    word, start = match["month"], match.start("month")
    before = scene.text[max(0, start - 24) : start]
    if not _month_is_meant(word, before, scene.text[match.end() : match.end() + 12]):
        return None
    month = lex.month_number(word)
    year = _near_year(scene, start, month)
    first = cal.on_date(year, month, 1, scene.anchor)
    return Atom(start, match.end(), cal.month_of(first.lower), "month") if first else None


_STRONG_BEFORE = re.compile(
    r"\b(?:in|since|until|till|during|early|mid|late|(?:end|beginning|start|middle|month|week|weekend|day)\s+of|back\s+in"
    r"|throughout)[\s-]+$",
    re.IGNORECASE,
)
_WEAK_BEFORE = re.compile(r"\b(?:by|from|before|after|around|through)\s+$", re.IGNORECASE)


def _month_is_meant(word: str, before: str, after: str) -> bool:
    if re.match(r"['’]s\b", after) and not re.match(r"['’]s\s+(?:end|start)", after):
        return False
    if re.match(r"\s+\d{1,2}\b(?!\s*(?:years|days|of\b))", after):  # a date the calendar does not have
        return False
    if re.fullmatch(lex.PLAIN_MONTH, word, re.IGNORECASE):
        return True
    if word.islower() and word in ("mar", "dec", "jan", "jun", "sep"):
        return False
    if re.match(r"\s+[A-Z][a-z]", after):  # "in April Ludgate's words"
        return False
    if _STRONG_BEFORE.search(before):
        return True
    return word[0].isupper() and word.rstrip(".") not in ("April", "June", "August") and bool(_WEAK_BEFORE.search(before))


def deictic(match: re.Match[str], scene: Scene) -> Atom | None:
    """Last Saturday, this weekend, next month, the past week."""
    which, what = re.sub(r"\s+", " ", match["which"].lower()), match["what"].lower().rstrip(".")
    step = -1 if "last" in which or "past" in which or which == "previous" else 0 if which == "this" else 1
    if which == "this" and match["what"] in ("may", "march", "mar", "sat", "sun", "fall", "second"):
        return None
    if what in cal.SEASON_MONTHS:
        return _point(match, _season_step(what, step, scene), "season")
    if what in lex.MONTH_NUMBER:
        return _point(match, _month_step(lex.month_number(what), step, scene), "month")
    if what in lex.WEEKDAY_NUMBER:
        return _point(match, _weekday_step(lex.weekday_number(what), step, scene, match.start()), "day")
    if what in lex.FEASTS:
        return _point(match, feasts.step_to(what, step, scene), "day")
    if what in cal.DAY_PARTS:
        return _point(match, cal.part_of_day(cal.day_of(scene.anchor + timedelta(days=step)), what), "part")
    if what == "weekend":
        return _point(match, _weekend_step(step, scene, match.start()), "weekend")
    if which in ("past", "this past", "this last") and what not in ("century", "decade"):
        # "the past week" runs up to now, "last week" is the calendar's.
        lower = cal.floor_day(cal.moved(scene.anchor, what, -1))
        return _point(match, Interval(lower, scene.anchor, cal.unit_of(lower, what).precision), "span", "range")
    there = cal.moved(cal.floor_day(scene.anchor).replace(day=1) if what in ("month", "year") else scene.anchor, what, step)
    return _point(match, cal.unit_of(there, what), "unit")


def _season_step(name: str, step: int, scene: Scene) -> Interval:
    years = [cal.season_of(name, scene.anchor.year + shift, scene.anchor) for shift in (-2, -1, 0, 1, 2)]
    if step < 0:
        return [season for season in years if season.upper <= scene.anchor][-1]
    if step > 0:
        return next(season for season in years if season.lower > scene.anchor)
    running = [season for season in years if season.lower <= scene.anchor < season.upper]
    return running[0] if running else years[2]


def _month_step(month: int, step: int, scene: Scene) -> Interval:
    anchor = scene.anchor
    year = anchor.year
    if step < 0 and month >= anchor.month:
        year -= 1
    if step > 0 and month <= anchor.month:
        year += 1
    return cal.month_of(cal.floor_day(anchor).replace(year=year, month=month, day=1))


def _weekday_step(weekday: int, step: int, scene: Scene, position: int) -> Interval:
    today = scene.anchor.weekday()
    if step < 0:
        days = -((today - weekday - 1) % 7 + 1)
    elif step > 0:
        days = (weekday - today - 1) % 7 + 1
    else:
        days = weekday - today
        if days < 0 and lex.leaning(scene.text, position) > 0:
            days += 7
    return cal.day_of(scene.anchor + timedelta(days=days))


def _weekend_step(step: int, scene: Scene, position: int) -> Interval:
    here = cal.weekend_of(scene.anchor)
    if step == 0 and scene.anchor.weekday() < 4 and lex.leaning(scene.text, position) < 0:
        step = -1
    return Interval(here.lower + timedelta(days=7 * step), here.upper + timedelta(days=7 * step), "day")


def season(match: re.Match[str], scene: Scene) -> Atom | None:
    """In the summer, spring 2021."""
    name = match["season"].lower()
    if match["year"]:
        return _point(match, cal.season_of(name, _written_year(match["year"]) or 0, scene.anchor), "season")
    lean = lex.leaning(scene.text, match.start())
    running = _season_step(name, 0, scene)
    if running.lower <= scene.anchor < running.upper:
        return Atom(match.start("season"), match.end(), running, "season")
    return Atom(match.start("season"), match.end(), _season_step(name, lean or -1, scene), "season")


def years(match: re.Match[str], scene: Scene) -> Atom | None:
    """2010-2015."""
    first, last = int(match["first"]), int(match["last"])
    if last <= first:
        return None
    january = cal.floor_day(scene.anchor).replace(month=1, day=1)
    interval = Interval(january.replace(year=first), january.replace(year=last + 1), "year")
    return _point(match, interval, "span", "range")


def year(match: re.Match[str], scene: Scene) -> Atom | None:
    """In 2019."""
    lower = cal.floor_day(scene.anchor).replace(year=int(match["year"]), month=1, day=1)
    return Atom(match.start("year"), match.end("year"), cal.year_of(lower), "year")


def decade(match: re.Match[str], scene: Scene) -> Atom | None:
    """The 90s, the 1980s, the eighties."""
    written = (match["digits"] or match["word"]).lower()
    if match["word"]:
        first = {"fifties": 1950, "sixties": 1960, "seventies": 1970, "eighties": 1980, "nineties": 1990}[written]
    else:
        first = int(written) if len(written) == 4 else 1900 + int(written)
    lower = cal.floor_day(scene.anchor).replace(year=first, month=1, day=1)
    return _point(match, cal.decade_of(lower), "decade")


def ago(match: re.Match[str], scene: Scene) -> Atom | None:
    """Two weeks ago, a few days back."""
    return _moved(match, scene, -1)


def hence(match: re.Match[str], scene: Scene) -> Atom | None:
    """In two weeks, three days from now."""
    if match["count"].lower() in ("a", "an") and match["unit"].lower() in ("day", "hour", "minute", "min", "night"):
        return None
    if match[0].lower().startswith("in") and lex.leaning(scene.text, match.start()) < 0:
        return None  # "read it in three days" is a duration
    return _moved(match, scene, 1)


def _moved(match: re.Match[str], scene: Scene, sign: int) -> Atom | None:
    low, high = lex.amount(match["count"])
    if "half" in match.groupdict() and match["half"]:
        low, high = low + 0.5, high + 0.5
    word = match["unit"].lower()
    if word in lex.WEEKDAY_NUMBER:
        first = _weekday_step(lex.weekday_number(word), sign, scene, match.start())
        days = timedelta(days=7 * (low - 1) * sign)
        return _point(match, Interval(first.lower + days, first.upper + days, "day"), "day")
    unit = lex.unit_name(word)
    if unit == "weekend":
        here = _weekend_step(sign, scene, match.start())
        days = timedelta(days=7 * (low - 1) * sign)
        return _point(match, Interval(here.lower + days, here.upper + days, "day"), "weekend")
    if unit == "hour" and low == high == 0.5:
        unit, low, high = "minute", 30.0, 30.0
    if low == high:
        return _point(match, cal.around(cal.moved(scene.anchor, unit, sign * low), unit), "unit")
    near, far = cal.moved(scene.anchor, unit, sign * low), cal.moved(scene.anchor, unit, sign * high)
    ends = sorted((cal.unit_of(near, unit), cal.unit_of(far, unit)))
    if unit in ("week", "fortnight"):
        ends = sorted((cal.day_of(near), cal.day_of(far)))
    return _point(match, Interval(ends[0].lower, ends[1].upper, cal.unit_of(near, unit).precision), "fuzzy", "range")


def stretch(match: re.Match[str], scene: Scene) -> Atom | None:
    """The past three months, the next few days."""
    _, high = lex.amount(match["count"])
    unit = lex.unit_name(match["unit"])
    sign = 1 if match["which"].lower() in ("next", "coming", "following") else -1
    there = cal.moved(scene.anchor, unit, sign * high)
    precision = cal.unit_of(there, unit).precision
    if unit not in ("minute", "hour"):
        there = cal.day_of(there).upper if sign > 0 else cal.floor_day(there)
    low, up = (there, scene.anchor) if sign < 0 else (scene.anchor, there)
    return _point(match, Interval(low, up, precision), "span", "range")


def for_long(match: re.Match[str], scene: Scene) -> Atom | None:
    """Has worked there for three years: true since then."""
    low = max(0, match.start() - 160)
    left = max(low, max(scene.text.rfind(mark, low, match.start()) for mark in ".!?;\n") + 1)
    clause = scene.text[left : match.start()]
    if not re.search(r"\b(?:have|has|haven't|hasn't)\b|['’]ve\b|['’]s\s+been\b", clause, re.IGNORECASE):
        return None
    count, _ = lex.amount(match["count"])
    unit = lex.unit_name(match["unit"])
    there = cal.around(cal.moved(scene.anchor, unit, -count), unit)
    return _point(match, Interval(there.lower, scene.anchor, there.precision), "span", "since")


def named_day(match: re.Match[str], scene: Scene) -> Atom | None:
    """Yesterday, the day after tomorrow, tonight, the other day."""
    words = re.sub(r"[\s-]+", " ", match[0].lower())
    offset = {
        "today": 0, "yesterday": -1, "tomorrow": 1, "day before yesterday": -2, "day after tomorrow": 2,
        "the day before yesterday": -2, "the day after tomorrow": 2, "tmrw": 1,
    }.get(words)  # fmt: skip
    if offset is not None:
        return _point(match, cal.day_of(scene.anchor + timedelta(days=offset)), "day")
    if words == "tonight":
        return _point(match, cal.part_of_day(cal.day_of(scene.anchor), "night"), "part")
    day = cal.floor_day(scene.anchor)  # the other day
    return _point(match, Interval(day - timedelta(days=7), day, "day"), "fuzzy", "range")


def earlier(match: re.Match[str], scene: Scene) -> Atom | None:
    """Earlier this year, later today."""
    unit = "day" if match["unit"].lower() == "today" else match["unit"].lower().split()[-1]
    whole = cal.unit_of(scene.anchor, unit)
    bounds = (whole.lower, scene.anchor) if match["side"].lower() == "earlier" else (scene.anchor, whole.upper)
    return _point(match, Interval(*bounds, "hour" if unit == "day" else whole.precision), "span", "range")


def before_last(match: re.Match[str], scene: Scene) -> Atom | None:
    """The weekend before last, the year after next."""
    what, sign = match["what"].lower(), -1 if match["end"].lower() == "last" else 1
    if what in lex.WEEKDAY_NUMBER:
        near = _weekday_step(lex.weekday_number(what), sign, scene, match.start())
        return _point(match, cal.day_of(near.lower + timedelta(days=7 * sign)), "day")
    if what in cal.SEASON_MONTHS:
        near = _season_step(what, sign, scene)
        return _point(match, cal.season_of(what, near.lower.year + sign, scene.anchor), "season")
    first = cal.floor_day(scene.anchor).replace(day=1) if what in ("month", "year") else scene.anchor
    return _point(match, cal.unit_of(cal.moved(first, what, 2 * sign), what), "unit")


def weekday(match: re.Match[str], scene: Scene) -> Atom | None:
    """On Friday, Monday."""
    if not match["day"]:
        return None
    weekday = lex.weekday_number(match["day"])
    lean = lex.leaning(scene.text, match.start())
    days = (weekday - scene.anchor.weekday()) % 7 if lean > 0 else -((scene.anchor.weekday() - weekday) % 7)
    return Atom(match.start("day"), match.end("day"), cal.day_of(scene.anchor + timedelta(days=days)), "day")


def nth_day(match: re.Match[str], scene: Scene) -> Atom | None:
    """On the 5th."""
    day, lean = int(match["nth"]), lex.leaning(scene.text, match.start())
    step = 1 if lean > 0 else -1
    first = cal.floor_day(scene.anchor).replace(day=1)
    for months in range(4):
        there = cal.add_months(first, step * months)
        found = cal.on_date(there.year, there.month, day, scene.anchor)
        if found and (found.upper > scene.anchor if step > 0 else found.lower <= scene.anchor):
            return Atom(match.start("date"), match.end("date"), found, "date")
    return None


def lately(match: re.Match[str], scene: Scene) -> Atom | None:
    """Recently, currently, these days."""
    word = match[0].lower()
    if word in ("recently", "lately"):
        lower = cal.floor_day(scene.anchor) - timedelta(days=30)
        return _point(match, Interval(lower, scene.anchor, "month"), "fuzzy", "order")
    return _point(match, cal.day_of(scene.anchor), "fuzzy", "order")
