"""PREMem's acceptance test: three sessions of running, reasoning at writing, one hit at reading, no model at reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import mneme
from mneme.core.composing import resolve
from mneme.core.recipe import Recipe
from mneme.testing import ScriptedLLM

from .test_sheets import Known, statement
from .world import START, memory_of

DAY = timedelta(days=1)
JOGS, MORE, RACE = "I jog 2 km daily.", "I now jog 5 km.", "I signed up for a half marathon."
ASKED = "How did Ann's running change?"
STORY = "Ann went from jogging 2 km (2024-01-01) to 5 km (2024-02-01)."
LINK = "Ann's jogging of 5 km led to the half marathon she signed up for."


def item(text: str, quote: str, relation: str, value: str) -> dict[str, object]:
    return {"message": 1, "quote": quote, "text": text, "kind": "fact", "subject": "Ann", "relation": relation, "object": value}


def lived(recipe: Recipe) -> tuple[mneme.Space, ScriptedLLM]:
    statements = [
        item("Ann jogs 2 km daily.", "I jog 2 km daily", "jogs", "2 km daily"),
        item("Ann jogs 5 km.", "I now jog 5 km", "running distance", "5 km"),
        item("Ann signed up for a half marathon.", "signed up for a half marathon", "signed up for", "a half marathon"),
    ]
    judged = [{"pattern": "transformation", "text": STORY}, {"pattern": "implication", "text": LINK}]
    llm = ScriptedLLM({"form.statements": [{"items": [one]} for one in statements], "evolution.judge": judged})
    table = {ASKED: [1, 0], STORY: [0.95, 0.1], LINK: [0.7, 0.6], JOGS: [0.6, 0.6], MORE: [0.6, 0.7], RACE: [0.2, 0.9]}
    memory, clock = memory_of(recipe, table, llm=llm)
    space = memory.space("s")
    for number, text in enumerate((JOGS, MORE, RACE)):
        clock.set(START + number * 31 * DAY)
        space.remember(text, author="Ann", session=f"s{1 + 4 * number}", wait=True)
    return space, llm


def test_each_session_leaves_its_reasoning_and_one_hit_answers_without_a_model() -> None:
    space, llm = lived(resolve("premem"))
    stories = {memory.attributes["pattern"]: memory for memory in space.memories({"kinds": ["note"]})}
    assert {pattern: memory.text for pattern, memory in stories.items()} == {"transformation": STORY, "implication": LINK}
    fragments = {memory.id for memory in space.memories({"kinds": ["fact"]})}
    assert all(set(memory.attributes["of"]) <= fragments for memory in stories.values())  # type: ignore[call-overload]
    asked = len(llm.asked)
    found = space.recall(ASKED, k=1)
    assert found.hits[0].text == STORY  # an echo of it answers: 2 to 5
    assert found.hits[0].memory.kind == "note"
    assert len(llm.asked) == asked
    assert {episode.text for episode in space.episodes([span.episode for span in found.hits[0].memory.sources])} == {JOGS, MORE}


def test_without_the_reasoning_one_hit_does_not_answer() -> None:
    recipe = resolve("premem")
    plain = replace(recipe, organisers=recipe.organisers[:1])
    space, _ = lived(plain)
    text = space.recall(ASKED, k=1).hits[0].text
    assert not ("2 km" in text and "5 km" in text)


def told(*facts: tuple[str, str, str, str]) -> list[str]:
    """Return the patterns that a series of (text, subject, relation, value) leaves, by rule."""
    from mneme.organisation.evolution import Evolution

    ctx, patterns = Known(), []
    for number, (text, subject, relation, value) in enumerate(facts):
        keep = statement(number, text, relation, value, START + number * 31 * DAY)
        memory = replace(keep.memory, session=f"s{number}", attributes={**keep.memory.attributes, "subject": subject})
        for operation in Evolution().organise(ctx, [replace(keep, memory=memory)])[1:]:  # type: ignore[arg-type]
            if hasattr(operation, "memory"):
                patterns.append(str(operation.memory.attributes["pattern"]))
        ctx.memories.append(memory)
    return patterns


def test_five_patterns_by_rule() -> None:
    assert told(("Ann jogs 2 km.", "Ann", "jogs", "2 km daily"), ("Ann jogs 5 km.", "Ann", "jogs", "5 km daily")) == ["transformation"]
    assert told(("Ann has a dog.", "Ann", "has", "dog"), ("Ann has a brown dog.", "Ann", "has", "brown dog")) == ["specification"]
    assert told(("Ann reads Proust.", "Ann", "reads", "Proust"), ("Ann reads Kafka.", "Ann", "reads", "Kafka")) == ["accumulation"]
    assert told(("Ann likes chess.", "Ann", "likes", "chess"), ("Ann won at chess.", "Ann", "won", "chess prize")) == ["extension"]
    assert told(("Ann met Carla.", "Ann", "met", "Carla"), ("Ben hired Carla.", "Ben", "hired", "Carla")) == ["implication"]
    assert told(("Ann met Carla.", "Ann", "met", "Carla"), ("Ben likes tea.", "Ben", "likes", "tea")) == []
