"""Several processes and threads on one space: no lock error, no lost write, everybody sees everything."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mneme.core.errors import Busy, Closed, Conflict
from mneme.core.operations import Enqueue, Keep
from mneme.stores.samples import at, batch, job, memory, memory_id, remembered
from mneme.stores.sqlite import SQLiteRoot, SQLiteStore

SWARM = Path(__file__).with_name("swarm.py")
MEMBERS = 8


def swarm(folder: Path, seconds: float) -> list[dict[str, object]]:
    """Let processes write and read one space; check it afterwards and return what they said."""
    commands = [[sys.executable, str(SWARM), str(folder), str(member), str(seconds)] for member in range(MEMBERS)]
    members = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands]
    said = [member.communicate(timeout=seconds + 60) for member in members]
    assert [errors for _, errors in said if errors] == []
    reports = [json.loads(out) for out, _ in said]
    store = SQLiteRoot(folder).open("shared", create=False)
    for report in reports:
        ids = [memory_id(report["member"] * 1_000_000 + number) for number in range(report["written"])]
        assert len(store.memories(ids)) == report["written"]
        assert store.usage(ids[:1]).get(ids[0]) is None or store.usage(ids[:1])[ids[0]].uses == report["written"] // 5
    assert store.counts()["memories"] == sum(report["written"] for report in reports)
    assert store.check() == []
    store.close()
    return reports


def test_eight_processes_share_a_space(tmp_path: Path) -> None:
    reports = swarm(tmp_path, 2.0)
    assert all(report["written"] for report in reports)
    assert any(len(report["seen"]) == MEMBERS for report in reports)  # type: ignore[arg-type]


@pytest.mark.slow
def test_eight_processes_share_a_space_for_twenty_seconds(tmp_path: Path) -> None:
    reports = swarm(tmp_path, 20.0)
    assert all(len(report["seen"]) == MEMBERS for report in reports)  # type: ignore[arg-type]


def test_threads_commit_together_and_each_gets_its_own_result(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "a.sqlite")
    start = threading.Barrier(8)

    def write(member: int) -> list[str]:
        start.wait()
        results = []
        for number in range(30):
            ready = batch(*remembered(member * 100 + number, "text"))
            if number % 10 == 9:  # a bad one among good ones fails alone
                ready = batch(*remembered(member * 100 + number, "text"), Keep(memory=memory(member * 100, "taken")))
            try:
                entry = store.apply(ready).entry
                results.append("kept" if entry and entry.changes[1].subject == memory_id(member * 100 + number) else "wrong")
            except Conflict:
                results.append("refused")
        return results

    with ThreadPoolExecutor(8) as pool:
        results = Counter(result for every in pool.map(write, range(8)) for result in every)
    assert results == {"kept": 216, "refused": 24}
    assert store.counts()["memories"] == 216
    assert store.check() == []
    store.close()


def test_closing_while_threads_write_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "a.sqlite", durability="normal")

    def write(member: int) -> int:
        for number in range(100_000):
            try:
                store.apply(batch(*remembered(member * 100_000 + number, "text")))
                store.last_seq()
            except Closed:
                return number
        return -1

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(write, member) for member in range(4)]
        while store.last_seq() < 50:
            pass
        store.close()
        written = [each.result() for each in running]
    again = SQLiteStore(tmp_path / "a.sqlite", durability="normal")
    # A thread that was refused between its write and its read had one more acknowledged than it counted.
    assert sum(written) <= again.last_seq() <= sum(written) + 4
    assert again.check() == []
    again.close()


def test_a_job_is_given_to_one_worker_only(tmp_path: Path) -> None:
    stores = [SQLiteStore(tmp_path / "a.sqlite", durability="normal") for _ in range(4)]
    stores[0].apply(batch(*(Enqueue(job=job(number)) for number in range(60))))

    def work(store: SQLiteStore) -> list[str]:
        done = []
        while claimed := store.claim(now=at(1), lease_s=60, limit=2):
            done += [each.id for each in claimed if store.finish(each, state="done", now=at(1))]
        return done

    with ThreadPoolExecutor(4) as pool:
        done = [id for every in pool.map(work, stores) for id in every]
    assert sorted(done) == [f"job_{number:03d}" for number in range(60)]
    for store in stores:
        store.close()


def test_a_writer_that_keeps_the_lock_makes_others_busy_and_then_lets_them_in(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "a.sqlite", durability="normal", timeout_s=0.2)
    script = "import fcntl,sys; f=open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(tmp_path / "a.sqlite.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=r"0\.2 s"):
            store.apply(batch(*remembered(1, "one")))
        assert store.last_seq() == 0  # readers never wait
        holder.stdin.close()
        holder.wait()
    store.apply(batch(*remembered(1, "one")))
    store.apply(batch(*remembered(2, "two")))
    assert store.last_seq() == 2
    store.close()


def test_a_store_is_not_used_across_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SQLiteStore(tmp_path / "a.sqlite", durability="normal")
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(Closed, match="fork"):
        store.last_seq()
    monkeypatch.undo()
    store.close()
