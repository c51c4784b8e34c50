"""One HTML page from the logs: figures, plots, comparisons. It asks nothing of the network and follows the reader's light or dark."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mneme.arena.baselines import BASELINES
from mneme.arena.compare import Difference, compare
from mneme.arena.log import Record, RunLog
from mneme.arena.plots import Point, Series, bar_chart, legend, line_chart
from mneme.arena.recipes import recipe_names
from mneme.arena.run import titled
from mneme.arena.summary import summarise
from mneme.arena.task import Task
from mneme.arena.tasks import TASKS, get_task
from mneme.core.errors import InvalidInput

Summary = Mapping[str, Any]

MOST_DRAWN = 8
"""A chart with more lines can't be read; the tables beside it have them all."""

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --ink: #1a1a1a; --soft: #666; --line: #ddd; --panel: #f6f6f6;
  --series-0: #0a5ea8; --series-1: #b35c00; --series-2: #00795a; --series-3: #a8327d; --series-4: #7a5fc4;
  --series-5: #b3261e; --series-6: #5f6b00; --series-7: #007a8a; --series-8: #8a5a44; --series-9: #555; }
@media (prefers-color-scheme: dark) { :root { --back: #15171a; --ink: #ececec; --soft: #a8a8a8; --line: #3a3d42; --panel: #1e2125;
  --series-0: #6cb6ff; --series-1: #ffb25e; --series-2: #4fd1a5; --series-3: #f48fd0; --series-4: #b9a4ff;
  --series-5: #ff8a80; --series-6: #cddc5a; --series-7: #5fd6e6; --series-8: #d9a88f; --series-9: #bbb; } }
body { font: 16px/1.5 system-ui, sans-serif; background: var(--back); color: var(--ink); max-width: 62rem; margin: 2rem auto;
padding: 0 1rem; } h1 { font-size: 1.7rem; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); } h3 { margin: 2rem 0
.5rem; } .facts, .note { color: var(--soft); font-size: .9rem; } .scroll { overflow-x: auto; } table { border-collapse:
collapse; font-size: .85rem; font-variant-numeric: tabular-nums; } th, td { padding: .3rem .6rem; text-align: right;
border-bottom: 1px solid var(--line); white-space: nowrap; } th:first-child, td:first-child { text-align: left; position: sticky;
left: 0; background: var(--back); } tbody tr:hover td { background: var(--panel); } .best {
font-weight: 700; } .range { color: var(--soft); font-size: .75rem; } .chart { width: 100%; height: auto; background:
var(--panel); border-radius: 6px; } .chart text { fill: var(--ink); font: 12px system-ui, sans-serif; } .grid { stroke:
var(--line); } .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; font-size: .85rem; }
.legend svg { margin-right: .4rem; } .interval { stroke-width: 1.5; opacity: .45; } .over { stroke: var(--ink); opacity: .7; }
figure { margin: 0; } .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 0 1.5rem; }
.pair h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
polyline, .legend line { stroke-width: 2; } details { margin: .5rem 0; } summary { cursor: pointer; color: var(--soft); }
""" + "".join(
    f".s{number} {{ stroke: var(--series-{number}); }} .s{number} rect, .s{number} circle, .s{number} polygon "
    f"{{ fill: var(--series-{number}); stroke: none; }}\n"
    for number in range(10)
)


def build_report(log: RunLog, *, tasks: Sequence[str] = (), baseline: str = "", extra: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page.

    Args:
        log: the runs; of each task and recipe the newest is shown, if it is on the same data as the task's newest.
        tasks: which tasks; all that have runs when empty.
        baseline: what the others are compared with; the task's strongest baseline recipe when empty.
        extra: further (anchor, section) pairs, shown behind the tasks.

    Raises:
        InvalidInput: there is no run to show.
    """
    found = sorted({task for task, _ in log.runs() if task in TASKS and (not tasks or task in tasks)}, key=list(TASKS).index)
    titles = [(title, name, runs) for name in found for title, runs in newest_by_title(log, name).items()]
    sections = [_section(get_task(name), title, runs, baseline) for title, name, runs in titles]
    sections += [section for _, section in extra]
    if not sections:
        raise InvalidInput({"logs": f"no runs in {log.folder}; run `mneme arena run` first, or give another folder with --logs"})
    anchors = [(_anchor(title), title) for title, _, _ in titles] + [(anchor, anchor) for anchor, _ in extra]
    links = " · ".join(f'<a href="#{anchor}">{shown}</a>' for anchor, shown in anchors)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>mneme arena</title><style>{_STYLE}</style></head><body><main><h1>mneme arena</h1><nav>{links}</nav>"
        '<p class="note">Means over questions with 95 % bootstrap intervals. Every figure is derived from the run logs.</p>'
        f"{''.join(sections)}</main></body></html>\n"
    )


def newest_runs(log: RunLog, task: str, *, given: bool | None = None) -> dict[str, list[Record]]:
    """Return recipe -> records of its newest run, of the kind of runs (see :attr:`RunKey.kind`) that is newest.

    Args:
        log: the runs.
        task: its name.
        given: only runs with, or without, what a model made of the messages; None looks at both.
    """
    kinds = runs_by_kind(log, task)
    fitting = [runs for runs in kinds if given is None or bool(_options(runs).get("triples")) == given]
    return fitting[-1] if fitting else {}


def runs_by_kind(log: RunLog, task: str) -> list[dict[str, list[Record]]]:
    """Return recipe -> records of its newest run, for every kind of runs, the kind that ran last at the end."""
    order = {name: number for number, name in enumerate(recipe_names())}
    recipes = sorted((recipe for of_task, recipe in log.runs() if of_task == task), key=lambda name: (order.get(name, len(order)), name))
    kinds: dict[str, dict[str, list[Record]]] = {}
    for recipe in recipes:
        for kind, records in log.by_kind(task, recipe).items():
            kinds.setdefault(kind, {})[recipe] = records
    return sorted(kinds.values(), key=lambda runs: max(record.at for records in runs.values() for record in records))


def newest_by_title(log: RunLog, task: str) -> dict[str, Mapping[str, list[Record]]]:
    """Return the task's name, with what options made of it -> recipe -> records, of the newest runs of each."""
    newest = {titled(task, _options(runs)): runs for runs in runs_by_kind(log, task)}
    return {title: newest[title] for title in sorted(newest)}


def _options(runs: Mapping[str, Sequence[Record]]) -> Mapping[str, object]:
    return next(iter(runs.values()))[0].key.options


def _anchor(title: str) -> str:
    return title.replace(", ", "-").replace(" ", "-")


def _section(task: Task, title: str, found: Mapping[str, Sequence[Record]], baseline: str) -> str:
    summaries = {name: summarise(task.metrics, records) for name, records in found.items()}
    if len(found) > MOST_DRAWN:
        summaries = dict(sorted(summaries.items(), key=lambda row: _rank(task, row[1])))
    runs = {name: found[name] for name in summaries}
    drawn = {name: summaries[name] for name in _drawn(summaries, baseline)}
    first = next(iter(runs.values()))[0].key
    commits = ", ".join(sorted({records[0].key.commit for records in runs.values()}))
    parts = [
        f'<section id="{_anchor(title)}"><h2>{title}</h2><p>{escape(task.summary)}.</p>',
        f'<p class="facts">data {first.data_sha256[:16]} · commit {escape(commits)} · {_extent(runs)}</p>',
        f"<h3>Figures</h3>{_figures(task, summaries)}",
        _few(drawn, summaries),
        legend(list(drawn)),
        _curve(title, task, drawn, summaries, "recall", "k (hits returned)"),
        _curve(title, task, drawn, summaries, "coverage", "tokens of context"),
        _latency(title, runs, drawn),
        _costs(runs),
        _categories(title, task, drawn, summaries),
        _comparison(task, runs, summaries, baseline),
        "</section>",
    ]
    return "".join(parts)


def _rank(task: Task, summary: Summary) -> float:
    metric = task.metrics[0]
    value = summary.get(metric.name)
    if value is None:
        return 2.0
    mean: float = value["mean"]
    return mean if metric.lower_is_better else -mean


def _drawn(summaries: Mapping[str, Summary], baseline: str) -> list[str]:
    """Return which recipes the charts show: all of a few; of many the best, and what they are compared with."""
    names = list(summaries)
    if len(names) <= MOST_DRAWN:
        return names
    kept = [name for name in (baseline,) if name in summaries]
    return (kept + [name for name in names if name not in kept])[:MOST_DRAWN]


def _few(drawn: Mapping[str, Summary], summaries: Mapping[str, Summary]) -> str:
    if len(drawn) == len(summaries):
        return ""
    return f'<p class="note">Charts show {len(drawn)} of {len(summaries)} recipes, the best of the first column; the tables have all.</p>'


def _costs(runs: Mapping[str, Sequence[Record]]) -> str:
    """Return a table of what a write takes and what is kept of a message."""
    rows = []
    for recipe, records in runs.items():
        whole = [record for record in records if not record.error]
        messages = sum(record.messages for record in whole)
        if not messages:
            continue
        sums = [sum(getattr(record, name) for record in whole) / messages for name in ("feed_ms", "feed_cpu_ms", "memories", "bytes")]
        cells = (f"{sums[0]:.2f}", f"{sums[1]:.2f}", f"{sums[2]:.2f}" if sums[2] else "-", f"{sums[3]:,.0f}" if sums[3] else "-")
        rows.append(f"<tr><td>{escape(recipe)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("recipe", "write, ms", "of it processor, ms", "memories", "bytes"))
    return (
        '<h3>What a message costs</h3><div class="scroll"><table><thead><tr>'
        f'{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div><p class="note">Embeddings are cached and not in it.</p>'
    )


def _extent(runs: Mapping[str, Sequence[Record]]) -> str:
    records = next(iter(runs.values()))
    failed = sum(bool(record.error) for rows in runs.values() for record in rows)
    note = f" · {failed} failed samples" if failed else ""
    return f"{len(records)} samples, {sum(record.messages for record in records):,} messages{note}"


def _figures(task: Task, summaries: Mapping[str, Summary]) -> str:
    metrics = [metric for metric in task.metrics if any(metric.name in summary for summary in summaries.values())]
    extra = [name for name in ("sufficiency_auc", "sufficiency_ece") if any(name in summary for summary in summaries.values())]
    names = [metric.name for metric in metrics] + extra
    lower = {metric.name for metric in metrics if metric.lower_is_better} | {"sufficiency_ece"}
    best = {name: _best(name, summaries, name in lower) for name in names}
    rows = []
    for recipe, summary in summaries.items():
        cells = "".join(_cell(summary.get(name), best[name] == recipe) for name in names)
        scored = summary.get(names[0], {"n": 0, "of": 0}) if names else {"n": 0, "of": 0}
        rows.append(f"<tr><td>{escape(recipe)}</td>{cells}<td>{scored['n']}/{scored['of']}</td></tr>")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f'<div class="scroll"><table><thead><tr><th scope="col">recipe</th>{heads}<th scope="col">scored</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _best(name: str, summaries: Mapping[str, Summary], lower: bool) -> str:
    """Return the best recipe, the oracle left out: it is a ceiling, not a contender."""
    means = {recipe: summary[name]["mean"] for recipe, summary in summaries.items() if name in summary and recipe != "oracle"}
    if not means:
        return ""
    return min(means, key=means.__getitem__) if lower else max(means, key=means.__getitem__)


def _cell(value: Mapping[str, float] | None, best: bool) -> str:
    if value is None:
        return "<td>-</td>"
    mark = ' class="best"' if best else ""
    return f'<td{mark}>{value["mean"]:.3f} <span class="range">[{value["lo"]:.3f}, {value["hi"]:.3f}]</span></td>'


def _curve(title: str, task: Task, drawn: Mapping[str, Summary], summaries: Mapping[str, Summary], kind: str, x_label: str) -> str:
    metrics = [metric for metric in task.metrics if metric.kind == kind and metric.k is not None and not metric.session]
    metrics = [metric for metric in metrics if any(metric.name in summary for summary in summaries.values())]
    metrics.sort(key=lambda metric: metric.k or 0)
    series = [
        Series(name=recipe, points=[_point(float(metric.k or 0), summary[metric.name]) for metric in metrics if metric.name in summary])
        for recipe, summary in summaries.items()
    ]
    if len(metrics) < 2 or not any(line.points for line in series):
        return ""
    heading = "Recall against k" if kind == "recall" else "Recall against tokens"
    shown = [line for line in series if line.name in drawn]
    chart = line_chart(
        f"{title}: {heading.lower()}", sorted(shown, key=lambda line: list(drawn).index(line.name)), x_label=x_label, y_label=kind
    )
    return f"<h3>{heading}</h3>{chart}{_table_of(series, x_label)}"


def _point(x: float, value: Mapping[str, float]) -> Point:
    return Point(x=x, y=value["mean"], lo=value["lo"], hi=value["hi"])


def _table_of(series: Sequence[Series], x_label: str) -> str:
    xs = sorted({point.x for line in series for point in line.points})
    rows = []
    for line in series:
        at = {point.x: point for point in line.points}
        cells = "".join(f"<td>{at[x].y:.3f}</td>" if x in at else "<td>-</td>" for x in xs)
        rows.append(f"<tr><td>{escape(line.name)}</td>{cells}</tr>")
    heads = "".join(f'<th scope="col">{x:g}</th>' for x in xs)
    return (
        f'<details><summary>The same as a table</summary><div class="scroll"><table><thead><tr><th scope="col">{escape(x_label)}</th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _latency(title: str, runs: Mapping[str, Sequence[Record]], drawn: Mapping[str, Summary]) -> str:
    series = []
    for recipe, records in runs.items():
        by_size: dict[int, list[float]] = {}
        for record in records:
            by_size.setdefault(_size_class(record.messages), []).extend(row.stages_ms["total"] for row in record.outcomes if row.stages_ms)
        points = []
        for size, times in sorted(by_size.items()):
            if times:
                spread = statistics.quantiles(times, n=20) if len(times) > 1 else [times[0]] * 19
                points.append(Point(x=float(size), y=statistics.median(times), lo=spread[0], hi=spread[-1]))
        series.append(Series(name=recipe, points=points))
    if not any(line.points for line in series):
        return ""
    label = "messages in the space"
    shown = [line for name in drawn for line in series if line.name == name]
    chart = line_chart(f"{title}: latency against corpus size", shown, x_label=label, y_label="ms a question", y_max=None)
    note = '<p class="note">Median, with the middle 90 %; the embedding of the question is included where a recipe needs it.</p>'
    return f"<h3>Latency against corpus size</h3>{chart}{note}{_table_of(series, label)}"


def _size_class(messages: int) -> int:
    """Return the size rounded to two digits, so that samples of about one size share a point."""
    if messages < 100:
        return messages
    return round(messages, 2 - len(str(messages)))


def _categories(title: str, task: Task, drawn: Mapping[str, Summary], summaries: Mapping[str, Summary]) -> str:
    metric = task.metrics[0].name
    groups = sorted({category for summary in summaries.values() for category, table in summary["by"].items() if metric in table})
    if not groups:
        return ""
    series = [
        Series(
            name=recipe,
            points=[
                _point(float(number), summary["by"][group][metric])
                for number, group in enumerate(groups)
                if metric in summary["by"].get(group, {})
            ],
        )
        for recipe, summary in drawn.items()
    ]
    rows = []
    for recipe, summary in summaries.items():
        cells = "".join(_cell(summary["by"].get(group, {}).get(metric), False) for group in groups)
        rows.append(f"<tr><td>{escape(recipe)}</td>{cells}</tr>")
    heads = "".join(f'<th scope="col">{escape(group)}</th>' for group in groups)
    return (
        f"<h3>{metric} by category</h3>{bar_chart(f'{title}: {metric} by category', groups, series, y_label=metric)}"
        '<details><summary>The same as a table</summary><div class="scroll"><table><thead><tr><th scope="col">recipe</th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def strongest(task: Task, summaries: Mapping[str, Summary], among: Sequence[str]) -> str:
    """Return the recipe with the best mean of the task's first metric, the oracle left out; empty when none was scored."""
    metric = task.metrics[0]
    return _best(metric.name, {name: summaries[name] for name in among if name in summaries}, metric.lower_is_better)


def _comparison(task: Task, runs: Mapping[str, Sequence[Record]], summaries: Mapping[str, Summary], baseline: str) -> str:
    against = baseline if baseline in runs else strongest(task, summaries, [name for name in runs if name in BASELINES] or list(runs))
    if not against or len(runs) < 2:
        return ""
    metric = task.metrics[0]
    rows = compare(metric, runs, baseline=against, by_category=False)
    body = "".join(_difference_row(row) for row in rows)
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("recipe", metric.name, "difference", "p (Holm)", "wins/losses", "questions")
    )
    return (
        f"<h3>Against {escape(against)}</h3>"
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
        '<p class="note">Paired over questions; bold where the corrected p-value is below 0.05.</p>'
    )


def _difference_row(row: Difference) -> str:
    mark = ' class="best"' if row.significant else ""
    span = f'<span class="range">[{row.lo:+.3f}, {row.hi:+.3f}]</span>'
    return (
        f"<tr><td>{escape(row.recipe)}</td><td>{row.mean:.3f}</td><td{mark}>{row.difference:+.3f} {span}</td>"
        f"<td>{row.p_holm:.4f}</td><td>{row.wins}/{row.losses}</td><td>{row.n}</td></tr>"
    )
