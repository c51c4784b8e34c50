"""The report's part on retention: what policies keep, ten years on an injected clock, and forgetting curves against their closed forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import orjson

from mneme.arena import curves, stream
from mneme.arena.plots import Point, Series, legend, line_chart
from mneme.arena.simulation import TESTED

Document = Mapping[str, Any]
_NAMES = {"recall": "recall@10", "content": "content@10", "coverage": "coverage@1000", "kept": "kept", "kept_content": "content kept"}
_UNLIMITED = "unlimited"


def documents(folder: Path) -> list[Document]:
    """Return the documents of ``simulate`` and ``stream`` in a folder, by name."""
    return [orjson.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []


def sections(found: Sequence[Document]) -> list[tuple[str, str]]:
    """Return (anchor, section) pairs; none when there is nothing to show."""
    parts = [_simulated(each) for each in found if each.get("kind") == "retention"]
    parts += [_streamed(each) for each in found if each.get("kind") == "stream"]
    return [*parts, _curves()] if parts else []


def _simulated(document: Document) -> tuple[str, str]:
    held = document["weights"] != "constants"
    anchor = f"retention-{document['task']}{'-held-out' if held else ''}"
    how = f"weights fitted on the other of {len(document['folds'])} folds" if held else "the weights that ship"
    size = f"{document['samples']} samples, {document['messages']:,} messages"
    facts = f"data {document['data_sha256'][:16]} · commit {document['commit']} · {size}"
    rows = document["rows"]
    names = list(dict.fromkeys(row["policy"] for row in rows if row["policy"] != _UNLIMITED))
    plots = "".join(f"<figure><h3>{heading}</h3>{_plot(anchor, measure, rows, names)}</figure>" for measure, heading in (
        ("recall", "Recall@10: something of the message is found"),
        ("content", "Content@10: its answer-bearing words are found"),
    ))  # fmt: skip
    return anchor, (
        f'<section id="{anchor}"><h2>{anchor}</h2><p>Conversations of {escape(document["task"])} arrive in order, the space is held to a '
        f'share of their tokens, questions are asked on the way and at the end; {how}.</p><p class="facts">{escape(facts)}</p>'
        f'{legend([*names, _UNLIMITED])}<div class="pair">{plots}</div>{_table(rows)}'
        '<p class="note">Recall counts a hit that rests on a gold message, condensed or whole. Content counts the share of the '
        "message&#39;s answer-bearing words that the hits still have. Kept: gold messages of which something is in the default recall. "
        "p: paired test against the default policy at the same share, Holm-corrected; bold where it is below 0.05.</p></section>"
    )


def _plot(anchor: str, measure: str, rows: Sequence[Document], names: Sequence[str]) -> str:
    whole = next((row for row in rows if row["policy"] == _UNLIMITED), None)
    lines = []
    for name in names:
        own = sorted((row for row in rows if row["policy"] == name), key=lambda row: row["share"])
        lines.append(Series(name=name, points=[_point(row["share"] * 100, row[measure]) for row in own]))
    if whole is not None and lines:
        ends = (min(row["share"] for row in rows) * 100, max(row["share"] for row in rows if row is not whole) * 100)
        lines.append(Series(name=_UNLIMITED, points=[_point(x, whole[measure]) for x in ends], style="line"))
    return line_chart(f"{anchor}: {_NAMES[measure]}", lines, x_label="percent of the tokens", y_label=_NAMES[measure], log_x=False)


def _point(x: float, value: Mapping[str, float]) -> Point:
    return Point(x=x, y=value["mean"], lo=value["lo"], hi=value["hi"])


def _table(rows: Sequence[Document]) -> str:
    heads = ("tokens", "policy", "recall@10", "of unlimited", "content@10", "of unlimited", "coverage@1000", "kept", "content kept")
    body = []
    for row in rows:
        cells = [f"<td>{row['share']:.0%}</td><td>{escape(row['policy'])}</td>"]
        for measure in TESTED:
            span, target = row[measure], row.get("target")
            cells.append(f'<td>{span["mean"]:.3f} <span class="range">[{span["lo"]:.3f}, {span["hi"]:.3f}]</span></td>')
            aim = f' <span class="range">aim {target:.2f}</span>' if target else ""
            cells.append(f"<td>{row['of_unlimited'][measure]:.2f}{aim}</td>")
        cells += [f"<td>{row[name]['mean']:.3f}</td>" for name in ("coverage", "kept", "kept_content")]
        cells += [_p(row["p"].get(measure)) for measure in TESTED]
        body.append(f"<tr>{''.join(cells)}</tr>")
    top = "".join(f'<th scope="col">{head}</th>' for head in (*heads, "p recall", "p content"))
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _p(value: float | None) -> str:
    if value is None:
        return "<td>-</td>"
    mark = ' class="best"' if value < 0.05 else ""
    return f"<td{mark}>{value:.4f}</td>"


def _streamed(document: Document) -> tuple[str, str]:
    months = stream.read(document)
    plots = "".join(f"<figure><h3>{heading}</h3>{svg}</figure>" for heading, svg in stream.charts(months))
    shown = [month for month in months if month.number in (1, months[-1].number) or month.number % 12 == 0]
    body = "".join(
        f"<tr><td>{month.number / 12:.1f}</td><td>{month.active:,}</td><td>{month.size_bytes / 2**20:,.1f}</td><td>{month.p50_ms:.2f}</td>"
        f"<td>{month.upkeep_s:.1f}</td><td>{month.found:.2f}</td></tr>"
        for month in shown
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("years", "active", "MiB", "recall p50, ms", "upkeep, s", "planted found"))
    return "retention-stream", (
        '<section id="retention-stream"><h2>retention-stream</h2>'
        f'<p>{escape(stream.summary(document))}.</p><p class="facts">embedder {escape(document["embedder"])} · commit '
        f'{escape(document["commit"])}</p><div class="pair">{plots}</div><details><summary>The same as a table</summary>'
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div></details></section>'
    )


def _curves() -> tuple[str, str]:
    plots = []
    for chart in curves.charts():
        note = "" if chart.off is None else f'<p class="note">Largest difference between component and closed form: {chart.off:.1e}.</p>'
        plots.append(f"<figure><h3>{escape(chart.heading)}</h3>{legend(chart.names)}{chart.svg}{note}</figure>")
    return "forgetting-curves", (
        '<section id="forgetting-curves"><h2>forgetting-curves</h2><p>Lines are the closed forms, marks what the components give; in the '
        f'last chart lines are the components.</p><div class="pair">{"".join(plots)}</div></section>'
    )
