"""Replies for a model: short, dated, with the ids that the next call needs, and never longer than their budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mneme.core.query import Answer, ErasureReport, Receipt
from mneme.core.records import Job
from mneme.core.records import Memory as Record
from mneme.space import Step
from mneme.text.lines import one_line
from mneme.text.tokens import count_tokens

MOST_IDS = 20
_SHORTEST = 12
_CUT = " … (cut)"


def line(memory: Record) -> str:
    """Return a memory as one line: id, date, who said it, what, and until when it held."""
    author = f" {one_line(memory.author)}:" if memory.author else ""
    kind = "" if memory.kind == "turn" else f" ({memory.kind})"
    ended = f" (until {memory.valid_to:%Y-%m-%d})" if memory.valid_to else ""
    text = " ".join(memory.indexed_text.split())
    return f"[{memory.id}] {memory.at:%Y-%m-%d %H:%M}{kind}{author} {text}{ended}"


def evidence(memories: Sequence[Record], budget_tokens: int) -> str:
    """Return as many memories as the budget holds, chosen in the order given, told in the order of time.

    A memory that is longer than what is left is cut, and says so.
    """
    chosen: list[tuple[Record, str]] = []
    left = budget_tokens
    for memory in memories:
        said = fit(line(memory), left)
        if not said:
            continue
        chosen.append((memory, said))
        left -= count_tokens(said) + 1
    return "\n".join(said for _, said in sorted(chosen, key=lambda pair: (pair[0].at, pair[0].id)))


def answered(answer: Answer, budget_tokens: int) -> str:
    """Return an answer with what it rests on, or that it is not known and why."""
    cited = [f"[{one.id}] {one.at:%Y-%m-%d}: “{one.quote}”" for one in answer.citations]
    conflicts = ["In conflict: " + " / ".join(one.texts) for one in answer.conflicts]
    if not answer.known:
        head, rest = answer.text, [*answer.notes, *conflicts]
    elif answer.extract:
        head, rest = f"Extracts, word for word (confidence {answer.sufficiency:.2f}):", [*cited, *answer.notes, *conflicts]
    else:
        head, rest = answer.text, ["It rests on:", *cited, *answer.notes, *conflicts]
    return fit("\n".join([head, *rest]), budget_tokens)


def fit(text: str, tokens: int) -> str:
    """Return a text, cut to a number of tokens; empty when too few are left to say anything."""
    if tokens < _SHORTEST:
        return ""
    # No token is longer than this many characters on average, so a long text is not counted whole.
    said = text if len(text) <= tokens * 16 else text[: tokens * 16] + _CUT
    kept = min(len(text), tokens * 16)
    while (length := count_tokens(said)) > tokens:
        kept = min(kept - 1, kept * tokens // length)
        if kept < 1:
            return ""
        said = text[:kept] + _CUT
    return said


def receipt(done: Receipt) -> str:
    """Return what a writing call did."""
    became = "was done before" if done.duplicate else "done" if done.entry else "nothing to do"
    parts = [f"{done.verb}: {became}"]
    if done.ids:
        parts.append(named(done.ids))
    if done.entry:
        parts.append(f"journal entry {done.entry}")
    if done.jobs:
        parts.append(f"{len(done.jobs)} jobs follow")
    lines = ["; ".join(parts)]
    for refusal in done.refused[:5]:
        lines.append(f"refused {refusal.subject}: " + "; ".join(f"{field} {problem}" for field, problem in refusal.problems.items()))
    return "\n".join(lines)


def jobs(found: Sequence[Job], budget_tokens: int) -> str:
    """Return deferred work, what was given up first, as far as the budget goes."""
    order = {"dead": 0, "leased": 1}
    lines = [_job(job) for job in sorted(found, key=lambda job: (order.get(job.state, 2), job.due_at))]
    return fit("\n".join(lines), budget_tokens) or "No work waits, and none was given up."


def _job(job: Job) -> str:
    state = "given up" if job.state == "dead" else job.state
    why = f": {' '.join(job.error.split())}" if job.error else ""
    return f"[{job.id}] {state}: {job.task}, {job.attempts} attempts{why}"


def erased(report: ErasureReport) -> str:
    """Return what an erasure removed, and that it was searched for."""
    searched = f"{report.searched_bytes:,} bytes were searched for {report.needles} texts, tokens and vectors"
    found = f"{len(report.findings)} traces were still found" if report.findings else "no trace was found"
    outside = f"\nOutside the store: {'; '.join(report.outside)}" if report.outside else ""
    return f"erase: done; {named(report.erased)}; journal entry {report.entry}; {searched}, {found}{outside}"


def steps(taken: Sequence[Step], budget_tokens: int) -> str:
    """Return a memory's history, oldest first; what does not fit is left out from the middle."""
    told = [_step(step) for step in taken]
    lines: list[str] = []
    left = budget_tokens
    for place in _ends_first(len(told)):
        said = fit(told[place], left)
        if not said:
            break
        lines.append(f"{place:08d}{said}")
        left -= count_tokens(said) + 1
    text = "\n".join(one[8:] for one in sorted(lines))
    missing = len(told) - len(lines)
    return f"{text}\n({missing} steps are left out)" if missing else text


def _step(step: Step) -> str:
    entry, memory = step.entry, step.memory
    why = f" because {entry.reason}" if entry.reason else ""
    by = f" by {entry.actor}" if entry.actor else ""
    head = f"{entry.recorded_at:%Y-%m-%d %H:%M} entry {entry.seq} {entry.verb}{by}{why}"
    if memory is None:
        return head
    return f"{head} -> version {memory.version}, {memory.status}: {' '.join(memory.text.split())}"


def _ends_first(count: int) -> Iterable[int]:
    for near in range((count + 1) // 2):
        yield near
        if count - 1 - near != near:
            yield count - 1 - near


def named(ids: Sequence[str]) -> str:
    """Return ids, as many as are useful."""
    more = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
    return f"{', '.join(ids[:MOST_IDS])}{more}"


def figures(stats: dict[str, Any]) -> str:
    """Return a space's figures in one line."""
    names = ("active", "archived", "quarantined", "episodes", "links", "entries")
    return ", ".join(f"{stats[name]:,} {name}" for name in names if isinstance(stats.get(name), int))
