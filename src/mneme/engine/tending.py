"""A pass of upkeep over an open space, with what it needs from the memory that the space belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mneme.core.clock import to_utc
from mneme.core.errors import Refused
from mneme.core.operations import Operation
from mneme.core.ports import Applied, Material
from mneme.core.query import ErasureReport
from mneme.core.records import Memory as Record
from mneme.core.trace import Trace
from mneme.engine import erasing, keeping
from mneme.engine.deferred import Apply
from mneme.engine.material import material_for
from mneme.engine.opened import Opened
from mneme.engine.rationing import Spending, rationed
from mneme.engine.upkeep import Means, Pass, UpkeepBudget
from mneme.text.tokens import count_tokens

if TYPE_CHECKING:
    from mneme.memory import Memory


def passing(
    engine: Memory,
    space: str,
    apply_to: Apply,
    opened: Opened,
    now: datetime | None,
    dry_run: bool,
    budget: UpkeepBudget | None,
    trace: Trace,
) -> Pass:
    """Return a pass of upkeep, ready to run."""

    def material(memories: Sequence[Record]) -> Mapping[str, Material]:
        return material_for(memories, engine.embedder, engine.analyser)

    def apply(operations: Sequence[Operation], material: Mapping[str, Material], why: str) -> Applied:
        return apply_to(operations, trace, material=material, reason=why)

    holds = keeping.policies_of(opened.store).holds
    moment = engine.clock.now() if now is None else to_utc(now, "now")

    def check(memories: Sequence[Record]) -> None:
        keeping.check_holds(holds, memories, moment)

    def free(id: str) -> bool:
        """Whether nothing goes with a memory that a legal hold protects, such as a summary that rests on it."""
        try:
            check(list(opened.store.memories(list(erasing.plan(opened.store, [id], engine.ids).memories)).values()))
        except Refused:
            trace.note(erase="held", memory=id)
            return False
        return True

    def erase(ids: Sequence[str], why: str) -> ErasureReport:
        there = [id for id in ids if opened.store.status_of(id) not in (None, "erased")]
        there = [id for id in there if not holds or free(id)]
        if not there:
            return ErasureReport(erased=())
        return erasing.erase(opened, there, engine.ids, lambda operations, needed: apply(operations, needed, why), material, check)

    held = budget or UpkeepBudget()
    spending = Spending(tokens=held.model_tokens, usd=held.model_usd)
    llm = None if engine.llm is None else rationed(engine.llm, space, spending, trace)
    return Pass(
        opened=opened,
        means=Means(count_tokens=count_tokens, material_for=material, apply=apply, erase=erase, llm=llm, spending=spending),
        curve=keeping.curve_of(engine.recipe_of(space, opened).curve),
        holds=holds,
        now=moment,
        budget=held,
        trace=trace,
        dry_run=dry_run,
    )
