"""EverMemOS's acceptance test: cells, scenes, foresight that ends, one rewritten round, reciprocal ranks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import mneme
from mneme.formation.scenes import NEWEST, Scenes
from mneme.models.transport import Request
from mneme.retrieval.rrf import reciprocal
from mneme.testing import ScriptedLLM

from .world import START, at_angle, bare, memory_of

DAY = timedelta(days=1)
MAY = datetime(2024, 5, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize("sessions", [True, False])
def test_a_pause_with_a_new_topic_and_a_new_day_make_three_cells(sessions: bool) -> None:
    memory, clock = memory_of("evermemos", "hash:96")
    space = memory.space("s")
    talk = [(0, "a", "The boat needs a new sail."), (1, "a", "The sail of the boat is torn."), (2, "a", "A new sail for the boat.")]
    talk += [(302, "b", "Taxes are due next week."), (1500, "c", "My sister bakes bread.")]
    clock.set(MAY + 3 * DAY)
    given = [{"text": text, "at": MAY + timedelta(minutes=m), "session": session if sessions else "one"} for m, session, text in talk]
    space.remember(given)
    cells = sorted(len(memory.sources) for memory in space.memories({"tiers": ["cell"]}))
    assert cells == [1, 1, 3]


def test_messages_that_come_one_by_one_make_cells_too() -> None:
    memory, clock = memory_of("evermemos", "hash:256")
    space = memory.space("s")
    clock.set(MAY + 3 * DAY)
    talk = [(n, f"The boat needs a new sail, the sail of the boat is torn at place {n}.") for n in range(4)]
    talk += [(302, "Taxes are due next week."), (303, "The taxes are due and they are high."), (1500, "My sister bakes bread.")]
    for minute, text in talk:
        space.remember(text, at=MAY + timedelta(minutes=minute), session="one")
    cells = sorted(space.memories({"tiers": ["cell"]}), key=lambda one: one.at)
    assert [len(cell.sources) for cell in cells] == [4, 2, 1]
    linked = {cell.id: sum(link.target == cell.id for link in space.links([cell.id]) if link.type == "part_of") for cell in cells}
    assert linked == {cell.id: len(cell.sources) for cell in cells}


def scened(gap: timedelta, cosine: float, one_by_one: bool = False) -> mneme.Space:
    table = {"first": [1, 0], "second": at_angle(cosine), "third": [0, 0, 1]}
    cells = {"use": "segmented", "boundaries": ["gap"], "join": 3.0, "tier": "cell"}
    memory, clock = memory_of(bare(formers=[{"use": "scenes", "near": 0.7, "by_rule": cells}]), table)
    space = memory.space("s")
    clock.set(START + 30 * DAY)
    given = [{"text": "first", "at": START, "session": "a"}, {"text": "second", "at": START + gap, "session": "b"}]
    given.append({"text": "third", "at": START + gap + timedelta(minutes=1), "session": "c"})
    for part in [[one] for one in given] if one_by_one else [given]:
        space.remember(part)
    return space


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_cell_joins_the_scene_that_is_like_it_and_still_open(one_by_one: bool) -> None:
    def scenes(gap: timedelta, cosine: float) -> list[int]:
        return sorted(len(memory.sources) for memory in scened(gap, cosine, one_by_one).memories({"tiers": ["scene"]}))

    assert scenes(6 * DAY, 0.72) == [1, 2]
    assert scenes(8 * DAY, 0.72) == [1, 1, 1]
    assert scenes(6 * DAY, 0.69) == [1, 1, 1]


def test_a_scene_has_its_cells_as_parts_and_moves_with_the_last_of_them() -> None:
    space = scened(6 * DAY, 0.72)
    scene = next(memory for memory in space.memories({"tiers": ["scene"]}) if len(memory.sources) == 2)
    assert scene.at == START + 6 * DAY
    cells = {memory.id: memory.text for memory in space.memories({"tiers": ["cell"]})}
    parts = [cells[link.source] for link in space.links([scene.id]) if link.target == scene.id and link.type == "part_of"]
    assert sorted(parts) == ["first", "second"]


@pytest.mark.parametrize("more", [[], [("The tax is due.", 600)]])
def test_a_cell_that_begins_earlier_by_a_late_message_stays_in_its_scene(more: list[tuple[str, int]]) -> None:
    cells = {"use": "segmented", "boundaries": ["gap"], "join": 3.0, "tier": "cell"}
    memory, clock = memory_of(bare(formers=[{"use": "scenes", "near": -1.0, "by_rule": cells}]))
    space = memory.space("s")
    clock.set(START + 30 * DAY)
    for call in ([("The sail is torn.", 5)], [("The boat is dry.", 6)], [("The boat needs a sail.", 0), *more]):
        space.remember([{"text": text, "at": START + timedelta(minutes=minute), "session": "one"} for text, minute in call])
    (scene,) = space.memories({"tiers": ["scene"]})
    firsts = {cell.sources[0].episode for cell in space.memories({"tiers": ["cell"]})}
    assert len(firsts) == 1 + len(more)
    assert firsts <= {span.episode for span in scene.sources}
    assert space.verify().ok


def test_a_scene_without_an_end_is_told_by_its_newest_cells_and_rests_on_all_of_them() -> None:
    cells = {"use": "segmented", "boundaries": ["gap"], "join": 3.0, "tier": "cell"}
    said = [f"The {'violin' if number < 6 else 'boat'} of the month." for number in range(NEWEST + 6)]
    memory, clock = memory_of(bare(formers=[{"use": "scenes", "near": -1.0, "by_rule": cells}]))
    space = memory.space("s")
    clock.set(START + 30 * DAY)
    texts = []
    for part in (range(3), range(3, NEWEST), range(NEWEST, len(said))):
        space.remember([{"text": said[n], "at": START + n * timedelta(minutes=1), "session": str(n)} for n in part])
        (scene,) = space.memories({"tiers": ["scene"]})
        texts.append(scene.text)
    assert ["violin" in text for text in texts] == [True, True, False]
    assert "boat" in texts[-1]
    assert len(scene.sources) == len(said)


def test_a_message_is_lifted_by_the_best_of_its_scene() -> None:
    table = {"q": [1, 0], "hit": at_angle(0.9), "beside": [0, 1], "apart": at_angle(0.2)}
    order = {}
    for scenes in ("scene", ""):
        ranker = {"use": "reciprocal-rank", "groups": 0.9, "scenes": scenes, "candidates": 1}
        memory, _ = memory_of(bare(channels=["dense"], ranker=ranker), table)
        space = memory.space("s")
        ids = space.remember([{"text": text, "session": text} for text in ("hit", "beside", "apart")]).ids
        space.remember(memories=[{"text": "a scene", "kind": "concept", "sources": ids[:2]}])
        (scene,) = space.memories({"kinds": ["concept"]})
        space.revise(scene.id, tier="scene")
        order[scenes] = [hit.text for hit in space.recall("q", k=3).hits]
    assert order == {"scene": ["hit", "beside", "apart"], "": ["hit", "apart", "beside"]}


def test_scenes_open_by_likeness_and_nearness_in_time() -> None:
    scenes = Scenes(near=0.7)
    first = scenes.add(np.array([1.0, 0.0]), START)
    near = np.array(at_angle(0.72))
    assert scenes.add(near, START + 8 * DAY) is not first
    again = Scenes(near=0.7)
    one = again.add(np.array([1.0, 0.0]), START)
    assert again.add(near, START + 6 * DAY) is one
    assert one.centroid == pytest.approx((np.array([1.0, 0.0]) + near) / 2)


def test_a_plan_until_the_tenth_is_recalled_on_the_ninth_and_not_on_the_eleventh_and_the_fact_remains() -> None:
    memory, clock = memory_of("evermemos", "hash:96")
    space = memory.space("s")
    clock.set(MAY)
    said = "The doctor gave me antibiotics."
    plan = {
        "text": "Ana takes antibiotics until May 10.",
        "kind": "event",
        "valid_from": MAY,
        "valid_to": datetime(2024, 5, 11, tzinfo=UTC),
    }
    space.remember(said, author="Ana", ref="r", memories=[{**plan, "sources": ["r"]}])
    seen = {}
    for day in (9, 11):
        clock.set(datetime(2024, 5, day, 12, tzinfo=UTC))
        found = space.recall("Does Ana take antibiotics?", k=5, kinds=["event", "turn"])
        seen[day] = {hit.text for hit in found.hits}
        space.upkeep()
    assert said in seen[9] & seen[11]
    assert plan["text"] in seen[9]
    assert plan["text"] not in seen[11]
    assert plan["text"] in {one.text for one in space.memories({"kinds": ["event"], "archived": True}, statuses=("active", "archived"))}


@pytest.mark.parametrize("kind", ["task", "event"])
def test_a_plan_that_fits_the_question_word_for_word_comes_first_among_many_messages(kind: str) -> None:
    memory, clock = memory_of("evermemos", "hash:96")
    space = memory.space("s")
    clock.set(MAY)
    space.remember([f"Number {n} of the garden notes tells of the roses and the hedge." for n in range(60)])
    plan = "Bring the violin to the luthier."
    space.remember(memories=[{"text": plan, "kind": kind, "valid_from": MAY, "valid_to": MAY + 5 * DAY}])
    assert space.recall("Bring the violin to the luthier", k=10).hits[0].text == plan
    clock.set(MAY + 6 * DAY)
    assert plan not in {hit.text for hit in space.recall("Bring the violin to the luthier", k=70).hits}


QUESTION = "Who mended the boat?"
FOUND = {"What did Ben repair?": "Ben repaired the hull on Sunday.", "Who owns tools?": "Ben owns a chest of tools."}


def insufficient(*queries: str) -> tuple[mneme.Space, ScriptedLLM]:
    llm = ScriptedLLM({"requery.judge": {"sufficient": False, "queries": list(queries)}})
    table = {QUESTION: [1, 0], **{f"noise {n}": at_angle(0.8 - n / 50) for n in range(30)}}
    for axis, (query, text) in enumerate(FOUND.items()):
        table[query] = table[text] = [0.0] * (3 + axis) + [1.0]
    recipe = bare(channels=["dense"], ranker="reciprocal-rank", refiners=["requery"])
    memory, _ = memory_of(recipe, table, llm=llm)
    space = memory.space("s")
    space.remember([*(f"noise {n}" for n in range(30)), *FOUND.values()])
    return space, llm


def test_what_does_not_suffice_is_asked_for_in_other_words_once_and_never_a_third_time() -> None:
    space, llm = insufficient(*FOUND)
    found = space.recall(QUESTION, k=10)
    texts = [hit.text for hit in found.hits]
    assert set(FOUND.values()) <= set(texts)
    assert len(texts) == 10
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert [request.role for request in llm.asked] == ["requery.judge"]
    assert found.trace is not None
    (note,) = [note["requery"] for note in found.trace.notes if "requery" in note]
    assert note["queries"] == 2  # type: ignore[index]


def test_at_most_three_rewritten_questions_are_searched_and_blank_ones_never() -> None:
    space, _ = insufficient("one?", "", "two?", "two?", "three?", "four?")
    found = space.recall(QUESTION, k=10)
    assert found.trace is not None
    assert [note["requery"]["queries"] for note in found.trace.notes if "requery" in note] == [3]  # type: ignore[index]


@pytest.mark.parametrize(
    "reply", [{"sufficient": True, "queries": ["What did Ben repair?"]}, "no JSON", {"sufficient": False, "queries": []}]
)
def test_the_first_round_stands_where_it_suffices_or_nothing_is_asked(reply: object) -> None:
    def judged(request: Request) -> object:
        return reply

    space, _ = insufficient()
    plain = [hit.text for hit in space.recall(QUESTION, k=10).hits]
    space._memory.llm = ScriptedLLM({"requery.judge": judged})
    assert [hit.text for hit in space.recall(QUESTION, k=10).hits] == plain


def test_first_in_one_ranking_and_absent_in_the_other_is_one_sixty_first() -> None:
    dense = reciprocal(np.array([0.9, 0.5], np.float32), np.ones(2, bool), 60, 50)
    words = reciprocal(np.array([0.0, 3.0], np.float32), np.ones(2, bool), 60, 50)
    assert (dense + words)[0] == pytest.approx(1 / 61)
    assert (dense + words)[1] == pytest.approx(1 / 62 + 1 / 61)
