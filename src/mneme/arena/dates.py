"""Read the datasets' ways of writing a time. What has no time zone is taken as UTC, so that results do not depend on the machine."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mneme.core.errors import InvalidInput

_FORMATS = (
    "%I:%M %p on %d %B, %Y",
    "%I:%M:%S %p on %d %B, %Y",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y, %H:%M:%S",
    "%d.%m.%Y, %H:%M",
    "%B-%d-%Y",
    "%Y年%m月%d日 %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%d %B, %Y",
)
_WEEKDAY = re.compile(
    r"\((?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\)|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|[周星期]+[一二三四五六日天]", re.IGNORECASE
)


def parse_time(text: str) -> datetime:
    """Return the UTC time that one of the supported datasets wrote.

    Raises:
        InvalidInput: the text is in none of their formats.
    """
    plain = " ".join(_WEEKDAY.sub(" ", text).split())
    for form in _FORMATS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        read = datetime.fromisoformat(plain)
    except ValueError:
        raise InvalidInput({"date": f"{text!r} is in none of the formats of the supported datasets"}) from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
