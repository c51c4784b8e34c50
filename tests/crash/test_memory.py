"""Crashes and many processes through the public API: what a receipt named is there, and everybody sees everything."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mneme

HERE = Path(__file__).parent
MEMBERS = 8


def killed(folder: Path, first: int, delay_s: float, *, wait: bool) -> list[list[str]]:
    """Run a writer, kill it after a while (``wait``: not before its first word), and return what it had said."""
    command = [sys.executable, str(HERE / "memory_writer.py"), str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        said = process.stdout.readline() if wait else ""
        time.sleep(delay_s)
        process.kill()
        return [line.split() for line in (said + process.stdout.read()).split("\n")[:-1]]


def torture(folder: Path, rounds: int, longest_s: float) -> int:
    """Kill writers at random moments, look after each whether all is there, and return how many calls were acknowledged."""
    chance = random.Random(11)
    kept: dict[str, str] = {}
    gone: set[str] = set()
    maybe: set[str] = set()
    first = calls = 0
    for turn in range(rounds):
        fresh: list[str] = []
        for verb, number, *ids in killed(folder, first, chance.uniform(0, longest_s), wait=turn == 0):
            calls += verb != "erasing"
            first = max(first, int(number) + 10)
            if verb == "kept":
                kept |= {id: f"message {number} {which}" for id, which in zip(ids, ("one", "two"), strict=True)}
                fresh = ids
            elif verb == "revised":
                kept[ids[0]] = f"message {number} anew"
            elif verb == "erasing":
                maybe.add(ids[0])
            else:
                gone.add(ids[0])
        with mneme.Memory(folder, embedder="hash:64", durability="normal") as memory:
            space = memory.space("crash")
            assert space.verify().problems == ()
            present: dict[str, str] = {}
            while page := space.memories(after=max(present, default=""), limit=1000, statuses=("active", "archived")):
                present |= {memory.id: memory.text for memory in page}
            assert not gone & present.keys()
            assert kept.keys() - present.keys() <= gone | maybe
            last = set(fresh)  # its revision may have been committed just before the kill
            assert {id for id in kept.keys() & present.keys() if present[id] != kept[id]} <= last
            for id in fresh[:1]:
                assert id in {hit.memory.id for hit in space.recall(present[id], k=5, archived=True).hits}
            kept |= {id: present[id] for id in last & present.keys()}
            gone |= maybe - present.keys()
    return calls


def test_a_killed_process_loses_nothing_that_a_receipt_named(tmp_path: Path) -> None:
    assert torture(tmp_path, rounds=3, longest_s=0.3) > 0


@pytest.mark.slow
def test_a_process_killed_two_hundred_times(tmp_path: Path) -> None:
    assert torture(tmp_path, rounds=200, longest_s=0.6) > 200


def swarm(folder: Path, seconds: float) -> list[dict[str, object]]:
    """Let processes remember and recall in one space; check it afterwards and return what they said."""
    board = folder / "board"
    board.mkdir()
    root = folder / "root"
    script = [sys.executable, str(HERE / "memory_swarm.py"), str(root)]
    commands = [[*script, str(member), str(seconds), str(board)] for member in range(MEMBERS)]
    members = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands]
    said = [member.communicate(timeout=seconds + 60) for member in members]
    assert [errors for _, errors in said if errors] == []
    reports = [json.loads(out) for out, _ in said]
    with mneme.Memory(root, embedder="hash:64") as memory:
        space = memory.space("shared")
        refs = {f"{report['member']}-{number}" for report in reports for number in range(report["written"])}
        assert space.stats()["memories"] == len(refs)
        found: dict[str, str | None] = {}
        while page := space.memories(after=max(found, default=""), limit=1000):
            found |= {kept.id: kept.ref for kept in page}
        assert set(found.values()) == refs
        assert space.verify().problems == ()
    return reports


def test_eight_processes_share_a_space_through_the_engine(tmp_path: Path) -> None:
    reports = swarm(tmp_path, 2.0)
    assert all(report["written"] for report in reports)
    assert any(len(report["seen"]) == MEMBERS for report in reports)  # type: ignore[arg-type]


@pytest.mark.slow
def test_eight_processes_share_a_space_through_the_engine_for_twenty_seconds(tmp_path: Path) -> None:
    reports = swarm(tmp_path, 20.0)
    assert all(len(report["seen"]) == MEMBERS for report in reports)  # type: ignore[arg-type]
