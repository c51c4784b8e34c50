"""Every registered recipe with a model that answers anything that fits the schema, and with one that never does: no input is lost."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.registry import names
from mneme.models.transport import Request
from mneme.testing import ScriptedLLM

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
SCRIPT = [
    ("s1", "Ana", "Hi Ben! I moved to Lisbon last week and work at Siemens now."),
    ("s1", "Ben", "Rex had to see the vet because he limped."),
    ("s2", "Ana", "I visited Oslo on 3 March 2024 with my sister Carla."),
    ("s2", "Ana", "The access code of the gate is 4411."),
    ("s2", "Ben", "I am allergic to nuts."),
    ("s3", "Ana", "I live in Porto now."),
]
WORDS = ("Porto", "tea", "garden", "Ana likes jasmine tea.", "4411", "")


def anything(schema: Mapping[str, Any], draw: random.Random, root: Mapping[str, Any] | None = None) -> Any:
    """Return a value that fits a JSON schema, by chance."""
    root = schema if root is None else root
    if "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[part]
        return anything(found, draw, root)
    if "enum" in schema:
        return draw.choice(list(schema["enum"]))
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return anything(draw.choice(list(schema["anyOf"])), draw, root)
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("properties", {})
        needed = set(schema.get("required", wanted))
        return {name: anything(inner, draw, root) for name, inner in wanted.items() if name in needed or draw.random() < 0.5}
    if kind == "array":
        return [anything(schema.get("items", {"type": "string"}), draw, root) for _ in range(draw.randrange(4))]
    return {"string": draw.choice(WORDS), "integer": draw.randrange(-1, 9), "number": draw.random(), "boolean": draw.random() < 0.7}.get(
        str(kind)
    )


def lived(memory: mneme.Memory, clock: FrozenClock) -> mneme.Space:
    space = memory.space("script")
    for number, (session, author, text) in enumerate(SCRIPT):
        at = START + timedelta(days=10 * int(session[1]), minutes=number)
        clock.set(at)
        space.remember(text, author=author, session=session, at=at, ref=f"m{number}", wait=True)
    clock.set(START + timedelta(days=32))
    return space


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", names("recipe"))
def test_a_model_that_answers_anything_loses_no_input(name: str, seed: int) -> None:
    draw = random.Random(seed)
    llm = ScriptedLLM(lambda request: anything(request.schema, draw))
    clock = FrozenClock(datetime(2024, 3, 4, 9, tzinfo=UTC))
    with mneme.Memory(":memory:", embedder="hash:96", recipe=name, clock=clock, seed=1, background=False, llm=llm) as memory:
        space = lived(memory, clock)
        said = {text for _, _, text in SCRIPT}
        assert {episode.text for episode in space.episodes()} == said
        assert not space.jobs(states=("waiting", "leased", "dead"))
        turns = space.memories({"kinds": ["turn"], "archived": True}, limit=100, statuses=("active", "archived"))
        assert said <= {memory.text for memory in turns}
        for question in ("What is the access code of the gate?", "Where does Ana live now?"):
            found = space.recall(question, k=5)
            assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
            assert all(hit.memory.sources for hit in found.hits)
            assert space.recall(question, budget_tokens=150).context_tokens <= 150
        space.upkeep()
        assert {episode.text for episode in space.episodes()} == said
        assert space.verify().ok


@pytest.mark.parametrize("name", names("recipe"))
def test_a_model_that_never_fits_the_schema_leaves_the_messages_and_waiting_work(name: str) -> None:
    def never(request: Request) -> str:
        return "I would rather not."

    clock = FrozenClock(datetime(2024, 3, 4, 9, tzinfo=UTC))
    llm = ScriptedLLM(never)
    with mneme.Memory(":memory:", embedder="hash:96", recipe=name, clock=clock, seed=1, background=False, llm=llm) as memory:
        space = lived(memory, clock)
        said = {text for _, _, text in SCRIPT}
        assert {episode.text for episode in space.episodes()} == said
        assert {memory.text for memory in space.memories({"kinds": ["turn"]}, limit=100)} == said
        formed = not llm.asked or space.jobs(states=("waiting", "leased", "dead"))
        assert formed, "work that failed is visible"


@pytest.mark.parametrize("name", [*names("recipe"), "structural-memory:mixed:reranking", "structural-memory:mixed:iterative"])
def test_a_model_that_never_fits_the_schema_leaves_a_recall_to_the_rules(name: str) -> None:
    clock = FrozenClock(datetime(2024, 3, 4, 9, tzinfo=UTC))
    with mneme.Memory(":memory:", embedder="hash:96", recipe=name, clock=clock, seed=1, background=False) as memory:
        space = lived(memory, clock)
        question = "What is the access code of the gate?"
        plain = [hit.text for hit in space.recall(question, k=4).hits]
        memory.llm = ScriptedLLM(lambda request: "I would rather not.")
        assert [hit.text for hit in space.recall(question, k=4).hits] == plain
        assert 0 < space.recall(question, budget_tokens=60).context_tokens <= 60
