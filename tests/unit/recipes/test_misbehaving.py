"""The four systems whose model manages the memory, each with a model that does everything wrong: errors as text, an end, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

import mneme
from mneme.recipes.agent.mem_alpha import PolicyMemory
from mneme.recipes.agent.memgpt import MemGPT
from mneme.recipes.agent.memory_r1 import Bank
from mneme.recipes.agent.six_types import SixTypes
from mneme.recipes.agent.tools import Step, Surface
from mneme.testing import ScriptedLLM

from .world import memory_of

SAID = "I met Carla on 2024-05-01 in Porto."


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One system: how it is given a message, and calls of its own tools.

    Args:
        role: of the prompt that asks for the next call.
        more: answers that it needs besides.
        given: gives it a message with a model; returns its steps, its space and its tools.
        missing, mistyped, wrong: calls that lack an argument, have one of a wrong type, and name an entry that is not there.
        good: a call that works and ends the turn.
        again: a call that works and wants to go on.
    """

    role: str
    given: Callable[[ScriptedLLM], tuple[list[Step], mneme.Space, Surface]]
    missing: dict[str, object]
    mistyped: dict[str, object]
    wrong: dict[str, object]
    good: dict[str, object]
    again: dict[str, object]
    more: tuple[tuple[str, object], ...] = ()

    def run(self, *replies: object) -> tuple[list[Step], mneme.Space, Surface]:
        script = replies[0] if len(replies) == 1 else list(replies)
        return self.given(ScriptedLLM({self.role: script, **dict(self.more)}))  # type: ignore[dict-item]


def call(tool: str, heartbeat: bool = False, **arguments: object) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments, "heartbeat": heartbeat}


def memgpt(llm: ScriptedLLM) -> tuple[list[Step], mneme.Space, Surface]:
    memory, _ = memory_of("memgpt", "hash:64", llm=llm)
    mem = MemGPT(memory.space("s"), llm)
    return mem.receive(SAID), mem.space, mem.surface


def mem_alpha(llm: ScriptedLLM) -> tuple[list[Step], mneme.Space, Surface]:
    memory, _ = memory_of("mem-alpha", "hash:64", llm=llm)
    mem = PolicyMemory(memory.space("s"), llm)
    return mem.read(SAID), mem.space, mem.surface


def memory_r1(llm: ScriptedLLM) -> tuple[list[Step], mneme.Space, Surface]:
    memory, _ = memory_of("memory-r1", "hash:64")
    mem = Bank(memory.space("s"), llm)
    return mem.manage(SAID, speaker="Ana"), mem.space, mem.surface


def mirix(llm: ScriptedLLM) -> tuple[list[Step], mneme.Space, Surface]:
    memory, _ = memory_of("mirix", "hash:64")
    mem = SixTypes(memory.space("s"), llm)
    mem.read(SAID)
    return [step for _, step in mem.steps], mem.space, mem.surfaces["episodic"]


SYSTEMS = {
    "memgpt": System(
        role="memgpt.act",
        given=memgpt,
        missing=call("core_memory_append", name="human"),
        mistyped=call("conversation_search", query="Carla", page="two"),
        wrong=call("core_memory_replace", name="human", old_content="nobody wrote this", new_content="x"),
        good=call("send_message", message="Good."),
        again=call("archival_memory_search", True, query="Carla"),
    ),
    "mem-alpha": System(
        role="mem-alpha.write",
        given=mem_alpha,
        missing=call("new_memory_insert", type="semantic"),
        mistyped=call("new_memory_insert", type="semantic", content=["a", "b"]),
        wrong=call("memory_delete", type="semantic", id="77"),
        good=call("new_memory_insert", type="episodic", content="2024-05-01: met Carla in Porto"),
        again=call("search_memory", True, type="semantic", query="Carla"),
    ),
    "memory-r1": System(
        role="memory-r1.manage",
        given=memory_r1,
        missing=call("update_fact", id="1"),
        mistyped=call("add_fact", content=7),
        wrong=call("delete_fact", id="77"),
        good=call("add_fact", content="Met Carla in Porto"),
        again=call("keep_all", True),
    ),
    "mirix": System(
        role="mirix.keep",
        given=mirix,
        missing=call("episodic_insert", details="in Porto"),
        mistyped=call("episodic_update", ids="1", summary="x"),
        wrong=call("episodic_merge", id="9", details="x"),
        good=call("episodic_insert", summary="Met Carla in Porto"),
        again=call("search_in_memory", True, type="episodic", query="Carla"),
        more=(("mirix.meta", {"types": ["episodic"]}),),
    ),
}


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> System:
    return SYSTEMS[request.param]


def kept(space: mneme.Space) -> list[str]:
    return [episode.text for episode in space.episodes() if episode.text == SAID]


def test_unknown_tools_missing_mistyped_and_wrong_arguments_come_back_as_text_and_the_model_goes_on(system: System) -> None:
    bad = {
        "there is no tool 'erase_everything'": call("erase_everything", everything=True),
        "is missing": system.missing,
        "must be of type": system.mistyped,
        "": system.wrong,
    }
    for why, reply in bad.items():
        steps, space, _ = system.run(reply, system.good)
        assert [step.result.failed for step in steps] == [True, False], reply
        assert steps[0].result.text.startswith("Error")
        assert why in steps[0].result.text
        assert kept(space) == [SAID]
        assert space.verify().ok


def test_a_reply_that_is_no_json_is_a_failed_step(system: System) -> None:
    broken = ['{"tool": "send', "no JSON at all", "[1, 2"]  # one question, repaired twice
    steps, space, _ = system.run(*broken, system.good)
    assert [step.result.failed for step in steps] == [True, False]
    assert "no call" in steps[0].result.text
    assert kept(space) == [SAID]


def test_heartbeats_without_end_are_stopped_and_so_are_errors_without_end(system: System) -> None:
    for reply in (system.again, call("erase_everything")):
        steps, space, _ = system.run(reply)
        assert 3 <= len(steps) <= 20
        assert "(stopped after" in steps[-1].result.text
        assert kept(space) == [SAID]


def test_a_model_that_never_speaks_json_loses_nothing(system: System) -> None:
    steps, space, _ = system.given(ScriptedLLM(lambda request: "I would rather not."))
    assert all(step.result.failed for step in steps)
    assert kept(space) == [SAID]
    assert space.verify().ok


def test_every_tool_is_a_json_schema_that_a_provider_takes(system: System) -> None:
    *_, surface = system.run(system.good)
    for schema in surface.schemas():
        parameters = schema["parameters"]
        assert set(schema) == {"name", "description", "parameters"}
        assert schema["description"].endswith(".")
        assert (parameters["type"], parameters["additionalProperties"]) == ("object", False)
        assert set(parameters["required"]) <= set(parameters["properties"])
        assert all(inner["type"] in ("string", "integer", "array") for inner in parameters["properties"].values())


def test_a_heartbeat_gives_another_step_and_no_heartbeat_yields(system: System) -> None:
    steps, *_ = system.run(system.again, system.again, system.good)
    assert [step.result.failed for step in steps] == [False] * 3
    steps, *_ = system.run(system.good, system.again)
    assert len(steps) == 1
