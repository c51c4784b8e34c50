"""How a memory has faded and will: the closed form of the curve between its uses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp

import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.errors import NotFound
from mneme.recipes.default import recipe
from mneme.retention.exponential import Exponential

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_it_follows_the_closed_form_and_a_use_lifts_it() -> None:
    clock = FrozenClock(START)
    with Memory(":memory:", embedder="hash", clock=clock, recipe=replace(recipe, curve=Exponential(scale_days=10.0))) as memory:
        space = memory.space("s")
        id = space.remember("The boiler is serviced in March").id
        clock.advance(seconds=10 * 86_400)
        space.feedback(space.recall("boiler"), useful=[id])
        left = {point.at: point.retention for point in space.fading(id, START + 50 * DAY)}
        assert left[START] == 1.0
        assert left[START + 2.5 * DAY] == pytest.approx(exp(-0.25), abs=2e-4)
        assert left[START + 50 * DAY] == pytest.approx(exp(-40 / 20), abs=2e-4)
        again = [point.retention for point in space.fading(id) if point.at == START + 10 * DAY]
        assert again == [pytest.approx(exp(-1), abs=2e-4), 1.0]


def test_what_ended_counts_for_less_from_its_end_on_and_what_is_gone_has_no_course() -> None:
    clock = FrozenClock(START)
    with Memory(":memory:", embedder="hash", clock=clock) as memory:
        space = memory.space("s")
        given = {"text": "The pool is open", "kind": "fact", "valid_from": START, "valid_to": START + 3 * DAY}
        id = space.remember(memories=[given]).ids[0]
        before, after = (
            [point for point in space.fading(id, START + 6 * DAY) if (point.at >= START + 3 * DAY) is late] for late in (False, True)
        )
        assert before[-1].retention > 2 * after[0].retention
        assert space.fading(id)[-1].at == START + 30 * DAY
        space.forget(id, erase=True)
        with pytest.raises(NotFound):
            space.fading(id)
