"""Second Me's acceptance test: two shades of twelve notes, a biography, training data with sources, a stand-in for weights."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

import mneme
from mneme.recipes.agent.forms import NearestAnswers, Pair, write_instructions, write_preferences
from mneme.recipes.agent.second_self import SecondSelf, _other, rebuilt
from mneme.retention.shades import second_person
from mneme.testing import ScriptedLLM

from .world import START, TableEmbedder, memory_of

CYCLING = [
    "Cycling to the lake took two hours today.",
    "My cycling club rides on Sundays.",
    "New cycling shoes arrived, the pedals click.",
    "Cycling uphill to the chapel was hard.",
    "The chain broke while cycling home.",
    "Planning a cycling tour along the river.",
]
BAKING = [
    "Baking sourdough needs a warm kitchen.",
    "My baking today: rye bread with seeds.",
    "Baking powder was missing, so no cake.",
    "The oven runs hot, baking took ten minutes less.",
    "Learned baking croissants from a neighbour.",
    "Baking for the school feast on Friday.",
]


def table() -> dict[str, list[float]]:
    spread = {text: [0.9, 0.0] + [0.4 * (n == i) for i in range(6)] for n, text in enumerate(CYCLING)}
    return spread | {text: [0.0, 0.9] + [0.4 * (n == i) for i in range(6)] for n, text in enumerate(BAKING)}


@pytest.fixture
def space() -> mneme.Space:
    memory, clock = memory_of("second-me", table())
    space = memory.space("s")
    for number, (ride, bread) in enumerate(zip(CYCLING, BAKING, strict=True)):
        clock.set(START + timedelta(days=number))
        space.remember([ride, bread], author="Ana")
    clock.set(START + timedelta(days=9))
    space.upkeep()
    return space


def test_twelve_notes_make_two_shades_and_every_note_is_in_one(space: mneme.Space) -> None:
    shades = SecondSelf(space).shades()
    assert sorted(str(shade.attributes["name"]) for shade in shades) == ["baking", "cycling"]
    notes = [note for shade in shades for note in shade.attributes["notes"]]  # type: ignore[attr-defined]
    turns = [memory.id for memory in space.memories({"kinds": ["turn"]})]
    assert sorted(notes) == sorted(turns)
    assert all(len(shade.attributes["timeline"]) == 6 for shade in shades)  # type: ignore[arg-type]


def test_the_biography_names_both_and_is_said_to_the_person_without_the_name(space: mneme.Space) -> None:
    self = SecondSelf(space)
    third, second = self.biography(second=False), self.biography()
    assert "cycling" in third
    assert "baking" in third
    assert third.startswith("Ana writes about")
    assert second.startswith("You write about")
    assert "Ana" not in second
    assert second_person("Ben carries bread and watches birds.", "Ben") == "You carry bread and watches birds."


def test_a_second_pass_changes_nothing_and_undo_takes_the_first_back(space: mneme.Space) -> None:
    before = {memory.id for memory in space.memories(limit=500)}
    assert space.upkeep().done == {}
    assert {memory.id for memory in space.memories(limit=500)} == before
    space.undo()
    assert not SecondSelf(space).shades()


def test_every_pair_names_its_sources_and_forgetting_a_note_takes_its_pairs_alone(space: mneme.Space) -> None:
    self = SecondSelf(space)
    before = self.pairs()
    assert all(pair.sources and space.get(pair.sources[0]) for pair in before)
    gone = next(memory for memory in space.memories({"kinds": ["turn"]}) if memory.text == CYCLING[4])
    only = {pair.key for pair in before if pair.sources == (gone.id,)}
    assert only
    shared = {pair.key for pair in before if gone.id in pair.sources} - only
    space.forget(gone.id)
    space.upkeep()
    now = self.pairs()
    taken, changed = rebuilt(before, now)
    assert set(taken) == only
    assert set(changed) == shared == {"shade:cycling", "biography"}
    assert not any(gone.id in pair.sources or CYCLING[4] in pair.answer for pair in now)


def test_prepared_questions_are_answered_without_the_notes_and_others_fall_through(space: mneme.Space) -> None:
    pairs = SecondSelf(space).pairs()
    weights = NearestAnswers(pairs, TableEmbedder())
    self = SecondSelf(space, parametric=weights)
    question = pairs[0].question
    space.upkeep()
    said = self.ask(question)
    assert (said.form, said.text) == ("parametric", pairs[0].answer)
    assert "recall" not in [entry.verb for entry in space.journal(after=0, limit=500)]
    assert not space.upkeep().done  # no note was used
    off = SecondSelf(space).ask(question)
    assert off.form == "notes"
    assert "cycling" in off.text.casefold()
    assert self.ask("Who painted the ceiling?").form == "notes"
    assert NearestAnswers([], TableEmbedder()).answer(question) is None


def test_the_export_is_lines_of_json_with_chosen_and_rejected(space: mneme.Space, tmp_path: Path) -> None:
    pairs = SecondSelf(space).pairs()
    count = write_preferences(pairs, tmp_path / "dpo.jsonl")
    lines = [orjson.loads(line) for line in (tmp_path / "dpo.jsonl").read_bytes().splitlines()]
    assert count == len(lines) == len(pairs)
    assert all({"prompt", "chosen", "rejected", "sources"} <= set(line) and line["chosen"] != line["rejected"] for line in lines)
    assert write_instructions(pairs, tmp_path / "sft.jsonl") == len(pairs)
    first = orjson.loads((tmp_path / "sft.jsonl").read_bytes().splitlines()[0])
    assert [message["role"] for message in first["messages"]] == ["user", "assistant"]


def test_a_model_words_shades_biography_and_pairs_once() -> None:
    llm = ScriptedLLM(
        {
            "notes.describe": {"keywords": ["k"], "context": "", "tags": []},
            "notes.evolve": {"should_evolve": False},
            "shades.name": [{"name": "Cycling", "aspect": "tours", "description": "Rides by the river."}],
            "shades.biography": [{"text": "Ana rides her bicycle.", "second": "You ride your bicycle."}],
            "second-self.ask": {"question": "Do I ride?", "answer": "You do."},
        }
    )
    memory, _ = memory_of("second-me", table(), llm=llm)
    space = memory.space("s")
    space.remember(CYCLING, author="Ana", wait=True)
    space.upkeep()
    space.upkeep()
    self = SecondSelf(space, llm)
    assert self.biography() == "You ride your bicycle."
    assert self.biography(second=False) == "Ana rides her bicycle."
    first = self.pairs()
    asked = len(llm.asked)
    assert self.pairs() == first
    assert len(llm.asked) == asked
    assert llm.left == {}


@pytest.mark.parametrize("second", ["", "Ana rides her bicycle.", "She rides."])
def test_a_biography_that_the_model_does_not_say_to_the_person_is_turned_by_rule(second: str) -> None:
    llm = ScriptedLLM(
        {
            "notes.describe": {"keywords": ["k"], "context": "", "tags": []},
            "notes.evolve": {"should_evolve": False},
            "shades.name": {"name": "Cycling", "aspect": "tours", "description": "Rides by the river."},
            "shades.biography": {"text": "Ana always rides.", "second": second},
        }
    )
    memory, _ = memory_of("second-me", table(), llm=llm)
    space = memory.space("s")
    space.remember(CYCLING, author="Ana", wait=True)
    space.upkeep()
    assert SecondSelf(space).biography() == "You always ride."


def test_an_erased_note_is_in_no_page_and_pages_are_made_anew_without_it() -> None:
    secret = "Cycling past the kestrel nest: cycling, cycling shoes, cycling club."
    memory, clock = memory_of("second-me", table() | {secret: [0.9, 0.1]})
    space = memory.space("s")
    space.remember([*CYCLING, secret, *BAKING], author="Ana")
    space.upkeep()
    assert any(len(shade.attributes["notes"]) == 7 for shade in SecondSelf(space).shades())  # type: ignore[arg-type]
    clock.set(START + timedelta(days=1))
    gone = next(memory for memory in space.memories({"kinds": ["turn"]}) if memory.text == secret)
    report = space.forget(gone.id, erase=True)
    assert isinstance(report, mneme.ErasureReport)
    space.upkeep()
    every = space.memories({"archived": True}, limit=500, statuses=("active", "archived", "quarantined"))
    assert not any("kestrel" in f"{memory.text} {dict(memory.attributes)}" for memory in every)
    shades = SecondSelf(space).shades()
    assert sorted(str(shade.attributes["name"]) for shade in shades) == ["baking", "cycling"]
    assert all(len(shade.attributes["notes"]) == 6 for shade in shades)  # type: ignore[arg-type]
    assert all(gone.id not in str(shade.attributes["timeline"]) for shade in shades)
    assert "cycling" in SecondSelf(space).biography()
    assert not space.upkeep().done


def test_two_interests_under_one_word_have_two_names() -> None:
    same = {text: text.replace("Baking", "Cycling").replace("baking", "cycling") for text in BAKING}
    memory, _ = memory_of("second-me", {same.get(text, text): row for text, row in table().items()})
    space = memory.space("s")
    space.remember([*CYCLING, *same.values()], author="Ana")
    space.upkeep()
    names = [str(shade.attributes["name"]) for shade in SecondSelf(space).shades()]
    assert len(names) == 2 == len(set(names))
    assert "cycling" in names
    pairs = SecondSelf(space).pairs()
    assert len({pair.key for pair in pairs}) == len(pairs)


def test_a_biography_stays_short_and_has_what_matters_most() -> None:
    memory, _ = memory_of("second-me", table())
    space = memory.space("s")
    space.remember([*CYCLING, "I am allergic to walnuts.", *(f"I like fruit number {n}." for n in range(30))], author="Ana")
    space.upkeep()
    told = SecondSelf(space).biography(second=False)
    assert "walnuts" in told
    assert told.count(".") <= 14


@pytest.mark.parametrize(
    ("third", "second"),
    [
        ("Ana always bakes and Ana usually rides.", "You always bake and you usually ride."),
        ("Ana has two dogs. Ana is kind.", "You have two dogs. You are kind."),
        ("People like Ana across town.", "People like you across town."),
    ],
)
def test_verbs_agree_with_you(third: str, second: str) -> None:
    assert second_person(third, "Ana") == second


def test_a_standing_instruction_opens_every_line_and_wrong_answers_are_found_in_no_time(space: mneme.Space, tmp_path: Path) -> None:
    self = SecondSelf(space)
    write_instructions(self.pairs(), tmp_path / "sft.jsonl", system=self.biography())
    lines = [orjson.loads(line) for line in (tmp_path / "sft.jsonl").read_bytes().splitlines()]
    assert all(line["messages"][0] == {"role": "system", "content": self.biography()} for line in lines)
    many = [Pair(key=str(n), kind="self", question=f"q{n}", answer=f"a{n}", sources=(f"m{n}",)) for n in range(4000)]
    began = time.process_time()
    others = [_other(many, number) for number in range(len(many))]
    assert time.process_time() - began < 1.0
    assert others[:2] == ["a1", "a2"]
    assert others[-1] == "a0"


def test_notes_in_a_script_without_blanks_make_shades_with_short_names() -> None:
    tea = ["今天喝了绿茶。", "绿茶很香。", "我买了新的绿茶杯。"]
    run = ["早上跑步五公里。", "跑步以后很累。", "周末去公园跑步。"]
    rows = {text: [0.9, 0.0] + [0.4 * (n == i) for i in range(3)] for n, text in enumerate(tea)}
    rows |= {text: [0.0, 0.9] + [0.4 * (n == i) for i in range(3)] for n, text in enumerate(run)}
    memory, _ = memory_of("second-me", rows)
    space = memory.space("s")
    space.remember([*tea, *run], author="安娜")
    space.upkeep()
    assert sorted(str(shade.attributes["name"]) for shade in SecondSelf(space).shades()) == ["绿茶", "跑步"]
    assert "绿茶" in SecondSelf(space).biography()


def test_a_page_that_stands_keeps_its_name_in_the_biography_and_before_new_pages() -> None:
    named = [{"name": name, "aspect": "at home", "description": "It is told often."} for name in ("Outdoors", "Outdoors")]
    llm = ScriptedLLM(
        {
            "notes.describe": {"keywords": ["k"], "context": "", "tags": []},
            "notes.evolve": {"should_evolve": False},
            "shades.name": named,
            "shades.biography": {"text": "Ana has hobbies.", "second": "You have hobbies."},
        }
    )
    memory, _ = memory_of("second-me", table(), llm=llm)
    space = memory.space("s")
    for notes in (CYCLING, BAKING):
        space.remember(notes, author="Ana", wait=True)
        space.upkeep()
    assert sorted(str(shade.attributes["name"]) for shade in SecondSelf(space).shades()) == ["Outdoors", "baking"]
    life = [request for request in llm.asked if request.role == "shades.biography"][-1]
    assert [line.partition(" (")[0] for line in str(life.variables["shades"]).splitlines()] == ["Outdoors", "baking"]
    assert len([request for request in llm.asked if request.role == "shades.name"]) == 2


LIVES = [
    ("Ana rides.", "You ride.", "You ride."),
    ("Ana rides.", "Ana rides.", "You ride."),
    ("Ana rides.", "", "You ride."),
    ("Ana fährt mit dem Rad und sie backt.", "Du fährst mit dem Rad und du backst.", "Du fährst mit dem Rad und du backst."),
    ("Ana lebt in Berlin und hat ein Rad.", "Du lebst in Berlin und hast ein Rad.", "Du lebst in Berlin und hast ein Rad."),
    ("Ana喜欢骑车。", "你喜欢骑车。", "你喜欢骑车。"),
    ("Ана любит велосипед.", "Ты любишь велосипед.", "Ты любишь велосипед."),
    ("Ana喜欢骑车。", "", "Ana喜欢骑车。"),
]


@pytest.mark.parametrize(("text", "second", "said"), LIVES)
def test_what_a_model_says_to_a_person_in_another_language_is_not_mixed_with_english(text: str, second: str, said: str) -> None:
    llm = ScriptedLLM(
        {
            "notes.describe": {"keywords": ["k"], "context": "", "tags": []},
            "notes.evolve": {"should_evolve": False},
            "shades.name": {"name": "Cycling", "aspect": "", "description": "Rides."},
            "shades.biography": {"text": text, "second": second},
        }
    )
    memory, _ = memory_of("second-me", table(), llm=llm)
    space = memory.space("s")
    space.remember(CYCLING, author="Ana", wait=True)
    space.upkeep()
    assert (SecondSelf(space).biography(second=False), SecondSelf(space).biography()) == (text, said)
