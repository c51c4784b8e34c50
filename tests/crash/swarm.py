"""One of several processes that write and read one space at once; started by the concurrency tests."""

from __future__ import annotations

import json
import sys
import time

from mneme.core.operations import Reinforce
from mneme.stores.samples import batch, memory_id, remembered
from mneme.stores.sqlite import SQLiteRoot


def main(folder: str, member: int, seconds: float) -> None:
    store = SQLiteRoot(folder).open("shared")
    written, seen, slowest, known = 0, set(), 0.0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number = member * 1_000_000 + written
        start = time.perf_counter()
        entry = store.apply(batch(*remembered(number, f"{member} says {written}"))).entry
        slowest = max(slowest, time.perf_counter() - start)
        assert entry is not None
        written += 1
        if written % 5 == 0:
            store.apply(batch(Reinforce(id=memory_id(member * 1_000_000), uses=1)))
        rows = store.index_rows(after=known, vectors=False)
        assert memory_id(number) in rows.memory  # its own write is in the next read
        assert rows.seq >= entry.seq
        seen.update(int(id[4:]) // 1_000_000 for id in rows.memory)
        known = rows.seq
    json.dump({"member": member, "written": written, "seen": sorted(seen), "slowest_s": slowest}, sys.stdout)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
