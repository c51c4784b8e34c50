"""LIGHT's acceptance test on three hundred pairs: keys, instructions, the last hundred pairs, one compression, the budget, the filter."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

import mneme
from mneme.core.composing import resolve
from mneme.formation.scratchpad import shortened
from mneme.models.transport import Request
from mneme.retrieval.sections import chunks
from mneme.testing import ScriptedLLM
from mneme.text.tokens import count_tokens

from .world import START, bare, memory_of

PAIRS = 300
BUDGET = 14_000
FACT, KEY = "My grandmother's clock stopped for good.", "heirloom broke"
FRENCH = "Please answer in French from now on."


def conversation() -> tuple[mneme.Space, dict[int, str]]:
    table = {"What happened to the heirloom?": [1, 0], KEY: [1, 0.1], FACT: [0, 0, 1]}
    memory, clock = memory_of("light", table)
    space = memory.space("s")
    said = {5: FACT, 10: FRENCH}
    users = {
        number: said.get(number, f"We talked about topic {'abcdefghij'[number % 10]} once more, round {number}.")
        for number in range(1, PAIRS + 1)
    }
    given = []
    for number, text in users.items():
        at = START + timedelta(minutes=number)
        given += [
            {"text": text, "role": "user", "author": "Ana", "at": at, "ref": f"u{number}"},
            {"text": f"Noted, that was turn {number}.", "role": "assistant", "author": "Bot", "at": at, "ref": f"a{number}"},
        ]
    clock.set(START + timedelta(minutes=PAIRS))
    space.remember(given)
    space.remember(memories=[{"text": KEY, "kind": "fact", "sources": ["u5"]}])
    clock.set(START + timedelta(days=1))
    return space, users


def test_the_prompt_holds_the_fact_by_its_key_the_instruction_and_the_last_hundred_pairs() -> None:
    space, users = conversation()
    found = space.recall("What happened to the heirloom?", budget_tokens=BUDGET)
    assert found.hits[0].text == FACT  # the question's words are in the key alone
    assert found.context_tokens <= BUDGET
    lines = found.context.splitlines()
    notes = lines[: next(n for n, line in enumerate(lines) if n and line.startswith("## "))]
    assert any(FRENCH in line for line in notes)
    for number in range(201, 301):
        assert users[number] in found.context
        assert f"turn {number}." in found.context
    assert users[200] not in found.context.replace(FRENCH, "") or users[200] in "\n".join(notes)
    assert "that was turn 200." not in found.context
    assert found.context.count(FACT) == 1


def test_a_small_budget_is_held_and_the_notes_keep_the_instruction() -> None:
    space, _ = conversation()
    for budget in (60, 200, 1000):
        found = space.recall("What happened to the heirloom?", budget_tokens=budget)
        assert 0 < found.context_tokens <= budget
    assert FRENCH in found.context


@pytest.mark.parametrize("model", [True, False])
def test_a_scratchpad_that_grows_too_long_is_rewritten_once_and_keeps_the_instruction(model: bool) -> None:
    llm = None
    if model:
        marker = {"text": "Answer in French. " + "many things happened. " * 200}
        llm = ScriptedLLM({"scratchpad.note": lambda request: {"text": _last(request)}, "scratchpad.compress": marker})
    recipe = bare(ranker="keyed", formers=["scratchpad"], packer="sections")
    memory, clock = memory_of(recipe, "hash:64", llm=llm)
    space = memory.space("s")
    fruit = ", pears, plums, quinces, cherries and other fruit" * 6
    said = [FRENCH, *(f"On day {number} we counted {number} apples{fruit}." for number in range(1, 500))]
    for start in range(0, len(said), 125):
        clock.set(START + timedelta(days=start))
        space.remember([{"text": text, "role": "user"} for text in said[start : start + 125]], wait=True)
        notes = space.memories({"tiers": ["scratchpad"]}, limit=5000)
        assert sum(count_tokens(note.text) for note in notes) <= 28_000
    compressed = space.memories({"tags": ["compressed"]}, limit=10, statuses=("active", "archived"))
    assert len(compressed) == 1
    assert count_tokens(compressed[0].text) <= 14_000
    assert "nswer in French" in compressed[0].text
    if llm is not None:
        assert sum(request.role == "scratchpad.compress" for request in llm.asked) == 1


def _last(request: Request) -> str:
    return FRENCH if FRENCH in str(request.variables["now"]) else str(request.variables["now"])


def test_a_chunk_that_the_filter_refuses_is_absent() -> None:
    said = {"Ana lives in Porto.": [1, 0], "Her flat in Porto is small.": [1, 0.1], "Ben sold 3 boats.": [0, 0, 1]}
    llm = ScriptedLLM(
        {
            "scratchpad.note": [{"text": text} for text in said],
            "sections.relevant": lambda request: {"relevant": "Porto" in request.variables["chunk"]},
        }
    )
    table = {f"2024-01-01 user: {text}": vector for text, vector in said.items()}
    memory, _ = memory_of(bare(ranker="keyed", formers=["scratchpad"], packer="sections"), table, llm=llm)
    space = memory.space("s")
    for text in said:
        space.remember(f"They said: {text}", wait=True)
    notes = space.recall("Where does Ana live?", budget_tokens=400).context.split("\n## 2024")[0]
    assert "Ana lives in Porto." in notes
    assert "Her flat in Porto is small." in notes
    assert "boats" not in notes


def test_chunks_break_where_neighbours_are_far_apart() -> None:
    rows = np.eye(3)[[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2]]
    assert chunks(rows, 80) == [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9], [10]]
    assert chunks(rows[:1], 80) == [[0]]
    assert chunks(rows[:0], 80) == []


def test_lines_that_say_the_same_are_kept_once_the_latest_and_instructions_first() -> None:
    lines = ["Always call me Ana.", *(f"fact number {number} of the list" for number in range(50)), "Always call me Ana."]
    short = shortened(lines, 60).splitlines()
    assert short.count("Always call me Ana.") == 1
    assert "fact number 49 of the list" in short
    assert "fact number 0 of the list" not in short


def test_the_recipe_packs_by_sections() -> None:
    assert type(resolve("light").packer).__name__ == "Sections"
