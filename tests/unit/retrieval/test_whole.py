"""A space that fits the budget is given whole, and one that outgrows it loses its least useful lines one by one."""

from __future__ import annotations

import mneme
from mneme.core.clock import FrozenClock
from mneme.text.tokens import count_tokens

from .stage import START, said

BUDGET = 400


def test_between_the_whole_space_and_retrieval_there_is_no_cliff() -> None:
    texts = [f"Note {number}: the {colour} kite flew over hill {number * 7}." for number, colour in enumerate("red blue grey".split() * 16)]
    shown: list[int] = []
    whole: list[bool] = []
    with mneme.Memory(":memory:", embedder="hash:64", clock=FrozenClock(START), seed=1) as memory:
        space = memory.space("a")
        for number, message in enumerate(said(*texts)):
            space.remember(message)
            recall = space.recall("Where did the red kite fly?", budget_tokens=BUDGET)
            assert count_tokens(recall.context) <= BUDGET
            assert recall.whole == (len(recall.marks) == number + 1)
            shown.append(len(recall.marks))
            whole.append(recall.whole)
            if not recall.whole:
                assert count_tokens(recall.context) >= 0.9 * BUDGET
    assert whole == sorted(whole, reverse=True)
    assert whole[0]
    assert not whole[-1]
    most = shown[whole.index(False) - 1]
    assert all(count >= most - 2 for count in shown[whole.index(False) :])
