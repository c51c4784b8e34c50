"""One of several processes that remember and recall in one space at once; started by the concurrency tests."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import mneme


def main(folder: str, member: int, seconds: float, board: str) -> None:
    memory = mneme.Memory(folder, embedder="hash:64")
    space = memory.space("shared")
    written, seen, slowest = 0, set(), 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        told = {path.name: path.read_text().strip() for path in Path(board).iterdir() if path.suffix != ".part"}
        start = time.perf_counter()
        space.remember(f"member{member} says number{member}x{written}", ref=f"{member}-{written}")
        slowest = max(slowest, time.perf_counter() - start)
        for other, ref in told.items():  # what another process was told is stored is in this one's next recall
            owner, number = ref.split("-")
            hits = space.recall(f"number{owner}x{number}", k=3).hits
            assert ref in [hit.ref for hit in hits], (ref, [hit.ref for hit in hits])
            seen.add(int(other))
        part = Path(board) / f"{member}.part"
        part.write_text(f"{member}-{written}")
        part.replace(Path(board) / str(member))
        written += 1
    json.dump({"member": member, "written": written, "seen": sorted(seen), "slowest_s": slowest}, sys.stdout)
    memory.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
