"""Calendar arithmetic on half-open intervals of aware datetimes.

Every function keeps the timezone of the datetime it is given and counts in wall-clock time. Weeks start on Monday.
Seasons are meteorological and northern: spring is March to May, winter is December to February.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

Precision = Literal["minute", "hour", "day", "week", "month", "season", "year", "decade"]

# Open ends. Any real moment lies between them, and both survive a change of timezone.
DAWN_YEAR, DUSK_YEAR = 1900, 9000
SEASON_MONTHS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
# part of the day -> first hour, last hour (may pass midnight)
DAY_PARTS = {
    "morning": (6, 12),
    "noon": (12, 13),
    "lunchtime": (12, 14),
    "afternoon": (12, 18),
    "evening": (18, 24),
    "night": (18, 30),
    "midnight": (24, 25),
}


class Interval(NamedTuple):
    """A half-open stretch of time and how exactly it is known."""

    lower: datetime
    upper: datetime
    precision: Precision


def floor_day(at: datetime) -> datetime:
    """The midnight that starts the day of ``at``."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def add_months(at: datetime, months: int) -> datetime:
    """``at`` moved by whole months; a day that does not exist becomes the last day of its month.

    Raises:
        OverflowError: the result is outside the calendar.
    """
    index = at.year * 12 + at.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(f"year {year} is outside the calendar")
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def day_of(at: datetime) -> Interval:
    """The day that contains ``at``."""
    lower = floor_day(at)
    return Interval(lower, lower + timedelta(days=1), "day")


def week_of(at: datetime) -> Interval:
    """The week, Monday to Sunday, that contains ``at``."""
    lower = floor_day(at) - timedelta(days=at.weekday())
    return Interval(lower, lower + timedelta(days=7), "week")


def weekend_of(at: datetime) -> Interval:
    """Saturday and Sunday of the week that contains ``at``."""
    monday = week_of(at).lower
    return Interval(monday + timedelta(days=5), monday + timedelta(days=7), "day")


def month_of(at: datetime) -> Interval:
    """The calendar month that contains ``at``."""
    lower = floor_day(at).replace(day=1)
    return Interval(lower, add_months(lower, 1), "month")


def quarter_of(at: datetime) -> Interval:
    """The quarter of the year that contains ``at``."""
    lower = floor_day(at).replace(day=1, month=3 * ((at.month - 1) // 3) + 1)
    return Interval(lower, add_months(lower, 3), "season")


def year_of(at: datetime) -> Interval:
    """The calendar year that contains ``at``."""
    lower = floor_day(at).replace(month=1, day=1)
    return Interval(lower, lower.replace(year=lower.year + 1), "year")


def decade_of(at: datetime) -> Interval:
    """The decade that contains ``at``, counted from its round year."""
    lower = floor_day(at).replace(year=at.year - at.year % 10, month=1, day=1)
    return Interval(lower, lower.replace(year=lower.year + 10), "decade")


def season_of(name: str, year: int, at: datetime) -> Interval:
    """The season that starts in ``year``; only the timezone of ``at`` is used."""
    lower = floor_day(at).replace(year=year, month=SEASON_MONTHS[name], day=1)
    return Interval(lower, add_months(lower, 3), "season")


def on_date(year: int, month: int, day: int, at: datetime) -> Interval | None:
    """One day, or None when the calendar has no such day; only the timezone of ``at`` is used."""
    try:
        return day_of(floor_day(at).replace(year=year, month=month, day=day))
    except ValueError:
        return None


def moved(at: datetime, unit: str, count: float) -> datetime:
    """``at`` moved by ``count`` units; months and years by the calendar, a half by 15 days or 6 months."""
    if unit == "month":
        whole = int(count)
        return add_months(at, whole) + timedelta(days=round((count - whole) * 30))
    if unit in ("quarter", "year", "decade", "century"):
        months = {"quarter": 3, "year": 12, "decade": 120, "century": 1200}[unit]
        return add_months(at, round(count * months))
    step = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "night": 1, "week": 7, "weekend": 7, "fortnight": 14}[unit]
    return at + timedelta(days=count * step)


def unit_of(at: datetime, unit: str) -> Interval:
    """The calendar unit that contains ``at``, for example its month."""
    if unit in ("minute", "hour"):
        lower = at.replace(minute=at.minute if unit == "minute" else 0, second=0, microsecond=0)
        return Interval(lower, lower + timedelta(minutes=1 if unit == "minute" else 60), _fine(unit))
    if unit == "century":
        lower = floor_day(at).replace(year=at.year - at.year % 100, month=1, day=1)
        return Interval(lower, lower.replace(year=lower.year + 100), "decade")
    if unit == "night":
        return part_of_day(day_of(at), "night")
    makers = {
        "day": day_of,
        "week": week_of,
        "fortnight": week_of,
        "weekend": weekend_of,
        "month": month_of,
        "quarter": quarter_of,
        "year": year_of,
        "decade": decade_of,
    }
    return makers[unit](at)


def around(at: datetime, unit: str) -> Interval:
    """What "N units ago" means once moved to ``at``: a day exactly, a week give or take three days.

    A speaker who says "two weeks ago" rarely means the calendar week, so weeks are centred on the day; months and
    years are the calendar's; hours are give or take half of one, minutes give or take five.
    """
    if unit in ("minute", "hour"):
        slack = timedelta(minutes=5 if unit == "minute" else 30)
        return Interval(at - slack, at + slack, _fine(unit))
    if unit in ("week", "fortnight"):
        day = floor_day(at)
        return Interval(day - timedelta(days=3), day + timedelta(days=4), "week")
    return unit_of(at, unit)


def part_of_day(day: Interval, part: str) -> Interval:
    """A part of the day such as ``"evening"``; a night runs to six the next morning."""
    first, last = DAY_PARTS[part]
    return Interval(day.lower + timedelta(hours=first), day.lower + timedelta(hours=last), "hour")


def third_of(whole: Interval, part: str) -> Interval:
    """The early, middle or late third of an interval, in whole days where it is longer than three days."""
    length = whole.upper - whole.lower
    if length >= timedelta(days=27) and length < timedelta(days=32):
        first, second = whole.lower + timedelta(days=10), whole.lower + timedelta(days=20)
    elif length > timedelta(days=360) and length < timedelta(days=370):
        first, second = add_months(whole.lower, 4), add_months(whole.lower, 8)
    elif length > timedelta(days=3600):
        first, second = add_months(whole.lower, 36), add_months(whole.lower, 84)
    elif length > timedelta(days=80):
        first, second = add_months(whole.lower, 1), add_months(whole.lower, 2)
    elif length == timedelta(days=7):
        first, second = whole.lower + timedelta(days=2), whole.lower + timedelta(days=5)
    else:
        first, second = whole.lower + length / 3, whole.lower + 2 * length / 3
    finer: dict[Precision, Precision] = {
        "decade": "year", "year": "season", "season": "month", "month": "week", "week": "day", "day": "hour",
    }  # fmt: skip
    bounds = {"early": (whole.lower, first), "mid": (first, second), "late": (second, whole.upper)}[part]
    return Interval(*bounds, finer.get(whole.precision, whole.precision))


def easter(year: int) -> tuple[int, int]:
    """Month and day of Western Easter in a year, by the anonymous Gregorian computus."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, skipped = divmod(century, 4)
    moon = (19 * golden + century - leap - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    week = (32 + 2 * skipped + 2 * (rest // 4) - moon - rest % 4) % 7
    shift = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * shift + 114, 31)
    return month, day + 1


def nth_weekday(year: int, month: int, weekday: int, nth: int, at: datetime) -> Interval | None:
    """The nth Monday (0) to Sunday (6) of a month, counted from its end when ``nth`` is negative."""
    first = floor_day(at).replace(year=year, month=month, day=1)
    if nth > 0:
        day = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    else:
        last = add_months(first, 1) - timedelta(days=1)
        day = last - timedelta(days=(last.weekday() - weekday) % 7 - 7 * (nth + 1))
    return day_of(day) if day.month == month else None


def dawn(at: datetime) -> datetime:
    """The open past, in the timezone of ``at``."""
    return floor_day(at).replace(year=DAWN_YEAR, month=1, day=1)


def dusk(at: datetime) -> datetime:
    """The open future, in the timezone of ``at``."""
    return floor_day(at).replace(year=DUSK_YEAR, month=1, day=1)


def _fine(unit: str) -> Precision:
    return "minute" if unit == "minute" else "hour"
