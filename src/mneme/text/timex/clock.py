"""English times of day and repeated times."""

from __future__ import annotations

import re
from datetime import timedelta

from mneme.text.timex import calendar as cal
from mneme.text.timex import lexicon as lex
from mneme.text.timex.calendar import Interval
from mneme.text.timex.english import Rule
from mneme.text.timex.english_rules import FEAST_WORDS, MONTH_WORDS, SEASON_WORDS, UNIT_WORDS, WEEKDAY_WORDS
from mneme.text.timex.lexicon import Atom, Scene

_HALF = r"(?:a\.m\.|p\.m\.|am\b|pm\b|a\.m\b|p\.m\b)"


def _hours(hour: str, minute: str | None, half: str | None) -> tuple[int, int] | None:
    h, m = int(hour), int(minute or 0)
    if half:
        if not 1 <= h <= 12:
            return None
        h = h % 12 + (12 if half[0].lower() == "p" else 0)
    return (h, m) if h < 24 and m < 60 else None


def _clock(match: re.Match[str], scene: Scene) -> Atom | None:
    groups = match.groupdict()
    time = _hours(groups["hour"], groups.get("minute"), groups.get("half"))
    if time is None:
        return None
    if not groups.get("half") and not groups.get("minute") and time[0] <= 7:
        time = (time[0] + 12, 0)  # "at 5 o'clock" without more is taken as the afternoon's
    lower = cal.floor_day(scene.anchor) + timedelta(hours=time[0], minutes=time[1])
    exact = bool(groups.get("minute"))
    upper = lower + (timedelta(minutes=1) if exact else timedelta(hours=1))
    return Atom(match.start(), match.end(), Interval(lower, upper, "minute" if exact else "hour"), "clock")


def _clock_range(match: re.Match[str], scene: Scene) -> Atom | None:
    half = match["half2"]
    last = _hours(match["hour2"], match["minute2"], half)
    first = _hours(match["hour"], match["minute"], match["half"] or half)
    if first is None or last is None:
        return None
    if first >= last and not match["half"]:
        first = (first[0] - 12, first[1]) if first[0] >= 12 else first  # "11 to 1 pm"
    day = cal.floor_day(scene.anchor)
    lower = day + timedelta(hours=first[0], minutes=first[1])
    upper = day + timedelta(hours=last[0], minutes=last[1])
    if upper <= lower:
        upper += timedelta(days=1)
    precision = "minute" if match["minute"] or match["minute2"] else "hour"
    return Atom(match.start(), match.end(), Interval(lower, upper, "minute" if precision == "minute" else "hour"), "clock", "range")


def _noon(match: re.Match[str], scene: Scene) -> Atom:
    part = "noon" if match["word"].lower() in ("noon", "midday") else "midnight"
    return Atom(match.start(), match.end(), cal.part_of_day(cal.day_of(scene.anchor), part), "clock")


def _of_the_unit(match: re.Match[str], scene: Scene) -> Atom:
    whole = cal.unit_of(scene.anchor, match["unit"].lower())
    part = match["part"].lower()
    if part == "rest":
        return Atom(match.start(), match.end(), Interval(scene.anchor, whole.upper, whole.precision), "span", "range")
    key = {"end": "late", "middle": "mid"}.get(part, "early")
    return Atom(match.start(), match.end(), cal.third_of(whole, key), "unit")


def _every(match: re.Match[str], scene: Scene) -> Atom | None:
    what = match["what"].lower()
    step = match["step"].lower() if match["step"] else ""
    interval = 2 if step in ("other", "second") else int(lex.amount(step)[0]) if step else 1
    days = [lex.weekday_number(day) for day in re.findall(rf"{lex.WEEKDAY}", what)]
    rule, width = _frequency(what.rstrip("s") if not days else what, days)
    if not rule:
        return None
    if interval > 1:
        rule = rule.replace(";", f";INTERVAL={interval};", 1) if ";" in rule else f"{rule};INTERVAL={interval}"
    return _recurring(match, scene, rule, width, days)


def _frequency(what: str, days: list[int]) -> tuple[str, str]:
    """The RFC 5545 rule of a repeated unit, and the unit that one occurrence fills."""
    if days:
        return "FREQ=WEEKLY;BYDAY=" + ",".join(lex.RRULE_DAYS[day] for day in sorted(set(days))), "weekday"
    if what in lex.MONTH_NUMBER:
        return f"FREQ=YEARLY;BYMONTH={lex.MONTH_NUMBER[what]}", "month"
    if what in cal.SEASON_MONTHS:
        first = cal.SEASON_MONTHS[what]
        months = sorted((first + i - 1) % 12 + 1 for i in range(3))
        return f"FREQ=YEARLY;BYMONTH={','.join(map(str, months))}", "season"
    if what in lex.FEASTS or f"{what}s" in lex.FEASTS:
        entry = lex.FEASTS[what if what in lex.FEASTS else f"{what}s"]
        fixed = len(entry) == 2 and entry[0] > 0
        return f"FREQ=YEARLY;BYMONTH={entry[0]};BYMONTHDAY={entry[1]}" if fixed else "FREQ=YEARLY", "year"
    named = {"weekend": ("FREQ=WEEKLY;BYDAY=SA,SU", "weekend"), "weekday": ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "day")}
    simple = {
        "minute": "MINUTELY", "hour": "HOURLY", "day": "DAILY", "morning": "DAILY", "afternoon": "DAILY", "night": "DAILY",
        "evening": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "quarter": "MONTHLY;INTERVAL=3", "year": "YEARLY",
        "fortnight": "WEEKLY;INTERVAL=2",
    }  # fmt: skip
    if what in named:
        return named[what]
    return (f"FREQ={simple[what]}", what) if what in simple else ("", "")


def _recurring(match: re.Match[str], scene: Scene, rule: str, width: str, days: list[int]) -> Atom:
    """A repeated time; its interval is the occurrence on or next after the day of the message."""
    anchor = scene.anchor
    if days:
        ahead = min((day - anchor.weekday()) % 7 for day in days)
        nearest = cal.day_of(anchor + timedelta(days=ahead))
    elif width == "month" and "BYMONTH" in rule:
        number = int(re.findall(r"BYMONTH=(\d+)", rule)[0])
        nearest = cal.month_of(anchor.replace(year=anchor.year + (number < anchor.month), month=number, day=1))
    elif width == "season":
        name = next(name for name, first in cal.SEASON_MONTHS.items() if str(first) in rule.split("BYMONTH=")[1].split(","))
        nearest = next(
            season
            for shift in (-1, 0, 1)
            if (season := cal.season_of(name, anchor.year + shift, anchor)).upper > anchor
        )
    elif width in cal.DAY_PARTS:
        nearest = cal.part_of_day(cal.day_of(anchor), width)
    else:
        nearest = cal.unit_of(anchor, width)
    return Atom(match.start(), match.end(), nearest, "recurring", "recurring", rule)


def _plural_days(match: re.Match[str], scene: Scene) -> Atom:
    days = [lex.weekday_number(day) for day in re.findall(lex.WEEKDAY, match[0].lower())]
    if not days:
        return _recurring(match, scene, "FREQ=WEEKLY;BYDAY=SA,SU", "weekend", [])
    return _recurring(match, scene, _frequency("", days)[0], "weekday", days)


def _times_a(match: re.Match[str], scene: Scene) -> Atom | None:
    rule, width = _frequency(match["unit"].lower(), [])
    return _recurring(match, scene, rule, width, []) if rule else None


def _adverb(match: re.Match[str], scene: Scene) -> Atom:
    unit = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annually": "year"}[match[0].lower()]
    return _recurring(match, scene, _frequency(unit, [])[0], unit, [])


_RANGE_END = rf"(?P<hour2>\d{{1,2}})(?::(?P<minute2>\d\d))?\s*(?P<half2>{_HALF})"
_ONE = rf"(?:minute|hour|day|morning|afternoon|evening|night|weekday|weekend|week|fortnight|month|quarter|year|{lex.SEASON})"
_MANY_DAYS = rf"{lex.WEEKDAY}s?(?:\s*(?:,|and|&|or|,\s*and)\s*{lex.WEEKDAY}s?)*"
_FULL_MONTH = "(?:" + "|".join(name for name in lex.MONTH_NUMBER if len(name) > 4 or name in ("may", "june", "july")) + ")"


def _r(words: str | frozenset[str], pattern: str, resolve: object) -> Rule:
    keys = words if isinstance(words, frozenset) else frozenset(words.split())
    return Rule(keys, re.compile(pattern, re.IGNORECASE), resolve)  # type: ignore[arg-type]


RULES: tuple[Rule, ...] = (
    _r("", rf"(?:\b(?:from|between)\s+)?\b(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?\s*(?P<half>{_HALF})?\s*(?:-|–|to|and|until|till)\s*{_RANGE_END}", _clock_range),
    _r("", rf"(?<![\d:.,$€£])\b(?:at\s+)?(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?\s*(?P<half>{_HALF})", _clock),
    _r("", r"\b(?:at|by|around|until|before|after)\s+(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)\b", _clock),
    _r("", r"(?<![\d:.])(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?![\d:])", _clock),
    _r("o", r"\b(?:at\s+)?(?P<hour>\d{1,2})\s+o['’]clock\b", _clock),
    _r("noon midday midnight", r"\b(?:at\s+|around\s+)?(?P<word>noon|midday|midnight)\b", _noon),
    _r("of", r"\b(?P<part>end|start|beginning|middle|rest)\s+of\s+(?:the|this)\s+(?P<unit>day|week|month|quarter|year|decade)\b(?!\s+(?:at|of)\s+school)", _of_the_unit),
    _r("every each", rf"\b(?:every|each)\s+(?:(?P<step>other|second|\d+|two|three|four|five|six)\s+)?(?:single\s+)?(?P<what>{_MANY_DAYS}|{_ONE}s?|{_FULL_MONTH}|{lex.FEAST})\b(?!\s+of\b)", _every),
    _r(frozenset(day + "s" for day in WEEKDAY_WORDS if len(day) > 5) | {"weekends"}, rf"\b(?:on\s+)?(?:(?:{lex.WEEKDAY}s)(?:\s*(?:,|and|&|or)\s*{lex.WEEKDAY}s)*|(?<=on )weekends|(?<=at )weekends|weekends(?=[.,!?]|$))\b", _plural_days),
    _r("once twice times couple", r"\b(?:once|twice|(?:\w+|a\s+few|a\s+couple(?:\s+of)?)\s+times)\s+(?:a|per|each|every)\s+(?P<unit>day|week|month|year|fortnight)\b", _times_a),
    _r("daily weekly monthly yearly annually", r"(?<=\w\s)\b(?:daily|weekly|monthly|yearly|annually)\b(?=\s*(?:$|[.,!?;]|(?:and|to|for|with|on|at|but|since)\b))", _adverb),
)  # fmt: skip
TRIGGERS = (
    FEAST_WORDS | MONTH_WORDS | SEASON_WORDS | UNIT_WORDS | WEEKDAY_WORDS
    | {"fifties", "sixties", "seventies", "eighties", "nineties", "yesterday", "today", "tomorrow", "tonight", "tmrw", "recently",
       "lately", "currently", "nowadays", "noon", "midday", "midnight", "century", "morning", "evening", "afternoon",
       "once", "twice", "daily", "weekly", "monthly", "yearly", "annually"}
    | {day + "s" for day in WEEKDAY_WORDS if len(day) > 5}
)  # fmt: skip
