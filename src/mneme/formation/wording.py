"""A statement as a sentence that carries its own date, so that it can be read years later."""

from __future__ import annotations

from datetime import datetime, timedelta

from mneme.formation.statement import Statement
from mneme.text.relations import told

_SEASONS = {3: "spring", 6: "summer", 9: "autumn", 12: "winter"}


def sentence(statement: Statement) -> str:
    """The statement in the third person with its time where the turn gave one.

    Example:
        A turn of 8 May 2023, "I moved to Lisbon last Saturday", gives ``"Ana moved to Lisbon on 6 May 2023."``
    """
    plain = told(statement.subject, statement.relation, statement.object, polarity=statement.polarity)
    when = _when(statement)
    return f"{plain[:-1]} {when}." if when else plain


def _when(statement: Statement) -> str:
    begin, end = statement.valid_from, statement.valid_to
    if statement.precision is None or begin is None:
        return ""
    happens = statement.kind in ("event", "foresight")
    if not happens and end is None:
        return f"since {_point(begin, statement.precision)}"
    if end is None:
        return ""
    return dated_stretch(begin, end, statement.precision)


def _point(at: datetime, precision: str) -> str:
    if precision in ("year", "decade"):
        return f"{at:%Y}"
    if precision in ("month", "season"):
        return f"{at:%B %Y}"
    return f"{at.day} {at:%B %Y}"


def dated_stretch(begin: datetime, end: datetime, precision: str) -> str:
    """An interval in words that name its dates, for example ``"between 1 and 7 May 2023"`` or ``"in March 2023"``."""
    last = end - timedelta(microseconds=1)
    length = end - begin
    if precision in ("minute", "hour") or length <= timedelta(days=1):
        return f"on {begin.day} {begin:%B %Y}"
    if (begin.day, end.day) == (1, 1) and (begin.hour, end.hour) == (0, 0):
        months = (end.year - begin.year) * 12 + end.month - begin.month
        if months == 1:
            return f"in {begin:%B %Y}"
        if months == 3 and begin.month in _SEASONS and precision == "season":
            return f"in {_SEASONS[begin.month]} {begin:%Y}"
        if begin.month == 1 and months == 12:
            return f"in {begin:%Y}"
        if begin.month == 1 and months % 12 == 0:
            return f"from {begin:%Y} to {last:%Y}"
    if (begin.year, begin.month) == (last.year, last.month):
        return f"between {begin.day} and {last.day} {begin:%B %Y}"
    return f"between {begin.day} {begin:%B %Y} and {last.day} {last:%B %Y}"
