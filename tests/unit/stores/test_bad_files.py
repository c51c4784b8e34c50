"""Files and folders that are not as they should be: one clear error of ours, and nothing that was stored is lost."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mneme.core.errors import CorruptStore, InvalidInput, MnemeError, NewerStore, NotFound, ReadOnly, StorageError, StorageFull
from mneme.stores.samples import batch, memory_id, remembered
from mneme.stores.sqlite import SQLiteRoot, SQLiteStore

NOBODY = 65534


def filled(path: Path, count: int = 50) -> None:
    """Make a space with some memories."""
    store = SQLiteStore(path, durability="normal")
    store.apply(batch(*(operation for number in range(count) for operation in remembered(number, f"text {number} " * 20))))
    store.close()


@contextmanager
def without_rights() -> Iterator[None]:
    """Run as an ordinary user: permissions do not stop root."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(NOBODY)
    except PermissionError:
        pytest.skip("root here can't become another user")
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    """A folder that other users can reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like something " * 100, b"short", b"\0" * 4096])
def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(content)
    with pytest.raises(CorruptStore, match=r"path: .*not a mneme file"):
        SQLiteStore(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(CorruptStore, match="not one of mneme's"):
        SQLiteStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.sqlite"
    filled(path)
    size = int(path.stat().st_size * share)
    os.truncate(path, size)
    with pytest.raises(CorruptStore, match="cut short"):
        SQLiteStore(path)
    assert path.stat().st_size == size


def test_a_damaged_page_is_found_and_never_raises_an_error_that_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, 200)
    raw = bytearray(path.read_bytes())
    for start in range(4096 * 2, len(raw), 4096):
        raw[start : start + 64] = b"\xff" * 64
    path.write_bytes(raw)

    def read() -> None:
        store = SQLiteStore(path)
        try:
            store.index_rows()
        finally:
            store.close()

    with pytest.raises(CorruptStore, match="damaged"):
        read()


def test_content_changed_behind_our_back_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    filled(path, 3)
    other = sqlite3.connect(path)
    other.execute("UPDATE memory_version SET snapshot = CAST(replace(CAST(snapshot AS TEXT), 'text 1', 'text 9') AS BLOB)")
    other.execute("UPDATE memory SET author = 'mallory' WHERE row = 1")
    other.execute("DELETE FROM term WHERE key = (SELECT max(key) FROM term)")
    other.commit()
    other.close()
    store = SQLiteStore(path)
    problems = "\n".join(store.check())
    store.close()
    assert f"memory {memory_id(1)} version 1: its content does not fit its digest" in problems
    assert f"memory {memory_id(0)}: its row does not agree with its last version" in problems
    assert f"memory {memory_id(2)}: text version 1 has no token row" in problems
    assert "text 9" not in problems


def test_a_rewritten_journal_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    store = SQLiteStore(path, durability="normal")
    for number in range(3):
        store.apply(batch(*remembered(number, "text"), actor="ana"))
    store.close()
    other = sqlite3.connect(path)
    other.execute("UPDATE entry SET actor = 'ben' WHERE seq = 2")
    other.commit()
    other.close()
    store = SQLiteStore(path)
    assert store.check() == ["entry 2: its hash does not follow from the entry before it"]
    store.close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "a.sqlite")
    other = sqlite3.connect(tmp_path / "a.sqlite")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(NewerStore, match=r"format 99.*upgrade mneme"):
        SQLiteStore(tmp_path / "a.sqlite")


def test_a_catalogue_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    SQLiteRoot(tmp_path)
    other = sqlite3.connect(tmp_path / "catalogue.sqlite")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(NewerStore, match="upgrade mneme"):
        SQLiteRoot(tmp_path)
    (tmp_path / "catalogue.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(CorruptStore, match="catalogue"):
        SQLiteRoot(tmp_path)


def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for make in (lambda: SQLiteRoot(tmp_path / "file" / "root"), lambda: SQLiteStore(tmp_path / "file" / "a.sqlite")):
        with pytest.raises(StorageError, match="path: "):
            make()
    with pytest.raises(StorageError, match="path: "):
        SQLiteStore(tmp_path / "missing" / "a.sqlite")


def test_a_folder_that_cannot_be_written_can_be_read(open_to_all: Path) -> None:
    folder = open_to_all / "root"
    root = SQLiteRoot(folder, durability="normal")
    store = root.open("a")
    store.apply(batch(*remembered(1, "one")))
    store.close()
    for each in [folder, *folder.rglob("*")]:
        each.chmod(0o555 if each.is_dir() else 0o444)
    try:
        with without_rights():
            root = SQLiteRoot(folder)
            store = root.open("a", create=False)
            assert store.memories([memory_id(1)])[memory_id(1)].text == "one"
            with pytest.raises(ReadOnly, match="permissions"):
                store.apply(batch(*remembered(2, "two")))
            with pytest.raises(ReadOnly, match="path: "):
                root.open("new")
            with pytest.raises(ReadOnly, match="path: "):
                SQLiteRoot(folder / "inner")
            assert store.check() == []
            store.close()
            assert root.spaces() == ["a"]
    finally:
        for each in [folder, *folder.rglob("*")]:
            each.chmod(0o755 if each.is_dir() else 0o644)


def test_read_only_never_writes(tmp_path: Path) -> None:
    with pytest.raises(MnemeError):
        SQLiteRoot(tmp_path / "none", read_only=True)
    SQLiteRoot(tmp_path / "root").open("a").close()
    root = SQLiteRoot(tmp_path / "root", read_only=True)
    store = root.open("a")
    assert store.last_seq() == 0
    with pytest.raises(ReadOnly):
        store.set_meta("a", "b")
    with pytest.raises(ReadOnly):
        root.open("b")
    with pytest.raises(ReadOnly):
        root.drop("a")
    store.close()


def fill_up(store: SQLiteStore) -> int:
    """Write until there is no space, and return how many writes were acknowledged."""
    for number in range(1, 2000):
        try:
            store.apply(batch(*remembered(number, f"text {number} " * 200)))
        except StorageFull as error:
            assert "nothing of the call was written" in str(error)  # noqa: PT017 - the loop ends here
            return number - 1
    raise AssertionError("the disk never filled up")


def test_a_limit_on_the_file_size_loses_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "a.sqlite", durability="normal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        written = fill_up(store)
        assert store.last_seq() == written
        assert store.check() == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store.apply(batch(*remembered(9999, "after")))
    assert store.counts()["memories"] == written + 1
    assert store.check() == []
    store.close()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip("a small disk can't be mounted here")
    try:
        store = SQLiteStore(disk / "a.sqlite")
        written = fill_up(store)
        assert store.last_seq() == written > 10
        assert store.check() == []
        assert len(store.memories([memory_id(number) for number in range(1, written + 1)])) == written
        store.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_backup_is_whole_and_never_overwrites(tmp_path: Path) -> None:
    filled(tmp_path / "a.sqlite")
    store = SQLiteStore(tmp_path / "a.sqlite")
    store.backup(tmp_path / "copy.sqlite")
    with pytest.raises(InvalidInput, match="exists"):
        store.backup(tmp_path / "copy.sqlite")
    copy = SQLiteStore(tmp_path / "copy.sqlite")
    assert copy.check() == []
    assert copy.entries() == store.entries()
    for each in (copy, store):
        each.close()


def test_unknown_durability_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="durability"):
        SQLiteStore(tmp_path / "a.sqlite", durability="fast")  # type: ignore[arg-type]


def test_a_space_whose_file_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    root = SQLiteRoot(tmp_path)
    root.open("a").close()
    for each in (tmp_path / "spaces").iterdir():
        each.unlink()
    with pytest.raises(CorruptStore, match="space 'a', is gone"):
        root.open("a")
    root.drop("a")
    assert root.open("a").last_seq() == 0


def test_a_name_whose_drop_was_cut_short_can_be_used_again(tmp_path: Path) -> None:
    root = SQLiteRoot(tmp_path)
    store = root.open("a")
    store.apply(batch(*remembered(1, "one")))
    store.close()
    other = sqlite3.connect(tmp_path / "catalogue.sqlite")
    other.execute("UPDATE space SET dropping = 1")
    other.commit()
    other.close()
    again = root.open("a")
    assert again.last_seq() == 0
    again.apply(batch(*remembered(2, "two")))
    again.close()
    assert SQLiteRoot(tmp_path).open("a", create=False).last_seq() == 1


def test_a_drop_that_a_crash_cut_short_is_finished(tmp_path: Path) -> None:
    root = SQLiteRoot(tmp_path)
    root.open("a").close()
    other = sqlite3.connect(tmp_path / "catalogue.sqlite")
    other.execute("UPDATE space SET dropping = 1")
    other.commit()
    other.close()
    assert root.spaces() == []
    again = SQLiteRoot(tmp_path)
    assert list((tmp_path / "spaces").iterdir()) == []
    with pytest.raises(NotFound):
        again.open("a", create=False)
