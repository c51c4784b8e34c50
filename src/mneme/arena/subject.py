"""What the arena asks of a memory design, and the parts that most designs share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from mneme.arena.task import Sample
from mneme.core.ports import Embedder
from mneme.core.records import Message
from mneme.text.analyser import Analyser
from mneme.text.tokens import TokenCounter


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a subject may know of a question: never its gold.

    Args:
        id: the question's id.
        text: what is asked.
        at: when it is asked; None when the dataset does not say.
    """

    id: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a subject found.

    Args:
        hits: (ref, score), best first.
        stages_ms: stage -> milliseconds.
        sessions: sessions, best first, where the subject ranks them itself; None takes each by its best hit.
        sufficiency: in [0, 1], where the subject judges whether the evidence is likely enough.
    """

    hits: Sequence[tuple[str, float]]
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    sessions: Sequence[str] | None = None
    sufficiency: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a subject packed.

    Args:
        refs: the messages that are in it.
        tokens: its length; never above the budget.
    """

    refs: Sequence[str]
    tokens: int


class Subject(Protocol):
    """A memory design under test, holding one space."""

    def feed(self, messages: Sequence[Message]) -> None:
        """Take in messages, in order; may be called again with later ones."""
        ...

    def ask(self, asked: Asked, k: int) -> Answer:
        """Return at most ``k`` hits."""
        ...

    def pack(self, asked: Asked, budget_tokens: int) -> Context:
        """Return what a prompt of at most ``budget_tokens`` would hold."""
        ...

    def close(self) -> None:
        """Let go of files and threads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a subject keeps after it was fed.

    Args:
        memories: how many, the messages themselves included.
        bytes: on disk.
    """

    memories: int = 0
    bytes: int = 0


@runtime_checkable
class Storing(Protocol):
    """A subject that can tell what it keeps."""

    def footprint(self) -> Footprint:
        """Return how much it keeps."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What subjects are built from.

    Args:
        embedder: turns texts into vectors; cached by content, so that recipes share the work.
        analyser: turns texts into terms.
        count_tokens: measures contexts.
        folder: where a subject may write.
        seed: for subjects that draw at random; the run sets it.
    """

    embedder: Embedder
    analyser: Analyser
    count_tokens: TokenCounter
    folder: Path
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named way to build a subject.

    Args:
        name: as on the command line.
        summary: one line for ``arena list``.
        build: makes a fresh subject for a sample; only the oracle looks at the sample's gold.
        spec: what the log keeps of it: settings and a version that changes with behaviour.
    """

    name: str
    summary: str
    build: Callable[[Tools, Sample], Subject]
    spec: Mapping[str, object]


def indexed_text(message: Message) -> str:
    """Return what search sees of a message: who said it, what, and the captions of what came with it.

    The author matters: in conversations of two, questions name people whom the messages themselves do not.
    """
    captions = [medium.caption for medium in message.media if medium.caption]
    author = f"{message.author}: " if message.author else ""
    return "\n".join([f"{author}{message.text}", *captions])


def context_line(message: Message) -> str:
    """Return the line that stands for a message in a context: the date and what search sees."""
    return f"[{message.at:%Y-%m-%d}] {indexed_text(message)}" if message.at else indexed_text(message)


def fill(refs: Iterable[str], lengths: Mapping[str, int], budget_tokens: int) -> Context:
    """Take messages in the order given, leaving out those that no longer fit.

    Args:
        refs: best first.
        lengths: ref -> tokens of its line, line end included.
        budget_tokens: the limit.
    """
    taken: list[str] = []
    used = 0
    for ref in refs:
        if used + lengths[ref] <= budget_tokens:
            taken.append(ref)
            used += lengths[ref]
    return Context(refs=taken, tokens=used)


class Stopwatch:
    """Collects how long the stages of a call took."""

    def __init__(self) -> None:
        self.stages_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage; stages of one name add up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + (time.perf_counter() - start) * 1000


class Watch:
    """Adds up wall-clock and processor time of ``with`` blocks; the processor time is this process's, all threads together.

    Example:
        >>> with (watch := Watch()):
        ...     total = sum(range(1000))
        >>> watch.wall_ms > 0
        True
    """

    def __init__(self) -> None:
        self.wall_ms = 0.0
        self.cpu_ms = 0.0
        self._began = (0.0, 0.0)

    def __enter__(self) -> Watch:
        self._began = (time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *raised: object) -> None:
        self.wall_ms += (time.perf_counter() - self._began[0]) * 1000
        self.cpu_ms += (time.process_time() - self._began[1]) * 1000
