"""What the sheets of MemoryVLA and XMem say of vectors: the bank, its gate, the read-out of the best few; TradingGPT's debate of spaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from mneme import Memory
from mneme.core.attending import gated, readout, similarities, time_steps, top_softmax
from mneme.core.clock import FrozenClock
from mneme.core.composing import compose
from mneme.core.errors import InvalidInput
from mneme.recipes.agent.debate import HEARD, SAID, SPEAKER, Debate
from mneme.recipes.default import recipe as default
from mneme.retention.bank import Bank
from mneme.retrieval.rrf import ReciprocalRank

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
E = np.eye(4)


def test_memoryvla_after_the_fifth_append_the_two_equal_neighbours_are_one() -> None:
    bank = Bank(width=4, length=4)
    for time, vector in enumerate((E[0], E[0], E[1], E[2], E[3])):
        bank.append(vector, time)
    assert bank.times == (0.0, 2.0, 3.0, 4.0)
    assert np.allclose(bank.vectors, E)


def test_memoryvla_first_out_drops_the_first_step() -> None:
    bank = Bank(width=4, length=4, first_out=True)
    for time in range(5):
        bank.append(E[time % 4], time)
    assert bank.times == (1.0, 2.0, 3.0, 4.0)


def test_memoryvla_a_thousand_appends_stay_within_the_length_with_rising_steps() -> None:
    bank, draw = Bank(width=8, length=16), np.random.default_rng(3)
    for time in range(1000):
        bank.step(draw.normal(size=8), time)
        assert len(bank.times) == len(bank.vectors) <= 16
        assert all(np.diff(bank.times) > 0)
    assert bank.times[0] == 0.0
    with pytest.raises(InvalidInput, match="after 999"):
        bank.append(E[0].repeat(2), 999)


def test_memoryvla_zero_weights_mix_equally_and_others_take_one_side() -> None:
    now, then = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert gated(now, then).tolist() == [0.5, 0.5]
    assert np.allclose(gated(now, then, bias=50), then)
    assert np.allclose(gated(now, then, bias=-50), now)
    weights = np.array([[0.0, 0.0, 0.0, np.log(3)], [0.0, 0.0, 0.0, -np.log(3)]])  # the gate opens by what was read, component by component
    assert np.allclose(gated(now, then, weights), [0.25, 0.25])


def test_memoryvla_whether_the_button_was_pressed_is_in_the_bank_and_not_in_the_present_frame() -> None:
    draw = np.random.default_rng(7)
    scene, pressed, frames = np.zeros(8), np.zeros(8), 60
    scene[0], pressed[3] = 2.0, 4.0
    seen, present, answers = [], [], []
    for number in range(200):
        bank, press = Bank(width=8, length=16, sharpness=2.0), number % 2 == 0
        when = int(draw.integers(5, 40))
        for time in range(frames):
            frame = scene + draw.normal(scale=0.3, size=8)
            frame += pressed if press and time == when else 0.0
            bank.append(frame, time)
        last = scene + draw.normal(scale=0.3, size=8)
        seen.append(np.append(gated(last, bank.read(pressed, frames)), 1.0))
        present.append(np.append(last, 1.0))
        answers.append(1.0 if press else -1.0)

    def right(rows: list[np.ndarray]) -> float:
        every, said = np.array(rows), np.array(answers)
        head, *_ = np.linalg.lstsq(every[:100], said[:100], rcond=None)
        return float(((every[100:] @ head > 0) == (said[100:] > 0)).mean())

    assert right(seen) > 0.9
    assert right(present) < 0.65


def test_time_steps_are_sines_and_cosines_and_a_step_is_nearest_to_itself() -> None:
    steps = time_steps([0, 1, 50], 4)
    assert steps[0].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert np.allclose(steps[1], [np.sin(1), np.sin(0.01), np.cos(1), np.cos(0.01)])
    assert (time_steps(range(30), 16) @ time_steps([12], 16)[0]).argmax() == 12
    with pytest.raises(InvalidInput, match="even"):
        time_steps([0], 3)


def test_xmem_the_kernel_is_the_weighed_square_distance() -> None:
    keys = np.array([[0.0, 0, 0, 0], [1, 0, 0, 0], [0, 2, 0, 0]])
    assert similarities(keys, np.zeros(4)).tolist() == [0.0, -0.5, -2.0]  # -d^2 / sqrt(4)
    assert similarities(keys, np.zeros(4), shrinkage=[1, 3, 1]).tolist() == [0.0, -1.5, -2.0]
    assert similarities(keys, np.zeros(4), selection=[1, 0, 0, 0]).tolist() == [0.0, -0.5, 0.0]


def test_xmem_only_the_best_few_are_read_and_usage_is_their_affinity() -> None:
    assert np.allclose(top_softmax([0.0, np.log(3), -9.0, np.log(3)], 2), [0, 0.5, 0, 0.5])
    assert np.allclose(top_softmax([0.0, np.log(3)], 30), [0.25, 0.75])
    keys = np.array([[0.0, 0, 0, 0], [1, 0, 0, 0], [9, 9, 9, 9]])
    values = np.array([[1.0, 0], [0, 1], [100, 100]])
    found = readout(keys, values, np.zeros(4), top=2)
    near = 1 / (1 + np.exp(-0.5))
    assert np.allclose(found.affinity, [near, 1 - near, 0])
    assert np.allclose(found.value, [near, 1 - near])
    usage = sum(readout(keys, values, key, top=1).affinity for key in (keys[1], keys[1], keys[0]))
    assert usage.tolist() == [1.0, 2.0, 0.0]
    with pytest.raises(InvalidInput, match="one value for each"):
        readout(keys, values[:2], np.zeros(4))


def test_xmem_what_is_read_lies_between_the_values_and_a_sharper_key_takes_less() -> None:
    draw = np.random.default_rng(5)
    keys, values, asked = draw.normal(size=(40, 6)), draw.normal(size=(40, 3)), draw.normal(size=6)
    for top in (1, 5, 30, 99):
        value = readout(keys, values, asked, top=top).value
        assert (value >= values.min(axis=0) - 1e-9).all()
        assert (value <= values.max(axis=0) + 1e-9).all()
    plain, sharp = (readout(keys, values, asked, shrinkage=s).affinity for s in (1.0, np.where(np.arange(40) == 7, 50.0, 1.0)))
    assert sharp[7] <= plain[7]


def test_the_channel_finds_what_a_question_reminds_of_through_what_it_finds_first() -> None:
    channels = compose(name="reminded", base="default", channels=[{"use": "readout", "bias": 0.0}, "lexical"]).channels
    recipe = replace(default, channels=channels, ranker=ReciprocalRank())
    with Memory(":memory:", embedder="hash", clock=FrozenClock(START), seed=1, recipe=recipe) as memory:
        space = memory.space("a")
        space.remember(["The heron stood in the green pond.", "The green pond froze in January.", "Lunch was soup and bread."])
        texts = [hit.text for hit in space.recall("heron", k=3).hits]
        assert texts[:2] == ["The heron stood in the green pond.", "The green pond froze in January."]
        notes = [note for note in space.recall("heron").trace.notes if note.get("channel") == "readout"]
        assert notes[0]["read"] == 3


@pytest.fixture
def agents() -> Iterator[Memory]:
    recipe = compose(name="layered", base="default", keepers=["layered-decay"])
    with Memory(":memory:", embedder="hash", clock=FrozenClock(START), seed=1, recipe=recipe) as memory:
        yield memory


def test_tradinggpt_two_agents_exchange_the_top_of_a_layer_and_each_holds_the_union(agents: Memory) -> None:
    spaces = [agents.space("bull"), agents.space("bear")]
    for space in spaces:
        space.remember(
            memories=[
                {"text": f"The {space.name} saw signal {n}.", "kind": "fact", "importance": 0.65 + n / 20, "at": START} for n in range(4)
            ]
        )
        space.upkeep()  # facts of importance 60 and more stand in the middle layer, of 80 and more in the long one
    debate = Debate(layer="long", count=2)
    laid = [[memory.text for memory in debate.offered(space)] for space in spaces]
    assert laid == [[f"The {name} saw signal {n}." for n in (3,)] for name in ("bull", "bear")]
    assert [len(taken) for taken in debate.hold(spaces)] == [1, 1]
    for space, other in zip(spaces, reversed(spaces), strict=True):
        texts = {memory.text for memory in space.memories(limit=100)}
        assert {laid[0][0], laid[1][0]} <= texts
        (heard,) = space.memories({"tags": [HEARD]})
        assert heard.attributes[SPEAKER] == other.name
        assert other.get(str(heard.attributes[SAID])).text == heard.text
    assert debate.hold(spaces) == [(), ()]  # meeting again brings nothing twice, and no echo
    spaces[0].undo()
    assert not spaces[0].memories({"tags": [HEARD]})


def test_a_debate_takes_two_different_agents_and_a_known_layer(agents: Memory) -> None:
    with pytest.raises(InvalidInput, match="at least two"):
        Debate().hold([agents.space("bull")])
    with pytest.raises(InvalidInput, match="each once"):
        Debate().hold([agents.space("bull"), agents.space("bull")])
    with pytest.raises(InvalidInput, match="must be one of short, mid, long"):
        Debate(layer="deep")
