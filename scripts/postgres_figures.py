"""Write the tables of docs/how-to/postgres-scale.md from what ``make bench-postgres`` measured, between their markers.

Several files may be named: of a figure that stands in more than one, the last holds, so that a part which was measured again on a
quieter machine takes its place. ``--check`` writes nothing and says whether the tables are what the files give.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
PAGE = HOME / "docs" / "how-to" / "postgres-scale.md"
MARK = "<!-- postgres {name}: written by scripts/postgres_figures.py -->"
END = "<!-- /postgres {name} -->"
EACH = 1000
SEARCHED_FROM = 5_000

Measured = Mapping[str, Any]


def milliseconds(value: float) -> str:
    """Return a time as the tables show it."""
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 20 else f"{value:.1f} ms"


def pair(times: Measured) -> str:
    """Return median and 95th percentile."""
    return f"{milliseconds(times['p50_ms'])} / {milliseconds(times['p95_ms'])}"


def sizes_of(measured: Measured) -> list[int]:
    """Return the sizes of the single spaces, rising."""
    return sorted(int(key.split()[1]) for key in measured if re.fullmatch(r"ingest \d+", key))


def recalls(measured: Measured) -> str:
    """Return the table of recalls."""
    rows = [
        "| memories in the space | mneme p50 / p95 | by hand p50 / p95 | ratio of p50 | first recall of a process | never loaded, p50 |",
        "|---|---|---|---|---|---|",
    ]
    named = [(f"{size:,}", measured.get(f"recall {size}"), measured.get(f"not loaded {size}")) for size in sizes_of(measured)]
    named.append((f"{EACH:,}, among {spaces(measured):,} other spaces of {EACH:,}", measured.get(f"recall {EACH} among many"), None))
    for name, found, unloaded in named:
        if found:
            never = milliseconds(unloaded["p50_ms"]) if unloaded else ""
            first = milliseconds(found["first_recall_ms"])
            rows.append(f"| {name} | {pair(found['mneme'])} | {pair(found['plain'])} | {found['ratio_p50']:.2f} | {first} | {never} |")
    ours, theirs = measured.get("many spaces"), measured.get("many spaces, plain")
    if ours and theirs:
        name = f"{ours['spaces']:,} spaces of {EACH:,}, {ours['clients']} clients at once"
        rows.append(f"| {name} | {pair(ours)} | {pair(theirs)} | {ours['p50_ms'] / theirs['p50_ms']:.2f} | | |")
    return "\n".join(rows)


def spaces(measured: Measured) -> int:
    """Return how many spaces there were besides the single ones."""
    return int((measured.get("many spaces") or {}).get("spaces", 0))


def searches(measured: Measured) -> str:
    """Return the table of searches inside the database."""
    rows = [
        "| memories in the space | vectors, exact | words | vectors, index of its own | exact top ten that it finds |",
        "|---|---|---|---|---|",
    ]
    for size in sizes_of(measured):
        found, own = measured.get(f"in database {size}"), measured.get(f"own index {size}")
        if found:
            indexed = f"{pair(own['dense'])} | {own['recall_at_10']:.3f}" if own else "| "
            rows.append(f"| {size:,} | {pair(found['dense_exact'])} | {pair(found['lexical'])} | {indexed} |")
    return "\n".join(rows)


def rates(measured: Measured) -> str:
    """Return the table of how quickly messages are remembered."""
    rows = ["| memories | mneme, a second | table filled by hand, a second |", "|---|---|---|"]
    named = [(f"{size:,} in one space", measured[f"ingest {size}"]) for size in sizes_of(measured)]
    if many := measured.get("filling many spaces"):
        named.append((f"{spaces(measured):,} spaces of {EACH:,}", many))
    rows += [f"| {name} | {found['mneme_per_s']:,} | {found['plain_per_s']:,} |" for name, found in named]
    return "\n".join(rows)


def bytes_each(measured: Measured) -> str:
    """Return the table of bytes of each memory."""
    sizes = sizes_of(measured)
    every = sum(sizes) + EACH * spaces(measured)
    searched = sum(size for size in sizes if size >= SEARCHED_FROM)
    held = dict(measured.get("bytes") or {})
    plain = held.pop("plain", 0)
    search = sum(held.pop(table, 0) for table in ("embedding", "posting"))
    groups = {
        "`vector` (float32)": ("vector",),
        "`memory_version`, `episode`, `memory`: content and columns": ("memory_version", "episode", "memory"),
        "`term`, `source`, `touch`, `entry` and the rest": tuple(held.keys() - {"vector", "memory_version", "episode", "memory"}),
    }
    rows = ["| what | bytes a memory |", "|---|---|"]
    rows += [f"| {name} | {rounded(sum(held.get(table, 0) for table in tables) / every)} |" for name, tables in groups.items()]
    rows.append(f"| together, a space below {SEARCHED_FROM:,} memories | **{rounded(sum(held.values()) / every)}** |")
    if searched:
        rows.append(f"| `embedding` and `posting`, from {SEARCHED_FROM:,} memories on | {rounded(search / searched)} more |")
    rows.append(f"| the table filled by hand, half-precision vectors and words | {rounded(plain / every)} |")
    return "\n".join(rows)


def rounded(value: float) -> str:
    """Return bytes to three digits."""
    return f"{round(value / 10) * 10:,}"


TABLES: Mapping[str, Callable[[Measured], str]] = {"recalls": recalls, "searches": searches, "rates": rates, "bytes": bytes_each}


def filled(page: str, measured: Measured) -> str:
    """Return the page with its tables written anew.

    Raises:
        SystemExit: the page lacks a marker.
    """
    for name, table in TABLES.items():
        begin, end = MARK.format(name=name), END.format(name=name)
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        if not after:
            raise SystemExit(f"the page lacks the markers {begin} and {end}")
        page = f"{before}{begin}\n{table(measured)}\n{end}{after}"
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path, nargs="*", default=[HOME / "build" / "bench-postgres.json"])
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    measured: dict[str, Any] = {}
    for path in given.measured:
        measured |= json.loads(path.read_text(encoding="utf-8"))
    now = given.page.read_text(encoding="utf-8")
    new = filled(now, measured)
    if given.check:
        return 0 if now == new else 1
    given.page.write_text(new, encoding="utf-8")
    print(f"Wrote the tables of {given.page.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
