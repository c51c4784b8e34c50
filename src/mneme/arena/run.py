"""Run recipes on a task: feed each sample, ask its questions, log what came back."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mneme.arena.log import Outcome, Record, RunKey, RunLog, code_version, hash_sample
from mneme.arena.subject import Answer, Asked, Recipe, Subject, Tools, indexed_text
from mneme.arena.task import DERIVED, Dataset, Options, Question, Sample, Task
from mneme.core.records import Message

Progress = Callable[[str, str, int, int], None]
Execute = Callable[[RunKey, Sequence[int]], Iterable[Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A recipe's records on a task, in the order of the dataset's samples."""

    key: RunKey
    records: tuple[Record, ...]


def run_task(
    task: Task,
    dataset: Dataset,
    recipes: Sequence[Recipe],
    *,
    options: Options,
    tools: Tools,
    log: RunLog,
    progress: Progress | None = None,
    workers: Execute | None = None,
) -> list[Run]:
    """Run every recipe on every sample that the log does not have yet, and return all records.

    Args:
        task: what is measured.
        dataset: what its loader returned, prepared as the options say.
        recipes: what is compared.
        options: as given to the loader.
        tools: shared by all recipes.
        log: is read for what is done and appended to.
        progress: called with recipe, sample, number and total after each sample.
        workers: runs samples side by side; None runs them here, one after the other.
    """
    return [_run_recipe(task, dataset, recipe, options, tools, log, progress, workers) for recipe in recipes]


def make_key(task: Task, dataset: Dataset, recipe: Recipe, options: Options, tools: Tools) -> RunKey:
    """Return the key of a recipe's run on a dataset."""
    return RunKey(
        task=task.name,
        options={
            "pooled": options.pooled,
            "triples": options.triples,
            "foreign": options.foreign,
            "depth": task.depth,
            "budgets": list(task.budgets),
        },
        data_sha256=dataset.sha256,
        recipe=recipe.name,
        spec={**recipe.spec, "embedder": tools.embedder.identity},
        seed=options.seed,
        commit=code_version(),
    )


def _run_recipe(
    task: Task,
    dataset: Dataset,
    recipe: Recipe,
    options: Options,
    tools: Tools,
    log: RunLog,
    progress: Progress | None,
    workers: Execute | None,
) -> Run:
    key = make_key(task, dataset, recipe, options, tools)
    done = log.done(key)
    found = [done.get(f"{sample.id}/{hash_sample(sample)}") for sample in dataset.samples]
    missing = [number for number, record in enumerate(found) if record is None]
    if workers is not None and len(missing) > 1:
        fresh = iter(workers(key, missing))
    else:
        fresh = (run_sample(task, dataset.samples[number], recipe, tools, key) for number in missing)
    records = []
    for number, (sample, logged) in enumerate(zip(dataset.samples, found, strict=True), 1):
        records.append(logged if logged is not None else log.append(next(fresh)))
        if progress is not None:
            progress(recipe.name, sample.id, number, len(dataset.samples))
    return Run(key=key, records=tuple(records))


def run_sample(task: Task, sample: Sample, recipe: Recipe, tools: Tools, key: RunKey) -> Record:
    """Feed one sample to a fresh subject, ask its questions and return the record; a failure is in the record."""
    feed_ms, error = 0.0, ""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(dir=tools.folder, prefix="sample-") as folder:
        try:
            subject = recipe.build(replace(tools, folder=Path(folder), seed=key.seed), sample)
            try:
                feed_ms, outcomes = _examine(task, sample, subject)
            finally:
                subject.close()
        except Exception:  # noqa: BLE001 - one failing sample must not end the run; its trace is logged and shown
            error = traceback.format_exc()
            outcomes = [_labels(question) for question in sample.questions]
    return Record(
        key=key,
        sample=sample.id,
        content=hash_sample(sample),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        messages=len(sample.messages),
        tokens=sum(tools.count_tokens(indexed_text(message)) for message in sample.messages),
        feed_ms=feed_ms,
        outcomes=tuple(outcomes),
        error=error,
    )


def _examine(task: Task, sample: Sample, subject: Subject) -> tuple[float, list[Outcome]]:
    sessions = {message.ref: message.session for message in sample.messages if message.ref}
    # Hits on what was derived from one message fold into one, so more of them are asked for.
    depth = task.depth * (4 if any(DERIVED in ref for ref in sessions) else 1)
    feed_ms = 0.0
    outcomes: list[Outcome] = []
    for messages, questions in _stages(sample):
        started = time.perf_counter()
        if messages:
            subject.feed(messages)
        feed_ms += (time.perf_counter() - started) * 1000
        for question in questions:
            asked = Asked(id=question.id, text=question.text, at=question.at)
            started = time.perf_counter()
            answer = subject.ask(asked, depth)
            total_ms = (time.perf_counter() - started) * 1000
            # What a context holds is scored against gold, so questions without any need none.
            budgets = task.budgets if question.gold else ()
            packed = {budget: subject.pack(asked, budget) for budget in budgets}
            hits = _fold(answer)[: task.depth]
            outcomes.append(
                replace(
                    _labels(question),
                    hits=hits,
                    sessions=_sessions(answer, hits, sessions)[: task.depth],
                    packed={budget: [ref.partition(DERIVED)[0] for ref in context.refs] for budget, context in packed.items()},
                    packed_tokens={budget: context.tokens for budget, context in packed.items()},
                    stages_ms={**answer.stages_ms, "total": total_ms},
                    sufficiency=answer.sufficiency,
                )
            )
    return feed_ms, outcomes


def _stages(sample: Sample) -> Iterator[tuple[Sequence[Message], list[Question]]]:
    """Yield what is fed next and what is asked then."""
    points = sorted({len(sample.messages) if question.after is None else question.after for question in sample.questions})
    fed = 0
    for point in points:
        questions = [
            question for question in sample.questions if (question.after if question.after is not None else len(sample.messages)) == point
        ]
        yield sample.messages[fed:point], questions
        fed = point


def _fold(answer: Answer) -> list[tuple[str, float]]:
    """Turn hits on derived memories into hits on their message, each once, at its best rank."""
    best: dict[str, float] = {}
    for ref, score in answer.hits:
        best.setdefault(ref.partition(DERIVED)[0], score)
    return list(best.items())


def _sessions(answer: Answer, hits: Sequence[tuple[str, float]], session_of: Mapping[str, str | None]) -> list[str]:
    if answer.sessions is not None:
        return list(answer.sessions)
    return list(dict.fromkeys(session for ref, _ in hits if (session := session_of.get(ref))))


def _labels(question: Question) -> Outcome:
    return Outcome(
        id=question.id,
        category=question.category,
        answerable=question.answerable,
        gold=question.gold,
        gold_sessions=sorted(question.gold_sessions),
        stale=sorted(question.stale),
    )
