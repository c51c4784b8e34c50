"""Write the README's table of figures from the claims and from build/bench.json, between its two markers.

``make figures`` after ``make bench``; without it, only what ``mneme arena verify`` checks. A figure that is not there is left out;
``--check`` writes nothing and says whether the table is what the files give.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
BEGIN = "<!-- figures: written by make figures -->"
END = "<!-- /figures -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table: the key in bench.json, what it is, how to write it, and what it has to hold."""

    key: str
    what: str
    form: str
    goal: str


FIGURES = (
    Figure("import_ms", "`import mneme`", "{:.0f} ms", "at most 80 ms"),
    Figure("remember_overhead_ms_p50", "durable `remember`, beyond the embedding and one fsync", "{:.2f} ms", "at most 1.0 ms"),
    Figure("ingest_share_of_embedder", "bulk `remember`: share of the bare embedder's speed", "{:.2f}", "at least 0.8"),
    Figure("recall_overhead_ms_p50_10k", "`recall` beyond the query's embedding, 10,000 memories", "{:.2f} ms", "at most 1.0 ms"),
    Figure("recall_overhead_ms_p50_100k", "`recall` beyond the query's embedding, 100,000 memories", "{:.2f} ms", "at most 4 ms"),
    Figure("first_recall_s_10k", "first `recall` of a fresh process, 10,000 memories", "{:.2f} s", "at most 0.5 s"),
    Figure("rss_mb_100k", "resident memory with 100,000 memories open", "{:.0f} MB", "at most 350 MB"),
)


CLAIMS = (
    Figure("locomo-default-recall-10", "LoCoMo: evidence among 10 of a conversation's turns", "{:.2f}", "at least 0.80"),
    Figure("locomo-default-recall-50", "LoCoMo: among 50", "{:.2f}", "at least 0.92"),
    Figure("locomo-default-coverage-1000", "LoCoMo: evidence within 1,000 tokens of context", "{:.2f}", "at least 0.75"),
    Figure("beam-default-recall-10", "BEAM: among 10", "{:.2f}", "ahead of every baseline (0.51)"),
    Figure("multihop-default-recall-5", "MuSiQue: supporting passages among 5", "{:.2f}", "ahead of every baseline (0.62)"),
    Figure("multihop-triples-default-recall-5", "MuSiQue, with triples: among 5", "{:.2f}", "ahead of every baseline (0.58)"),
    Figure("factconsolidation-default-current-first", "overwritten facts: the current one first", "{:.2f}", "at least 0.95"),
)
"""What ``mneme arena verify`` checks, by the claim's id."""

_CLAIM = re.compile(r"- id: (\S+)$.*?^ +expected: ([\d.]+)$", re.MULTILINE | re.DOTALL)


def claimed(folder: Path) -> dict[str, object]:
    """Return the published figure of each claim by its id."""
    found: dict[str, object] = {}
    for file in sorted(folder.glob("*.yaml")):
        for id, expected in _CLAIM.findall(file.read_text(encoding="utf-8")):
            found[id] = float(expected)
    return found


def table(measured: dict[str, object]) -> str:
    """Return the table in Markdown."""
    rows = ["| what | measured | goal |", "|---|---|---|"]
    for figure in (*CLAIMS, *FIGURES):
        value = measured.get(figure.key)
        if isinstance(value, int | float):
            rows.append(f"| {figure.what} | {figure.form.format(value)} | {figure.goal} |")
    return "\n".join(rows)


def filled(readme: str, measured: dict[str, object]) -> str:
    """Return the README with its table written anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"README.md lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(measured)}\n{END}{after}"


def main() -> int:
    """Write the table, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, default=HOME / "build" / "bench.json")
    parser.add_argument("--claims", type=Path, default=HOME / "claims")
    parser.add_argument("--readme", type=Path, default=HOME / "README.md")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    now = given.readme.read_text(encoding="utf-8")
    bench = json.loads(given.bench.read_text(encoding="utf-8")) if given.bench.exists() else {}
    new = filled(now, {**bench, **claimed(given.claims)})
    if given.check:
        return 0 if now == new else 1
    given.readme.write_text(new, encoding="utf-8")
    print(f"Wrote the table of {given.readme.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
