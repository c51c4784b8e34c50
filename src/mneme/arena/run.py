"""Run recipes on tasks: feed each sample, ask its questions, log what came back."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mneme.arena.log import Outcome, Record, RunKey, RunLog, code_version, hash_sample
from mneme.arena.subject import Answer, Asked, Footprint, Recipe, Storing, Subject, Tools, Watch, indexed_text
from mneme.arena.task import DERIVED, Dataset, Options, Question, Sample, Task
from mneme.core.records import Message

MOST_DERIVED = 4
"""At most so many times as many hits are asked for where memories are derived from messages."""

Progress = Callable[[str, str, int, int], None]
"""Is told a title, the sample, how many samples of the title are done, and how many it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A recipe's records on a task, in the order of the dataset's samples."""

    key: RunKey
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A task with its data, which every recipe of a run is put through.

    Args:
        task: what is measured.
        dataset: what its loader returned, prepared as the options say.
        options: as given to the loader.
    """

    task: Task
    dataset: Dataset
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One recipe on one sample.

    Args:
        plan: number of the plan.
        recipe: number of the recipe.
        sample: number of the sample in the plan's dataset.
        key: of the run that it belongs to.
    """

    plan: int
    recipe: int
    sample: int
    key: RunKey


Execute = Callable[[Sequence[Unit]], Iterable[tuple[Unit, Record]]]
"""Runs units and yields each with its record as soon as it is there, in any order."""


def titled(task: str, options: Mapping[str, object]) -> str:
    """Return a task's name with what a run's options made of it.

    Example:
        >>> titled("locomo", {"triples": True, "pooled": False})
        'locomo, given facts'
    """
    told = (("triples", "given facts"), ("pooled", "pooled"), ("foreign", "foreign"))
    return ", ".join([task, *(word for name, word in told if options.get(name))])


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
    """Run every recipe on every sample of one task; see :func:`run_plans`."""
    plan = Plan(task=task, dataset=dataset, options=options)
    return run_plans([plan], recipes, tools=tools, log=log, progress=progress, workers=workers)[0]


def run_plans(
    plans: Sequence[Plan],
    recipes: Sequence[Recipe],
    *,
    tools: Tools,
    log: RunLog,
    progress: Progress | None = None,
    workers: Execute | None = None,
    any_code: bool = False,
) -> list[list[Run]]:
    """Run every recipe on every sample that the log does not have yet, and return all records: plan by plan, recipe by recipe.

    Work goes recipe by recipe through all plans, so that what runs side by side rarely embeds the same texts, and a run that is
    stopped has whole recipes.

    Args:
        plans: what is measured.
        recipes: what is compared.
        tools: shared by all recipes.
        log: is read for what is done and appended to.
        progress: called after each sample.
        workers: runs samples side by side; None runs them here, one after the other.
        any_code: a run that other code finished counts as done, if data, options, settings and seed are the same.
    """
    done: dict[tuple[int, int, int], Record] = {}
    missing: list[Unit] = []
    for r, recipe in enumerate(recipes):
        for p, plan in enumerate(plans):
            key = make_key(plan.task, plan.dataset, recipe, plan.options, tools)
            logged = _logged(log, key, plan.dataset.samples, any_code)
            done.update(((p, r, number), record) for number, record in logged.items())
            missing += [
                Unit(plan=p, recipe=r, sample=number, key=key) for number in range(len(plan.dataset.samples)) if number not in logged
            ]
    told = _teller(plans, recipes, progress)
    for place in done:
        told(*place)
    fresh = _here(missing, plans, recipes, tools) if workers is None or len(missing) < 2 else workers(missing)
    for unit, record in fresh:
        done[unit.plan, unit.recipe, unit.sample] = log.append(record)
        told(unit.plan, unit.recipe, unit.sample)
    return [
        [_run(plan, [done[p, r, n] for n in range(len(plan.dataset.samples))], recipe, tools) for r, recipe in enumerate(recipes)]
        for p, plan in enumerate(plans)
    ]


def _run(plan: Plan, records: Sequence[Record], recipe: Recipe, tools: Tools) -> Run:
    key = records[0].key if records else make_key(plan.task, plan.dataset, recipe, plan.options, tools)
    return Run(key=key, records=tuple(records))


def _logged(log: RunLog, key: RunKey, samples: Sequence[Sample], any_code: bool) -> dict[int, Record]:
    """Return number of a sample -> its record, for those that the log has; of a run by other code only if that one has them all."""
    names = [f"{sample.id}/{hash_sample(sample)}" for sample in samples]
    runs = log.done_by_code(key)
    known = runs.get(key.commit, {})
    if any_code and not all(name in known for name in names):
        known = next((run for run in reversed(runs.values()) if all(name in run for name in names)), known)
    return {number: known[name] for number, name in enumerate(names) if name in known}


def _teller(plans: Sequence[Plan], recipes: Sequence[Recipe], progress: Progress | None) -> Callable[[int, int, int], None]:
    """Return what counts finished samples for whoever watches: by recipe for one task, by task for several."""
    counts: dict[str, int] = {}

    def tell(plan: int, recipe: int, sample: int) -> None:
        if progress is None:
            return
        task, samples = plans[plan].task, plans[plan].dataset.samples
        title = recipes[recipe].name if len(plans) == 1 else titled(task.name, {"triples": plans[plan].options.triples})
        counts[title] = counts.get(title, 0) + 1
        progress(title, samples[sample].id, counts[title], len(samples) * (1 if len(plans) == 1 else len(recipes)))

    return tell


def _here(units: Sequence[Unit], plans: Sequence[Plan], recipes: Sequence[Recipe], tools: Tools) -> Iterator[tuple[Unit, Record]]:
    for unit in units:
        plan = plans[unit.plan]
        yield unit, run_sample(plan.task, plan.dataset.samples[unit.sample], recipes[unit.recipe], tools, unit.key)


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


def run_sample(task: Task, sample: Sample, recipe: Recipe, tools: Tools, key: RunKey) -> Record:
    """Feed one sample to a fresh subject, ask its questions and return the record; a failure is in the record."""
    feeding, outcomes, error = Watch(), list[Outcome](), ""
    footprint = Footprint()
    with tempfile.TemporaryDirectory(dir=tools.folder, prefix="sample-") as folder:
        try:
            subject = recipe.build(replace(tools, folder=Path(folder), seed=key.seed), sample)
            try:
                outcomes = _examine(task, sample, subject, feeding)
                footprint = subject.footprint() if isinstance(subject, Storing) else footprint
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
        messages=sum(DERIVED not in (message.ref or "") for message in sample.messages),
        tokens=sum(tools.count_tokens(indexed_text(message)) for message in sample.messages),
        feed_ms=feeding.wall_ms,
        feed_cpu_ms=feeding.cpu_ms,
        memories=footprint.memories,
        bytes=footprint.bytes,
        outcomes=tuple(outcomes),
        error=error,
    )


def _examine(task: Task, sample: Sample, subject: Subject, feeding: Watch) -> list[Outcome]:
    sessions = {message.ref: message.session for message in sample.messages if message.ref and DERIVED not in message.ref}
    # Hits on what was derived from one message fold into one, so more of them are asked for.
    depth = task.depth * min(MOST_DERIVED, -(-len(sample.messages) // max(len(sessions), 1)))
    outcomes: list[Outcome] = []
    for messages, questions in _stages(sample):
        if messages:
            with feeding:
                subject.feed(messages)
        for question in questions:
            asked = Asked(id=question.id, text=question.text, at=question.at)
            with (asking := Watch()):
                answer = subject.ask(asked, depth)
            # What a context holds is scored against gold, so questions without any need none.
            budgets = task.budgets if question.gold else ()
            packed = {budget: subject.pack(asked, budget) for budget in budgets}
            hits = _fold(answer, sessions)[: task.depth]
            outcomes.append(
                replace(
                    _labels(question),
                    hits=hits,
                    sessions=_sessions(answer, hits, sessions)[: task.depth],
                    packed={budget: [ref.partition(DERIVED)[0] for ref in context.refs] for budget, context in packed.items()},
                    packed_tokens={budget: context.tokens for budget, context in packed.items()},
                    stages_ms={**answer.stages_ms, "total": asking.wall_ms},
                    cpu_ms=asking.cpu_ms,
                    sufficiency=answer.sufficiency,
                )
            )
    return outcomes


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


def _fold(answer: Answer, known: Collection[str]) -> list[tuple[str, float]]:
    """Turn hits on derived memories into hits on their message, each once, at its best rank; what has no message of its own is left out."""
    best: dict[str, float] = {}
    for ref, score in answer.hits:
        message = ref.partition(DERIVED)[0]
        if message in known:
            best.setdefault(message, score)
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
