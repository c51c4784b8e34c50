"""One Markdown page over all recipes that the log has: recall, coverage, what a write and a recall take, what is kept of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import numpy as np

from mneme.arena.compare import Difference, compare
from mneme.arena.log import Record, RunLog
from mneme.arena.report import newest_by_title
from mneme.arena.significance import Interval, bootstrap_mean
from mneme.arena.summary import question_values
from mneme.arena.task import Task

COVERAGE = "coverage@1000"

WHY = (
    "No published design but those over the default ranking puts the newest statement of a kind first, which is all that"
    " factconsolidation asks.",
    "Windows of neighbours, the words of the whole conversation and the times that a question names are features of the default; most"
    " published designs rank each message by itself.",
    "ld-agent takes the share of the question's words in a message's words, which prefers short messages, and halves a score in 80 days,"
    " both as in its paper; the evidence of locomo is spread over months.",
    "memoryos, h-mem and em-llm look into the best segments first; evidence that lies elsewhere comes after all of these.",
    "hipporag starts at names. Conversations name little but those who speak, and rules read few triples for certain; both hipporags gain"
    " by the triples of a model.",
    "mem0, memos, chatdb, malp, memgpt, mirix, perltqa and salm form statements that rules can read for certain: few, so that they find"
    " messages in nearly the same order. What tells them apart needs a model.",
)
"""What is known of why designs are behind where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A recipe on a task.

    Args:
        recipe: its name.
        main: mean of the task's first metric with its interval.
        covered: mean share of the gold in a context of 1,000 tokens; None where the task has none.
        write_ms, write_cpu_ms: a message, over samples.
        recall_ms: median, 5th and 95th percentile over questions.
        recall_cpu_ms: median over questions.
        memories, bytes: for each message.
        against: compared with the baseline; None for the baseline itself.
        unaided: with given facts, less the baseline without them, over the same questions; None without them.
    """

    recipe: str
    main: Interval
    covered: float | None
    write_ms: Interval
    write_cpu_ms: float
    recall_ms: Interval
    recall_cpu_ms: float
    memories: float
    bytes: float
    against: Difference | None = None
    unaided: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All recipes on a task.

    Args:
        title: the task's name, with what the options made of it.
        task: the task.
        runs: recipe -> its records.
        rows: best first; recipes that have not finished are left out.
        failures: recipe -> the error of a sample that failed, for those with any.
    """

    title: str
    task: Task
    runs: Mapping[str, Sequence[Record]]
    rows: Sequence[Row]
    failures: Mapping[str, str] = field(default_factory=dict)


def build_table(log: RunLog, tasks: Sequence[Task], baseline: str = "default") -> str:
    """Return the page: one table over all tasks, where a recipe is ahead of the baseline, and a table for each task, best first.

    Args:
        log: the runs; of each task the newest without and with what a model made of the messages.
        tasks: in the order of the page.
        baseline: what the others are compared with, question by question.
    """
    sections = [section for task in tasks for section in _sections(log, task, baseline)]
    parts = ["# Recipes measured", "", *_intro(sections), "", "## All tasks", "", *_overview(sections), "", f"## Against {baseline}", ""]
    parts += [*_ahead(sections, baseline), "", *_told_ahead(sections, baseline), *_missing(sections)]
    parts += ["", "Why designs are behind where they are, as far as it is known:", "", *(f"- {line}" for line in WHY)]
    for section in sections:
        parts += ["", f"## {section.title}", "", _extent(section), "", *_rows(section, baseline)]
    return "\n".join([*parts, ""])


def _sections(log: RunLog, task: Task, baseline: str) -> list[Section]:
    logged = newest_by_title(log, task.name)
    newest = {title: _finished(runs) for title, runs in logged.items()}
    unaided = question_values(task.metrics[:1], newest.get(task.name, {}).get(baseline, []))[task.metrics[0].name]
    found = []
    for title, runs in newest.items():
        rows = _measured(task, runs, baseline, {} if title == task.name else unaided)
        found.append(Section(title=title, task=task, runs=runs, rows=rows, failures=_failures(logged[title])))
    return found


def _finished(runs: Mapping[str, Sequence[Record]]) -> Mapping[str, Sequence[Record]]:
    """Return the runs that have as many samples as the longest, without an error."""
    whole = {name: [record for record in records if not record.error] for name, records in runs.items()}
    most = max(map(len, whole.values()))
    return {name: records for name, records in whole.items() if len(records) == most}


def _failures(runs: Mapping[str, Sequence[Record]]) -> Mapping[str, str]:
    """Return recipe -> the last line of the first error, where a sample failed."""
    errors = {name: next((record.error for record in records if record.error), "") for name, records in runs.items()}
    return {name: error.strip().splitlines()[-1] for name, error in errors.items() if error.strip()}


def _measured(task: Task, runs: Mapping[str, Sequence[Record]], baseline: str, unaided: Mapping[str, float]) -> list[Row]:
    metric = task.metrics[0]
    against = baseline if baseline in runs else next(iter(runs))
    order = [against, *(name for name in runs if name != against)]
    compared = compare(metric, {name: list(runs[name]) for name in order}, baseline=against, by_category=False)
    differences = {row.recipe: row for row in compared}
    metrics = [metric, *(other for other in task.metrics if other.name == COVERAGE)]
    rows = []
    for name in order:
        values = question_values(metrics, runs[name])
        main = values[metric.name]
        gaps = [value - unaided[id_] for id_, value in main.items() if id_ in unaided]
        if main:
            row = _row(name, list(main.values()), list(values.get(COVERAGE, {}).values()), runs[name])
            rows.append(replace(row, against=differences.get(name), unaided=bootstrap_mean(gaps) if gaps else None))
    return sorted(rows, key=lambda row: -row.main.mean)


def _row(recipe: str, main: Sequence[float], covered: Sequence[float], records: Sequence[Record]) -> Row:
    messages = max(sum(record.messages for record in records), 1)
    writes = [record.feed_ms / max(record.messages, 1) for record in records]
    spread = bootstrap_mean(writes)
    asked = [outcome for record in records for outcome in record.outcomes if "total" in outcome.stages_ms]
    low, middle, high = np.quantile([outcome.stages_ms["total"] for outcome in asked] or [0.0], [0.05, 0.5, 0.95]).tolist()
    return Row(
        recipe=recipe,
        main=bootstrap_mean(main),
        covered=fmean(covered) if covered else None,
        write_ms=Interval(mean=sum(record.feed_ms for record in records) / messages, lo=spread.lo, hi=spread.hi),
        write_cpu_ms=sum(record.feed_cpu_ms for record in records) / messages,
        recall_ms=Interval(mean=middle, lo=low, hi=high),
        recall_cpu_ms=float(np.median([outcome.cpu_ms for outcome in asked] or [0.0])),
        memories=sum(record.memories for record in records) / messages,
        bytes=sum(record.bytes for record in records) / messages,
    )


def _intro(sections: Sequence[Section]) -> list[str]:
    commits = sorted({records[-1].key.commit.partition("+")[0] for section in sections for records in section.runs.values()})
    return [
        "Rule-based siblings, no language model; embeddings are cached, so that a write's time is what the design itself costs. Written by",
        "",
        "```text",
        f"mneme arena run {','.join(dict.fromkeys(section.task.name for section in sections))} --recipe all --also-given --budgets 1000",
        f"mneme arena table {','.join(dict.fromkeys(section.task.name for section in sections))}",
        "```",
        "",
        "Means over questions with 95 % bootstrap intervals. A write is the wall-clock time of a message, all of a space fed in one call,",
        "with the interval over spaces; a recall is the median over questions, with the 5th and 95th percentile. Processor time stands",
        f"beside both: a busy machine changes it little. Code: {', '.join(commits)}.",
    ]


def _overview(sections: Sequence[Section]) -> list[str]:
    """Return the one table: a row for each recipe, a column for each task's first metric, the costs over the tasks without given facts."""
    titles = [f"{section.title} {section.task.metrics[0].name}" for section in sections]
    costs = ("coverage", "write, ms", "recall, ms", "memories a message", "bytes a message")
    found: dict[str, dict[str, Row]] = {}
    for section in sections:
        for row in section.rows:
            found.setdefault(row.recipe, {})[section.title] = row
    plain = [section.title for section in sections if section.title == section.task.name]
    rows = []
    for recipe, by_title in found.items():
        cells = [_marked(by_title.get(section.title)) for section in sections]
        own = [by_title[title] for title in plain if title in by_title] or list(by_title.values())
        covered = [row.covered for row in own if row.covered is not None]
        cells += [
            f"{fmean(covered):.3f}" if covered else "-",
            _mean(row.write_cpu_ms for row in own),
            _mean(row.recall_cpu_ms for row in own),
        ]
        cells += [f"{fmean(row.memories for row in own):.2f}", f"{fmean(row.bytes for row in own):,.0f}"]
        scores = [row.main.mean for row in by_title.values()]
        rows.append(((len(scores), fmean(scores)), [recipe, *cells]))
    rows.sort(key=lambda row: row[0], reverse=True)
    note = (
        "Best first by the mean over tasks, of those that were measured on as many; bold leads a task; a dash: see below.\n"
        "Costs are over the tasks without given facts that were measured; times are processor time."
    )
    return [*_table(["recipe", *titles, *costs], [cells for _, cells in rows], _best(sections)), "", note]


def _best(sections: Sequence[Section]) -> Mapping[int, str]:
    """Return column -> the recipe that leads it."""
    return {number: section.rows[0].recipe for number, section in enumerate(sections, 1) if section.rows}


def _marked(row: Row | None) -> str:
    return "-" if row is None else f"{row.main.mean:.3f}{_star(row.against)}"


def _star(row: Difference | None) -> str:
    if row is None or not row.significant:
        return ""
    return " +" if row.difference > 0 else " *"


def _ahead(sections: Sequence[Section], baseline: str) -> list[str]:
    """Return, task by task, which recipes have a higher mean than the baseline, with the test."""
    lines = [
        "Paired over questions, sign-flip permutation test, corrected after Holm for the number of recipes:",
        f"`*` behind {baseline}, `+` ahead of it, no mark level with it.",
        "",
    ]
    rows = []
    for section in sections:
        rivals = [row.against for row in section.rows if row.against is not None]
        better = [row for row in rivals if row.difference > 0]
        told = "; ".join(f"{row.recipe} {row.difference:+.3f} (p {row.p_holm:.2f})" for row in better[:6])
        behind = sum(row.significant and row.difference < 0 for row in rivals)
        ahead = sum(row.significant and row.difference > 0 for row in rivals)
        rows.append([section.title, str(behind), str(len(rivals) - behind - ahead), str(ahead), told or "none"])
    return [*lines, *_table(["task", "behind", "level", "ahead", "with a higher mean"], rows, {})]


def _told_ahead(sections: Sequence[Section], baseline: str) -> list[str]:
    """Return a sentence for each recipe with a higher mean than the baseline, and for the best that had given facts where it had none."""
    lines = []
    for section in sections:
        for row in section.rows:
            gap = row.against
            if gap is not None and gap.difference > 0:
                verdict = "significantly" if gap.significant else "which these questions can't tell from chance"
                span = f"{gap.difference:+.3f} ({gap.lo:+.3f} .. {gap.hi:+.3f})"
                lines.append(f"- {row.recipe} is ahead of {baseline} on {section.title} by {span}, {verdict}.")
        aided = [row for row in section.rows if row.unaided is not None and row.recipe != baseline]
        if aided and (unaided := aided[0].unaided) is not None and unaided.mean > 0:
            span = f"{unaided.mean:+.3f} ({unaided.lo:+.3f} .. {unaided.hi:+.3f})"
            lines.append(f"- {aided[0].recipe} on {section.title} is ahead of {baseline} without them by {span}.")
    return lines or [f"No recipe has a higher mean than {baseline} on any task."]


def _missing(sections: Sequence[Section]) -> list[str]:
    """Return what stands for the dashes of the overview: why recipes were not measured on a task."""
    recipes = dict.fromkeys(row.recipe for section in sections for row in section.rows)
    lines = []
    for section in sections:
        there = {row.recipe for row in section.rows}
        reasons: dict[str, list[str]] = {}
        for recipe in (name for name in recipes if name not in there):
            reasons.setdefault(section.failures.get(recipe, "not run on all of it"), []).append(recipe)
        lines += [f"- {section.title}: {', '.join(names)}: {reason}." for reason, names in reasons.items()]
    return ["", "Not measured:", "", *lines] if lines else []


def _extent(section: Section) -> str:
    records = next(iter(section.runs.values()))
    asked = sum(len(record.outcomes) for record in records)
    told = section.task.summary[:1].upper() + section.task.summary[1:]
    return f"{told}. {len(records)} spaces, {sum(record.messages for record in records):,} messages, {asked:,} questions."


def _rows(section: Section, baseline: str) -> list[str]:
    heads = ["recipe", section.task.metrics[0].name, "95 %", COVERAGE, "write, ms", "processor", "recall, ms", "processor"]
    heads += ["memories", "bytes", f"against {baseline}", "95 %"]
    aided = any(row.unaided for row in section.rows)
    heads += [f"against {baseline} without", "95 %"] if aided else []
    rows = []
    for row in section.rows:
        gap = row.against
        cells = [row.recipe, f"{row.main.mean:.3f}", f"{row.main.lo:.3f} .. {row.main.hi:.3f}"]
        cells += ["-" if row.covered is None else f"{row.covered:.3f}"]
        cells += [_span(row.write_ms), f"{row.write_cpu_ms:.1f}", _span(row.recall_ms), f"{row.recall_cpu_ms:.1f}"]
        cells += [f"{row.memories:.2f}", f"{row.bytes:,.0f}"]
        cells += ["-", "-"] if gap is None else [f"{gap.difference:+.3f}{_star(gap)}", f"{gap.lo:+.3f} .. {gap.hi:+.3f}"]
        if aided:
            cells += ["-", "-"] if row.unaided is None else [f"{row.unaided.mean:+.3f}", f"{row.unaided.lo:+.3f} .. {row.unaided.hi:+.3f}"]
        rows.append(cells)
    return _table(heads, rows, {})


def _span(interval: Interval) -> str:
    return f"{interval.mean:.1f} ({interval.lo:.1f} .. {interval.hi:.1f})"


def _mean(values: Iterable[float]) -> str:
    return f"{fmean(values):.1f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], bold: Mapping[int, str]) -> list[str]:
    """Return the lines of a Markdown table; ``bold`` says for a column which row's cell stands out."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in rows:
        cells = [f"**{cell}**" if bold.get(number) == row[0] else cell for number, cell in enumerate(row)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
