"""Reading the dates that exports and datasets write: ISO 8601, seconds since 1970, and forms of their own.

A date without a zone is taken as UTC: an export does not say which zone its writer lived in, and one rule for all keeps their order.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sep sept", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_SPOKEN = re.compile(r"(\d{1,2}):(\d{2})\s*([ap])\.?m\.?\s+on\s+(\d{1,2})\s+([a-z]+)\.?,?\s+(\d{4})", re.IGNORECASE)
_SLASHED = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?:\s*\([A-Za-z]+\))?(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_NUMBER = re.compile(r"-?\d{9,}(?:\.\d+)?")
_WEEKDAY = re.compile(
    r"\((?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\)|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|[周星期]+[一二三四五六日天]", re.IGNORECASE
)
_FORMS = (
    "%I:%M:%S %p on %d %B, %Y",
    "%d.%m.%Y, %H:%M:%S",
    "%d.%m.%Y, %H:%M",
    "%B-%d-%Y",
    "%Y年%m月%d日 %H:%M",
    "%d %B, %Y",
)
# Later than this in seconds is the year 5138; such numbers are milliseconds, and beyond that microseconds.
_MILLIS_FROM = 1e11
_MICROS_FROM = 1e14


def moment_or(value: object, otherwise: datetime | None) -> datetime | None:
    """Return the moment that a value names, ``otherwise`` when it names none."""
    try:
        return read_moment(value)
    except ValueError:
        return otherwise


def read_moment(value: object) -> datetime:
    """Return the moment that a value of an export stands for, in UTC.

    Args:
        value: ISO 8601 text, ``1:56 pm on 8 May, 2023``, ``2023/04/25 (Tue) 04:07``, ``29.12.2023, 11:23:21``, ``March-15-2024``,
            ``8 May, 2023``, ``2024年3月15日 10:30``, each also with a weekday, or seconds, milliseconds or microseconds since 1970 as a
            number or in digits.

    Raises:
        ValueError: it is none of these.

    Example:
        >>> read_moment("1:56 pm on 8 May, 2023").isoformat()
        '2023-05-08T13:56:00+00:00'
    """
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(float(value))
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a date")
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return _from_number(float(text))
    if spoken := _SPOKEN.fullmatch(text):
        hour, minute, half, day_of_month, name, in_year = spoken.groups()
        if name.lower() not in _MONTHS or not 1 <= int(hour) <= 12:
            raise ValueError(f"{text!r} is not a date")
        hours = int(hour) % 12 + (12 if half.lower() == "p" else 0)
        return datetime(int(in_year), _MONTHS[name.lower()], int(day_of_month), hours, int(minute), tzinfo=UTC)
    if slashed := _SLASHED.fullmatch(text):
        year, month, day, *clock = (int(part or 0) for part in slashed.groups())
        return datetime(year, month, day, clock[0], clock[1], clock[2], tzinfo=UTC)
    plain = " ".join(_WEEKDAY.sub(" ", text).split())
    for form in _FORMS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    moment = datetime.fromisoformat(plain.removesuffix(" UTC"))
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from error


def _from_number(seconds: float) -> datetime:
    if abs(seconds) >= _MICROS_FROM:
        seconds /= 1e6
    elif abs(seconds) >= _MILLIS_FROM:
        seconds /= 1e3
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is not a number of seconds since 1970") from error
