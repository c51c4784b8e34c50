"""``mneme inspect`` and ``mneme mcp`` as a person starts them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

import mneme
from mneme.cli.main import run

INSPECT = [sys.executable, "-m", "mneme", "--embedder", "hash", "inspect", "--no-open"]


def test_it_serves_a_folder_to_whoever_has_the_address(tmp_path: Path) -> None:
    with mneme.Memory(tmp_path, embedder="hash") as memory:
        memory.space("home").remember("Seen in the page.")
    with subprocess.Popen([*INSPECT, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = None
        while found is None:
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            found = re.search(r"(http://127\.0\.0\.1:\d+)/#key=(\S+)", line)
        url, key = found.groups()
        with httpx.Client(base_url=url) as client:
            assert "mneme" in client.get("/").text
            assert client.get("/ui/api/spaces").status_code == 401
            assert client.get("/v1/spaces").status_code == 401
            token = client.post("/ui/api/session", json={"key": key}).json()["token"]
            assert client.get("/ui/api/spaces", headers={"x-mneme-token": token}).json() == ["home"]
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert sorted(path.name for path in tmp_path.iterdir() if "key" in path.name) == []


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert run(["inspect", "--no-open", str(tmp_path / "none")]) == 2
    assert list(tmp_path.iterdir()) == []
