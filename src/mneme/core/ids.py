"""Identifiers: short, sortable by time, unguessable enough not to collide, and reproducible from a seed.

An id is a prefix, ten characters of time in milliseconds and ten of randomness (50 bits), in Crockford's base 32: text order is
time order. Within one millisecond the random part counts up, so that ids made by one source never collide or go back.
"""

from __future__ import annotations

import os
import random
import threading

from mneme.core.clock import Clock, to_micros

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 50


class Ids:
    """A source of ids.

    Args:
        clock: gives the time part.
        seed: makes the random part reproducible; None draws from the operating system.
    """

    def __init__(self, clock: Clock, seed: int | None = None) -> None:
        self._clock = clock
        self._seeded = random.Random(seed) if seed is not None else None
        self._lock = threading.Lock()
        self._millis = -1
        self._tail = 0
        self._pid = os.getpid()

    def new(self, prefix: str) -> str:
        """Return a new id such as ``mem_01j8z4k2m5qq0x7c3d9f``; later ids of one source sort after earlier ones."""
        with self._lock:
            if self._pid != os.getpid():  # a forked child must not repeat its parent's ids
                self._pid, self._millis = os.getpid(), -1
            millis = max(to_micros(self._clock.now()) // 1000, 0)
            if millis <= self._millis:
                self._tail += 1
            else:
                self._millis, self._tail = millis, self._random()
            return f"{prefix}_{_base32(self._millis, 10)}{_base32(self._tail, 10)}"

    def _random(self) -> int:
        # One bit is left free so that counting up within a millisecond never overflows.
        if self._seeded is not None:
            return self._seeded.getrandbits(_RANDOM_BITS - 1)
        return int.from_bytes(os.urandom(7), "big") >> (56 - _RANDOM_BITS + 1)


def _base32(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        digits.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(digits))
