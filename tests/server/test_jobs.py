"""Deferred work on a server: what was given up is put back or dropped, over REST, MCP and the inspector's calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from mcp import Client as McpClient

import mneme
from mneme.core import errors
from mneme.core.clock import FrozenClock
from mneme.models.settings import LLMSettings
from mneme.server.app import create_app
from mneme.server.keys import Keys
from mneme.server.mcp.build import build
from mneme.server.mcp.desk import Desk
from mneme.server.threads import Threads
from mneme.server.ui.part import add
from mneme.service import READ, WRITE, Caller, Service
from mneme.testing import ScriptedLLM
from serving import Served, serving


@pytest.fixture
def memory() -> Iterator[mneme.Memory]:
    """A memory whose model never answers, with a clock that can be moved past the pauses between attempts."""
    llm = ScriptedLLM({}, settings=LLMSettings(retries=0, repairs=0))
    clock = FrozenClock(datetime(2024, 1, 1, tzinfo=UTC))
    with mneme.Memory(":memory:", embedder="hash", recipe="beliefs", llm=llm, background=False, clock=clock) as opened:
        yield opened


@pytest.fixture
def served(memory: mneme.Memory) -> Iterator[Served]:
    with serving(memory, Keys(None)) as running:
        yield running


def given_up(memory: mneme.Memory) -> list[str]:
    """Store two messages whose forming fails for good, and return their jobs."""
    space = memory.space("home")
    for text in ("I moved to Lisbon in March 2023.", "I work at Acme."):
        space.remember(text, author="Ana")
    while space.jobs(states=("waiting",)):
        space.drain()
        assert isinstance(memory.clock, FrozenClock)
        memory.clock.advance(hours=1)
    return [job.id for job in space.jobs(states=("dead",))]


def test_what_was_given_up_is_retried_and_dropped_over_rest(memory: mneme.Memory, served: Served) -> None:
    first, second = given_up(memory)
    remote = served.client().space("home")
    assert remote.retry_jobs([first]).jobs == (first,)
    assert {job.id: (job.state, job.attempts) for job in remote.jobs()} == {first: ("waiting", 0), second: ("dead", 5)}
    assert remote.drop_jobs().jobs == (second,)
    assert remote.drop_jobs([first]).jobs == (first,)
    assert {job.state for job in remote.jobs()} == {"cancelled"}
    assert remote.journal()[-1].actor.startswith("key:test")
    with pytest.raises(errors.InvalidInput, match="only jobs that are dead can be"):
        remote.retry_jobs([first])
    with pytest.raises(errors.NotFound):
        remote.retry_jobs(["job_x"])


def test_a_reader_changes_no_job(memory: mneme.Memory, served: Served) -> None:
    given_up(memory)
    reader = served.client(rights=("read",)).space("home")
    assert len(reader.jobs(states=("dead",))) == 2
    for change in (reader.retry_jobs, reader.drop_jobs):
        with pytest.raises(errors.Forbidden):
            change()


def test_jobs_are_part_of_a_batch(memory: mneme.Memory, served: Served) -> None:
    first, second = given_up(memory)
    calls = [{"verb": "retry_jobs", "arguments": {"ids": [first]}}, {"verb": "drop_jobs"}, {"verb": "drop_jobs", "arguments": {"id": "x"}}]
    answered = served.http().post(f"/v1/spaces/{quote('home')}/batch", json={"calls": calls}).json()["results"]
    assert [one["status"] for one in answered] == [200, 200, 422]
    assert [one["result"]["jobs"] for one in answered[:2]] == [[first], [second]]


def test_an_agent_lists_retries_and_drops_jobs(memory: mneme.Memory) -> None:
    first, second = given_up(memory)
    caller = Caller(actor="mcp:test", spaces=("home",), rights=frozenset({READ, WRITE}))
    desk = Desk(service=Service(memory), threads=Threads(), caller=caller, space="home")

    async def said(client: McpClient, **arguments: Any) -> str:
        result: Any = await client.call_tool("jobs", arguments)
        return str(result.content[0].text)

    async def script() -> None:
        async with McpClient(build(desk)) as client:
            listed = (await said(client)).splitlines()
            assert [line.partition(":")[0] for line in listed] == [f"[{first}] given up", f"[{second}] given up"]
            assert "no scripted answer" in listed[0]
            assert await said(client, action="retry", ids=[first]) == f"jobs: back in the queue: {first}"
            assert await said(client, action="drop") == f"jobs: dropped: {second}"
            assert (await said(client)).startswith(f"[{first}] waiting: form, 0 attempts")
            assert await said(client, action="drop", ids=[first]) == f"jobs: dropped: {first}"
            assert await said(client) == "No work waits, and none was given up."
            assert await said(client, action="retry") == "jobs: back in the queue: none"
            assert await said(client, action="retry", ids=["job_x"]) == "NotFound: job: there is no job 'job_x' in this space"

    asyncio.run(script())


def test_the_inspector_retries_and_drops_jobs(memory: mneme.Memory) -> None:
    first, second = given_up(memory)
    keys = Keys(None)
    _, token = keys.create("person")
    with TestClient(create_app(memory, keys, parts=[add])) as client:
        headers = {"x-mneme-token": client.post("/ui/api/session", json={"key": token}).json()["token"]}
        for path, ids in (("retry", [first]), ("drop", [])):
            assert client.post(f"/ui/api/jobs/{path}?space=home", json={"ids": ids}, headers=headers).status_code == 200
        assert client.post("/ui/api/jobs/drop?space=home", json={"ids": []}).status_code == 403
    assert {job.id: job.state for job in memory.space("home").jobs()} == {first: "waiting", second: "cancelled"}


def test_a_question_of_a_book_s_length_is_refused_before_it_is_embedded(served: Served) -> None:
    served.memory.space("home").remember("I work at Acme.")
    for path, field in (("recall", "query"), ("ask", "question")):
        answered = served.http().post(f"/v1/spaces/home/{path}", json={field: "x " * 60_000})
        assert (answered.status_code, list(answered.json()["problems"])) == (422, [field])
