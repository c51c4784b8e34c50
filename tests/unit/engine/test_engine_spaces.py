"""Many spaces at once: isolation, the pool of open ones, other models, other processes, export and import, asynchronous calls."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import mneme
from mneme.core.errors import Closed, InvalidInput, ModelMismatch, NotFound, StorageError
from mneme.core.records import Usage

NAMES = [
    "../alice",
    "alice/../bob",
    "..",
    "/etc/passwd",
    "alice\\bob",
    "Alice",
    "alice ",
    "é",
    "e\u0301",
    "con",
    "a" * 200,
    "spaces",
    "🦊",
    "%2e%2e",
]


def test_names_are_names_and_never_paths(memory: mneme.Memory, tmp_path: Path) -> None:
    for name in ["alice", *NAMES]:
        memory.space(name).remember(f"the secret of {name!r}")
    assert memory.spaces() == sorted(["alice", *NAMES])
    for name in ["alice", *NAMES]:
        assert [hit.text for hit in memory.space(name).recall("secret", k=99).hits] == [f"the secret of {name!r}"]
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name not in ("spaces", "root")]
    assert outside == []


@pytest.mark.parametrize("name", ["", " ", "a" * 201, "a\0b", "a\nb", "a\ud800", 5, None])
def test_what_is_no_name_is_refused(memory: mneme.Memory, name: object) -> None:
    with pytest.raises(InvalidInput, match="space: "):
        memory.space(name)  # type: ignore[arg-type]


def test_nothing_of_a_space_is_reachable_from_another(memory: mneme.Memory) -> None:
    mine, theirs = memory.space("mine"), memory.space("theirs")
    said = theirs.remember("The vault opens with a whistle.", ref="r1", session="s1", author="eve", tags=["t"])
    fact = theirs.remember(memories=[{"text": "Whistle opens vault.", "sources": [said.id]}]).id
    theirs.revise(said.id, "The vault opens with two whistles.", reason="vault")
    mine.remember("A plain message.", session="s1", ref="mine")
    entries = len(mine.journal())
    ids = [said.id, fact, said.episodes[0]]
    for id in [*ids, f"../theirs/{fact}", f"{fact}' OR '1'='1", "%", "mem_%", "*"]:
        calls = [
            mine.get,
            mine.history,
            mine.forget,
            mine.restore,
            lambda each: mine.revise(each, "x"),
            lambda each: mine.forget(each, erase=True),
        ]
        for call in calls:
            with pytest.raises(NotFound):
                call(id)  # type: ignore[operator]
        with pytest.raises(InvalidInput):
            mine.remember(memories=[{"text": "x", "sources": [id]}])
        with pytest.raises(InvalidInput):
            mine.feedback(mine.recall("vault"), useful=[id])
        assert mine.memories({"ids": [id]}) == mine.episodes([id]) == mine.links([id]) == []
        assert mine.usage([id]) == mine.formed_from([id]) == {}
    with pytest.raises(NotFound):
        mine.feedback(theirs.recall("vault"), useful=[said.id])
    for filters in ({"refs": ["r1"]}, {"authors": ["eve"]}, {"tags": ["t"]}, {"ids": ids}):
        assert mine.recall("vault whistle", filters=filters, archived=True).hits == ()
        assert mine.forget(filters).ids == ()
    assert [hit.text for hit in mine.recall("vault whistle", filters={"sessions": ["s1"]}).hits] == ["A plain message."]
    assert "whistle" not in mine.recall("vault whistle", budget_tokens=500, explain=True).context
    assert len(mine.journal()) == entries == 1
    assert {hit.space for hit in memory.recall("vault", spaces=["mine"]).hits} == {"mine"}
    memory.drop("theirs")
    with pytest.raises(NotFound):
        memory.recall("vault", spaces=["theirs"])
    assert theirs.recall("vault").hits == ()


def test_open_spaces_are_bounded_by_their_number(tmp_path: Path) -> None:
    script = """
import resource, sys, mneme
resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))
with mneme.Memory(sys.argv[1], embedder="hash:64", durability="normal") as memory:
    for number in range(120):
        memory.space(f"user {number}").remember(f"I am number {number}")
        memory.space("user 0").recall("number")
    for number in range(0, 120, 7):
        assert memory.space(f"user {number}").recall("number", k=1).hits[0].text == f"I am number {number}"
    assert len(memory.spaces()) == 120
    print(len(memory.open_spaces()), "user 0" in memory.open_spaces())
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split() == ["10", "False"]


def test_open_spaces_are_bounded_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mneme.engine.opened._WEIGH_EVERY_S", 0.0)
    with mneme.Memory(tmp_path, embedder="hash:64", durability="normal", max_open_bytes=1) as memory:
        for name in ("a", "b", "c", "a"):
            memory.space(name).remember("x")
            assert memory.open_spaces() == [name]
        assert {memory.space(name).stats()["memories"] for name in ("b", "c")} == {1}


@pytest.mark.slow
def test_thousands_of_spaces(tmp_path: Path) -> None:
    with mneme.Memory(tmp_path, embedder="hash:64", durability="normal") as memory:
        for number in range(3000):
            memory.space(f"user {number}").remember(f"I am number {number}")
        assert len(memory.spaces()) == 3000
        assert len(memory.open_spaces()) <= 256
        for number in range(0, 3000, 101):
            assert memory.space(f"user {number}").recall("number", k=1).hits[0].text == f"I am number {number}"


def test_another_model_is_refused_until_the_space_is_reembedded(tmp_path: Path) -> None:
    with mneme.Memory(tmp_path, embedder="hash:64") as before, mneme.Memory(tmp_path, embedder="hash:128") as after:
        old, new = before.space("a"), after.space("a")
        ids = old.remember([f"parcel {i} waits" for i in range(40)]).ids
        for call in (lambda: new.recall("parcel"), lambda: new.remember("x"), lambda: after.recall("x", spaces=["a"])):
            with pytest.raises(ModelMismatch, match=r"mneme reembed"):
                call()
        seen: list[tuple[int, int]] = []
        assert new.reembed(progress=lambda done, of: seen.append((done, of))) == 40
        assert seen[-1] == (40, 40)
        assert new.recall("parcel 7 waits", k=1).hits[0].memory.id == ids[7]
        assert new.verify().problems == ()
        with pytest.raises(ModelMismatch, match="hash"):
            old.recall("parcel")
        with pytest.raises(ModelMismatch):
            old.remember("x")
        assert new.reembed() == 0


def test_recalls_go_on_while_a_space_is_reembedded_and_never_mix_models(tmp_path: Path) -> None:
    with mneme.Memory(tmp_path, embedder="hash:64") as before, mneme.Memory(tmp_path, embedder="hash:128") as after:
        old = before.space("a")
        old.remember([f"parcel {i} waits" for i in range(300)])
        wrong: list[object] = []
        counts = [0, 0]
        switched = threading.Event()

        def ask() -> None:
            while counts[1] < 3:
                try:
                    if old.recall("parcel 7 waits", k=1).hits[0].text != "parcel 7 waits":
                        wrong.append("another text")
                    counts[0] += 1
                except ModelMismatch:
                    counts[1] += 1
                except Exception as error:  # noqa: BLE001 - collected for the assertion below
                    wrong.append(error)
                    return

        def write() -> None:
            number = 0
            while not switched.is_set():
                try:
                    old.remember(f"late parcel {number}")
                    number += 1
                except ModelMismatch:
                    return

        threads = [threading.Thread(target=ask), threading.Thread(target=write)]
        for thread in threads:
            thread.start()
        assert after.space("a").reembed() >= 300
        switched.set()
        for thread in threads:
            thread.join(30)
        assert wrong == []
        assert counts[0] > 0
        assert after.space("a").verify().problems == ()
        assert after.space("a").recall("parcel 299 waits", k=1).hits[0].text == "parcel 299 waits"


def test_an_export_comes_back_as_it_was_and_twice_adds_nothing(memory: mneme.Memory, tmp_path: Path) -> None:
    space = memory.space("a")
    first, second = space.remember(["I live in Lisbon.", "I keep bees."], session="s", author="ana", tags=["x"]).ids
    space.revise(first, "I live in Evora.")
    space.revise(first, "I live in Faro.")
    space.forget(second)
    space.feedback(space.recall("Faro", k=1), useful=[first])
    path = tmp_path / "deep" / "a.jsonl"
    lines = space.export(path)
    assert lines == len(path.read_text().splitlines())
    copy = memory.space("copy")
    assert set(copy.import_(path).ids) == {first, second}
    assert copy.import_(path).ids == ()
    assert [copy.get(id).text for id in (first, second)] == ["I live in Faro.", "I keep bees."]
    assert copy.get(second).status == "archived"
    assert copy.usage([first]).get(first, Usage()).uses == 1.0
    assert [hit.memory.id for hit in copy.recall("Faro").hits] == [hit.memory.id for hit in space.recall("Faro").hits]
    assert copy.verify().problems == ()
    copy.forget(first, erase=True)
    refused = {refusal.subject for refusal in copy.import_(path).refused}
    assert refused == {first, *(episode.id for episode in space.episodes() if "Lisbon" in episode.text or "Faro" in episode.text)}
    assert [episode.text for episode in copy.episodes()] == ["I keep bees."]
    assert [memory.id for memory in copy.memories(statuses=("active", "archived"))] == [second]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"), (b"hello\n", "line 1.*not JSON"), (b"[1]\n", "no object"), (b'{"a": 1}\n', "no export of mneme"),
        (b'{"format": "mneme-export", "version": 99}\n', "upgrade mneme"), (b"\x00\xff" * 50, "not JSON"),
        (b'{"format": "mneme-export", "version": 1}\n{"memory": {}}\n', "memory"),
        (b'{"format": "mneme-export", "version": 1}\n{"memory": {"id"\n', "line 2"),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused(space: mneme.Space, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=says):
        space.import_(path)
    assert space.stats()["memories"] == 0


def test_paths_that_cannot_be_used_are_named(space: mneme.Space, tmp_path: Path) -> None:
    space.remember("x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidInput, match=r"path: .*missing can't be read"):
        space.import_(tmp_path / "missing")
    with pytest.raises(InvalidInput, match=r"path: .*is a folder"):
        space.export(tmp_path)
    with pytest.raises(StorageError, match=r"path: .*can't be written"):
        space.export(tmp_path / "file" / "below")
    assert not list(tmp_path.glob("*.part"))


def test_a_closed_space_opens_again_and_a_closed_memory_does_not(memory: mneme.Memory) -> None:
    space = memory.space("a")
    space.remember("x")
    space.close()
    space.close()
    assert space.recall("x").hits[0].text == "x"
    memory.close()
    memory.close()
    for call in (lambda: space.recall("x"), lambda: space.remember("y"), lambda: memory.recall("x", spaces=["a"])):
        with pytest.raises(Closed, match="closed"):
            call()


def test_every_verb_can_be_awaited(memory: mneme.Memory) -> None:
    space = memory.space("a")

    async def lead() -> None:
        receipts = await asyncio.gather(*(space.aio.remember(f"bird {number}") for number in range(20)))
        assert len({receipt.id for receipt in receipts}) == 20
        found = await space.aio.recall("bird 7", k=1)
        assert found.hits[0].text == "bird 7"
        await space.aio.revise(found.hits[0].memory.id, "bird seven")
        await space.aio.forget(found.hits[0].memory.id)
        await space.aio.undo()
        assert (await space.aio.get(found.hits[0].memory.id)).text == "bird seven"
        assert (await space.aio.verify()).ok

    asyncio.run(lead())


def test_stats_count_what_is_there(space: mneme.Space) -> None:
    ids = space.remember(["a", "b", "c", "d"]).ids
    space.forget(ids[0])
    space.forget(ids[1], erase=True)
    stats = space.stats()
    assert (stats["space"], stats["entries"], stats["episodes"], stats["model"]) == ("alice", 3, 3, space._memory.embedder.identity)
    assert stats["erased"] == 1


def test_a_root_that_cannot_be_written_can_be_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with mneme.Memory(root, embedder="hash:64") as memory:
        memory.space("a").remember("a heron")
    script = """
import os, sys, mneme
from mneme.core.errors import ReadOnly
with mneme.Memory(sys.argv[2], embedder="hash:64") as memory:  # whatever is imported late is imported here
    memory.space("a").remember("x")
    memory.space("a").recall("x")
    memory.space("a").verify()
    memory.space("b").recall("x")
if os.geteuid() == 0:
    os.setegid(65534); os.seteuid(65534)
with mneme.Memory(sys.argv[1], embedder="hash:64") as memory:
    assert memory.space("a").recall("heron").hits[0].text == "a heron"
    assert memory.space("b").recall("heron").hits == ()
    assert memory.space("a").verify().ok
    for name in ("a", "b"):
        try:
            memory.space(name).remember("x")
        except ReadOnly as error:
            print(error)
"""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o777 == 0o700:
            folder.chmod(0o755)
    paths = [root, *root.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        command = [sys.executable, "-c", script, str(root), str(tmp_path / "other")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2
    assert "permissions" in done.stdout


def test_importing_mneme_is_quick_and_loads_no_model(tmp_path: Path) -> None:
    script = """
import sys, time
start = time.perf_counter()
import mneme
print(time.perf_counter() - start)
heavy = {"numpy", "onnxruntime", "sqlite3", "torch", "rich", "click", "simsimd"} & set(sys.modules)
assert not heavy, heavy
memory = mneme.Memory(sys.argv[1])
memory.space("a")
assert "onnxruntime" not in sys.modules
"""
    runs = [subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True) for _ in range(3)]
    assert min(float(run.stdout) for run in runs) < 0.080
