"""Keepers that recipes name: layered decay, trust, contradiction, adjacent merge, prototypes; previewed, applied, undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.composing import compose, parse_toml
from mneme.core.errors import InvalidInput
from mneme.core.operations import Connect
from mneme.core.records import Link
from mneme.core.registry import load
from mneme.core.trace import Trace
from mneme.core.upkeep import FloatArray, Proposal, Round
from mneme.retention.adjacent import merge_adjacent
from mneme.retention.layered import Item, Layered, LayeredDecay
from mneme.retention.prototypes import consolidate, least_used
from mneme.retention.rehang import Rehang
from mneme.space import Space

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
Opener = Callable[..., Space]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def opened(clock: FrozenClock) -> Iterator[Opener]:
    memories: list[Memory] = []

    def opener(*keepers: Any) -> Space:
        recipe = compose(name="kept", base="default", keepers=list(keepers))
        memories.append(Memory(":memory:", embedder="hash", clock=clock, seed=1, recipe=recipe))
        return memories[-1].space("a")

    yield opener
    for memory in memories:
        memory.close()


def told(space: Space, text: str, **fields: Any) -> str:
    return space.remember(memories=[{"text": text, **fields}]).ids[0]


def contradict(space: Space, first: str, second: str) -> None:
    """Link two memories as organisers do."""
    with space._use() as opened:
        space._apply(opened, [Connect(link=Link(source=first, target=second, type="contradicts"))], Trace(id="tr_test", verb="revise"))


def snapshot(space: Space) -> list[tuple[str, str, str]]:
    every = space.memories(limit=10_000, statuses=("active", "archived", "quarantined"))
    return sorted((memory.id, memory.status, memory.tier) for memory in every)


@pytest.mark.parametrize(
    "toml",
    [
        'keepers = ["layered-decay"]',
        'keepers = ["contradicted", "trust"]',
        'keepers = [{ use = "trust", half_life_days = 10.0, immutable = ["law"], sources = { web = 0.5 } }]',
        'keepers = [{ use = "adjacent-merge", length = 4, kinds = ["turn"] }]',
        'keepers = [{ use = "prototypes", full = 20, recent = 5, prototypes = 4 }]',
        'keepers = [{ use = "layered-decay", entry = { turn = "mid" } }]',
        'keepers = ["told"]',
    ],
)
def test_every_keeper_can_be_named_in_a_recipe_file(toml: str) -> None:
    recipe = parse_toml(f'name = "mine"\nbase = "default"\n{toml}\n')
    assert all(keeper.name for keeper in recipe.keepers)


def test_an_unknown_layer_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"attic.*short, mid, long"):
        LayeredDecay(entry={"turn": "attic"})


def test_finmem_a_short_memory_of_middling_importance_is_gone_on_day_nine(opened: Opener, clock: FrozenClock) -> None:
    space = opened("layered-decay")
    id = told(space, "The stock opened at 31 dollars.", kind="event", importance=0.5)
    gone = []
    for _ in range(9):
        clock.advance(days=1)
        space.upkeep()
        gone.append(space.get(id).status == "archived")
    assert gone == [False] * 8 + [True]


def test_finmem_one_pass_after_nine_days_does_what_nine_daily_ones_do(opened: Opener, clock: FrozenClock) -> None:
    space = opened("layered-decay")
    ids = {level: told(space, f"Item of importance {level}.", kind="event", importance=level / 100) for level in (50, 65, 90, 100)}
    clock.advance(days=9)
    space.upkeep()
    layered = Layered()
    for level, id in ids.items():
        item, left = layered.lived(Item(layer="short", importance=float(level)), 9)
        memory = space.get(id)
        assert (memory.status == "archived") == left
        assert left or memory.tier == item.layer


def test_finmem_what_matters_climbs_and_what_loses_importance_comes_down(opened: Opener, clock: FrozenClock) -> None:
    space = opened("layered-decay")
    high = told(space, "The merger was approved.", kind="event", importance=0.9)
    low = told(space, "The quarter was quiet.", kind="fact", importance=0.599)
    clock.advance(hours=1)
    space.upkeep()
    assert (space.get(high).tier, space.get(low).tier) == ("mid", "short")
    assert space.usage([high])[high].state["layered_days"] == 0.0


def test_finmem_good_feedback_lifts_an_item_over_the_bar(opened: Opener) -> None:
    space = opened("layered-decay")
    id = told(space, "The chip maker hires two hundred engineers.", kind="event", importance=0.55)
    found = space.recall("chip maker engineers")
    space.feedback(found, useful=[id])
    space.upkeep()
    assert space.get(id).tier == "mid"
    assert space.usage([id])[id].state["layered_importance"] == pytest.approx(60.0, abs=1e-3)


def test_finmem_a_newer_item_is_above_an_older_one_and_importance_above_age_in_the_long_layer() -> None:
    layered = Layered()
    assert layered.compound(Item(layer="short", importance=50, days=1)) > layered.compound(Item(layer="short", importance=50, days=4))
    assert layered.compound(Item(layer="long", importance=100, days=300)) > layered.compound(Item(layer="long", importance=10, days=1))


def test_tradinggpt_after_a_debate_each_agent_holds_the_best_of_both(opened: Opener) -> None:
    spaces = [opened("layered-decay"), opened("layered-decay")]
    for number, space in enumerate(spaces):
        for item in range(4):
            told(space, f"Agent {number} saw signal {item}.", kind="fact", importance=0.6 + item / 20)
        space.upkeep()
    best = []
    for space in spaces:
        layer = [memory for memory in space.memories({"tiers": ["long"]}) or space.memories() if memory.kind == "fact"]
        best.append(sorted(layer, key=lambda memory: -memory.importance)[:2])
    for space, others in zip(spaces, reversed(best), strict=True):
        space.remember(memories=[{"text": memory.text, "importance": memory.importance, "tags": ("debate",)} for memory in others])
    for space in spaces:
        texts = {memory.text for memory in space.memories(limit=100)}
        assert {memory.text for part in best for memory in part} <= texts


def test_a_layered_pass_is_previewed_and_taken_back_whole(opened: Opener, clock: FrozenClock) -> None:
    space = opened("layered-decay")
    for number in range(12):
        told(space, f"Reading {number} of the gauge.", kind="event", importance=(number % 10) / 10)
    before = snapshot(space)
    clock.advance(days=12)
    preview = space.upkeep(dry_run=True)
    assert snapshot(space) == before
    report = space.upkeep()
    assert report.done == preview.done
    assert snapshot(space) != before
    space.undo()
    assert snapshot(space) == before


def test_mark_two_bad_judgements_retire_and_the_audit_still_shows_it(opened: Opener) -> None:
    space = opened("trust")
    id = told(space, "OEE means overall equipment effectiveness.")
    for _ in range(2):
        space.feedback(space.recall("OEE"), useless=[id])
    report = space.upkeep()
    assert report.proposals[0].why == "trust 0.25 below 0.3"
    assert space.recall("OEE").hits == ()
    assert space.history(id)[0].memory is not None


def test_mark_of_two_meanings_the_more_trusted_one_stays(opened: Opener) -> None:
    space = opened("trust")
    first = told(space, "OEE means overall equipment effectiveness.", author="Ann")
    second = told(space, "OEE means other expected expenses.", author="Ben")
    contradict(space, second, first)
    for _ in range(3):
        space.feedback(space.recall("OEE equipment"), useful=[first])
    space.feedback(space.recall("OEE expenses"), useful=[second])
    space.upkeep()
    assert [space.get(id).status for id in (first, second)] == ["active", "archived"]


def test_mark_what_contradicts_knowledge_is_quarantined_however_new_and_trusted(opened: Opener) -> None:
    space = opened("trust")
    known = told(space, "A stone is solid.", tags=("knowledge",))
    wrong = told(space, "A stone is liquid.")
    contradict(space, wrong, known)
    space.feedback(space.recall("stone liquid"), useful=[wrong])
    space.upkeep()
    assert [space.get(id).status for id in (known, wrong)] == ["active", "quarantined"]


def test_mark_five_half_lives_without_use_retire_and_knowledge_stays(opened: Opener, clock: FrozenClock) -> None:
    space = opened("trust")
    unused = told(space, "The press takes twelve minutes to warm up.")
    known = told(space, "Water boils at 100 degrees.", tags=("knowledge",))
    clock.advance(days=100)
    space.upkeep()
    assert space.get(unused).status == "active"
    clock.advance(days=60)
    space.upkeep()
    assert [space.get(id).status for id in (unused, known)] == ["archived", "active"]


def test_a_pass_of_trust_is_previewed_and_taken_back_whole_with_recall_as_before(opened: Opener, clock: FrozenClock) -> None:
    space = opened("trust")
    known = told(space, "A stone is solid.", tags=("knowledge",))
    wrong = told(space, "A stone is liquid.")
    first = told(space, "OEE means overall equipment effectiveness.", author="Ann")
    second = told(space, "OEE means other expected expenses.", author="Ben")
    bad = told(space, "The press is green.")
    contradict(space, wrong, known)
    contradict(space, second, first)
    clock.advance(days=160)
    for _ in range(3):
        space.feedback(space.recall("OEE equipment"), useful=[first])
        space.feedback(space.recall("press green"), useless=[bad])

    def state() -> tuple[object, ...]:
        hits = [[(hit.memory.id, hit.score) for hit in space.recall(ask).hits] for ask in ("What is OEE?", "Is a stone liquid?", "press")]
        return snapshot(space), hits, space.links()

    before = state()
    preview = space.upkeep(dry_run=True)
    assert state() == before
    report = space.upkeep()
    assert report.done["trust"] == preview.done["trust"] == 3
    statuses = ["active", "quarantined", "active", "archived", "archived"]
    assert [space.get(id).status for id in (known, wrong, first, second, bad)] == statuses
    space.undo()
    assert state() == before
    assert space.verify().ok
    (undone,) = [entry.seq for entry in space.journal(limit=1000) if entry.undoes == report.entries[-1]]
    space.undo(entry=undone)  # the undo is taken back
    assert [space.get(id).status for id in (known, wrong, first, second, bad)] == statuses


def test_a_contradiction_weakens_the_older_memory_once_and_both_stay(opened: Opener, clock: FrozenClock) -> None:
    space = opened("contradicted")
    old = told(space, "Ann lives in Porto.")
    clock.advance(days=3)
    new = told(space, "Ann lives in Braga.")
    contradict(space, new, old)
    space.upkeep()
    usage = space.usage([old, new])
    assert usage[old].strength == pytest.approx(0.1)
    assert (usage[old].uses, usage[old].last_used_at) == (0.0, None)
    assert new not in usage
    space.remember("Ann bought a lamp.")
    assert space.upkeep().done == {}
    assert {space.get(id).status for id in (old, new)} == {"active"}
    space.undo(entry=space.journal(limit=100)[-2].seq)
    assert space.usage([old]).get(old) is None or space.usage([old])[old].strength == pytest.approx(1.0)


def test_being_useless_superseded_or_contradicted_each_shortens_what_is_left(opened: Opener, clock: FrozenClock) -> None:
    space = opened("contradicted")
    names = ("plain", "useless", "superseded", "contradicted")
    ids = {name: told(space, f"The {name} note tells of the boat {name}.", kind="note", author="Ann") for name in names}
    clock.advance(days=1)
    newer = told(space, "Another note.", kind="note")
    contradict(space, newer, ids["contradicted"])
    space.feedback(space.recall("useless note boat useless", k=1), useless=[ids["useless"]])
    space.revise(ids["superseded"], "The note now tells of another boat.", since=clock.now())
    space.upkeep()
    clock.advance(days=20)
    due = {each.memory.id: each.retention for each in space.due(20)}
    usage = space.usage(list(ids.values()))
    assert usage[ids["useless"]].strength < 1
    assert usage[ids["contradicted"]].strength < 1
    assert space.get(ids["superseded"]).valid_to is not None
    assert due[ids["useless"]] < 0.01
    assert due[ids["contradicted"]] < 0.01
    assert ids["plain"] not in due or due[ids["plain"]] > 0.4


def test_a_block_that_is_always_in_context_needs_no_rehearsal(opened: Opener, clock: FrozenClock) -> None:
    space = opened()
    space.blocks.set("user", "Ann lives at 14 Oak Street, Porto.")
    id = space.remember("The plumber is called Rui Alves, 14 Oak Street.", author="Ann").id
    clock.advance(days=90)
    assert [each.memory.id for each in space.due(10)] == [id]


def test_a_bad_judgement_makes_a_faded_memory_no_fresher(opened: Opener, clock: FrozenClock) -> None:
    space = opened()
    id = space.remember("The plumber is called Rui Alves, 14 Oak Street.", author="Ann").id
    clock.advance(days=60)
    (before,) = space.due(1)
    space.feedback(space.recall("plumber"), useless=[id])
    (after,) = space.due(1)
    assert after.retention < before.retention


@pytest.mark.parametrize("first_out", [False, True])
def test_memoryvla_a_session_is_held_to_its_length(opened: Opener, first_out: bool) -> None:
    space = opened({"use": "adjacent-merge", "length": 4, "first_out": first_out})
    texts = ["The red door was open.", "The red door stood open.", "A cat sat on the stove.", "It rained on Tuesday.", "Lia paid 40 euros."]
    times = [START + timedelta(minutes=number) for number in range(5)]
    ids = space.remember([{"text": text, "at": at, "session": "s", "author": "Ann"} for text, at in zip(texts, times, strict=True)]).ids
    report = space.upkeep()
    left = sorted(space.memories(limit=100), key=lambda memory: memory.at)
    assert len(left) == 4
    assert space.get(ids[0]).status == "archived"
    if first_out:
        assert [memory.at for memory in left] == times[1:]
        return
    assert [memory.at for memory in left] == [times[0], *times[2:]]
    assert left[0].text == "The red door was open.\nThe red door stood open."
    assert len(left[0].sources) == 2
    assert report.done == {"adjacent-merge": 1}
    space.undo()
    assert sorted(memory.id for memory in space.memories(limit=100)) == sorted(ids)


def test_memoryvla_of_different_entries_the_most_similar_pair_merges_and_long_runs_stay_in_order() -> None:
    angles = np.array([0.0, 1.2, 1.4, 2.9, 4.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert merge_adjacent(vectors, tuple(map(float, range(5))), 4).parts == ((0,), (1, 2), (3,), (4,))
    draw = np.random.default_rng(3)
    bank, times = np.zeros((0, 4), np.float32), tuple[float, ...]()
    for step in range(1000):
        bank = np.concatenate([bank, draw.normal(size=(1, 4)).astype(np.float32)])
        merged = merge_adjacent(bank, (*times, float(step)), 16)
        bank, times = merged.vectors, merged.times
        assert len(times) <= 16
        assert list(times) == sorted(set(times))


def test_adjacent_merge_grows_with_a_session_and_never_past_its_tokens(opened: Opener, clock: FrozenClock) -> None:
    space = opened({"use": "adjacent-merge", "length": 3, "most_tokens": 40})
    for number in range(12):
        space.remember(f"Lia drove {number + 11} kilometres to shop {number} and bought {number} lamps there.", session="s", author="Lia")
        clock.advance(minutes=2)
        space.upkeep()
        left = space.memories(limit=100)
        assert len(left) <= 3
    assert space.tokens() <= 3 * 60
    assert space.verify().ok


def test_xmem_a_full_tier_leaves_its_most_used_as_prototypes(opened: Opener, clock: FrozenClock) -> None:
    space = opened({"use": "prototypes", "full": 10, "recent": 4, "prototypes": 2})
    ids = []
    for number in range(10):
        ids.append(space.remember(f"Frame {number}: the {'abcdefghij'[number]}quar stands by the gate.").id)
        clock.advance(hours=1)
    space.feedback(space.recall("cquar"), useful=[ids[2]])
    for _ in range(3):
        space.feedback(space.recall("equar"), useful=[ids[4]])
    preview = space.upkeep(dry_run=True)
    assert preview.done == {"prototypes": 1}
    before = snapshot(space)
    space.upkeep()
    active = {memory.id: memory.tier for memory in space.memories(limit=100)}
    assert active == {ids[0]: "", ids[2]: "long", ids[4]: "long", **dict.fromkeys(ids[6:], "")}
    space.undo()
    assert snapshot(space) == before


def test_xmem_memory_stays_bounded_and_what_is_read_often_survives(opened: Opener, clock: FrozenClock) -> None:
    space = opened({"use": "prototypes", "full": 20, "recent": 5, "prototypes": 4, "most": 8})
    first = space.remember("The very first frame shows a lighthouse.").id
    clock.advance(minutes=5)
    loved = space.remember("The loved frame shows a heron.").id
    for part in range(8):
        space.feedback(space.recall("heron frame"), useful=[loved])
        texts = [f"Part {part}, frame {number}: a {chr(97 + number)}{chr(97 + part)}mor passes." for number in range(20)]
        space.remember(texts, session=f"p{part}")
        clock.advance(hours=1)
        space.upkeep()
        tiers = [memory.tier for memory in space.memories(limit=1000)]
        assert tiers.count("long") <= 8
        assert len(tiers) <= 20 + 8 + 20
    assert space.get(loved).status == "active"
    assert space.get(first).status == "active"


def test_xmem_a_prototype_s_value_moves_toward_those_like_it_within_the_hull() -> None:
    keys = np.array([[0, 0], [0, 0.1], [5, 5], [6, 5]], np.float32)
    values = np.array([[0.0], [1.0], [10.0], [12.0]], np.float32)
    found = consolidate(keys, values, np.array([9, 0, 8, 0], np.float32), np.ones(4, np.float32), 2)
    assert found.chosen.tolist() == [0, 2]
    assert 0.3 < found.values[0, 0] < 1.0
    assert 10.0 < found.values[1, 0] < 11.0
    assert least_used(np.array([3, 1, 2], np.float32), np.ones(3, np.float32), 0, 2).tolist() == [1]


def test_registered_keepers_have_the_name_they_report_by() -> None:
    for name in ("layered-decay", "trust", "contradicted", "adjacent-merge", "prototypes", "told"):
        assert load("keeper", name)().name == name


def test_what_the_recipe_beliefs_finds_contradictory_is_weakened_by_upkeep(clock: FrozenClock) -> None:
    with Memory(":memory:", embedder="hash", clock=clock, seed=1, recipe="beliefs") as memory:
        space = memory.space("a")
        for text in ("I was born in Braga.", "I was born in Porto."):
            space.remember(text, author="Ann", wait=True)
            clock.advance(days=1)
        (link,) = [link for link in space.links() if link.type == "contradicts"]
        assert space.upkeep().done["contradicted"] == 1
        older = min((space.get(id) for id in (link.source, link.target)), key=lambda each: each.at)
        assert "Braga" in older.text
        assert space.usage([older.id])[older.id].strength == pytest.approx(0.1)
        assert "contradicted" not in space.upkeep().done


class Watched:
    """Hangs what lost its parent, and notes how many vectors were read at a time."""

    name = "rehang"

    def __init__(self) -> None:
        self.read: list[int] = []

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        def vectors(places: Sequence[int]) -> FloatArray:
            self.read.append(len(places))
            return ctx.vectors(places)

        yield from Rehang(layers=("domain", "trace"), near=(0.2, 0.95)).upkeep(replace(ctx, vectors=vectors))


def test_h_mem_hundreds_of_orphans_are_hung_with_their_vectors_read_together(opened: Opener) -> None:
    watched = Watched()
    space = opened(watched)
    for number in range(300):  # each is said twice, so that the second hangs to what grew for the first
        space.remember(f"word{number // 2} thing{number // 2} note{number // 2}", ref=str(number))
    space.upkeep()
    refs = {memory.id: memory.ref for memory in space.memories({"kinds": ["turn"]}, limit=400)}
    parents: dict[str, set[str]] = defaultdict(set)
    for link in space.links():
        if link.source in refs and link.type == "part_of":
            parents[link.target].add(str(refs[link.source]))
    assert sorted(sorted(map(int, children)) for children in parents.values()) == [[2 * n, 2 * n + 1] for n in range(150)]
    assert watched.read == [256, 44]
