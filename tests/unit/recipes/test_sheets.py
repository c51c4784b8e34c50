"""The worked examples of the papers' sheets, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

import mneme
from mneme.core.composing import resolve
from mneme.core.operations import Keep
from mneme.core.recipe import Recipe
from mneme.core.records import Episode, Memory, Span
from mneme.formation.rules import derived_id
from mneme.formation.segmented import Segment, nearest
from mneme.organisation.mixture import accepted
from mneme.retrieval.granular import entropy_weights, walked
from mneme.retrieval.pagerank import Graph
from mneme.retrieval.residual import Residual
from mneme.testing import ScriptedLLM

from .world import START, at_angle, bare, memory_of

DAY = timedelta(days=1)


# MemoryBank


def test_memorybank_what_is_recalled_stays_and_what_is_not_fades() -> None:
    curve = resolve("memorybank").curve
    assert curve is not None
    kept = curve.retention(np.array([2.0, 1.0], np.float32), np.array([2.0, 3.0], np.float32))
    assert kept.round(3).tolist() == pytest.approx([0.368, 0.050], abs=1e-3)
    memory, clock = memory_of("memorybank", {"A": [1, 0], "B": [0, 1], "about A": [1, 0.05]})
    space = memory.space("s")
    space.remember("A", ref="A")
    space.remember("B", ref="B")
    clock.set(START + DAY)
    space.feedback(found := space.recall("about A", k=1), useful=[found.hits[0]])
    clock.set(START + 3 * DAY)
    space.upkeep()
    assert [m.ref for m in space.memories({"kinds": ["turn"]})] == ["A"]
    assert {episode.ref for episode in space.episodes()} == {"A", "B"}


def test_memorybank_an_emptied_day_loses_its_summary() -> None:
    memory, clock = memory_of("memorybank", "hash:64")
    space = memory.space("s")
    said = ["I planted a tree in the garden.", "The pump of the well broke.", "Carla repaired the pump.", "We ate figs.", "I saw an owl."]
    for number, text in enumerate(said):  # one by one, as a conversation arrives
        clock.set(START + number * timedelta(minutes=9))
        space.remember(text, author="Ana", session="a")
    assert not space.memories({"kinds": ["summary"]})
    clock.set(START + DAY)
    space.upkeep()
    (day,) = space.memories({"tags": ["tree:day"]})
    assert "owl" in day.text
    assert {episode.text for episode in space.episodes([span.episode for span in day.sources])} <= set(said)
    clock.set(START + 30 * DAY)
    space.upkeep()
    assert not space.memories({"kinds": ["turn"]})
    space.upkeep()
    assert not space.memories({"kinds": ["turn", "summary"]})
    space.undo()
    space.undo()
    assert len(space.memories({"kinds": ["turn"]})) == 5
    assert [one.id for one in space.memories({"tags": ["tree:day"]})] == [day.id]


def test_memorybank_a_day_names_nothing_that_it_does_not_cite_so_that_an_erased_message_leaves_no_name() -> None:
    memory, clock = memory_of("memorybank", "hash:96")
    space = memory.space("s")
    said = [
        "I moved to Lisbon with my sister Carla in May 2023 and work at Siemens.",
        "Ben bought a red bicycle for 300 euros on Tuesday.",
        "My doctor at the clinic of Faro prescribed new glasses for me.",
        "The concert of the Berlin Orchestra begins at 8 pm on Friday.",
        "Our landlord wants 1200 euros for the flat from July on.",
        "See Zoltan Quimby there.",
    ]
    ids = [space.remember(text, author="Ana", at=START + number * timedelta(minutes=1)).id for number, text in enumerate(said)]
    clock.set(START + 2 * DAY)
    space.upkeep()
    assert "berlin orchestra" in str(space.memories({"tags": ["tree:day"]})).casefold()
    space.forget(ids[-1], erase=True)
    assert "quimby" not in str(space.memories({"archived": True}, statuses=("active", "archived"))).casefold()


def test_memorybank_a_model_tells_the_day_in_its_own_words_and_reads_the_portrait() -> None:
    quotes = [{"message": 1, "quote": "I planted a fig tree"}]
    llm = ScriptedLLM(
        {
            "form.statements": {"items": []},
            "retain.summary": {"sentences": [{"text": "Ana planted a fig tree.", "quotes": quotes}]},
        }
    )
    memory, clock = memory_of("memorybank", "hash:64", llm=llm)
    space = memory.space("s")
    for text in ("I planted a fig tree in the garden.", "The pump of the well broke.", "Carla repaired the pump of the well."):
        space.remember(text, author="Ana", wait=True)
    assert {request.role for request in llm.asked} == {"form.statements"}
    clock.set(START + DAY)
    space.upkeep()
    (day,) = space.memories({"tags": ["tree:day"]})
    assert "Ana planted a fig tree." in day.text
    assert day.attributes["told_by"] == "model"


# MemGAS

SIMILAR = np.array([0.9, 0.88, 0.86, 0.2, 0.18, 0.15, 0.1])


@pytest.mark.parametrize("shift", [0.0, 0.05])
def test_memgas_the_mixture_accepts_the_first_three_wherever_they_lie(shift: float) -> None:
    assert accepted(SIMILAR + shift).tolist() == [True] * 3 + [False] * 4


def test_memgas_a_decisive_view_weighs_more_and_flat_ones_the_same() -> None:
    peaked, flat = np.array([0.9] + [0.1] * 6), np.full(7, 0.5)
    assert entropy_weights(np.stack([peaked, flat]), 0.2)[0] > 0.95
    assert entropy_weights(np.stack([flat, flat]), 0.2).tolist() == [0.5, 0.5]
    many = np.stack([np.array([0.9] + [0.1] * 49), np.full(50, 0.5)])
    assert entropy_weights(many, 0.2)[0] > 0.95  # raw nats would turn this round
    chances = np.exp(many / 0.2) / np.exp(many / 0.2).sum(axis=1, keepdims=True)
    nats = -(chances * np.log(chances)).sum(axis=1)
    assert ((1 - nats) / (1 - nats).sum())[0] < 0.5


def test_memgas_a_linked_session_overtakes_a_slightly_better_one() -> None:
    scores = np.array([0.9, 0.1, 0.32, 0.1, 0.1, 0.1, 0.3])
    graph = Graph.undirected(7, np.array([0]), np.array([6]), np.ones(1))
    walking = walked(graph, scores, 15, 0.1)
    assert walking[6] > walking[2]
    still = walked(graph, scores, 15, 0.0)
    assert np.argsort(-still, kind="stable")[:3].tolist() == [0, 2, 6]


def test_memgas_links_from_the_sixth_session_on() -> None:
    memory, _ = memory_of("memgas", "hash:64")
    space = memory.space("s")

    def linked() -> dict[str, set[str]]:
        sessions = {one.id: str(one.session) for one in space.memories({"kinds": ["summary", "concept"]}, limit=100)}
        found: dict[str, set[str]] = {}
        for link in space.links():
            if link.type == "similar" and link.source in sessions and link.target in sessions:
                found.setdefault(sessions[link.source], set()).add(sessions[link.target])
        return found

    topics = ["sailing and boats", "sailing and boats", "taxes", "bread", "sailing and boats"]
    for number, topic in enumerate(topics):
        space.remember([f"We talked about {topic}, part {number}, turn {turn}." for turn in range(8)], session=f"s{number}")
    assert linked() == {}
    space.remember([f"We talked about sailing and boats, part 5, turn {turn}." for turn in range(8)], session="s5")
    assert len(space.memories({"kinds": ["summary"]})) == 6
    assert {"s0", "s1", "s4"} <= linked()["s5"]
    assert not {"s2", "s3"} & linked()["s5"]


def test_memgas_digests_that_are_written_anew_are_no_associations_of_their_own_session() -> None:
    memory, clock = memory_of("memgas", "hash:64")
    space = memory.space("s")
    topics = ["sailing and boats", "taxes", "bread", "sailing and boats", "gardens", "trains", "sailing and boats"]
    for number, topic in enumerate(topics):
        for turn in range(24):
            clock.set(START + number * DAY + turn * timedelta(minutes=1))
            space.remember(f"We talked about {topic}, part {number}, turn {turn}.", session=f"s{number}")
    digests = {one.id: one for one in space.memories({"kinds": ["summary"], "archived": True}, limit=100, statuses=("active", "archived"))}
    assert len(digests) == 3 * len(topics)
    pairs = [(digests[link.source], digests[link.target]) for link in space.links() if link.type == "similar"]
    assert all(one.session != other.session for one, other in pairs)
    standing = {(one.session, other.session) for one, other in pairs if (one.status, other.status) == ("active", "active")}
    assert {("s6", "s0"), ("s6", "s3")} <= standing


def test_memgas_a_short_session_is_digested_when_another_follows() -> None:
    memory, clock = memory_of("memgas", "hash:64")
    space = memory.space("s")
    for number in range(5):
        clock.set(START + timedelta(minutes=number))
        space.remember(f"The violin has string number {number}.", session="short")
    assert not space.memories({"kinds": ["summary"]})
    clock.set(START + DAY)
    space.remember("Good morning.", session="next")
    (digest,) = space.memories({"kinds": ["summary"]})
    assert (digest.session, digest.attributes["episodes"]) == ("short", 5)


# A-MEM


def test_a_mem_neighbours_change_by_id_and_come_along_by_link() -> None:
    told = {"keywords": ["what"], "context": "", "tags": ["pets"]}
    still = {"should_evolve": False}
    grows = {
        "should_evolve": True, "connect": [0], "tags": ["health"],
        "changes": [{"number": 0, "tags": ["health"]}, {"number": 1, "tags": ["health"]}, {"number": 40, "tags": ["wrong"]}],
    }  # fmt: skip
    llm = ScriptedLLM({"notes.describe": told, "notes.evolve": [still, still, grows]})
    texts = {"zero": [0, 0, 1], "adopted puppy Rex": [0.8, 0.6], "went to vet": [0.6, 0.8], "Rex limped at vet": [0.9, 0.9]}
    table = {**texts, **{f"{text}\nwhat\npets": vector for text, vector in texts.items()}}
    memory, _ = memory_of("a-mem", table, llm=llm)
    space = memory.space("s")
    for text in texts:
        space.remember(text, ref=text, wait=True)
    notes = {note.attributes["content"]: note for note in space.memories({"kinds": ["note"]})}
    assert notes["adopted puppy Rex"].attributes["tags"] == ["health"]
    assert notes["went to vet"].attributes["tags"] == ["health"]
    assert notes["zero"].attributes["tags"] == ["pets"]
    assert notes["zero"].version == 1
    assert notes["adopted puppy Rex"].version == 2
    turns = {turn.id: turn.ref for turn in space.memories({"kinds": ["turn"]})}
    linked = {frozenset((turns[link.source], turns[link.target])) for link in space.links() if link.type == "similar"}
    assert linked & {frozenset(("Rex limped at vet", "adopted puppy Rex")), frozenset(("Rex limped at vet", "went to vet"))}


ROULETTE, VET = "I keep losing at gambling in the casino.", "Rex limped at the vet."


@pytest.mark.parametrize("changes", [[], [{"number": 0, "context": "About gambling."}, {"number": 1, "context": "Gambling and cake."}]])
def test_a_mem_what_a_model_takes_from_a_neighbour_that_it_does_not_link_goes_with_it(changes: list[dict[str, object]]) -> None:
    still, told = {"should_evolve": False}, {"keywords": ["note"], "context": "", "tags": []}
    grows = {"should_evolve": True, "connect": [], "tags": ["gambling", "rex", "astronomy"], "changes": changes}
    llm = ScriptedLLM({"notes.describe": told, "notes.evolve": [still, grows]})
    vectors = {ROULETTE: [0.9, 0.1], "We baked a cake.": [0.6, 0.4], VET: [1, 0]}
    memory, _ = memory_of("a-mem", {**vectors, **{f"{text}\nnote": vector for text, vector in vectors.items()}}, llm=llm)
    space = memory.space("s")
    first, *_ = [space.remember(text, wait=True).ids[0] for text in vectors]
    note = next(note for note in space.memories({"kinds": ["note"]}) if note.attributes["content"] == VET)
    assert note.attributes["tags"] == ["gambling", "rex"]
    assert "ep" + first[3:] in {span.episode for span in note.sources}
    space.forget(first, erase=True)
    everywhere = space.memories({"archived": True}, limit=50, statuses=("active", "archived", "quarantined"))
    assert not any("gambling" in memory.text.casefold() for memory in everywhere)
    assert {VET, "We baked a cake."} <= {memory.text for memory in everywhere}


def test_a_mem_a_linked_message_comes_although_its_own_rank_would_not_bring_it() -> None:
    recipe = bare(channels=["dense"], refiners=[{"use": "linked", "share": 0.4}])
    table = {"q": [1, 0], **{f"t{n}": at_angle(0.9 - n / 50) for n in range(8)}, "far": [0, 0, 1]}
    memory, _ = memory_of(recipe, table)
    space = memory.space("s")
    ids = space.remember([*(f"t{n}" for n in range(8)), "far"]).ids
    assert "far" not in [hit.text for hit in space.recall("q", k=5).hits]
    from mneme.core.operations import Connect
    from mneme.core.records import Link
    from mneme.core.trace import Trace

    with space._use() as opened:
        space._apply(opened, [Connect(link=Link(source=ids[0], target=ids[8], type="similar"))], Trace(id="tr_1", verb="link"))
    assert "far" in [hit.text for hit in space.recall("q", k=5).hits]


# MemoryOS


def without_queue() -> Recipe:
    """MemoryOS with an empty short-term queue, so that every message is a page of a segment at once."""
    recipe = resolve("memoryos")
    rules, overflow = recipe.formers
    return replace(recipe, formers=(rules, replace(overflow, capacity=0)))  # type: ignore[type-var]


def test_memoryos_pages_of_one_theme_share_a_segment() -> None:
    segment = Segment(id="mem_1", vector=np.zeros(0, np.float32), words=frozenset({"a"}))
    assert nearest([segment], [1.0], frozenset({"a"}), 2.0) is segment  # cosine and keywords add up to 2
    assert nearest([segment], [0.0], frozenset({"b"}), 0.6) is None
    memory, _ = memory_of(without_queue(), "hash:96")
    space = memory.space("s")
    space.remember("The rocket engine test used liquid oxygen.", session="a")
    space.remember("The rocket engine test used liquid oxygen again.", session="b")
    space.remember("Grandma bakes plum cake with cinnamon.", session="c")
    assert len(space.memories({"tiers": ["mid"]})) == 2
    assert sum(link.type == "part_of" for link in space.links()) == 3


def test_memoryos_a_hot_segment_promotes_once() -> None:
    memory, clock = memory_of(without_queue(), "hash:96")
    space = memory.space("s")
    space.remember(["I live in Porto near the harbour.", "I live in Porto and the harbour is near, too."], author="Ana", session="a")
    (segment,) = space.memories({"tiers": ["mid"]})
    assert len([link for link in space.links() if link.target == segment.id]) == 2

    def visit() -> None:
        found = space.recall("Porto harbour", k=2)
        space.feedback(found, useful=[hit for hit in found.hits if hit.memory.kind == "turn"][:1])
        space.upkeep()

    def promoted() -> int:
        return len(space.memories({"tiers": ["long"], "kinds": ["fact", "profile", "event", "preference"]}))

    space.upkeep()
    assert "promoted_pages" not in space.usage([segment.id]).get(segment.id, mneme.core.records.Usage()).state
    for _ in range(6):
        visit()
    assert promoted() >= 1
    state = space.usage([segment.id])[segment.id].state
    assert state["promoted_pages"] == 2.0
    clock.set(START + DAY)
    visit()
    assert space.usage([segment.id])[segment.id].state == state


# H-MEM


def test_h_mem_a_descent_compares_only_children_of_the_best() -> None:
    recipe = bare(ranker={"use": "descent", "beam": 1, "rest": False}, formers=["hierarchy"])
    themes = {"skiing": ("sports", "winter"), "tennis": ("sports", "ball"), "pasta": ("food", "italian")}
    texts = [(trace, f"{trace} episode {number}") for trace in themes for number in range(5)]
    axes = {name: number for number, name in enumerate(["sports", "food", "winter", "ball", "italian", "skiing", "tennis", "pasta"])}

    def vector(*names: str) -> list[float]:
        row = [0.0] * 8
        for name in names:
            row[axes[name]] += 1.0
        return row

    table = {trace: vector(trace) for trace in themes} | {name: vector(name) for name in ("sports", "food", "winter", "ball", "italian")}
    table |= {text: vector(trace, *themes[trace]) for trace, text in texts} | {
        "where did we go skiing?": vector("sports", "winter", "skiing")
    }
    filed = [{"domain": themes[trace][0], "category": themes[trace][1], "trace": trace} for trace, _ in texts]
    memory, _ = memory_of(recipe, table, llm=ScriptedLLM({"hierarchy.place": filed}))
    space = memory.space("s")
    for _, text in texts:
        space.remember(text, wait=True)
    assert len(space.memories({"kinds": ["concept"]})) == 2 + 3 + 3
    found = space.recall("where did we go skiing?", k=5)
    assert {hit.text for hit in found.hits} == {f"skiing episode {number}" for number in range(5)}
    assert found.trace is not None
    (note,) = [note["descent"] for note in found.trace.notes if "descent" in note]
    assert note["compared"] <= 2 + 2 + 1  # domains, categories of sports, traces of winter: none of food


# RMM


def world(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    query = rng.standard_normal(4)
    memories = rng.standard_normal((6, 4))
    order_now = np.argsort(-(memories @ query))
    return query / np.linalg.norm(query), memories[order_now] / np.linalg.norm(memories[order_now], axis=1, keepdims=True)


def rank_after(rate: float, seed: int, rounds: int) -> int:
    query, memories = world(seed)
    fresh = Residual(width=4, rate=rate)
    target = fresh.chosen(query, memories, 6)[4]
    rng = np.random.default_rng(100 + seed)
    for _ in range(rounds):
        noise = fresh.noise(len(memories), rng)
        fresh.learn(query, memories, fresh.chosen(query, memories, 3, noise), {target}, noise)
    return fresh.chosen(query, memories, 6).index(target) + 1


def test_rmm_a_fresh_reranker_keeps_the_order_and_no_rate_learns_nothing() -> None:
    query, memories = world(1)
    assert Residual(width=4).chosen(query, memories, 6) == np.argsort(-(memories @ query), kind="stable").tolist()
    assert [rank_after(0.0, seed, 200) for seed in range(6)] == [5] * 6


def test_rmm_what_is_cited_climbs_as_the_sheet_s_simulation_says() -> None:
    fast = [rank_after(1e-2, seed, 200) for seed in range(6)]
    assert max(fast) <= 2
    assert fast.count(1) == 5
    assert sum(rank_after(1e-3, seed, 200) < 5 for seed in range(6)) == 5
    assert max(rank_after(1e-3, seed, 2000) for seed in range(6)) <= 2
    assert max(rank_after(5e-2, seed, 2000) for seed in range(6)) <= 2  # overflows where gradients are not clipped


# PREMem


def statement(number: int, text: str, relation: str, value: str, at: datetime) -> Keep:
    span = Span(episode=f"ep_01j8z4k2m5{number:010d}", start=0, end=len(text))
    told = {"subject": "Ann", "relation": relation, "object": value}
    id = f"mem_01j8z4k2m5{number:010d}"
    return Keep(memory=Memory(id=id, text=text, kind="fact", at=at, recorded_at=at, valid_from=at, attributes=told, sources=(span,)))


class Stated:
    """A former that reads of Ann's jogging."""

    def form(self, ctx: object, episodes: Sequence[Episode]) -> list[Keep]:
        keeps = []
        for episode in episodes:
            keep = statement(0, episode.text, "jogs", episode.text.removeprefix("Ann jogs ").rstrip("."), episode.at)
            span = Span(episode=episode.id, start=0, end=len(episode.text))
            keeps.append(Keep(memory=replace(keep.memory, id=derived_id(episode.id, "stated"), sources=(span,))))
        return keeps


def test_premem_a_changed_value_is_a_story_with_both_values_and_dates() -> None:
    memory, clock = memory_of(bare(formers=[Stated()], organisers=["evolution"]), "hash:96")
    space = memory.space("s")
    first = space.remember("Ann jogs 2 km daily.").ids[0]
    assert space.memories({"kinds": ["note"]}) == []
    clock.set(START + 30 * DAY)
    second = space.remember("Ann jogs 5 km.").ids[0]
    (story,) = space.memories({"kinds": ["note"]})
    assert story.attributes["pattern"] == "transformation"
    for part in ("2 km", "5 km", "2024-01-01", "2024-01-31"):
        assert part in story.text
    assert story.attributes["of"] == [derived_id("ep" + id[3:], "stated") for id in (first, second)]
    assert {span.episode for span in story.sources} == {"ep" + first[3:], "ep" + second[3:]}


# EM-LLM


def test_em_llm_neighbours_of_a_hit_come_along() -> None:
    table = {"q": [1, 0], "before": [0, 0, 1], "hit": at_angle(0.95), "after": [0, 0, 0, 1], **{f"n{i}": at_angle(0.5) for i in range(6)}}
    for share_of, expected in ((0.4, True), (0.0, False)):
        memory, _ = memory_of(bare(channels=["dense"], refiners=[{"use": "contiguity", "share": share_of}]), table)
        space = memory.space("s")
        space.remember([*(f"n{i}" for i in range(6))], session="b")
        space.remember(["before", "hit", "after"], session="a")
        texts = [hit.text for hit in space.recall("q", k=5).hits]
        assert texts[0] == "hit"
        assert ({"before", "after"} <= set(texts)) is expected
