"""H-MEM's acceptance test: a beam of one compares nothing of other domains, moving is one link, feedback orders equals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import resolve
from mneme.core.operations import Connect, Disconnect, Operation
from mneme.core.records import Link
from mneme.core.trace import Trace
from mneme.testing import ScriptedLLM

from .world import START, bare, memory_of

THEMES = {"skiing": ("sports", "winter"), "tennis": ("sports", "ball"), "pasta": ("food", "italian")}
AXES = {name: number for number, name in enumerate(["sports", "food", "winter", "ball", "italian", "skiing", "tennis", "pasta"])}
ASKED = "Where did we go skiing?"


def vector(*names: str) -> list[float]:
    return [float(name in names) for name in AXES]


def forest(each: int) -> tuple[mneme.Space, FrozenClock]:
    texts = [(trace, f"{trace} episode {number}") for trace in THEMES for number in range(each)]
    table = {name: vector(name) for name in AXES} | {text: vector(trace, *THEMES[trace]) for trace, text in texts}
    table[ASKED] = vector("sports", "winter", "skiing")
    filed = [{"domain": THEMES[trace][0], "category": THEMES[trace][1], "trace": trace} for trace, _ in texts]
    recipe = bare(ranker={"use": "descent", "beam": 1, "rest": False}, formers=["hierarchy"])
    memory, clock = memory_of(recipe, table, llm=ScriptedLLM({"hierarchy.place": filed}))
    space = memory.space("s")
    space.remember([text for _, text in texts], wait=True)
    return space, clock


def compared(found: mneme.Recall) -> int:
    assert found.trace is not None
    return int(next(note["descent"]["compared"] for note in found.trace.notes if "descent" in note))  # type: ignore[index]


def move(space: mneme.Space, episode: str, old: str, new: str) -> None:
    operations: list[Operation] = [
        Disconnect(source=episode, target=old, type="part_of"),
        Connect(link=Link(source=episode, target=new, type="part_of")),
    ]
    with space._use() as opened:
        space._apply(opened, operations, Trace(id="tr_1", verb="move"))


def test_fifty_episodes_a_trace_and_no_comparison_in_food() -> None:
    space, _ = forest(50)
    found = space.recall(ASKED, k=50)
    assert {hit.text for hit in found.hits} == {f"skiing episode {number}" for number in range(50)}
    assert compared(found) <= 2 + 2 + 1  # domains, categories of sports, traces of winter; then the episodes of the trace


def test_a_moved_episode_is_under_its_new_parent_and_no_longer_under_the_old() -> None:
    space, _ = forest(5)
    nodes = {memory.text: memory.id for memory in space.memories({"tiers": ["trace"]})}
    moved = next(memory for memory in space.memories({"kinds": ["turn"]}) if memory.text == "pasta episode 3")
    move(space, moved.id, nodes["pasta"], nodes["skiing"])
    assert [link.target for link in space.links([moved.id]) if link.source == moved.id] == [nodes["skiing"]]
    children = {name: sum(link.target == id and link.source.startswith("mem") for link in space.links([id])) for name, id in nodes.items()}
    assert children == {"skiing": 6, "tennis": 5, "pasta": 4}
    assert "pasta episode 3" in {hit.text for hit in space.recall(ASKED, k=50).hits}


def test_wrong_twice_falls_behind_an_equal_one_and_right_rises() -> None:
    table = {"q": [1, 0], "one": [0.9, 0.3], "other": [0.9, 0.3], "far": [0, 1]}
    memory, clock = memory_of(bare(channels=["dense"], refiners=["weighed"], curve={"use": "exponential", "scale_days": 30.0}), table)
    assert [type(part).__name__ for part in resolve("h-mem").refiners] == ["Weighed"]
    space = memory.space("s")
    space.remember(["one", "other", "far"])

    def order() -> list[str]:
        return [hit.text for hit in space.recall("q", k=3).hits]

    def judge(text: str, kind: str) -> None:
        found = space.recall("q", k=3)
        space.feedback(found, **{kind: [hit for hit in found.hits if hit.text == text]})

    assert order() == ["one", "other", "far"]
    for _ in range(2):
        judge("one", "useless")
    (one,) = [m for m in space.memories() if m.text == "one"]
    assert space.usage([one.id])[one.id].strength < 1.0
    assert order() == ["other", "one", "far"]
    for _ in range(4):
        judge("one", "useful")
    assert order() == ["one", "other", "far"]
    judge("far", "useful")
    assert order()[2] == "far"  # strength never outweighs a clear match
    clock.set(START + timedelta(days=1))
    assert order() == ["one", "other", "far"]


def orphans(space: mneme.Space) -> set[str]:
    nodes = {memory.id: memory.tier for memory in space.memories({"kinds": ["concept"]}, limit=1000)}
    below = [id for id, tier in nodes.items() if tier != "domain"]
    below += [memory.id for memory in space.memories({"kinds": ["turn"]}, limit=1000)]
    return {id for id in below if not any(link.source == id and link.target in nodes for link in space.links([id]))}


@pytest.mark.parametrize("how", ["erase", "undo"])
def test_what_loses_its_parent_gets_another(how: str) -> None:
    memory, _ = memory_of("h-mem", "hash:96")
    space = memory.space("s")
    first = space.remember("We skied in the winter sports resort.").id
    formed = space.journal(limit=100)[-1].seq
    others = space.remember(["We skied in the winter sports village.", "We skied in the winter sports valley."]).ids
    assert orphans(space) == set()
    if how == "erase":
        space.forget(first, erase=True)
    else:
        space.undo(entry=formed)
    assert orphans(space)
    space.upkeep()
    assert orphans(space) - {first} == set()
    found = {hit.text for hit in space.recall("Where did we ski in winter?", k=5).hits}
    assert {space.get(id).text for id in others} <= found
    assert space.upkeep().done == {}


def test_a_message_reads_the_nodes_on_its_way_alone() -> None:
    space, _ = forest(20)
    read: list[int] = []
    store = space._memory
    with space._use() as opened:
        links = opened.store.links

        def counted(ids: Sequence[str]) -> object:
            read.append(len(ids))
            return links(ids)

        opened.store.links = counted  # type: ignore[method-assign]
        try:
            store.llm = ScriptedLLM({"hierarchy.place": {"domain": "food", "category": "italian", "trace": "pasta"}})
            space.remember("pasta again", wait=True)
        finally:
            del opened.store.links
    assert sum(read) <= 4


def test_a_model_s_other_word_for_a_node_finds_the_node() -> None:
    table = {"sport": [1, 0.1], "sports": [1, 0], "food": [0, 1], "ski": [0, 0, 1], "skiing": [0, 0, 1, 0.1], "w": [0, 0, 0, 0, 1]}
    filed = [{"domain": "sports", "category": "w", "trace": "skiing"}, {"domain": "Sport", "category": "W", "trace": "ski"}]
    filed.append({"domain": "food", "category": "w", "trace": "ski"})
    recipe = bare(ranker="descent", formers=["hierarchy"])
    memory, _ = memory_of(recipe, table | {"Sport": [1, 0.1]}, llm=ScriptedLLM({"hierarchy.place": filed}))
    space = memory.space("s")
    for text in ("one", "two", "three"):
        space.remember(text, wait=True)
    nodes = sorted(memory.text for memory in space.memories({"kinds": ["concept"]}))
    assert nodes == ["food", "ski", "skiing", "sports", "w", "w"]


def test_a_picture_alone_is_in_no_tree() -> None:
    memory, _ = memory_of("h-mem", "hash:96")
    space = memory.space("s")
    space.remember({"text": "", "media": [{"uri": "file:boat", "caption": "a red boat"}]})
    space.upkeep()
    assert space.memories({"kinds": ["concept"]}) == []
