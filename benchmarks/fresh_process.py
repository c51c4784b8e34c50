"""What a process that has just started sees: its first recall, the recalls after it, and how much memory it holds. Prints JSON."""

from __future__ import annotations

import json
import sys
import time

START = time.perf_counter()

import mneme  # noqa: E402  # the import is part of what is measured

QUERIES = 200


def main() -> None:
    """Open the space of the folder that is named, ask, measure."""
    memory = mneme.Memory(sys.argv[1])
    space = memory.space("bench")
    space.recall("what did you say about the garden")
    first_s = time.perf_counter() - START
    from corpus import texts

    whole, overhead = [], []
    for query in texts(QUERIES, seed=9):
        question = " ".join(query.split()[:9])
        start = time.perf_counter()
        found = space.recall(question)
        took = (time.perf_counter() - start) * 1000
        embed = dict(found.trace.stages)["embed"] if found.trace else 0.0
        whole.append(took)
        overhead.append(took - embed)
    whole.sort()
    overhead.sort()
    print(
        json.dumps(
            {
                "first_s": first_s,
                "recall_ms": whole[QUERIES // 2],
                "overhead_ms": overhead[QUERIES // 2],
                "overhead_ms_p95": overhead[int(QUERIES * 0.95)],
                "rss_mb": resident_mb(),
            }
        )
    )
    memory.close()


def resident_mb() -> float:
    """Return the resident memory of this process in megabytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
