"""Time as an argument: every part of the engine asks a clock, so that tests and simulations own the time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol

from mneme.core.errors import InvalidInput


class Clock(Protocol):
    """Where the engine gets the time from."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until it is told to move; for tests and simulations.

    Args:
        at: where it stands at first; must be aware.

    Example:
        >>> clock = FrozenClock(datetime(2024, 5, 1, tzinfo=UTC))
        >>> clock.advance(days=2)
        >>> clock.now().day
        3
    """

    def __init__(self, at: datetime) -> None:
        self._at = to_utc(at, "at")
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the moment at which the clock stands."""
        return self._at

    def set(self, at: datetime) -> None:
        """Move the clock to ``at``, backwards too."""
        with self._lock:
            self._at = to_utc(at, "at")

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock by a span; negative spans move it back."""
        with self._lock:
            self._at += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def to_utc(value: datetime, field: str) -> datetime:
    """Return ``value`` in UTC.

    Raises:
        InvalidInput: ``value`` is naive or not a datetime; the message names ``field``.
    """
    if not isinstance(value, datetime):
        raise InvalidInput({field: f"must be a datetime with a time zone, not {type(value).__name__}"})
    if value.tzinfo is None:
        raise InvalidInput({field: "has no time zone; add one, for example value.replace(tzinfo=datetime.UTC)"})
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput({field: "lies outside the years 1 to 9999 in UTC; give a time within them"}) from error


def to_micros(value: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC; exact, negative before it."""
    delta = value - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(value: int) -> datetime:
    """Return the UTC datetime of microseconds since 1970-01-01; the inverse of :func:`to_micros`."""
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
