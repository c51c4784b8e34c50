"""Putting pieces together: "two weeks before" + "9 June", "Friday" + "at 3 pm", "between" + "May" + "and" + "July"."""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import timedelta

from mneme.text.timex import calendar as cal
from mneme.text.timex import lexicon as lex
from mneme.text.timex.calendar import Interval
from mneme.text.timex.lexicon import Atom, Scene

_DAYLIKE = ("day", "date")
_GAP_SAME_DAY = re.compile(r"[\s,(]{1,3}(?:the\s+|on\s+(?:the\s+)?)?", re.IGNORECASE)
_GAP_CLOCK = re.compile(r"(?:\s*,)?\s*(?:at|around|on|from|@|by|,)?\s*", re.IGNORECASE)
_AFTER_PART = re.compile(rf"\s+(?P<part>{lex.PART})\b", re.IGNORECASE)
_AT_HOUR = re.compile(r",?\s+(?:at|around)\s+(?P<hour>[1-9]|1[0-2])\b(?!\s*[:/%\d-]|\s+[a-z]*(?:street|people|places))", re.IGNORECASE)
_BEFORE_PART = re.compile(rf"\b(?:the\s+)?(?:(?:early|late)\s+)?(?P<part>{lex.PART})\s+(?:of|on)\s+(?:the\s+)?$", re.IGNORECASE)
_BEFORE_THIRD = re.compile(
    r"\b(?:the\s+)?(?P<part>early(?:\s+in|\s+on)?|mid|late(?:\s+in)?|(?:(?:very\s+)?(?:end|start|beginning|middle)\s+of))"
    r"(?:\s+|-\s*)(?:the\s+)?$",
    re.IGNORECASE,
)
_BEFORE_NTH = re.compile(
    rf"\b(?:the\s+)?(?P<nth>{lex.ORDINAL})\s+(?P<what>{lex.WEEKDAY}|weekend|week|day|quarter|half)\s+(?:of|in)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_BEFORE_SHIFT = re.compile(
    rf"\b(?:about\s+)?(?:(?P<count>{lex.COUNT})|(?:on\s+)?(?:the\s+)?last|the|on\s+the)\s+(?P<unit>{lex.UNIT}|{lex.WEEKDAY}|{lex.PART})s?\s+"
    r"(?P<side>before|after|prior\s+to|following|preceding|from)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*(?:to|until|till|through|thru|and|-|–|—)\s*(?:the\s+|on\s+|in\s+)?", re.IGNORECASE)
_OPENS = re.compile(r"\b(?P<word>from|between)\s+(?:the\s+)?$", re.IGNORECASE)
_BEFORE_OPEN = re.compile(
    r"\b(?P<word>(?:ever\s+)?since(?:\s+around|\s+about)?|until|till|up\s+to|up\s+until|by|no\s+later\s+than|before|prior\s+to|after"
    r"|starting(?:\s+(?:on|in|from))?|as\s+of|from)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_ONWARDS = re.compile(r"\s*(?:on\b(?!\s+[a-z])|onwards?\b|forward\b)", re.IGNORECASE)
_REACH = 48


def select(atoms: list[Atom]) -> list[Atom]:
    """The longest pieces that do not overlap, in reading order; of two equals the earlier rule's."""
    chosen: list[tuple[int, int, Atom]] = []
    for atom in sorted(atoms, key=lambda found: found.start - found.end):
        place = bisect_left(chosen, (atom.start,))
        free = (place == 0 or chosen[place - 1][1] <= atom.start) and (place == len(chosen) or chosen[place][0] >= atom.end)
        if free:
            chosen.insert(place, (atom.start, atom.end, atom))
    return [atom for _, _, atom in chosen]


def compose(atoms: list[Atom], scene: Scene) -> list[Atom]:
    """Merges neighbours, then reads the words in front of each piece."""
    atoms = _merge_days(atoms, scene)
    atoms = [_with_part(atom, scene) for atom in atoms]
    atoms = _merge_clock(atoms, scene)
    atoms = [_read_before(atom, scene) for atom in atoms]
    atoms = _merge_ranges(atoms, scene)
    return select([_opened(atom, scene) for atom in atoms])


def _merge_days(atoms: list[Atom], scene: Scene) -> list[Atom]:
    """"Saturday, 6 May" is one day, and the date decides which."""
    merged: list[Atom] = []
    for atom in atoms:
        last = merged[-1] if merged else None
        if last and _GAP_SAME_DAY.fullmatch(scene.text[last.end : atom.start]):
            if last.family == "day" and atom.family == "date" and atom.kind == "point":
                merged[-1] = atom._replace(start=last.start)
                continue
            if last.family == "date" and atom.family == "day" and last.kind == "point":
                merged[-1] = last._replace(end=atom.end)
                continue
        merged.append(atom)
    return merged


def _with_part(atom: Atom, scene: Scene) -> Atom:
    if atom.family not in _DAYLIKE or atom.kind != "point":
        return atom
    if after := _AFTER_PART.match(scene.text, atom.end):
        return atom._replace(end=after.end(), interval=cal.part_of_day(atom.interval, after["part"].lower()), family="part")
    if hour := _AT_HOUR.match(scene.text, atom.end):
        number = int(hour["hour"])
        lower = atom.interval.lower + timedelta(hours=number + (12 if number < 8 else 0))
        return atom._replace(end=hour.end(), interval=Interval(lower, lower + timedelta(hours=1), "hour"), family="part")
    if before := _BEFORE_PART.search(scene.text, max(0, atom.start - _REACH), atom.start):
        part = cal.part_of_day(atom.interval, before["part"].lower())
        return atom._replace(start=before.start(), interval=part, family="part")
    return atom


def _merge_clock(atoms: list[Atom], scene: Scene) -> list[Atom]:
    merged: list[Atom] = []
    for atom in atoms:
        last = merged[-1] if merged else None
        pair = {last.family, atom.family} if last else set()
        joins = "clock" in pair and pair & {"day", "date", "part"} and last is not None
        if joins and last and _GAP_CLOCK.fullmatch(scene.text[last.end : atom.start]):
            clock, day = (last, atom) if last.family == "clock" else (atom, last)
            offset = cal.floor_day(day.interval.lower) - cal.floor_day(scene.anchor)
            start, end = last.start, atom.end
            moved = Interval(clock.interval.lower + offset, clock.interval.upper + offset, clock.interval.precision)
            merged[-1] = clock._replace(start=start, end=end, interval=moved, family="moment")
            continue
        merged.append(atom)
    return merged


def _read_before(atom: Atom, scene: Scene) -> Atom:
    try:
        return _prefixed(atom, scene)
    except (OverflowError, ValueError):
        return atom  # "a million years before 2019" leaves the calendar


def _prefixed(atom: Atom, scene: Scene) -> Atom:
    """Reads "early", "the first Monday of", "two weeks before" in front; more than one may stand there."""
    for _ in range(3):
        low = max(0, atom.start - _REACH)
        if atom.kind in ("recurring", "order"):
            return atom
        if (found := _BEFORE_SHIFT.search(scene.text, low, atom.start)) and (shifted := _shifted(atom, found)):
            atom = shifted
        elif (found := _BEFORE_NTH.search(scene.text, low, atom.start)) and (nth := _nth_of(atom, found)):
            atom = nth
        elif (found := _BEFORE_THIRD.search(scene.text, low, atom.start)) and atom.kind == "point":
            part = found["part"].lower()
            key = "early" if part.startswith(("early", "start", "begin")) else "mid" if "mid" in part else "late"
            if atom.family in ("part", "moment", "clock"):
                return atom
            atom = atom._replace(start=found.start(), interval=cal.third_of(atom.interval, key), family="unit")
        else:
            return atom
    return atom


def _shifted(atom: Atom, found: re.Match[str]) -> Atom | None:
    side = found["side"].lower()
    sign = 1 if side in ("after", "following", "from") else -1
    if side == "from" and not found["count"]:
        return None
    edge = atom.interval.lower if sign < 0 else atom.interval.upper - timedelta(microseconds=1)
    unit = lex.unit_name(found["unit"])
    if unit in lex.WEEKDAY_NUMBER:
        weekday = lex.weekday_number(unit)
        days = (weekday - edge.weekday() - 1) % 7 + 1 if sign > 0 else -((edge.weekday() - weekday - 1) % 7 + 1)
        return atom._replace(start=found.start(), interval=cal.day_of(edge + timedelta(days=days)), family="day")
    if unit in cal.DAY_PARTS:
        day = cal.day_of(edge + timedelta(days=sign))
        return atom._replace(start=found.start(), interval=cal.part_of_day(day, unit), family="part")
    if unit == "weekend":
        near = cal.weekend_of(edge)
        if (sign < 0 and near.lower >= atom.interval.lower) or (sign > 0 and near.lower < atom.interval.upper):
            near = cal.weekend_of(edge + timedelta(days=7 * sign))
        count = lex.amount(found["count"])[0] if found["count"] else 1
        days_off = timedelta(days=7 * (count - 1) * sign)
        interval = Interval(near.lower + days_off, near.upper + days_off, "day")
        return atom._replace(start=found.start(), interval=interval, family="weekend")
    return atom._replace(start=found.start(), interval=_neighbour(atom, unit, found["count"], sign), family="unit")


def _neighbour(atom: Atom, unit: str, count: str | None, sign: int) -> Interval:
    """The unit beside an interval ("the week before 9 June"), or the point N units off ("two weeks before 9 June")."""
    lower, upper = atom.interval.lower, atom.interval.upper
    if not count:
        if unit in ("month", "quarter", "year", "decade"):
            first = cal.floor_day(lower).replace(day=1)
            return cal.unit_of(cal.moved(first, unit, sign), unit)
        if sign < 0:
            return Interval(cal.moved(lower, unit, -1), lower, cal.unit_of(lower, unit).precision)
        return Interval(upper, cal.moved(upper, unit, 1), cal.unit_of(lower, unit).precision)
    low, high = lex.amount(count)
    if low != high:
        ends = sorted((cal.moved(lower, unit, sign * low), cal.moved(lower, unit, sign * high)))
        return Interval(ends[0], ends[1] + timedelta(days=1), cal.unit_of(lower, unit).precision)
    if unit in ("week", "fortnight") and atom.interval.precision == "week":
        days = cal.moved(lower, unit, sign * low) - lower
        return Interval(lower + days, upper + days, "week")
    return cal.around(cal.moved(lower, unit, sign * low), unit)


def _nth_of(atom: Atom, found: re.Match[str]) -> Atom | None:
    word, what = found["nth"].lower(), found["what"].lower()
    nth = lex.ORDINAL_WORDS.get(word) or int(re.sub(r"\D", "", word))
    lower, upper = atom.interval.lower, atom.interval.upper
    if what == "half":
        middle = cal.add_months(lower, 6) if atom.interval.precision == "year" else lower + (upper - lower) / 2
        middle = cal.floor_day(middle)
        ends = (lower, middle) if nth == 1 else (middle, upper)
        return atom._replace(start=found.start(), interval=Interval(*ends, atom.interval.precision), family="unit")
    if what in lex.WEEKDAY_NUMBER or what == "weekend":
        weekday = 5 if what == "weekend" else lex.weekday_number(what)
        width, step = timedelta(days=2 if what == "weekend" else 1), timedelta(days=7)
        first = lower + timedelta(days=(weekday - lower.weekday()) % 7)
        if nth < 0:
            last = upper - timedelta(days=1)
            first = last - timedelta(days=(last.weekday() - weekday) % 7)
            nth = 1
        begin = first + step * (nth - 1)
        precision: cal.Precision = "day"
    else:
        width = timedelta(days={"day": 1, "week": 7}.get(what, 0))
        if not width:
            begin = cal.add_months(lower, 3 * ((nth if nth > 0 else 4) - 1))
            return atom._replace(start=found.start(), interval=cal.quarter_of(begin), family="unit")
        begin = lower + width * (nth - 1) if nth > 0 else upper - width
        precision = "day" if what == "day" else "week"
    if begin >= upper:
        return None
    return atom._replace(start=found.start(), interval=Interval(begin, begin + width, precision), family="day")


def _merge_ranges(atoms: list[Atom], scene: Scene) -> list[Atom]:
    merged: list[Atom] = []
    for atom in atoms:
        last = merged[-1] if merged else None
        if last and last.kind == atom.kind == "point" and (joined := _joined(last, atom, scene)):
            merged[-1] = joined
            continue
        merged.append(atom)
    return merged


def _joined(first: Atom, second: Atom, scene: Scene) -> Atom | None:
    gap = scene.text[first.end : second.start]
    if not _BETWEEN.fullmatch(gap):
        return None
    opens = _OPENS.search(scene.text, max(0, first.start - 16), first.start)
    if not opens and re.search(r"\b(?:and|until|till)\b", gap, re.IGNORECASE):
        return None
    if gap.strip().lower() == "and" and opens and opens["word"].lower() == "from":
        return None
    one, two = first.interval, second.interval
    if two.upper <= one.lower:
        if first.family == second.family == "day":
            two = Interval(two.lower + timedelta(days=7), two.upper + timedelta(days=7), two.precision)
        elif first.family == "month" and one.upper.month >= 1 and second.family in ("month", "date"):
            one = cal.month_of(cal.add_months(one.lower, -12))
        else:
            return None
    # The year written once, at the end, holds for both ends.
    elif first.family == "date" and second.family == "date" and (two.upper - one.lower) > timedelta(days=366):
        earlier = cal.on_date(two.lower.year, one.lower.month, one.lower.day, scene.anchor)
        one = earlier if earlier and earlier.lower < two.lower else one
    start = opens.start() if opens else first.start
    precision = one.precision if one.upper - one.lower <= two.upper - two.lower else two.precision
    return Atom(start, second.end, Interval(one.lower, two.upper, precision), "span", "range")


def _opened(atom: Atom, scene: Scene) -> Atom:
    """Reads "since", "until", "before", "after" in front of a finished piece."""
    if atom.kind != "point":
        return atom
    found = _BEFORE_OPEN.search(scene.text, max(0, atom.start - 24), atom.start)
    word = re.sub(r"\s+", " ", found["word"].lower()) if found else ""
    onwards = _ONWARDS.match(scene.text, atom.end)
    if (not found and not onwards) or (word == "from" and not onwards):
        return atom
    start = found.start() if found else atom.start
    end = onwards.end() if onwards else atom.end
    lower, upper, precision = atom.interval
    anchor = scene.anchor
    if word in ("before", "prior to", "until", "till", "up to", "up until", "by", "no later than"):
        edge = upper if word in ("by", "no later than", "until", "till", "up until", "up to") and precision != "minute" else lower
        begin = anchor if edge > anchor and word not in ("before", "prior to") else cal.dawn(anchor)
        return Atom(start, end, Interval(begin, edge, precision), "span", "until")
    begin = upper if word == "after" else lower
    return Atom(start, end, Interval(begin, anchor if begin < anchor else cal.dusk(anchor), precision), "span", "since")
