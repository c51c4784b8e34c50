"""What a task is made of: samples to feed, questions with gold labels, and the metrics that score the answers."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mneme.arena.metrics import Metric
from mneme.core.errors import InvalidInput, MnemeError
from mneme.core.records import Message

DERIVED = "#"
"""Separates a message's ref from the number of what was derived from it: a hit on ``p3#2`` counts as a hit on ``p3``."""

WHOLE_SESSION = "whole_session"
"""Attribute of a derived message that tells of its session as a whole: it rests on all of its messages and a hit on it names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with its gold labels.

    Args:
        id: unique within the dataset.
        text: what is asked.
        category: the dataset's own grouping, as text.
        gold: ref -> grade (1 or more) of every message that is evidence; empty when nothing is labelled.
        gold_sessions: the sessions that hold evidence; empty when nothing is labelled.
        stale: refs of overwritten values, which must rank below every gold ref.
        at: when it is asked, in UTC; None when the dataset does not say.
        after: how many messages of the sample are fed before it is asked; None means all.
        answerable: False for questions whose answer is not there; they are left out of retrieval metrics.
        answer: the reference answer, for the log.
    """

    id: str
    text: str
    category: str
    gold: Mapping[str, int] = field(default_factory=dict)
    gold_sessions: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    at: datetime | None = None
    after: int | None = None
    answerable: bool = True
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One space: the messages that are fed, in order, and the questions asked of it."""

    id: str
    messages: tuple[Message, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a loader returns.

    Args:
        samples: in the order of the files.
        sha256: hash over every file that was read (or over the generator's settings), with the options that changed what was made of them.
        shared_refs: whether one ref means the same message in every sample, so that pooling keeps it once.
    """

    samples: tuple[Sample, ...]
    sha256: str
    shared_refs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a caller can change about a task.

    Args:
        pooled: put all samples into one space.
        triples: also bring what a model made of the messages, where the dataset ships with it: triples, or facts and events.
        seed: seeds generated streams and random recipes.
        foreign: also ask each space some questions of the next one, which it can't answer; for judging sufficiency.
        limit: at most this many samples of each group (file, conversation kind); None means all.
    """

    pooled: bool = False
    triples: bool = False
    foreign: bool = False
    seed: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise InvalidInput({"limit": "must be at least 1; leave it out to run all samples"})


Loader = Callable[[Path, Options], Dataset]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A dataset, how it is fed and how it is scored.

    Args:
        name: as on the command line.
        summary: one line for ``arena list``.
        load: reads the official files.
        metrics: the first one decides comparisons.
        depth: how many hits are asked for.
        budgets: token budgets for packed context; empty when the task measures none.
        data: where its files lie below a data root, as ``arena verify`` expects them.
        given: whether the dataset ships with what a model made of the messages.
    """

    name: str
    summary: str
    load: Loader
    metrics: tuple[Metric, ...]
    depth: int = 50
    budgets: tuple[int, ...] = ()
    data: str = ""
    given: bool = False

    def read(self, path: Path, options: Options) -> Dataset:
        """Return the dataset of a file or folder.

        Raises:
            InvalidInput: there is none, or it is not in the official format.
        """
        try:
            return self.load(path, options)
        except MnemeError:
            raise  # says more
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            problem = f"{path} is not in the official format of {self.name} ({type(error).__name__}: {error})"
            raise InvalidInput({"data": problem}) from error


def names(*metrics: str) -> tuple[Metric, ...]:
    """Return the metrics of these names, in order."""
    return tuple(Metric.parse(name) for name in metrics)


def of_sessions(*metrics: str) -> tuple[Metric, ...]:
    """Return the metrics of these names, computed over sessions: for a task whose unit is the session."""
    return tuple(replace(Metric.parse(name), session=True, label=name) for name in metrics)


def hash_files(paths: Iterable[Path], *, extra: str = "") -> str:
    """Return the SHA-256 over the names and bytes of these files, in sorted order, and ``extra``."""
    digest = hashlib.sha256(extra.encode())
    for path in sorted(paths):
        digest.update(b"\0" + path.name.encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def existing_files(path: Path, pattern: str) -> list[Path]:
    """Return ``path`` itself if it is a file, else the files below it that match ``pattern``, sorted.

    Raises:
        InvalidInput: nothing is there.
    """
    if path.is_file():
        return [path]
    found = sorted(path.rglob(pattern)) if path.is_dir() else []
    if not found:
        raise InvalidInput({"data": f"no {pattern} at {path}; give the file or folder of the official release"})
    return found


def pool(dataset: Dataset) -> Dataset:
    """Return the dataset with all samples in one space, messages ordered by time.

    Questions that are asked in the middle of a sample can't be pooled. A pooled question has no time of its own: other samples'
    messages may be later than it.
    """
    if any(question.after is not None for sample in dataset.samples for question in sample.questions):
        raise InvalidInput({"pooled": "this task asks between messages; run it without --pooled"})
    messages: dict[str, Message] = {}
    questions: list[Question] = []
    for sample in dataset.samples:
        prefix = "" if dataset.shared_refs else f"{sample.id}/"
        for message in sample.messages:
            ref = f"{prefix}{message.ref}"
            messages.setdefault(ref, replace(message, ref=ref, session=f"{prefix}{message.session}" if message.session else None))
        questions.extend(_prefixed(question, prefix) for question in sample.questions)
    merged = list(messages.values())
    if all(message.at is not None for message in merged):
        merged.sort(key=lambda message: message.at)  # type: ignore[arg-type, return-value]
    sample = Sample(id="pooled", messages=tuple(merged), questions=tuple(questions))
    return replace(dataset, samples=(sample,))


FOREIGN = "foreign"
"""Category of questions that were asked of the wrong space."""


def add_foreign(dataset: Dataset, *, most: int = 40) -> Dataset:
    """Return the dataset with questions of the next sample (of the first, for the last one) asked of each sample too.

    They have no gold and count as unanswerable. At most ``most`` of a sample's answerable questions are taken, evenly spread.

    Raises:
        InvalidInput: there is only one sample, so that no space is the wrong one.
    """
    count = len(dataset.samples)
    if count < 2:
        raise InvalidInput({"foreign": "there is one space only; questions of another one are needed"})
    samples = []
    for number, sample in enumerate(dataset.samples):
        others = [question for question in dataset.samples[(number + 1) % count].questions if question.answerable]
        step = max(1, -(-len(others) // most))
        taken = (
            Question(id=f"{FOREIGN}/{sample.id}/{other.id}", text=other.text, category=FOREIGN, answerable=False)
            for other in others[::step]
        )
        samples.append(replace(sample, questions=(*sample.questions, *taken)))
    return replace(dataset, samples=tuple(samples))


def prepare(dataset: Dataset, options: Options) -> Dataset:
    """Return the dataset as the options ask for it: with foreign questions, pooled."""
    if options.foreign and options.pooled:
        raise InvalidInput({"foreign": "in a pooled space no question is foreign; leave out --foreign or --pooled"})
    if options.foreign:
        dataset = add_foreign(dataset)
    return pool(dataset) if options.pooled else dataset


def _prefixed(question: Question, prefix: str) -> Question:
    return replace(
        question,
        gold={f"{prefix}{ref}": grade for ref, grade in question.gold.items()},
        gold_sessions=frozenset(f"{prefix}{session}" for session in question.gold_sessions),
        stale=frozenset(f"{prefix}{ref}" for ref in question.stale),
        at=None,
    )


def near(name: str, known: Sequence[str]) -> list[str]:
    """Return the known names that look like ``name``, best first."""
    return difflib.get_close_matches(name, known, n=3, cutoff=0.4)
