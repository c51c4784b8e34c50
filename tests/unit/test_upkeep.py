"""Passes of upkeep: what they do, that they can be previewed, taken back whole, and stopped anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mneme import Given, Memory
from mneme.core.clock import FrozenClock
from mneme.core.errors import CannotUndo, InvalidInput, NotFound, Refused
from mneme.engine.keeping import Triggers
from mneme.engine.upkeep import UpkeepBudget
from mneme.recipes.default import recipe as default
from mneme.retention.budgets import Budget, Limit, around
from mneme.retention.counting import Counting
from mneme.retention.exponential import Exponential
from mneme.retention.rules import read_policies
from mneme.space import Space
from mneme.stores.dict_store import DictStore

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
PLACES = "Porto Lisbon Faro Braga Evora Tomar Sintra Viseu Leiria Aveiro".split()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def memory(clock: FrozenClock) -> Iterator[Memory]:
    with Memory(":memory:", embedder="hash", clock=clock, seed=1) as opened:
        yield opened


@pytest.fixture
def space(memory: Memory) -> Space:
    return memory.space("a")


def fill(space: Space, days: int = 8) -> None:
    for day in range(days):
        place = PLACES[day % len(PLACES)]
        said = (
            f"Hello again! I went to {place} with my sister Lia and we paid {day + 20} euros. The weather was nice.",
            "Thanks!",
            "Wow, that is great! Keep it up!",
            f"Lia bought {day + 2} blue bowls there. She loves pottery.",
        )
        times = [START + timedelta(days=day, minutes=minute) for minute in range(len(said))]
        space.remember([{"text": text, "author": "Ann", "session": f"s{day}", "at": at} for text, at in zip(said, times, strict=True)])


def results(space: Space) -> list[list[tuple[str, float]]]:
    questions = ("Where did Ann go with Lia?", "How many bowls did Lia buy?", "What does Lia love?", "weather in Porto")
    return [[(hit.memory.id, hit.score) for hit in space.recall(question, k=10).hits] for question in questions]


def test_undo_of_a_whole_pass_restores_recall_exactly(space: Space, clock: FrozenClock) -> None:
    fill(space)
    clock.advance(days=40)
    before, tokens = results(space), space.tokens()
    report = space.upkeep(limits=[Limit(tokens=tokens // 3)])
    assert report.finished
    assert {"duplicates", "budget", "time-tree"} <= set(report.done)
    assert results(space) != before
    space.undo()
    assert results(space) == before
    assert space.tokens() == tokens
    assert space.verify().ok


@pytest.mark.parametrize("recipe", ["default", "beliefs"])
def test_two_passes_are_taken_back_one_by_one_and_recall_is_each_time_as_it_was(clock: FrozenClock, recipe: str) -> None:
    with Memory(":memory:", embedder="hash", clock=clock, seed=1, recipe=recipe) as memory:
        space = memory.space("a")
        fill(space)
        clock.advance(days=40)
        first = results(space)
        space.upkeep(limits=[Limit(tokens=space.tokens() // 3)])
        between = results(space)
        assert between != first
        later = space.remember("Lia bought 99 blue bowls in Porto.", author="Ann", at=clock.now())
        clock.advance(days=40)
        second = results(space)
        space.upkeep(limits=[Limit(tokens=space.tokens() // 2)])
        assert results(space) != second
        space.undo()
        assert results(space) == second
        space.undo(entry=later.entry)
        space.undo(entry=next(entry.seq for entry in space.journal(limit=1000) if entry.verb == "upkeep"))
        assert results(space) == first
        assert space.verify().ok


@pytest.mark.parametrize("recipe", ["default", "beliefs"])
def test_a_pass_after_a_compaction_is_taken_back_exactly_and_one_before_it_is_refused_by_name(clock: FrozenClock, recipe: str) -> None:
    with Memory(":memory:", embedder="hash", clock=clock, seed=1, recipe=recipe) as memory:
        space = memory.space("a")
        fill(space)
        clock.advance(days=40)
        folded = space.upkeep(limits=[Limit(tokens=space.tokens() // 2)])
        clock.advance(days=100)
        space.compact(timedelta(days=30))
        before = results(space)
        space.upkeep(limits=[Limit(tokens=space.tokens() // 2)])
        assert results(space) != before
        space.undo()
        assert results(space) == before
        with pytest.raises(CannotUndo, match="folded into a checkpoint"):
            space.undo()
        with pytest.raises(CannotUndo, match=f"entry {folded.entries[0]}: was folded into the checkpoint of .* entries from"):
            space.undo(entry=folded.entries[0])
        assert results(space) == before
        assert space.verify().ok


def test_undo_by_the_number_of_any_entry_takes_back_the_pass(space: Space, clock: FrozenClock) -> None:
    fill(space)
    clock.advance(days=40)
    before = results(space)
    report = space.upkeep(limits=[Limit(tokens=60)])
    assert len(report.entries) > 2
    space.undo(entry=report.entries[1])
    assert results(space) == before


def test_a_dry_run_changes_nothing_and_says_why(space: Space, clock: FrozenClock) -> None:
    fill(space)
    clock.advance(days=40)
    last = space.journal(limit=1000)[-1].seq
    report = space.upkeep(dry_run=True, limits=[Limit(memories=3)])
    assert report.entries == ()
    assert space.journal(limit=1000)[-1].seq == last
    assert len(report.proposals) == sum(report.done.values())
    assert all(proposal.why for proposal in report.proposals)


@pytest.mark.parametrize("policy", ["value", "fifo", "lru", "lfu", "w-tinylfu", "lowest-retention", "lowest-heat", "random"])
@pytest.mark.parametrize("limit", [{"tokens": 100}, {"memories": 7}, {"size_bytes": 400}])
def test_every_policy_holds_every_limit_by_archiving(space: Space, limit: dict[str, int], policy: str) -> None:
    fill(space)
    every = len(space.memories(limit=1000))
    space.upkeep(limits=[Limit(**limit, policy=policy)])
    left = space.memories(limit=1000)
    sizes = {"tokens": space.tokens(), "memories": len(left), "size_bytes": sum(len(memory.text.encode()) for memory in left)}
    name = next(iter(limit))
    assert 0 < sizes[name] <= limit[name]
    originals = [m for m in space.memories(limit=1000, statuses=("active", "archived")) if "condensed_from" not in m.attributes]
    assert len(originals) == every


def test_fifo_drops_the_oldest_and_lru_what_was_not_recalled(space: Space, clock: FrozenClock) -> None:
    ids = [space.remember(f"The {word} box is in the cellar.").id for word in ("red", "green", "blue")]
    clock.advance(days=1)
    assert space.recall("red box", k=1).hits[0].memory.id == ids[0]
    space.upkeep()
    lru = space.upkeep(dry_run=True, limits=[Limit(memories=2, kind="turn", policy="lru")]).proposals
    fifo = space.upkeep(dry_run=True, limits=[Limit(memories=2, kind="turn", policy="fifo")]).proposals
    assert [proposal.operations[0].id for proposal in lru] == [ids[1]]  # type: ignore[union-attr]
    assert [proposal.operations[0].id for proposal in fifo] == [ids[0]]  # type: ignore[union-attr]


def test_small_talk_goes_first_and_dated_personal_statements_stay(space: Space) -> None:
    fill(space)
    space.upkeep(limits=[Limit(tokens=space.tokens() // 2)])
    texts = " ".join(memory.text for memory in space.memories(limit=1000) if memory.kind == "turn")
    assert all(f"I went to {place}" in texts for place in PLACES[:8])
    assert "Keep it up" not in texts


def test_a_condensed_memory_cites_its_sentences_and_the_original_is_reachable(space: Space) -> None:
    text = "Wow! Great to see you. I moved to Porto on 3 May 2023 with my sister. Keep it up!"
    original = space.remember(text, author="Ann").id
    space.upkeep(limits=[Limit(tokens=14)])
    (short,) = space.memories()
    assert short.text == "I moved to Porto on 3 May 2023 with my sister."
    (span,) = short.sources
    assert text[span.start : span.end].strip() == short.text
    found = space.recall("Porto", archived=True)
    assert {hit.memory.id for hit in found.hits} == {short.id, original}


def test_the_margin_of_a_budget_is_what_stands_around_the_first_that_does_not_fit() -> None:
    score = np.array([0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4], np.float32)
    size = np.full(8, 10, np.float32)
    stays, near, goes = around(np.arange(8), size, score, 45.0, 4)
    assert (stays.tolist(), near.tolist(), goes.tolist()) == ([0, 2], [4, 5, 6, 7], [1, 3])
    stays, near, goes = around(np.arange(8), size, score, 0.0, 4)  # nothing fits: the best are looked at
    assert (stays.tolist(), near.tolist(), goes.tolist()) == ([], [0, 2, 4, 6], [1, 3, 5, 7])
    stays, near, goes = around(np.array([1, 3, 5]), size, score, 25.0, 4)
    assert (stays.tolist(), near.tolist(), goes.tolist()) == ([], [1, 3, 5], [])


def test_of_a_large_space_only_what_is_in_doubt_is_read_by_sentence(clock: FrozenClock) -> None:
    budget = Budget(limits=(Limit(tokens=220),), condensed_up_to=12)
    with Memory(":memory:", embedder="hash", clock=clock, seed=1, recipe=replace(default, keepers=(budget,))) as memory:
        space = memory.space("a")
        fill(space)
        every = space.memories(limit=1000)
        report = space.upkeep()
        assert report.finished
        assert space.tokens() <= 220
        reasons = Counter(proposal.why.partition(": ")[2].partition(" of ")[0].strip("0123456789 ") for proposal in report.proposals)
        assert reasons["lowest by value"] >= 1
        short = [each for each in space.memories(limit=1000) if "condensed_from" in each.attributes]
        assert 1 <= len(short) <= 12
        # What was said is all there, and what clearly stays was not touched.
        statuses = {each.id: space.get(each.id).status for each in every}
        assert set(statuses.values()) == {"active", "archived"}
        space.undo()
        assert [each.id for each in space.memories(limit=1000)] == [each.id for each in every]


def test_duplicates_become_one_with_all_sources_and_what_differs_in_a_number_stays(space: Space) -> None:
    texts = ["I have 3 cats.", "I have 3 cats!", "I have 4 cats.", "I do not have 3 cats.", "i have 3 cats"]
    for text in texts:
        space.remember(text, author="Ann")
    space.upkeep()
    left = {memory.text: memory for memory in space.memories()}
    assert set(left) == {"i have 3 cats", "I have 4 cats.", "I do not have 3 cats."}
    assert left["i have 3 cats"].attributes["said"] == 3
    assert len({span.episode for span in left["i have 3 cats"].sources}) == 3


def test_two_speakers_who_say_the_same_both_stay(space: Space) -> None:
    space.remember("My favourite tea is jasmine.", author="Ann")
    space.remember("My favourite tea is jasmine.", author="Ben")
    space.upkeep()
    assert len(space.memories()) == 2


def test_the_time_tree_has_days_weeks_and_months_and_can_be_descended(space: Space, clock: FrozenClock) -> None:
    fill(space, days=10)
    clock.advance(days=60)
    space.upkeep()
    made = {memory.tags[1]: memory for memory in space.memories({"kinds": ["summary"]}, limit=1000)}
    levels = [sum(name.startswith(f"tree:{level}") for name in made) for level in ("day", "week", "month")]
    assert levels == [10, 2, 1]
    week = made["tree:week:2024-03-04"]
    children = {link.source for link in space.links([week.id]) if link.type == "part_of" and link.target == week.id}
    assert len(children) == 7
    day = made["tree:day:2024-03-04"]
    assert day.id in children
    episodes = {episode.id: episode for episode in space.episodes([span.episode for span in day.sources])}
    assert all(episodes[span.episode].text[span.start : span.end] in day.text for span in day.sources)
    assert any(link.source == week.id and link.type == "part_of" for link in space.links([week.id]))


def test_a_late_message_makes_its_day_anew(space: Space, clock: FrozenClock) -> None:
    fill(space, days=2)
    clock.advance(days=10)
    space.upkeep()
    space.remember("I lost my green umbrella on 4 March at the station.", author="Ann", at=START + timedelta(hours=3))
    space.upkeep()
    days = [memory for memory in space.memories({"tags": ["tree:day:2024-03-04"]})]
    assert len(days) == 1
    assert "umbrella" in days[0].text


def test_topics_gather_what_is_named_on_several_days(space: Space, clock: FrozenClock) -> None:
    fill(space, days=6)
    clock.advance(days=30)
    space.upkeep()
    (page,) = space.memories({"tags": ["topic:lia"]})
    assert page.text.startswith("Lia: named on 6 days, 4 March 2024 to 9 March 2024.")


def test_repeated_preferences_become_a_profile_line_with_counts_and_dates(space: Space, clock: FrozenClock) -> None:
    for _ in range(3):
        episode = space.remember("I love jasmine tea.", author="Ann").ids[0]
        about = {"subject": "Ann", "relation": "likes", "object": "jasmine tea"}
        space.remember(memories=[{"text": "Ann likes jasmine tea.", "kind": "preference", "sources": (episode,), "attributes": about}])
        clock.advance(days=2)
    space.upkeep()
    (line,) = space.memories({"tags": ["profile"]})
    assert line.text == "Ann likes jasmine tea (said 3 times, 2024-03-04 to 2024-03-08)."
    assert len(line.sources) == 3


def test_a_second_pass_finds_nothing_more_to_do(space: Space, clock: FrozenClock) -> None:
    fill(space)
    clock.advance(days=40)
    space.upkeep(limits=[Limit(tokens=120)])
    again = space.upkeep(limits=[Limit(tokens=120)])
    assert (again.done, again.entries, again.fresh) == ({}, (), 0)


def test_a_stopped_pass_is_finished_by_the_next_with_the_same_result(clock: FrozenClock) -> None:
    states = []
    for most in (None, 3):
        with Memory(":memory:", embedder="hash", clock=FrozenClock(START), seed=1) as memory:
            space = memory.space("a")
            fill(space)
            memory.clock.advance(days=40)  # type: ignore[attr-defined]
            rounds = 0
            while not space.upkeep(budget=UpkeepBudget(operations=most), limits=[Limit(memories=40, policy="fifo")]).finished:
                rounds += 1
            assert (rounds > 1) == (most is not None)
            states.append(sorted(memory.text for memory in space.memories({"kinds": ["summary", "concept"]}, limit=1000)))
            assert space.verify().ok
    assert states[0] == states[1]


def test_a_pass_that_dies_between_entries_leaves_whole_proposals(space: Space, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(space)
    clock.advance(days=40)
    originals = {memory.id for memory in space.memories(limit=1000)}
    monkeypatch.setattr("mneme.engine.upkeep.BATCH", 4)
    count, apply = [0], DictStore.apply

    def dying(store: DictStore, batch: object) -> object:
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        return apply(store, batch)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(DictStore, "apply", dying)
        with pytest.raises(KeyboardInterrupt):
            space.upkeep(limits=[Limit(tokens=100)])
    assert space.upkeep(limits=[Limit(tokens=100)]).finished
    everything = space.memories(limit=1000, statuses=("active", "archived"))
    assert originals <= {memory.id for memory in everything}
    active = [memory for memory in everything if memory.status == "active"]
    shortened = [memory.attributes["condensed_from"] for memory in active if "condensed_from" in memory.attributes]
    assert len(shortened) == len(set(shortened))
    assert space.verify().ok


def test_useful_lifts_useless_lowers_and_an_unused_space_ranks_as_without(clock: FrozenClock) -> None:
    plain = replace(default, ranker=replace(default.ranker, weights={**default.ranker.weights, "strength": 0.0}))  # type: ignore[type-var]
    scores = []
    for recipe in (default, plain):
        with Memory(":memory:", embedder="hash", clock=FrozenClock(START), seed=1, recipe=recipe) as memory:
            fill(memory.space("a"))
            scores.append(results(memory.space("a")))
    assert scores[0] == scores[1]
    with Memory(":memory:", embedder="hash", clock=FrozenClock(START), seed=1) as memory:
        space = memory.space("a")
        first = space.remember("The parrot Kiki lives in the kitchen.").id
        second = space.remember("The parrot Kiki lives in the kitchens.").id
        found = space.recall("parrot Kiki kitchen")
        space.feedback(found, useful=[second], useless=[first])
        assert [hit.memory.id for hit in space.recall("parrot Kiki kitchen").hits[:2]] == [second, first]


def test_an_old_weak_memory_that_alone_answers_is_still_first(space: Space, clock: FrozenClock) -> None:
    old = space.remember("The wifi password of the cabin is heron77.").id
    space.feedback(space.recall("wifi password"), useless=[old])
    clock.advance(days=2000)
    fill(space)
    assert space.recall("What is the wifi password of the cabin?").hits[0].memory.id == old


def test_recalled_memories_gain_strength_at_the_next_pass(space: Space, clock: FrozenClock) -> None:
    id = space.remember("The boat leaves at noon.").id
    clock.advance(days=1)
    space.recall("boat")
    assert space.usage([id]) == {}
    space.upkeep()
    usage = space.usage([id])[id]
    assert (usage.uses, usage.strength, usage.last_used_at) == (1.0, 2.0, clock.now())


def test_rules_archive_and_erase_by_age_and_scope_and_a_hold_stops_them(space: Space, clock: FrozenClock) -> None:
    old = space.remember("The invoice number is QX99871.", channel="email").id
    held = space.remember("The contract number is ZZ12345.", channel="email", tags=("case-12",)).id
    chat = space.remember("The gate code is 4477.", channel="chat").id
    space.policies(
        '[[rule]]\nname="mail"\naction="erase"\nolder_than_days=90\nchannels=["email"]\n'
        '[[rule]]\naction="archive"\nolder_than_days=10\nchannels=["chat"]\n[[hold]]\nname="case 12"\ntags=["case-12"]\n'
    )
    clock.advance(days=91)
    preview = space.upkeep(dry_run=True)
    assert sorted((proposal.why, proposal.erase) for proposal in preview.proposals if proposal.keeper == "rules") == [
        ("rule 'mail': older than 90 days", (old,)),
        ("rule 'rule 2': older than 10 days", ()),
    ]
    report = space.upkeep()
    assert report.erasures[0].findings == ()
    with pytest.raises(NotFound):
        space.get(old)
    assert (space.get(held).status, space.get(chat).status) == ("active", "archived")
    with pytest.raises(Refused, match="case 12"):
        space.forget(held, erase=True)


def test_a_rule_erases_nothing_that_takes_along_what_a_hold_protects(space: Space, clock: FrozenClock) -> None:
    said = space.remember("The contract number is ZZ12345.", channel="email")
    free = space.remember("The invoice number is QX99871.", channel="email").id
    told = Given(text="A contract: ZZ12345.", kind="summary", tags=("case-12",), sources=said.episodes)
    held = space.remember(memories=[told]).ids[0]
    space.policies(
        '[[rule]]\nname="mail"\naction="erase"\nolder_than_days=90\nchannels=["email"]\n[[hold]]\nname="case 12"\ntags=["case-12"]\n'
    )
    clock.advance(days=91)
    report = space.upkeep()
    assert free in report.erasures[0].erased
    assert [space.get(id).status for id in (said.ids[0], held)] == ["active", "active"]
    assert space.upkeep().erasures == ()
    space.policies('[[rule]]\nname="mail"\naction="erase"\nolder_than_days=90\nchannels=["email"]\n')
    assert {said.ids[0], held} <= set(space.upkeep().erasures[0].erased)


@pytest.mark.parametrize(
    ("toml", "names"),
    [
        ('[[rule]]\naction="burn"\nolder_than_days=1\nkinds=["turn"]\n', "action"),
        ('[[rule]]\naction="erase"\nolder_than_days=1\n', "erases everything"),
        ('[[rule]]\naction="archive"\n', "older_than_days"),
        ('[[hold]]\ncolour="red"\n', "colour"),
        ("[[limit]]\n", "limits nothing"),
        ("[[limit]]\ntokens=5\npolicy='oldest'\n", "oldest"),
        ("[other]\n", "other"),
        ("not toml", "TOML"),
    ],
)
def test_bad_policies_are_refused_with_their_place(toml: str, names: str) -> None:
    with pytest.raises(InvalidInput, match=names):
        read_policies(toml)


def test_a_task_surfaces_in_its_time_and_lapses_after(space: Space, clock: FrozenClock) -> None:
    begin, end = START + timedelta(days=3), START + timedelta(days=5)
    task = space.remember(memories=[{"text": "Renew the passport.", "kind": "task", "valid_from": begin, "valid_to": end}]).id
    assert space.foreseen() == []
    clock.advance(days=2.5)
    assert [memory.id for memory in space.foreseen()] == [task]
    clock.advance(days=3)
    assert space.foreseen() == []
    clock.advance(days=40)
    space.upkeep()
    assert space.get(task).status == "archived"


def test_use_lifts_a_memory_from_tier_to_tier_and_the_cold_comes_down(space: Space, clock: FrozenClock) -> None:
    id = space.remember("The bakery opens at seven.").id
    tiers = []
    for uses in (1, 1, 3):
        for _ in range(uses):
            space.feedback(space.recall("bakery"), useful=[id])
        space.upkeep()
        tiers.append(space.get(id).tier)
    assert tiers == ["mid", "mid", "long"]


def test_due_names_what_fades_and_is_worth_confirming(space: Space, clock: FrozenClock) -> None:
    space.remember("Thanks a lot!", author="Ann")
    worth = space.remember("I was born in Braga on 3 May 1988.", author="Ann").id
    assert space.due() == []
    clock.advance(days=60)
    asked = space.due(1)
    assert [each.memory.id for each in asked] == [worth]
    assert asked[0].retention == pytest.approx(0.1353, abs=1e-3)


def test_blocks_are_edited_within_their_limit_and_every_edit_can_be_undone(space: Space) -> None:
    space.blocks.set("user", "Ann lives in Porto.", limit_chars=60)
    space.blocks.set("persona", "Calm and brief.")
    space.blocks.append("user", "She has 3 cats.")
    assert space.blocks.replace("user", "Porto", "Braga").text == "Ann lives in Braga.\nShe has 3 cats."
    assert [block.name for block in space.blocks.list()] == ["persona", "user"]
    with pytest.raises(InvalidInput, match="more than the 60"):
        space.blocks.append("user", "x" * 60)
    with pytest.raises(InvalidInput, match="2 times"):
        space.blocks.replace("user", "a", "b") if space.blocks.get("user").text.count("a") == 2 else space.blocks.replace("user", "s ", "")
    space.undo()
    assert "Porto" in space.blocks.get("user").text


def test_triggers_fire_by_time_size_and_idleness(memory: Memory, clock: FrozenClock) -> None:
    space = memory.space("a")
    triggers = Triggers(every_hours=24, grown_by=3, idle_s=60)
    space.remember("one thing")
    store = next(iter(memory._pool._open.values())).store
    assert not triggers.pull(store, clock.now())
    clock.advance(minutes=2)
    assert triggers.pull(store, clock.now())
    space.upkeep()
    assert not triggers.pull(store, clock.now())
    for number in range(6):
        space.remember(f"thing {number}")
    assert triggers.pull(store, clock.now())


def test_a_recipe_without_a_curve_only_counts() -> None:
    assert Counting().reinforced("a", None, START, "good", START).strength == 0.0
    assert Exponential().reinforced("a", None, START, "good", START).strength == 1.0
