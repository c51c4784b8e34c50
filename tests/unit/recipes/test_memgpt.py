"""MemGPT's tools: paging, pressure, flush, errors as text, chains by heartbeat, and a model that misbehaves."""

from __future__ import annotations

import pytest

from mneme.recipes.agent.memgpt import MemGPT, Settings
from mneme.recipes.agent.tools import ToolFailed, paged
from mneme.testing import ScriptedLLM

from .world import memory_of


def words(text: str) -> int:
    return len(text.split())


def agent(answers: dict[str, object] | None = None, **settings: int) -> MemGPT:
    llm = ScriptedLLM(answers) if answers is not None else None  # type: ignore[arg-type]
    memory, _ = memory_of("memgpt", "hash:64", llm=llm)
    return MemGPT(memory.space("s"), llm, Settings(**{"window_tokens": 200, **settings}), count=words)


def call(tool: str, heartbeat: bool = False, **arguments: object) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments, "heartbeat": heartbeat}


def test_pressure_alerts_once_and_a_flush_leaves_a_summary_and_the_last_messages() -> None:
    mem = agent()
    number = 0
    while mem.tokens() <= 0.71 * 200:
        mem.receive(f"message {number} " + "tree " * 17)
        number += 1
    assert mem.alerts == 1
    while not mem.summary:
        mem.receive(f"message {number} " + "tree " * 17)
        number += 1
    assert mem.tokens() <= 0.65 * 200
    assert mem.lines()[0].startswith("summary: ")
    assert [m.text.split()[1] for m in mem.queue if m.role == "user"][-3:] == [str(n) for n in range(number - 3, number)]
    assert len(mem.space.memories({"kinds": ["turn"]}, limit=1000)) == number
    assert "message 0 " in mem.surface.call("conversation_search", {"query": "message 0 "}).text


def test_what_the_model_saved_stays_visible_after_a_flush() -> None:
    acts = [call("core_memory_append", name="human", content="likes chess")] + [call("send_message", message="ok")] * 40
    mem = agent({"memgpt.act": acts, "memgpt.summarise": {"text": "they talked"}})
    for number in range(12):
        mem.receive(f"{number} " + "tree " * 17)
    assert mem.summary == "they talked"
    assert "likes chess" in mem.context()


def test_nested_keys_are_found_by_a_chain_of_heartbeats_in_one_turn() -> None:
    chain = [call("archival_memory_search", True, query=key) for key in ("k1", "k2", "k3")] + [call("send_message", message="v3")]
    mem = agent({"memgpt.act": chain})
    for text in ("k1 leads to k2", "k2 leads to k3", "k3 is v3"):
        assert not mem.surface.call("archival_memory_insert", {"content": text}).failed
    steps = mem.receive("What is at k1?")
    assert [step.call.tool for step in steps] == ["archival_memory_search"] * 3 + ["send_message"]
    assert "k3 is v3" in steps[2].result.text
    assert mem.said == ["v3"]


def test_a_write_past_the_limit_is_an_error_and_gives_one_more_step() -> None:
    acts = [call("core_memory_append", name="human", content="x" * 3000), call("send_message", message="sorry")]
    mem = agent({"memgpt.act": acts})
    steps = mem.receive("remember this")
    assert [step.result.failed for step in steps] == [True, False]
    assert "2,000" in steps[0].result.text


def test_a_model_that_misbehaves_gets_errors_as_text_and_is_stopped() -> None:
    wild = [
        call("delete_everything"),
        call("core_memory_append", name="secret", content="x"),
        call("core_memory_append", content="x"),
        call("conversation_search", query="tree", page=-1),
        call("conversation_search", query="tree", page=99),
        call("core_memory_append", name="human", content=7),
        call("conversation_search_date", start_date="then", end_date="now"),
    ] + [call("conversation_search", True, query="x")] * 20
    mem = agent({"memgpt.act": wild}, most_steps=10)
    steps = mem.receive("go")
    assert len(steps) == 10
    assert all(step.result.failed and step.result.text.startswith("Error") for step in steps[:7])
    assert "there is no tool" in steps[0].result.text
    assert "must be one of persona, human" in steps[1].result.text
    assert "name is missing" in steps[2].result.text


def test_schemas_are_json_schemas() -> None:
    schemas = {schema["name"]: schema["parameters"] for schema in agent().surface.schemas()}
    assert schemas["conversation_search"]["required"] == ["query"]
    assert schemas["core_memory_append"]["properties"]["name"]["enum"] == ["persona", "human"]
    assert all(schema["additionalProperties"] is False for schema in schemas.values())


def test_without_a_model_rules_keep_what_the_user_says_of_himself() -> None:
    mem = agent()
    mem.receive("Hello, my name is Ada Byron and I like chess.")
    assert "name: Ada Byron" in mem.context()


def test_pages_past_the_end_are_refused() -> None:
    assert paged(["a", "b", "c"], 1, 2, "rows").splitlines() == ["page 2 of 2, 3 rows", "c"]
    with pytest.raises(ToolFailed, match="past the end"):
        paged(["a"], 1, 2, "rows")


def test_what_is_erased_leaves_the_queue_the_summary_and_the_block() -> None:
    acts = [call("core_memory_append", name="human", content="knows the code zanzibar")] + [call("send_message", message="ok")] * 40
    mem = agent({"memgpt.act": acts, "memgpt.summarise": {"text": "the code is zanzibar"}})
    mem.receive("the code is zanzibar")
    mem.surface.call("archival_memory_insert", {"content": "zanzibar is the code"})
    (secret,) = [memory for memory in mem.space.memories({"kinds": ["turn"]}) if "zanzibar" in memory.text]
    assert "zanzibar" in mem.context()
    again = MemGPT(mem.space, None, mem.settings, count=words)
    mem.space.forget(secret.id, erase=True)
    for one in (mem, again):
        assert "zanzibar" not in one.context()
    assert "zanzibar" not in str(mem.space.memories({"kinds": ["note", "profile", "summary", "turn"]}))
    other = agent({"memgpt.act": call("send_message", message="ok"), "memgpt.summarise": {"text": "the code is zanzibar"}})
    other.receive("the code is zanzibar")
    for number in range(14):
        other.receive(f"{number} " + "tree " * 17)
    assert other.summary == "the code is zanzibar"
    assert not any("zanzibar" in line for line in other.lines()[1:])
    (secret,) = [memory for memory in other.space.memories({"kinds": ["turn"]}) if "zanzibar" in memory.text]
    other.space.forget(secret.id, erase=True)
    assert "zanzibar" not in other.context()
    other.receive("go on")
    assert other.summary != "the code is zanzibar"


def test_messages_longer_than_the_window_ask_for_no_summary_of_nothing() -> None:
    mem = agent({"memgpt.act": call("send_message", message="ok"), "memgpt.summarise": {"text": "they talked"}}, keep_last=12)
    for number in range(3):
        mem.receive(f"{number} " + "tree " * 90)
    assert mem.summary == ""
    assert not mem.space.memories({"kinds": ["summary"]})


def test_without_a_model_a_name_ends_with_the_name_once_and_a_full_block_overflows_into_the_archive() -> None:
    mem = agent(block_chars=40)
    for _ in range(2):
        mem.receive("My name is Ada and I like chess and my dog.")
    assert mem.space.blocks.get("human").text.splitlines()[1:] == ["name: Ada", "likes chess"]
    mem.receive("I love walking in the mountains of Portugal.")
    assert "mountains" not in mem.context().partition("</human>")[0]
    assert "walking in the mountains" in mem.surface.call("archival_memory_search", {"query": "mountains"}).text


@pytest.mark.parametrize(
    ("start", "end"),
    [("99999-01-01", "2024-05-01"), ("2024-05-01", "soon"), ("2024-13-01", "2024-05-01"), ("2025-01-01", "2024-01-01")],
)
def test_dates_that_are_none_are_errors_as_text(start: str, end: str) -> None:
    result = agent().surface.call("conversation_search_date", {"start_date": start, "end_date": end})
    assert result.failed
    assert result.text.startswith("Error")


def test_errors_name_the_arguments_that_the_model_gave_and_nothing_unsaid_counts_as_said() -> None:
    mem = agent()
    told = {
        "message: is empty": mem.surface.call("send_message", {"message": ""}),
        "content: is empty": mem.surface.call("archival_memory_insert", {"content": " "}),
        "old_content is empty": mem.surface.call("core_memory_replace", {"name": "human", "old_content": "", "new_content": "x"}),
        "old_content: is in block": mem.surface.call("core_memory_replace", {"name": "human", "old_content": "tea", "new_content": "x"}),
        "end_date is before start_date": mem.surface.call(
            "conversation_search_date", {"start_date": "2024-02-01", "end_date": "2024-01-01"}
        ),
    }
    for start, result in told.items():
        assert result.failed
        assert result.text.startswith(f"Error: {start}"), result.text
    assert mem.said == []
    assert mem.lines() == []


def test_an_end_far_in_the_future_is_no_end() -> None:
    mem = agent()
    mem.receive("I like chess.")
    found = mem.surface.call("conversation_search_date", {"start_date": "2000-01-01", "end_date": "9999-12-31"})
    assert not found.failed
    assert "I like chess." in found.text


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("My name is Álvaro Núñez and I like chess.", "Álvaro Núñez"),
        ("My name is \u0041\u0301lvaro Nu\u0301n\u0303ez.", "Álvaro Núñez"),
        ("My name is Олена Шевченко.", "Олена Шевченко"),
        ("my name is Žofie Černá, hello", "Žofie Černá"),
        ("My name is Łukasz szukam pracy", "Łukasz"),
        ("My name is Ada I like chess.", "Ada"),
        ("My name is sam and I hike.", "sam"),
    ],
)
def test_a_name_in_any_alphabet_keeps_its_surname(said: str, name: str) -> None:
    mem = agent()
    mem.receive(said)
    lines = mem.space.blocks.get("human").text.splitlines()[1:]
    assert lines[0] == f"name: {name}"
    assert ("likes chess" in lines) == ("I like chess" in said)
