"""Files that are not whole, not ours or of a newer version, and a disk that is full, seen from the public API."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import mneme
from mneme.core.errors import CorruptStore, NewerStore


def made(folder: Path) -> Path:
    with mneme.Memory(folder, embedder="hash:64") as memory:
        memory.space("a").remember([f"heron {number}" for number in range(50)])
        memory.space("b").remember("another space")
    (file,) = (folder / "spaces").glob("a-*.sqlite")
    return file


@pytest.mark.parametrize("content", [b"not a database " * 500, b"short"])
def test_a_foreign_file_is_named_left_alone_and_hides_no_other_space(tmp_path: Path, content: bytes) -> None:
    file = made(tmp_path)
    file.write_bytes(content)
    with mneme.Memory(tmp_path, embedder="hash:64") as memory:
        for call in (lambda: memory.space("a").recall("heron"), lambda: memory.space("a").remember("x"), lambda: memory.space("a").stats()):
            with pytest.raises(CorruptStore, match=rf"{file.name} is not a mneme file; .*restore"):
                call()
        assert memory.space("b").recall("another").hits[0].text == "another space"
    assert file.read_bytes() == content


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    file = made(tmp_path)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with mneme.Memory(tmp_path, embedder="hash:64") as memory, pytest.raises(CorruptStore, match=r"cut short .*restore it from a backup"):
        memory.space("a").recall("heron")


def test_a_file_of_a_newer_version_says_upgrade(tmp_path: Path) -> None:
    file = made(tmp_path)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with mneme.Memory(tmp_path, embedder="hash:64") as memory, pytest.raises(NewerStore, match="upgrade mneme"):
        memory.space("a").recall("heron")


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    script = """
import resource, signal, sys, mneme
from mneme.core.errors import StorageFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
memory = mneme.Memory(sys.argv[1], embedder="hash:64")
space = memory.space("a")
space.remember("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
ids = []
try:
    for number in range(3000):
        ids += space.remember([f"heron {number} " * 40] * 2).ids
except StorageFull as error:
    print(error)
assert ids
assert space.stats()["memories"] == len(ids) + 1
assert space.verify().problems == ()
assert space.recall("heron", k=1).hits
try:
    space.export(sys.argv[1] + "/big.jsonl")
except StorageFull as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
space.remember("after")
assert space.recall("after", k=1).hits[0].text == "after"
memory.close()
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].endswith("nothing of the call was written")
    assert not list(tmp_path.glob("big*")) or "big.jsonl" not in done.stdout


def test_wrong_vectors_of_an_embedder_are_refused(tmp_path: Path) -> None:
    import numpy as np

    from mneme.core.errors import InvalidInput

    class Odd:
        identity, width = "odd", 64

        def __init__(self) -> None:
            self.given = 64

        def embed(self, texts: list[str]) -> object:
            return np.full((len(texts), self.given), self.given**-0.5, np.float32)

        def passages(self, text: str) -> list[str]:
            return [text]

    odd = Odd()
    with mneme.Memory(tmp_path, embedder=odd) as memory:  # type: ignore[arg-type]
        space = memory.space("a")
        space.remember("fine")
        odd.given = 32
        with pytest.raises(InvalidInput, match=r"embedder: odd gave vectors of shape \(1, 32\), not \(1, 64\)"):
            space.remember("not fine")
        odd.given = 64
        assert [kept.text for kept in space.memories()] == ["fine"]
        assert space.recall("fine").hits[0].text == "fine"


def test_an_erasure_without_room_for_a_second_file_is_complete(tmp_path: Path) -> None:
    script = """
import os, pathlib, resource, signal, sys, mneme
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
memory = mneme.Memory(sys.argv[1], embedder="hash:64")
space = memory.space("a")
ids = [space.remember(f"heron {number} zebra{number}x " + os.urandom(15_000).hex()).id for number in range(40)]
space.vacuum()
file = max(pathlib.Path(sys.argv[1]).rglob("*.sqlite"), key=lambda path: path.stat().st_size)
resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size - 4096, resource.RLIM_INFINITY))
for id in ids[3:5]:
    assert space.forget(id, erase=True).findings == ()
raw = b"".join(path.read_bytes() for path in pathlib.Path(sys.argv[1]).rglob("*") if path.is_file())
assert b"zebra5x" in raw and b"zebra3x" not in raw and b"zebra4x" not in raw
assert space.verify().ok
memory.close()
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
