"""The client against a real server: results, errors, streams, retries."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from mneme import Client, Filter, Message
from mneme.client import AsyncClient
from mneme.core import errors
from mneme.server.keys import Keys
from serving import Served


@pytest.fixture
def client(served: Served) -> Client:
    return served.client()


def test_results_are_those_of_the_library(served: Served, client: Client, space: str) -> None:
    remote, local = client.space(space), served.memory.space(space)
    receipt = remote.remember(Message(text="I moved to Porto.", author="ana", at=datetime(2024, 5, 1, tzinfo=UTC), tags=("home",)))
    assert remote.get(receipt.id) == local.get(receipt.id)
    assert remote.history(receipt.id) == local.history(receipt.id)
    assert remote.journal() == local.journal()
    assert remote.episodes() == local.episodes()
    assert remote.memories(Filter(tags=("home",))) == local.memories()
    found, here = remote.recall("Porto", k=1), local.recall("Porto", k=1)
    assert (found.hits, found.context, found.marks, found.context_tokens) == (here.hits, here.context, here.marks, here.context_tokens)
    assert remote.verify() == local.verify()
    assert remote.stats()["active"] == 1


def test_errors_are_those_of_the_library(client: Client, space: str) -> None:
    remote = client.space(space)
    with pytest.raises(errors.NotFound) as missing:
        remote.recall("tea")
    assert (missing.value.what, missing.value.name) == ("space", space)
    with pytest.raises(errors.InvalidBatch) as bad:
        remote.remember(["tea", " "])
    assert list(bad.value.items) == [1]
    with pytest.raises(errors.InvalidInput) as empty:
        remote.remember(" ")
    assert list(empty.value.problems) == ["text"]
    id = remote.remember("tea").id
    with pytest.raises(errors.Conflict):
        remote.revise(id, "coffee", expected_version=7)
    report = remote.forget(id, erase=True)
    with pytest.raises(errors.CannotUndo):
        remote.undo(entry=report.entry)


def test_a_wrong_key_is_unauthorised_and_a_narrow_one_forbidden(served: Served, client: Client, space: str) -> None:
    client.space(space).remember("tea")
    with Client(served.url, "mneme_x_y") as wrong, pytest.raises(errors.Unauthorised):
        wrong.spaces()
    with pytest.raises(errors.Forbidden):
        served.client(spaces=("other",)).space(space).recall("tea")


@pytest.mark.parametrize("name", [".", "..", "a/b", "a b", "%2F", "ä", "?", "#", "a\\b", "x" * 200])
def test_any_name_of_a_space_arrives(client: Client, name: str) -> None:
    client.space(name).remember("tea")
    assert name in client.spaces()
    assert client.space(name).stats()["space"] == name
    client.drop(name)
    assert name not in client.spaces()


def test_feedback_by_hit_and_mark(client: Client, space: str) -> None:
    remote = client.space(space)
    remote.remember(["tea", "coffee"])
    found = remote.recall("tea", k=2)
    assert remote.feedback(found, useful=[found.hits[0]], useless=[found.hits[1].mark]).ids == tuple(hit.memory.id for hit in found.hits)


def test_ask_and_upkeep_answer_as_the_library_does(served: Served, client: Client, space: str) -> None:
    remote, local = client.space(space), served.memory.space(space)
    remote.remember(["Ana moved to Porto in May.", "The kettle is broken."], wait=True)
    answered, here = remote.ask("Where did Ana move to?"), local.ask("Where did Ana move to?")
    assert (answered.text, answered.known, answered.citations) == (here.text, here.known, here.citations)
    report = remote.upkeep(dry_run=True)
    assert (report.dry_run, report.memories, report.proposals) == (True, 2, local.upkeep(dry_run=True).proposals)
    with pytest.raises(errors.Forbidden):
        served.client(rights=("read", "write")).space(space).upkeep()


def test_an_export_travels_through_a_file(client: Client, space: str, tmp_path: Path) -> None:
    ids = client.space(space).remember(["tea", "coffee"]).ids
    assert client.space(space).export(tmp_path / "x.jsonl") == 5
    assert client.space(space + " copy").import_(tmp_path / "x.jsonl").ids == ids


def test_the_change_feed_starts_where_it_is_told_and_follows(client: Client, space: str) -> None:
    remote = client.space(space)
    remote.remember("one")
    remote.remember("two")
    later = threading.Timer(0.2, lambda: remote.remember("three"))
    later.start()
    feed = remote.changes(after=1)
    assert [entry.seq for entry in islice(feed, 2)] == [2, 3]
    feed.close()  # type: ignore[attr-defined]
    later.join()


def test_the_change_feed_ends_when_the_key_is_revoked(served: Served, space: str) -> None:
    assert served.keys is not None
    key, token = served.keys.create("brief")
    with Client(served.url, token, retries=0) as client:
        client.space(space).remember("one")
        feed = client.space(space).changes(after=0)
        assert next(feed).seq == 1
        served.keys.revoke(key.id)
        with pytest.raises(errors.Unauthorised):
            next(feed)


def test_the_change_feed_says_when_what_followed_was_folded_away(served: Served, client: Client, space: str) -> None:
    remote, local = client.space(space), served.memory.space(space)
    for text in ("one", "two", "three"):
        remote.remember(text)
    reading = remote.changes(after=0)
    assert next(reading).seq == 1
    reading.close()  # type: ignore[attr-defined]
    time.sleep(0.01)
    assert local.compact(timedelta(milliseconds=5)).to_seq == local.folded() == 3
    with pytest.raises(errors.Folded, match=r"is 1, but entries up to 3 were folded .* after=0"):
        next(remote.changes(after=1))
    assert [entry.seq for entry in islice(remote.changes(after=3), 1)] == [4]
    whole = list(islice(remote.changes(after=0), 2))
    assert [(entry.seq, entry.verb) for entry in whole] == [(3, "checkpoint"), (4, "compact")]
    # Three messages and what they were said in; and the ids that a repeated call is answered with.
    assert [change.op for change in whole[0].changes] == ["held"] * 6 + ["answered"] * 3
    assert [entry.seq for entry in local.journal(after=1)] == [3, 4]  # a page of the journal is what there is


def test_events_can_be_resumed_by_their_id(served: Served, client: Client, space: str) -> None:
    for text in ("one", "two", "three"):
        client.space(space).remember(text)
    with served.http().stream("GET", f"{client.space(space)._path}/changes", headers={"Last-Event-ID": "2"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = list(islice((line for line in response.iter_lines() if line.startswith("id: ")), 1))
    assert lines == ["id: 3"]


def test_the_same_verbs_can_be_awaited(served: Served, space: str, tmp_path: Path) -> None:
    async def live() -> list[str]:
        async with AsyncClient(served.url, served.key()) as client:
            remote = client.space(space)
            await remote.remember(["tea", "coffee"])
            found = await asyncio.gather(*(remote.recall(query, k=1) for query in ("tea", "coffee")))
            assert [entry.seq async for entry in _first(remote.changes(after=0))] == [1]
            assert await remote.export(tmp_path / "x.jsonl") == 5
            assert (await client.space(space + " copy").import_(tmp_path / "x.jsonl")).ids
            assert space in await client.spaces()
            with pytest.raises(errors.NotFound):
                await client.space("nope").stats()
            return [recall.hits[0].text for recall in found]

    assert asyncio.run(live()) == ["tea", "coffee"]


async def _first(entries: Any) -> Any:
    async for entry in entries:
        yield entry
        break
    await entries.aclose()


def test_what_may_be_repeated_is_repeated_and_nothing_else() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path.rsplit("/", 1)[1])
        if len(seen) == 1:
            raise httpx.ConnectError("gone")
        if len(seen) == 2:
            return httpx.Response(503, json={"title": "Busy", "detail": "storage: busy", "retry_after_s": 0.01})
        return httpx.Response(200, json={"verb": "remember", "ids": ["mem_1"]})

    with Client("http://x", transport=httpx.MockTransport(answer)) as client:
        assert client.space("a").remember("tea").ids == ("mem_1",)
        assert seen == ["remember"] * 3
        seen.clear()
        with pytest.raises(errors.Unreachable, match="mneme serve"):
            client.space("a").undo()
        assert seen == ["undo"]


def test_what_is_no_mneme_server_is_said_so() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(502, text="<html>bad gateway"))
    with Client("http://x", transport=transport, retries=0) as client, pytest.raises(errors.Unreachable, match="answered 502"):
        client.spaces()


def test_an_error_of_the_server_itself_keeps_its_message_in_the_log(
    served: Served, client: Client, space: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        identity, width = "broken", 256

        def passages(self, text: str) -> list[str]:
            raise RuntimeError(f"secret {text}")

    monkeypatch.setattr(served.memory, "embedder", Broken())
    with pytest.raises(errors.MnemeError, match="the server failed") as raised:
        client.space(space).remember("quetzalcoatl")
    assert "quetzalcoatl" not in str(raised.value)


def test_keys_are_masked_in_what_python_prints(served: Served) -> None:
    token = Keys(None).create("x")[1]
    with Client(served.url, token) as client:
        assert token not in repr(client)
