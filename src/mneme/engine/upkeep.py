"""A pass of upkeep: keepers propose, the engine applies in batches that are journalled under one trace, so that undo takes back all.

A pass is bounded in time and operations and can stop anywhere: every proposal is applied whole or not at all, ids of what is made follow
from what it is made of, and the mark up to which the space was looked after moves only when a pass went through. So an interrupted pass
loses nothing, doubles nothing, and the next one goes on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from mneme.core.clock import from_micros, to_micros
from mneme.core.components import Keeper
from mneme.core.errors import BudgetExceeded, Conflict, InvalidInput, NotFound, Refused
from mneme.core.llm import LLM
from mneme.core.operations import Archive, Erase, Keep, Operation, Quarantine, Reinforce, Revise
from mneme.core.ports import Applied, Material, Store
from mneme.core.query import ErasureReport
from mneme.core.records import EMPTY, Memory
from mneme.core.trace import Trace
from mneme.core.upkeep import BoolArray, Census, Curve, FloatArray, IntArray, Proposal, Round
from mneme.engine.census import CensusTaker
from mneme.engine.opened import Opened
from mneme.engine.rationing import Spending
from mneme.engine.uses import clear_waiting
from mneme.guard.grounding import grounded

SEQ, AT = "upkeep.seq", "upkeep.at"
"""Settings of a space: the entry up to which it was looked after, and when."""

BATCH = 2_000
"""Operations of one journal entry; a proposal is never divided."""

Hold = Callable[[Census, datetime], BoolArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepBudget:
    """How much one pass may take.

    Args:
        seconds: then it stops where it is; the next pass goes on.
        operations: at most so many changes.
        model_tokens: so many tokens, in and out, may be spent on the language model; the call that passes it is the last one.
        model_usd: so much money, likewise. With neither, the model's own budget is the only limit.
    """

    seconds: float = 60.0
    operations: int | None = None
    model_tokens: int | None = None
    model_usd: float | None = None

    def __post_init__(self) -> None:
        problems: dict[str, str] = {}
        if self.seconds <= 0 or (self.operations is not None and self.operations < 1):
            problems["budget"] = "seconds must be above 0 and operations at least 1"
        for name in ("model_tokens", "model_usd"):
            value = getattr(self, name)
            if value is not None and value < 0:
                problems[name] = f"must be at least 0, not {value}; 0 asks no model"
        if problems:
            raise InvalidInput(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepReport:
    """What a pass of upkeep did, or would do.

    Args:
        dry_run: nothing was changed.
        finished: it went through; False when its budget ended it.
        memories: how many memories it looked at.
        fresh: how many of them were new or changed since the last whole pass.
        done: keeper -> how many proposals of it were applied, or would be.
        operations: operation -> how many of it.
        proposals: what and why; all in a dry run, else the first hundred.
        skipped: proposals that no longer fitted, because someone changed the same memories meanwhile.
        held: proposals that a legal hold stopped.
        entries: the journal entries, oldest first; ``undo(entry=...)`` of any takes back the pass.
        erasures: reports of what rules erased.
        seconds: how long it took.
        model_calls, model_tokens, model_usd: what it spent on the language model.
        model_stopped: the budget for the model ended before what it was wanted for; the rest was done by rule or waits.
    """

    dry_run: bool
    finished: bool
    memories: int
    fresh: int
    done: Mapping[str, int] = EMPTY  # type: ignore[assignment]
    operations: Mapping[str, int] = EMPTY  # type: ignore[assignment]
    proposals: tuple[Proposal, ...] = ()
    skipped: int = 0
    held: int = 0
    entries: tuple[int, ...] = ()
    erasures: tuple[ErasureReport, ...] = ()
    seconds: float = 0.0
    model_calls: int = 0
    model_tokens: int = 0
    model_usd: float = 0.0
    model_stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a pass needs of the engine.

    Args:
        count_tokens: the length of a text.
        material_for: what search needs of memories.
        apply: applies operations in one transaction: operations, material, reason.
        erase: erases memories and returns the report.
        llm: the language model, if there is one.
        spending: what the pass spends on it.
    """

    count_tokens: Callable[[str], int]
    material_for: Callable[[Sequence[Memory]], Mapping[str, Material]]
    apply: Callable[[Sequence[Operation], Mapping[str, Material], str], Applied]
    erase: Callable[[Sequence[str], str], ErasureReport]
    llm: LLM | None = None
    spending: Spending = field(default_factory=Spending)


def census(opened: Opened, count_tokens: Callable[[str], int]) -> CensusTaker:
    """Return the census taker of an open space, made on first use."""
    if opened.census is None:
        opened.census = CensusTaker(opened.store, count_tokens)
    return opened.census


@dataclass(slots=True, kw_only=True)
class Pass:
    """One pass of upkeep over one space.

    Args:
        opened: the space.
        means: what it works with.
        curve: how memories fade.
        holds: what is protected.
        now: the moment of the pass.
        budget: how much it may take.
        trace: the trace that its entries share.
        dry_run: propose only.
    """

    opened: Opened
    means: Means
    curve: Curve
    holds: Sequence[Hold]
    now: datetime
    budget: UpkeepBudget
    trace: Trace
    dry_run: bool
    _started: float = field(init=False, default_factory=time.perf_counter)
    _done: Counter[str] = field(init=False, default_factory=Counter)
    _operations: Counter[str] = field(init=False, default_factory=Counter)
    _shown: list[Proposal] = field(init=False, default_factory=list)
    _entries: list[int] = field(init=False, default_factory=list)
    _erasures: list[ErasureReport] = field(init=False, default_factory=list)
    _skipped: int = field(init=False, default=0)
    _held: int = field(init=False, default=0)
    _written: IntArray = field(init=False, default_factory=lambda: np.zeros(0, np.int64))
    _read_to: int = field(init=False, default=0)

    def run(self, keepers: Sequence[Keeper], uses: Sequence[Operation] = ()) -> UpkeepReport:
        """Look after the space; ``uses`` are reinforcements that have gathered since the last pass."""
        store = self.opened.store
        mark = int(store.meta().get(SEQ, "0"))
        before = store.last_seq()
        if uses and not self.dry_run:
            self._flush([Proposal(keeper="uses", why="recalled since the last pass", operations=(use,)) for use in uses])
        if not self.dry_run:
            clear_waiting(store)
        finished, looked = True, (0, 0)
        # In a dry run nothing follows from what was proposed, so a keeper that works twice would say everything twice.
        for keeper in {id(each): each for each in keepers}.values() if self.dry_run else keepers:
            ctx = self.round(mark)
            looked = max(looked, (len(ctx.census), int(ctx.fresh.sum())))
            with self.trace.stage(keeper.name):
                finished = self._keep(keeper, ctx)
            if not finished:
                break
        spent = self.means.spending
        if finished and not self.dry_run:
            # Entries of this pass are nothing new to the next one, unless others wrote in between.
            alone = store.last_seq() - before == len(self._entries)
            store.set_meta(SEQ, str(store.last_seq() if alone else before))
            store.set_meta(AT, str(to_micros(self.now)))
        return UpkeepReport(
            dry_run=self.dry_run,
            finished=finished,
            memories=looked[0],
            fresh=looked[1],
            done=dict(self._done),
            operations=dict(self._operations),
            proposals=tuple(self._shown),
            skipped=self._skipped,
            held=self._held,
            entries=tuple(self._entries),
            erasures=tuple(self._erasures),
            seconds=time.perf_counter() - self._started,
            model_calls=spent.total.calls,
            model_tokens=spent.total.tokens,
            model_usd=spent.total.usd,
            model_stopped=spent.refused,
        )

    def round(self, mark: int) -> Round:
        """Return what keepers see now."""
        store, taker = self.opened.store, census(self.opened, self.means.count_tokens)
        taken = taker.take()
        fresh = np.ones(len(taken), bool)
        if mark:
            fresh[:] = False
            fresh[taker.places_of(self._written_after(mark))] = True
        held = np.zeros(len(taken), bool)
        for hold in self.holds:
            held |= hold(taken, self.now)

        def vectors(places: Sequence[int]) -> FloatArray:
            rows = taken.row[np.asarray(places, np.int64)].tolist()
            found = [part.mean(axis=0) if len(part) else None for part in store.vectors(rows, taker.text_versions(places))]
            width = next((len(part) for part in found if part is not None), 1)
            stacked = np.array([np.zeros(width, np.float32) if part is None else part for part in found], np.float32).reshape(-1, width)
            unit: FloatArray = stacked / np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-9).astype(np.float32)
            return unit

        return Round(
            census=taken,
            now=self.now,
            fresh=fresh,
            curve=self.curve,
            memories=lambda places: store.memories_by_row(taken.row[np.asarray(places, np.int64)].tolist()),
            episodes=store.episodes,
            links=store.links,
            usage=store.usage,
            vectors=vectors,
            status_of=store.status_of,
            count_tokens=self.means.count_tokens,
            out_of_time=self._out_of_time,
            trace=self.trace,
            held=held,
            llm=None if self.dry_run else self.means.llm,
            grounded=lambda text, cited, at, known: grounded(text, cited, at, known=known).ok,
        )

    def _written_after(self, mark: int) -> IntArray:
        """Return the rows that were written since the mark; between the rounds of a pass only what came in between is read."""
        rows = self.opened.store.index_rows(after=max(mark, self._read_to), vectors=False)
        self._written = np.union1d(self._written, rows.row)
        self._read_to = rows.seq
        return self._written

    def _out_of_time(self) -> bool:
        most = self.budget.operations
        return time.perf_counter() - self._started > self.budget.seconds or (most is not None and self._operations.total() >= most)

    def _keep(self, keeper: Keeper, ctx: Round) -> bool:
        """Apply what a keeper proposes; returns whether it came to its end."""
        place_of = {id: place for place, id in enumerate(ctx.census.ids)} if ctx.held.any() else {}
        waiting: list[Proposal] = []
        size = 0
        for proposal in self._proposed(keeper, ctx):
            if any(ctx.held[place_of[id]] for id in _taken_away(proposal) if id in place_of):
                self._held += 1
                continue
            waiting.append(proposal)
            size += len(proposal.operations)
            self._count(proposal)
            if size >= BATCH:
                self._flush(waiting)
                waiting, size = [], 0
            if self._out_of_time():
                self._flush(waiting)
                return False
        self._flush(waiting)
        return not self._out_of_time()

    def _proposed(self, keeper: Keeper, ctx: Round) -> Iterator[Proposal]:
        """Yield what a keeper proposes; one that asks the model beyond the pass's budget ends there."""
        try:
            yield from keeper.upkeep(ctx)
        except BudgetExceeded as error:
            self.trace.note(keeper=keeper.name, stopped=str(error))

    def _count(self, proposal: Proposal) -> None:
        self._done[proposal.keeper] += 1
        self._operations.update(type(operation).__name__.lower() for operation in proposal.operations)
        self._operations["erase"] += len(proposal.erase)
        if self.dry_run or len(self._shown) < 100:
            self._shown.append(proposal)

    def _flush(self, proposals: Sequence[Proposal]) -> None:
        if self.dry_run or not proposals:
            return
        plain = [proposal for proposal in proposals if proposal.operations]
        if plain:
            try:
                self._apply(plain)
            except (Conflict, NotFound, Refused):
                # Somebody changed one of these memories since it was read; the others still hold.
                for proposal in plain:
                    try:
                        self._apply([proposal])
                    except (Conflict, NotFound, Refused):
                        self._skipped += 1
        for proposal in proposals:
            if proposal.erase:
                self._erase(proposal)

    def _erase(self, proposal: Proposal) -> None:
        try:
            report = self.means.erase(proposal.erase, proposal.why)
        except Refused:  # each could go, but together they take something along that a legal hold protects
            self._skipped += 1
            return
        if not report.erased:
            self._skipped += 1
            return
        self._erasures.append(report)
        self._entries.append(report.entry)

    def _apply(self, proposals: Sequence[Proposal]) -> None:
        operations = [operation for proposal in proposals for operation in proposal.operations]
        texts = [operation.memory for operation in operations if isinstance(operation, Keep)]
        named = [operation for operation in operations if isinstance(operation, Revise) and operation.text is not None]
        present: Mapping[str, Memory] = self.opened.store.memories([operation.id for operation in named]) if named else {}
        texts += [_reworded(present[operation.id], operation) for operation in named if operation.id in present]
        material = self.means.material_for(texts) if texts else {}
        why = ", ".join(sorted({proposal.keeper for proposal in proposals}))
        applied = self.means.apply(operations, material, f"upkeep: {why}")
        if applied.entry is not None:
            self._entries.append(applied.entry.seq)


def _reworded(memory: Memory, operation: Revise) -> Memory:
    return replace(memory, text=operation.text or memory.text)


def _taken_away(proposal: Proposal) -> Iterable[str]:
    yield from proposal.erase
    for operation in proposal.operations:
        if isinstance(operation, Archive | Erase | Quarantine):
            yield operation.id


def last_pass(store: Store) -> tuple[int, datetime | None]:
    """Return the entry up to which a space was looked after, and when; (0, None) before the first pass."""
    meta = store.meta()
    at = meta.get(AT)
    return int(meta.get(SEQ, "0")), None if at is None else from_micros(int(at))


def grade(useful: bool) -> str:
    """Return the grade of a judgement."""
    return "good" if useful else "again"


__all__ = [
    "BATCH", "Means", "Pass", "Reinforce", "UpkeepBudget", "UpkeepReport", "census", "grade", "last_pass",
]  # fmt: skip
