"""Second Me's acceptance test: two shades of twelve notes, a biography, training data with sources, a stand-in for weights."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

import mneme
from mneme.recipes.agent.forms import NearestAnswers, write_instructions, write_preferences
from mneme.recipes.agent.second_self import SecondSelf, rebuilt
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
            "shades.biography": [{"text": "Ana rides her bicycle."}],
            "second-self.ask": {"question": "Do I ride?", "answer": "You do."},
        }
    )
    memory, _ = memory_of("second-me", table(), llm=llm)
    space = memory.space("s")
    space.remember(CYCLING, author="Ana", wait=True)
    space.upkeep()
    space.upkeep()
    self = SecondSelf(space, llm)
    assert self.biography() == "You ride her bicycle."
    first = self.pairs()
    asked = len(llm.asked)
    assert self.pairs() == first
    assert len(llm.asked) == asked
    assert llm.left == {}
