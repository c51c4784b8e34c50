"""What a space learns from feedback: bounded, the same in any order, gone with what it was learned from, off below a least evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.query import Hit, Recall
from mneme.core.records import Memory as Record
from mneme.retrieval.learned import LEAST, MOST, PREFIX, lifts, votes

AT = datetime(2024, 5, 1, tzinfo=UTC)
FEATURES = ("dense", "lexical", "speaker")
pulls = st.dictionaries(st.sampled_from([PREFIX + name for name in FEATURES]), st.floats(-1e3, 1e3), min_size=1)


def hits(table: list[list[float]]) -> list[Hit]:
    made = []
    for number, row in enumerate(table):
        memory = Record(id=f"mem_{number}", kind="turn", text="x", at=AT, recorded_at=AT, valid_from=AT)
        made.append(Hit(memory=memory, score=sum(row), why=dict(zip(FEATURES, row, strict=True))))
    return sorted(made, key=lambda hit: -hit.score)


@given(st.lists(pulls, max_size=80))
def test_factors_stay_within_bounds_and_are_off_below_the_least_evidence(cast: list[dict[str, float]]) -> None:
    found = lifts(cast)
    assert all(1 - MOST <= factor <= 1 + MOST for factor in found.values())
    if len(cast) < LEAST:
        assert found == {}


@given(st.lists(st.lists(st.floats(-20, 20), min_size=3, max_size=3), min_size=2, max_size=12), st.data())
def test_a_vote_pulls_towards_what_the_useful_hit_has_more_of(table: list[list[float]], data: st.DataObject) -> None:
    made = hits(table)
    chosen = data.draw(st.sampled_from(made)).memory.id
    good, bad = votes(made, [chosen], [])[chosen], votes(made, [], [chosen])[chosen]
    assert {name: -pull for name, pull in bad.items()} == pytest.approx(good)
    mine = next(hit for hit in made if hit.memory.id == chosen)
    for name in FEATURES:
        values = [float(hit.why[name]) for hit in made]  # type: ignore[arg-type]
        assert min(values) - 1e-6 <= float(mine.why[name]) - good.get(PREFIX + name, 0.0) <= max(values) + 1e-6  # type: ignore[arg-type]


def test_the_vote_is_the_gradient_of_the_log_of_the_softmax() -> None:
    import math

    table = [[3.0, 0.0, 0.0], [1.0, 1.5, 0.0]]
    odds = math.exp(2.5) / (math.exp(3.0) + math.exp(2.5))
    found = votes(hits(table), ["mem_1"], [])["mem_1"]
    expected = {"dense": 1.0 - (3.0 * (1 - odds) + 1.0 * odds), "lexical": 1.5 - 1.5 * odds}
    assert {name.removeprefix(PREFIX): pull for name, pull in found.items() if pull} == pytest.approx(expected)


def test_a_single_hit_and_hits_without_reasons_cast_no_vote() -> None:
    assert votes(hits([[1.0, 0.0, 0.0]]), ["mem_0"], []) == {}
    bare = [Hit(memory=hit.memory, score=hit.score) for hit in hits([[1.0, 0, 0], [2.0, 0, 0]])]
    assert votes(bare, ["mem_0"], []) == {}


@pytest.fixture(params=["dict", "sqlite"])
def memory(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[mneme.Memory]:
    root = ":memory:" if request.param == "dict" else f"{tmp_path}/root"
    with mneme.Memory(root, embedder="hash:64", clock=FrozenClock(AT), seed=1, durability="normal") as made:
        yield made


def factors(memory: mneme.Memory, name: str) -> dict[str, float]:
    with memory.space(name)._use() as opened:
        return dict(opened.lessons.lifts(opened.store, opened.current.now()))


def test_feedback_is_learned_kept_undone_and_erased(memory: mneme.Memory) -> None:
    space = memory.space("a")
    people = ("Ana", "Ben")
    said = [mneme.Message(text=f"the kite of colour {n} flew", author=people[n % 2], session=f"s{n}", at=AT) for n in range(60)]
    space.remember(said)
    entries = []
    for number in range(30):
        found = space.recall(f"kite colour {number}", k=10)
        ben = next(hit for hit in found.hits if hit.author == "Ben")
        entries.append(space.feedback(found, useful=[hit for hit in found.hits if hit.author == "Ana"][:1], useless=[ben]).entry)
        assert factors(memory, "a") == _anew(memory)
    learned = factors(memory, "a")
    assert learned
    assert all(1 - MOST <= factor <= 1 + MOST for factor in learned.values())
    assert not space.verify().problems
    space.undo(entry=entries[-1])
    assert factors(memory, "a") == _anew(memory) != learned
    space.undo(len(entries) - 1)
    assert factors(memory, "a") == {}


def _anew(memory: mneme.Memory) -> dict[str, float]:
    """Return what a fresh reader of the same store would have learned."""
    from mneme.engine.learning import Lessons

    with memory.space("a")._use() as opened:
        return dict(Lessons().lifts(opened.store, opened.current.now()))


def test_erasing_what_was_judged_forgets_what_was_learned_from_it(memory: mneme.Memory) -> None:
    space = memory.space("a")
    space.remember([mneme.Message(text=f"the kite of colour {n} flew far", session=f"s{n}", at=AT) for n in range(30)])
    for number in range(30):
        found = space.recall(f"kite colour {number}", k=5)
        space.feedback(found, useful=found.hits[:1])
    before = factors(memory, "a")
    usage = space.usage([memory.id for memory in space.memories()])
    judged = [id for id, fared in usage.items() if any(name.startswith(PREFIX) for name in fared.state)]
    assert before or len(judged) < LEAST
    space.forget(judged, erase=True)
    assert factors(memory, "a") == {}


def test_what_was_known_before_is_asked_without_what_was_learned_since(memory: mneme.Memory) -> None:
    space = memory.space("a")
    space.remember([mneme.Message(text=f"the kite of colour {n} flew", session=f"s{n}", at=AT) for n in range(40)])
    plain = space.recall("kite colour 3", k=5, known_at=AT)
    for number in range(LEAST + 5):
        found = space.recall(f"kite colour {number}", k=10)
        space.feedback(found, useful=[found.hits[-1]])
    again = space.recall("kite colour 3", k=5, known_at=AT)
    assert [(hit.memory.id, hit.score) for hit in again.hits] == [(hit.memory.id, hit.score) for hit in plain.hits]


@settings(max_examples=30, deadline=None)
@given(st.lists(pulls, min_size=LEAST, max_size=LEAST + 10), st.randoms())
def test_order_does_not_matter(cast: list[dict[str, float]], random: object) -> None:
    shuffled = list(cast)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert lifts(shuffled) == pytest.approx(lifts(cast))


def test_a_recall_made_up_from_ids_counts_use_and_casts_no_vote(memory: mneme.Memory) -> None:
    space = memory.space("a")
    receipt = space.remember(["one kite", "two kites"])
    bare = Recall(query="", hits=tuple(Hit(memory=space.get(id), score=0.0) for id in receipt.ids))
    space.feedback(bare, useful=[receipt.ids[0]])
    assert space.usage(receipt.ids)[receipt.ids[0]].uses == 1.0
    assert factors(memory, "a") == {}
