"""One of several processes that write into one space of a database until they are told to stop; says what was acknowledged."""

from __future__ import annotations

import os
import sys
import time

from mneme.core.errors import Busy, StorageError
from mneme.stores.postgres import PostgresRoot
from mneme.stores.samples import batch, remembered


def main(url: str, member: int, seconds: float) -> None:
    store = PostgresRoot(url, timeout_s=20, pool_size=2).open("shared")
    os.write(1, b"open\n")
    number = member * 1_000_000
    end = time.monotonic() + seconds
    while number == member * 1_000_000 or time.monotonic() < end:  # each writes something, on however busy a machine
        try:
            applied = store.apply(batch(*remembered(number, f"{member} says {number}"), key=f"key {number}"))
        except (StorageError, Busy):  # nothing was acknowledged; the same key makes it safe to say it again
            continue
        assert applied.entry is not None
        os.write(1, f"kept {number} {applied.entry.seq}\n".encode())
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
