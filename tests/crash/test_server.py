"""The server as a process: killed under load, stopped in the midst of calls, two over one root."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from mneme import Client, Memory
from mneme.core import errors
from mneme.server.keys import Keys

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@contextmanager
def running(root: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``mneme serve`` on a free port and give its URL."""
    command = [sys.executable, "-m", "mneme", "--root", str(root), "--embedder", "hash", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            said = ""
            while (found := re.search(r"at (http://\S+)", said)) is None:
                line = process.stdout.readline()
                assert line, "the server ended"
                said += line
            yield process, found[1]
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(20)


def hammer(url: str, key: str, acknowledged: dict[str, str], stop: threading.Event, number: int) -> None:
    """Remember texts until told to stop or refused a connection; keep what was acknowledged."""
    with Client(url, key, retries=0) as client:
        for turn in range(10_000):
            if stop.is_set():
                return
            text = f"writer {number} says {turn}"
            try:
                acknowledged[client.space(f"space-{(number + turn) % 5}").remember(text, key=f"{number}/{turn}").id] = text
            except errors.Unreachable:
                return


def stored(root: Path) -> dict[str, str]:
    with Memory(root, embedder="hash") as memory:
        spaces = [memory.space(name) for name in memory.spaces()]
        assert all(space.verify().ok for space in spaces)
        return {m.id: m.text for space in spaces for m in space.memories(limit=100_000)}


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path, options: tuple[str, ...]) -> None:
    key = Keys(tmp_path / "keys.json").create("load")[1]
    acknowledged: dict[str, str] = {}
    stop = threading.Event()
    with running(tmp_path, *options) as (process, url), ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(hammer, url, key, acknowledged, stop, number) for number in range(8)]
        time.sleep(1.0)
        process.kill()
        process.wait(10)
        if options:  # the workers notice that their parent is gone and stop by themselves
            until = time.monotonic() + 15
            while time.monotonic() < until and not all(writer.done() for writer in writers):
                time.sleep(0.05)
        stop.set()
        for writer in writers:
            writer.result(20)
    assert len(acknowledged) > 20
    after = stored(tmp_path)
    assert {id: after.get(id) for id in acknowledged} == acknowledged
    with running(tmp_path) as (_, url), Client(url, key) as client:
        assert len(client.spaces()) == 5
        assert client.space("space-0").recall("writer 0").hits


def test_a_stop_finishes_the_calls_that_run_and_ends_streams(tmp_path: Path) -> None:
    key = Keys(tmp_path / "keys.json").create("load")[1]
    acknowledged: dict[str, str] = {}
    with running(tmp_path) as (process, url), ThreadPoolExecutor(5) as pool, Client(url, key, retries=0) as follower:
        stop = threading.Event()
        writers = [pool.submit(hammer, url, key, acknowledged, stop, number) for number in range(4)]
        time.sleep(0.5)
        feed = follower.space("space-0").changes(after=0)
        next(feed)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
        assert time.monotonic() - started < 10
        for writer in writers:
            writer.result(20)
        with pytest.raises(errors.Unreachable):
            for _ in feed:
                pass
    after = stored(tmp_path)
    assert {id: after.get(id) for id in acknowledged} == acknowledged


def test_two_servers_over_one_root_lose_nothing_and_see_each_other(tmp_path: Path) -> None:
    key = Keys(tmp_path / "keys.json").create("load")[1]
    acknowledged: dict[str, str] = {}
    with ExitStack() as stack:
        urls = [stack.enter_context(running(tmp_path))[1] for _ in range(2)]
        one, two = (stack.enter_context(Client(url, key)) for url in urls)
        pool, stop = stack.enter_context(ThreadPoolExecutor(8)), threading.Event()
        writers = [pool.submit(hammer, urls[number % 2], key, acknowledged, stop, number) for number in range(8)]
        for turn in range(20):
            one.space("shared").remember(f"turn {turn} of the first")
            assert two.space("shared").recall(f"turn {turn} of the first", k=1).hits[0].text == f"turn {turn} of the first"
            two.space("shared").remember(f"turn {turn} of the second")
            assert one.space("shared").memories(limit=1000)[-1].text == f"turn {turn} of the second"
        stop.set()
        for writer in writers:
            writer.result(20)
        id = one.space("shared").remember("to be erased: quetzalcoatl").id
        two.space("shared").forget(id, erase=True)
        assert all("quetzalcoatl" not in hit.text for hit in one.space("shared").recall("quetzalcoatl").hits)
    after = stored(tmp_path)
    assert {id: after.get(id) for id in acknowledged} == acknowledged


def test_a_cursor_and_a_revocation_hold_on_either_server(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    key, token = keys.create("load")
    with running(tmp_path) as (_, first), running(tmp_path) as (_, second):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        httpx.post(f"{first}/v1/spaces/a/remember", headers=headers, json={"what": ["one", "two", "three"]}).raise_for_status()
        page = httpx.get(f"{first}/v1/spaces/a/memories?limit=2", headers=headers).json()
        rest = httpx.get(f"{second}/v1/spaces/a/memories", params={"limit": 2, "cursor": page["next"]}, headers=headers).json()
        assert [m["text"] for m in page["items"] + rest["items"]] == ["one", "two", "three"]
        keys.revoke(key.id)
        assert httpx.get(f"{second}/v1/spaces", headers=headers).status_code == 401


def test_the_first_start_prints_one_key_once(tmp_path: Path) -> None:
    def start() -> str:
        command = [sys.executable, "-m", "mneme", "--root", str(tmp_path), "--embedder", "hash", "serve", "--port", "0"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            said = ""
            while "mneme serves" not in said:
                said += process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
            assert process.returncode in (0, 130, -signal.SIGINT)
            assert "mneme_" not in err
        return said + out

    first, second = start(), start()
    (token,) = re.findall(r"mneme_[0-9a-f]{10}_[\w-]{43}", first)
    assert Keys(tmp_path / "keys.json").check(token).rights == ("read", "write", "erase", "admin")
    assert re.findall(r"mneme_[0-9a-f]{10}_", second) == []


def test_a_space_that_one_server_drops_is_made_anew_on_the_other(tmp_path: Path) -> None:
    key = Keys(tmp_path / "keys.json").create("load")[1]
    with running(tmp_path) as (_, first), running(tmp_path) as (_, second), Client(first, key) as one, Client(second, key) as two:
        one.space("a").remember("old")
        assert two.space("a").recall("old").hits
        one.drop("a")
        with pytest.raises(errors.NotFound):
            two.space("a").recall("old")
        two.space("a").remember("new")
        assert [memory.text for memory in one.space("a").memories()] == ["new"]
