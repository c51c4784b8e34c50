"""MemOS's acceptance test: bands of likeness, versions and rollback, frozen items, the cache, the working set, intent, cubes that move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from mneme.core.clock import FrozenClock
from mneme.core.errors import InvalidInput, NotFound, Refused
from mneme.core.records import Memory
from mneme.recipes.agent.cube_schedule import Bounds, Schedule
from mneme.recipes.agent.cubes import Cube, together
from mneme.testing import ScriptedLLM

from .world import START, at_angle, memory_of

PORTO, OSLO, AGAIN = "Ana lives in Porto.", "Ana lives in Oslo.", "In Porto is where Ana lives."
TABLE = {PORTO: [1, 0], AGAIN: at_angle(0.95), OSLO: at_angle(0.85), "Ana has a dog.": [0, 0, 1], "Ana owns a boat there.": at_angle(0.82)}


class Cache:
    """A cache that counts."""

    def __init__(self) -> None:
        self.warm_now: dict[str, tuple[str, ...]] = {}
        self._count = 0

    def warm(self, memories: Sequence[Memory]) -> str:
        self._count += 1
        self.warm_now[f"prefix-{self._count}"] = tuple(memory.text for memory in memories)
        return f"prefix-{self._count}"

    def drop(self, handle: str) -> None:
        del self.warm_now[handle]


def cube(**more: object) -> tuple[Cube, FrozenClock]:
    memory, clock = memory_of("memos", TABLE)
    return Cube(memory.space("a"), **more), clock  # type: ignore[arg-type]


def test_a_near_duplicate_is_one_item_with_one_step_of_history() -> None:
    mem, _ = cube()
    first = mem.add(PORTO, key="home")
    second = mem.add(AGAIN)
    assert (first.update, second.update, second.id) == ("extract", "duplicate", first.id)
    header = mem.header(first.id)
    assert [(step["update"], step["memory"]) for step in header.history] == [("duplicate", AGAIN)]
    assert (header.state, header.version, len(mem.items())) == ("merged", 1, 1)


def test_a_contradiction_archives_the_old_item_and_rollback_brings_its_text_back() -> None:
    mem, _ = cube()
    old = mem.add(PORTO).id
    change = mem.add(OSLO)
    assert (change.update, change.archived) == ("conflict", old)
    assert (mem.state(old), mem.header(old).evolves_to) == ("archived", change.id)
    header = mem.header(change.id)
    assert (header.version, header.archived_item) == (2, old)
    assert [item.text for item in mem.items()] == [OSLO]
    assert mem.rollback(change.id).text == PORTO
    assert [item.text for item in mem.items()] == [PORTO]
    assert mem.header(old).evolves_to is None
    with pytest.raises(NotFound):
        mem.rollback(old)


def test_what_is_related_stays_beside_it_or_goes_by_the_model() -> None:
    mem, _ = cube()
    mem.add(PORTO)
    assert mem.add("Ana has a dog.").update == "extract"
    assert mem.add("Ana owns a boat there.").update == "unrelated"
    judged, _ = cube(llm=ScriptedLLM({"cubes.relate": {"relation": "conflict"}}))
    judged.add(PORTO)
    assert judged.add("Ana owns a boat there.").update == "conflict"


def test_a_frozen_item_refuses_every_change() -> None:
    mem, _ = cube()
    id = mem.add(PORTO).id
    mem.freeze(id)
    assert mem.state(id) == "frozen"
    with pytest.raises(Refused, match="thaw it first"):
        mem.update(id, "Ana lives in Rome.")
    change = mem.add(OSLO)
    assert (change.update, change.archived) == ("conflict", None)
    assert {item.text for item in mem.items()} == {PORTO, OSLO}
    mem.thaw(id)
    mem.update(id, "Ana lives in Rome.")
    assert mem.header(id).version == 2
    assert mem.header(id).history[-1]["memory"] == PORTO


def test_nothing_formed_later_ends_a_frozen_statement() -> None:
    memory, clock = memory_of("memos", "hash:96")
    space = memory.space("s")
    space.remember(PORTO.replace("Ana lives", "I live"), author="Ana")
    (home,) = [m for m in space.memories() if m.attributes.get("relation") == "lives_in"]
    space.revise(home.id, tags=("frozen",))
    clock.set(START + timedelta(days=3))
    space.remember("I live in Oslo now.", author="Ana")
    assert space.get(home.id).valid_to is None
    space.revise(home.id, tags=())
    clock.set(START + timedelta(days=6))
    space.remember("I live in Rome now.", author="Ana")
    assert space.get(home.id).valid_to is not None


def test_what_is_used_often_moves_into_the_cache_and_back_when_it_idles() -> None:
    mem, clock = cube()
    cache = Cache()
    plan = Schedule(mem, cache)
    id = mem.add(PORTO).id
    for _ in range(2):
        plan.ask(PORTO, k=1)
    assert plan.tick() == {"in": [], "out": []}
    assert plan.form(id) == "plaintext"
    plan.ask(PORTO, k=1)
    assert plan.tick()["in"] == [id]
    assert plan.form(id) == "activation"
    assert cache.warm_now == {plan.handles[id]: (PORTO,)}
    assert plan.tick() == {"in": [], "out": []}
    clock.set(START + timedelta(hours=1))
    assert plan.tick() == {"in": [], "out": [id]}
    assert (plan.form(id), cache.warm_now) == ("plaintext", {})


def test_the_working_set_is_cleaned_above_twenty() -> None:
    mem, _ = cube()
    plan = Schedule(mem)
    ids = [mem.add(f"statement number {n}").id for n in range(21)]
    for id in ids[:20]:
        plan.use([id])
    assert len(plan.working) == 20
    plan.use([ids[20]])
    assert 16 <= len(plan.working) <= 20
    assert plan.working[0] == ids[20]
    assert ids[0] not in plan.working


def test_no_search_where_the_intent_says_so() -> None:
    llm = ScriptedLLM({"cubes.intent": [{"trigger_retrieval": False}, {"trigger_retrieval": True, "missing_evidences": ["dog"]}]})
    mem, _ = cube()
    id = mem.add("Ana has a dog.").id
    plan = Schedule(mem, llm=llm)
    assert plan.ask("Where does Ana live?") == []
    mem.space.upkeep()
    assert mem.space.usage([id]) == {}  # nothing was recalled
    assert [item.text for item in plan.ask("Does Ana have a pet?")] == ["Ana has a dog."]
    assert Schedule(mem).ask("Hello there!") == []


def test_tasks_go_by_priority_once_per_key_and_a_failing_one_stays() -> None:
    mem, _ = cube()
    plan = Schedule(mem)
    done: list[str] = []
    plan.submit("mem_organize", lambda: done.append("low"), priority="low")
    assert plan.submit("add", lambda: done.append("first"), key="k")
    assert not plan.submit("add", lambda: done.append("again"), key="k")
    plan.submit("query", lambda: done.append("high"), priority="high")
    assert plan.run(2) == ["query", "add"]
    plan.submit("mem_update", lambda: 1 / 0, priority="high")
    with pytest.raises(ZeroDivisionError):
        plan.run()
    assert done == ["high", "first"]
    with pytest.raises(InvalidInput, match="mem_dream"):
        plan.submit("sleep", lambda: None)


def test_a_dumped_cube_comes_back_with_its_provenance(tmp_path: Path) -> None:
    mem, _ = cube()
    said = mem.space.remember("I live in Porto, you know.", author="Ana", ref="m1")
    id = mem.add(PORTO, sources=["m1"], sensitivity="medium", visible_to=["ana"], lasts=timedelta(days=9)).id
    mem.add(AGAIN)
    mem.dump(tmp_path / "cube.jsonl")
    other = Cube(memory_of("memos", TABLE)[0].space("b"))
    assert other.load(tmp_path / "cube.jsonl") >= 1
    before, after = mem.header(id), other.header(id)
    assert (after.history, after.sensitivity, after.visible_to, after.expires_at) == (
        before.history, "medium", ("ana",), START + timedelta(days=9),
    )  # fmt: skip
    assert after.sources == before.sources == ("ep" + said.ids[0][3:],)
    assert other.space.episodes(after.sources)[0].text == "I live in Porto, you know."
    assert other.load(tmp_path / "cube.jsonl") == 0


def test_items_move_between_cubes_and_cubes_answer_together() -> None:
    memory, clock = memory_of("memos", TABLE)
    one, two = Cube(memory.space("a")), Cube(memory.space("b"))
    one.space.remember("I live in Porto, you know.", author="Ana", ref="m1")
    id = one.add(PORTO, sources=["m1"]).id
    two.add("Ana has a dog.")
    found = together(memory, [one, two], PORTO)
    assert (found[0][0], found[0][1].text) == ("a", PORTO)
    assert one.migrate([id], two) == [id]
    assert (one.state(id), two.state(id)) == ("archived", "generated")
    assert two.space.episodes(two.header(id).sources)[0].text == "I live in Porto, you know."
    assert together(memory, [one, two], PORTO)[0][0] == "b"
    with pytest.raises(InvalidInput, match="another one"):
        two.migrate([id], two)
    clock.set(START + timedelta(days=31))
    plan = Schedule(two, bounds=Bounds(stable=timedelta(days=30)))
    plan.use([id])
    assert [(pair.answer, pair.sources) for pair in plan.for_training()] == [(PORTO, (id,))]


def test_an_item_expires_with_its_time() -> None:
    mem, clock = cube()
    id = mem.add(PORTO, lasts=timedelta(days=1)).id
    assert mem.state(id) == "generated"
    mem.space.recall(PORTO)
    mem.space.upkeep()
    assert mem.state(id) == "activated"
    clock.set(START + timedelta(days=1))
    assert mem.state(id) == "expired"
    assert mem.recall(PORTO) == []


def test_a_short_denial_is_a_conflict_and_no_duplicate_however_near() -> None:
    table = {"Ana likes tea.": [1, 0], "Ana doesn't like tea.": at_angle(0.97), "Ana doesn’t like tea.": at_angle(0.97)}
    for denied in list(table)[1:]:
        memory, _ = memory_of("memos", table)
        mem = Cube(memory.space("a"))
        old = mem.add("Ana likes tea.").id
        assert (mem.add(denied).update, mem.state(old)) == ("conflict", "archived")


def test_a_frozen_item_has_its_header_frozen_too() -> None:
    mem, _ = cube()
    id = mem.add(PORTO).id
    mem.freeze(id)
    before = mem.header(id)
    assert (mem.add(AGAIN).update, mem.add(AGAIN).id) == ("duplicate", id)
    assert mem.header(id) == before


def test_a_duplicate_brings_its_source_and_what_it_told_goes_with_that() -> None:
    mem, _ = cube()
    first, second = mem.space.remember(["I live in Porto.", "Porto is where I live."]).ids
    id = mem.add(PORTO, sources=[first]).id
    mem.add(AGAIN, sources=[second])
    assert mem.header(id).sources == ("ep" + first[3:], "ep" + second[3:])
    mem.space.forget(first, erase=True)
    (left,) = mem.items()
    assert mem.header(left.id).sources == ("ep" + second[3:],)


def test_a_reader_sees_what_is_visible_to_all_or_to_him() -> None:
    memory, _ = memory_of("memos", TABLE)
    one, two = Cube(memory.space("a")), Cube(memory.space("b"))
    one.add(PORTO, visible_to=["ana"])
    one.add("Ana has a dog.")
    two.add("Ana owns a boat there.", visible_to=["ben"])
    assert {hit.text for hit in one.recall("Ana", 5)} == {PORTO, "Ana has a dog."}
    assert {hit.text for hit in one.recall("Ana", 5, reader="ana")} == {PORTO, "Ana has a dog."}
    assert {hit.text for hit in one.recall("Ana", 5, reader="ben")} == {"Ana has a dog."}
    assert two.recall("Ana", 5, reader="ana") == []
    assert {hit.text for _, hit in together(memory, [one, two], "Ana", reader="ben")} == {"Ana has a dog.", "Ana owns a boat there."}


def test_a_model_that_fails_keeps_a_statement_beside_the_related_one_and_searches() -> None:
    llm = ScriptedLLM(lambda request: "I would rather not.")
    mem, _ = cube(llm=llm)
    mem.add(PORTO)
    assert mem.add("Ana owns a boat there.").update == "unrelated"
    assert mem.unjudged == 1
    assert [item.text for item in Schedule(mem, llm=llm).ask(PORTO, k=1)] == [PORTO]


def test_what_says_something_else_is_read_into_the_cache_anew() -> None:
    mem, _ = cube()
    cache = Cache()
    plan = Schedule(mem, cache)
    id = mem.add(PORTO).id
    for _ in range(3):
        plan.use([id])
    plan.tick()
    assert list(cache.warm_now.values()) == [(PORTO,)]
    mem.update(id, "Ana lives in Rome.")
    plan.tick()
    assert list(cache.warm_now.values()) == [("Ana lives in Rome.",)]
    assert plan.form(id) == "activation"


def test_what_a_corrected_item_said_before_goes_with_its_source() -> None:
    mem, _ = cube()
    first = mem.space.remember("I live in Porto.").id
    id = mem.add(PORTO, sources=[first]).id
    mem.update(id, "Ana lives in Rome.")
    assert [(step["update"], step["memory"]) for step in mem.header(id).history] == [("feedback", PORTO)]
    mem.space.forget(first, erase=True)
    (left,) = mem.items()
    assert left.text == "Ana lives in Rome."
    assert "Porto" not in f"{left} {mem.header(left.id).history}"


NEAR = "Ana lives in Porto near Ribeira."
TABLE[NEAR] = at_angle(0.96)


def everything_of(mem: Cube) -> str:
    kept = mem.space.memories({"archived": True}, limit=100, statuses=("active", "archived"))
    versions = [version.memory for memory in kept for version in mem.space.history(memory.id)]
    return f"{kept} {versions}"


def test_a_duplicate_s_words_go_with_their_source_also_after_a_correction() -> None:
    mem, _ = cube()
    first, second = mem.space.remember(["I live in Porto.", "Ribeira is next to me."]).ids
    id = mem.add(PORTO, sources=[first]).id
    mem.add(NEAR, sources=[second])
    mem.update(id, "Ana lives in Rome.")
    assert [(step["update"], step["memory"]) for step in mem.header(id).history] == [("duplicate", NEAR), ("feedback", PORTO)]
    assert mem.state(id) == "merged"
    mem.space.forget(second, erase=True)
    (left,) = mem.items()
    assert left.text == "Ana lives in Rome."
    assert "Ribeira" not in f"{everything_of(mem)} {mem.header(left.id)}"


def test_what_a_duplicate_without_a_source_said_is_told_after_two_corrections() -> None:
    mem, _ = cube()
    id = mem.add(PORTO).id
    mem.add(AGAIN)
    mem.update(id, "Ana lives in Rome.")
    mem.update(id, "Ana lives in Bari.")
    told = [(step["update"], step["memory"]) for step in mem.header(id).history]
    assert told == [("duplicate", AGAIN), ("feedback", PORTO), ("feedback", "Ana lives in Rome.")]


@pytest.mark.parametrize("named", ["memory", "episode", "ref"])
def test_a_duplicate_cites_its_source_however_it_is_named(named: str) -> None:
    mem, _ = cube()
    first = mem.add(PORTO, sources=[mem.space.remember("I live in Porto.").id]).id
    said = mem.space.remember({"text": "Ribeira is next to me.", "ref": "m2"})
    name = {"memory": said.ids[0], "episode": said.episodes[0], "ref": "m2"}[named]
    mem.add(NEAR, sources=[name])
    assert mem.header(first).sources[1:] == said.episodes
    mem.space.forget(said.ids[0], erase=True)
    assert "Ribeira" not in everything_of(mem)


def test_a_duplicate_with_an_unknown_source_is_refused_as_a_new_statement_is() -> None:
    mem, _ = cube()
    with pytest.raises(InvalidInput, match="nobody"):
        mem.add(PORTO, sources=["nobody"])
    mem.add(PORTO)
    with pytest.raises(InvalidInput, match="nobody"):
        mem.add(AGAIN, sources=["nobody"])


def test_cubes_together_find_what_a_reader_may_see_behind_what_he_may_not() -> None:
    asked, seen = "harbour of Porto crane", "A harbour somewhere."
    hidden = {f"The harbour of Porto has crane number {number}.": [0.7, *[0.0] * number, 0.7] for number in range(25)}
    memory, _ = memory_of("memos", {**hidden, asked: [1.0], seen: [0.1, *[0.0] * 40, 0.9]})
    one, two = Cube(memory.space("a")), Cube(memory.space("b"))
    for text in hidden:
        one.add(text, visible_to=["ana"])
    two.add(seen)
    assert [(name, hit.text) for name, hit in together(memory, [one, two], asked, k=5, reader="ben")] == [("b", seen)]
    two.add("The quay is ours.", visible_to=["ana"])
    assert together(memory, [one], asked, k=5, reader="ben") == []
    assert len(together(memory, [one, two], asked, k=5, reader="ana")) == 5


@pytest.mark.parametrize("more", [{"visible_to": ["ana"]}, {"sensitivity": "high"}, {"priority": "high"}, {"lasts": timedelta(days=1)}])
def test_what_is_governed_otherwise_is_no_duplicate(more: dict[str, object]) -> None:
    mem, _ = cube()
    first = mem.add(PORTO).id
    change = mem.add(AGAIN, **more)  # type: ignore[arg-type]
    assert (change.update, [item.text for item in mem.items()]) == ("unrelated", [PORTO, AGAIN])
    if "visible_to" in more:
        assert [hit.text for hit in mem.recall("Ana", reader="ben")] == [PORTO]
    again = mem.add(AGAIN, **more)  # type: ignore[arg-type]
    assert (again.id, again.update) == (change.id, "duplicate")
    assert mem.add(AGAIN).id == mem.add(PORTO).id == first
    assert len(mem.items()) == 2


def test_a_frozen_item_does_not_stand_for_what_is_governed_otherwise() -> None:
    mem, _ = cube()
    mem.freeze(mem.add(PORTO).id)
    kept = mem.add(AGAIN, visible_to=["ana"]).id
    assert mem.header(kept).visible_to == ("ana",)


def test_a_duplicate_brings_its_tags_and_holds_as_long_as_the_later_one_says() -> None:
    mem, clock = cube()
    id = mem.add(PORTO, tags=["home"], lasts=timedelta(days=3)).id
    clock.set(START + timedelta(days=1))
    assert mem.add(AGAIN, tags=["work", "home"], lasts=timedelta(days=1)).id == id
    header = mem.header(id)
    assert (header.expires_at, header.tags) == (START + timedelta(days=3), ("cube", "home", "work"))
    mem.add(PORTO, lasts=timedelta(days=9))
    assert mem.header(id).expires_at == START + timedelta(days=10)
