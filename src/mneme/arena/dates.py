"""Read the datasets' ways of writing a time. What has no time zone is taken as UTC, so that results do not depend on the machine."""

from __future__ import annotations

from datetime import datetime

from mneme.core.errors import InvalidInput
from mneme.importers.moments import read_moment


def parse_time(text: str) -> datetime:
    """Return the UTC time that one of the supported datasets wrote.

    Raises:
        InvalidInput: the text is in none of their formats.
    """
    try:
        return read_moment(text)
    except ValueError:
        raise InvalidInput({"date": f"{text!r} is in none of the formats of the supported datasets"}) from None
