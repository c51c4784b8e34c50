"""LIGHT's acceptance test on three hundred pairs: keys, instructions, the last hundred pairs, one compression, the budget, the filter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import resolve
from mneme.core.ports import FloatArray
from mneme.formation.scratchpad import shortened
from mneme.models.transport import Request
from mneme.retrieval.sections import chunks
from mneme.testing import ScriptedLLM
from mneme.text.instructions import instructs
from mneme.text.tokens import count_tokens

from .world import START, TableEmbedder, bare, memory_of

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


def test_the_model_that_notes_sees_what_was_said_before_though_messages_come_one_by_one() -> None:
    llm = ScriptedLLM({"scratchpad.note": {"text": ""}})
    memory, clock = memory_of(bare(ranker="keyed", formers=["scratchpad"]), "hash:64", llm=llm)
    space = memory.space("s")
    for number in range(7):
        clock.set(START + timedelta(minutes=number))
        space.remember(f"message {number}", author="Ana", session="b" if number == 5 else "a", wait=True)
    shown = [str(request.variables["before"]) for request in llm.asked]
    assert shown[0] == "nothing"
    assert shown[6].split("\n") == [f"Ana: message {number}" for number in (1, 2, 3, 4)]
    assert shown[5] == "nothing"
    space.remember([{"text": f"more {number}", "author": "Ana", "session": "a"} for number in range(2)], wait=True)
    assert str(llm.asked[-1].variables["before"]).split("\n")[-2:] == ["Ana: message 6", "Ana: more 0"]


def test_an_instruction_that_the_rewriter_drops_is_put_back_word_for_word() -> None:
    llm = ScriptedLLM(
        {"scratchpad.note": lambda request: {"text": str(request.variables["now"])}, "scratchpad.compress": {"text": "Much was counted."}}
    )
    small = {"use": "scratchpad", "most_tokens": 400, "to_tokens": 200}
    memory, clock = memory_of(bare(ranker="keyed", formers=[small], packer="sections"), "hash:64", llm=llm)
    space = memory.space("s")
    for number in range(90):
        clock.set(START + timedelta(minutes=number))
        space.remember(FRENCH if number == 3 else f"We counted {number} apples in the orchard behind the mill.", role="user", wait=True)
    compressed = space.memories({"tags": ["compressed"]}, limit=10, statuses=("active", "archived"))
    assert len(compressed) > 1  # it was rewritten again and again
    assert all(FRENCH in note.text and "Much was counted." in note.text for note in compressed)
    assert all(note.text.count(FRENCH) == 1 for note in compressed)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (FRENCH, True),
        ("Always call me Ana.", True),
        ("Great work! From now on use metres.", True),
        ("Ok, never mention my sister again.", True),
        ("2024-01-01 Ana: Don't use abbreviations.", True),
        ("You should always cite the source.", True),
        ("I don't like fish.", False),
        ("I've always loved the sea, and I never swim.", False),
        ("Never mind, I don't know.", False),
        ("We never met again.", False),
        ("That is always nice to hear.", False),
        ("Always wanted to see Rome.", False),
        ("Went to Porto once, never went back.", False),
        ("Always looking for new recipes.", False),
        ("Always need my coffee first.", False),
        ("Remember that trip?", False),
        ("Remember that trip to Porto.", False),
        ("Whenever I travel I get sick.", False),
        ("Whenever I travel, I get sick.", False),
        ("Whenever we cooked, my sister burnt something.", False),
        ("Don't use emojis, okay?", True),
        ("Always bring a source.", True),
        ("Never embed pictures.", True),
        ("Always feed my words back to me.", True),
        ("Always succeed or say why not.", True),
        ("Remember that I am vegan.", True),
        ("Remember that Ana is allergic to nuts.", True),
        ("Whenever I ask for code, use Python.", True),
        ("Whenever you answer, please be short.", True),
        ("Whenever I ask, you should cite a source.", True),
        ("", False),
    ],
)
def test_instructions_are_told_from_what_people_say_of_themselves(text: str, is_one: bool) -> None:
    assert instructs(text) is is_one


def test_filters_and_the_moment_asked_about_hold_for_notes_and_last_messages() -> None:
    memory, clock = memory_of("light", "hash:64")
    space = memory.space("s")
    space.remember("The gate opens at 7.", author="Ana", role="user", session="a")
    clock.set(START + timedelta(days=5))
    space.remember("Always knock twice, the code is 4711.", author="Ben", role="user", session="b")
    clock.set(START + timedelta(days=9))
    assert "4711" in space.recall("gate", budget_tokens=400).context
    assert "4711" not in space.recall("gate", budget_tokens=400, as_of=START + timedelta(days=2)).context
    for filters in ({"authors": ["Ana"]}, {"sessions": ["a"]}, {"until": START + timedelta(days=2)}):
        context = space.recall("gate", budget_tokens=400, filters=filters).context
        assert "at 7" in context
        assert "4711" not in context


def test_notes_are_embedded_once_for_a_state_of_the_space() -> None:
    class Counting(TableEmbedder):
        texts = 0

        def embed(self, texts: Sequence[str]) -> FloatArray:
            self.texts += len(texts)
            return super().embed(texts)

    embedder = Counting()
    clock = FrozenClock(START)
    with mneme.Memory(":memory:", embedder=embedder, recipe="light", clock=clock, background=False) as memory:
        space = memory.space("s")
        space.remember([f"We counted {number} apples." for number in range(30)], role="user")
        space.recall("How many apples?", budget_tokens=500)
        before = embedder.texts
        space.recall("How many pears?", budget_tokens=500)
        assert embedder.texts - before <= 3  # the question, for its search and beside the notes
