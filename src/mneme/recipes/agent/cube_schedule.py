"""The scheduler of a cube: tasks by priority, a working set, and what is hot moves into a model's cache and back.

Source: MemOS (arXiv 2507.03724) and its code: three priorities; working set of 20, cleaned above 80 %; 20 activation entries; importance =
0.9 sort + 0.05 min(0.05 kw, 5) + 0.05 min(0.05 count, 2); intent {trigger_retrieval, evidences, missing_evidences}. Differs: tasks run when
the caller lets them; the cache is a port, refreshed at each tick and not by the clock; without a model retrieval is triggered by all but
small talk.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from mneme.core.errors import InvalidInput, ModelError
from mneme.core.llm import LLM, Prompt
from mneme.core.records import Memory
from mneme.recipes.agent.cubes import Cube
from mneme.recipes.agent.forms import Activation, Pair
from mneme.retrieval.gate import small_talk

PRIORITIES = ("high", "normal", "low")
TASKS = ("query", "answer", "add", "mem_read", "mem_organize", "mem_dream", "mem_update", "mem_archive", "pref_add", "mem_feedback")

INTENT = Prompt(
    role="cubes.intent",
    system="You say whether a question needs more than what is at hand, and what is missing.",
    template="At hand:\n$working\n\nQuestion: $question",
    trim=(("working", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Whether to search, what is at hand already, and what is not."""

    trigger_retrieval: bool
    evidences: list[str] = field(default_factory=list)
    missing_evidences: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much the scheduler keeps.

    Args:
        working: items of the working set; above, it is cleaned to ``clean_to`` of that.
        clean_to: a share.
        activation: items in the cache.
        hot: uses from which an item goes into the cache.
        idle: without use for so long, it comes out.
        stable: unchanged for so long, an item in use is offered for training.
    """

    working: int = 20
    clean_to: float = 0.8
    activation: int = 20
    hot: int = 3
    idle: timedelta = timedelta(hours=1)
    stable: timedelta = timedelta(days=30)


class Schedule:
    """The scheduler of one cube.

    Args:
        cube: the cube.
        activation: the cache; None keeps everything as text.
        llm: judges what a question needs; None judges by rule.
        bounds: how much is kept.
    """

    def __init__(self, cube: Cube, activation: Activation | None = None, llm: LLM | None = None, bounds: Bounds | None = None) -> None:
        self.cube = cube
        self.bounds = bounds or Bounds()
        self.working: list[str] = []
        self.handles: dict[str, str] = {}
        self._warmed: dict[str, str] = {}
        self._activation = activation
        self._llm = llm
        self._used: dict[str, tuple[int, datetime]] = {}
        self._queue: list[tuple[int, int, str, str, Callable[[], object]]] = []
        self._keys: set[str] = set()
        self._order = 0

    def submit(
        self, task: str, work: Callable[[], object], *, priority: Literal["high", "normal", "low"] = "normal", key: str = ""
    ) -> bool:
        """Queue a task; one with a key that waits already is not queued again. Returns whether it was queued.

        Raises:
            InvalidInput: the task or the priority is unknown.
        """
        problems = {}
        if task not in TASKS:
            problems["task"] = f"is {task!r}; give one of {', '.join(TASKS)}"
        if priority not in PRIORITIES:
            problems["priority"] = f"is {priority!r}; give one of {', '.join(PRIORITIES)}"
        if problems:
            raise InvalidInput(problems)
        if key and key in self._keys:
            return False
        self._keys |= {key} - {""}
        heapq.heappush(self._queue, (PRIORITIES.index(priority), self._order, task, key, work))
        self._order += 1
        return True

    def run(self, most: int | None = None) -> list[str]:
        """Do queued tasks, high priority first and otherwise in order; returns their names. One that fails leaves the rest waiting."""
        done: list[str] = []
        while self._queue and (most is None or len(done) < most):
            _, _, task, key, work = self._queue[0]
            work()
            heapq.heappop(self._queue)
            self._keys.discard(key)
            done.append(task)
        return done

    def ask(self, question: str, k: int = 5) -> list[Memory]:
        """Return the working set for a question, after a search where one is needed; what comes is moved to its front."""
        intent = self.intent(question)
        if not intent.trigger_retrieval:
            return self.at_hand()
        for missing in intent.missing_evidences or [question]:
            self.use([hit.memory.id for hit in self.cube.recall(missing, k)])
        return self.at_hand()

    def intent(self, question: str) -> Intent:
        """Return what a question needs besides the working set."""
        if small_talk(question):
            return Intent(trigger_retrieval=False)
        if self._llm is None:
            return Intent(trigger_retrieval=True, missing_evidences=[question])
        working = "\n".join(item.text for item in self.at_hand()) or "nothing"
        try:
            return self._llm.ask(INTENT, {"working": working, "question": question}, Intent)
        except ModelError:
            return Intent(trigger_retrieval=True, missing_evidences=[question])

    def use(self, ids: Sequence[str]) -> None:
        """Count a use of items, and put them in front of the working set."""
        now = self.cube._now()
        for id in ids:
            count, _ = self._used.get(id, (0, now))
            self._used[id] = (count + 1, now)
        self.working = list(dict.fromkeys([*ids, *self.working]))
        if len(self.working) > self.bounds.working:
            kept = max(1, int(self.bounds.working * self.bounds.clean_to))
            by_importance = sorted(self.working, key=lambda id: (-self.importance(id), self.working.index(id)))
            keeping = set(by_importance[:kept])
            self.working = [id for id in self.working if id in keeping]

    def at_hand(self) -> list[Memory]:
        """Return the items of the working set that are still active, latest first."""
        there = {item.id: item for item in self.cube.items()}
        return [there[id] for id in self.working if id in there]

    def importance(self, id: str, keywords: int = 0) -> float:
        """Return how important an item of the working set is: mostly where it stands there.

        Args:
            id: the item.
            keywords: how many words it shares with what is talked about.
        """
        place = self.working.index(id) if id in self.working else len(self.working)
        sort = 1 - place / max(len(self.working), 1)
        return importance(sort, keywords, self._used.get(id, (0, None))[0])

    def form(self, id: str) -> str:
        """Return ``activation`` for an item that is in the cache, else ``plaintext``."""
        return "activation" if id in self.handles else "plaintext"

    def tick(self) -> dict[str, list[str]]:
        """Move what is hot into the cache and what idles out of it; returns ids of both.

        What is gone from the cube goes from the cache, and what says something else by now is read into it anew.
        """
        now, bounds = self.cube._now(), self.bounds
        there = {item.id: item for item in self.cube.items()}
        for id in [id for id in self.handles if id in there and there[id].text != self._warmed[id]]:
            self._drop(id)
            self._warm(there[id])
        out = [id for id in self.handles if id not in there or now - self._used[id][1] >= bounds.idle]
        for id in out:
            self._drop(id)
            self._used.pop(id, None)
        hot = [id for id, (count, last) in self._used.items() if count >= bounds.hot and now - last < bounds.idle and id in there]
        hot.sort(key=lambda id: (-self._used[id][0], id))
        into = [id for id in hot[: bounds.activation] if id not in self.handles]
        if self._activation is not None:
            for id in [id for id in self.handles if id not in hot[: bounds.activation]]:
                self._drop(id)
                out.append(id)
            for id in into:
                self._warm(there[id])
        return {"in": into if self._activation is not None else [], "out": out}

    def for_training(self) -> list[Pair]:
        """Return items in use that have not changed for long, as training data of a parametric memory."""
        now = self.cube._now()
        stable = [
            item for item in self.cube.items() if now - item.recorded_at >= self.bounds.stable and self._used.get(item.id, (0, now))[0]
        ]
        return [
            Pair(
                key=item.id,
                kind="self",
                question=f"What holds of {item.attributes.get('key') or 'this'}?",
                answer=item.text,
                sources=(item.id,),
            )
            for item in stable
        ]

    def _warm(self, item: Memory) -> None:
        if self._activation is not None:
            self.handles[item.id], self._warmed[item.id] = self._activation.warm([item]), item.text

    def _drop(self, id: str) -> None:
        handle = self.handles.pop(id)
        self._warmed.pop(id, None)
        if self._activation is not None:
            self._activation.drop(handle)


def importance(sort: float, keywords: int, count: int) -> float:
    """Return 0.9 sort + 0.05 min(0.05 keywords, 5) + 0.05 min(0.05 count, 2).

    Example:
        >>> importance(1.0, 0, 0), round(importance(0.0, 200, 100), 3)
        (0.9, 0.35)
    """
    return 0.9 * sort + 0.05 * min(0.05 * keywords, 5) + 0.05 * min(0.05 * count, 2)
