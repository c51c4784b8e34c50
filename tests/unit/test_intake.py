"""What importing leaves in spaces: batches that are whole, can be repeated, and never bring back what was taken out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

import mneme
from mneme.core.query import Receipt
from mneme.core.records import Memory as Record
from mneme.importers import EXPORT, Intake, detect, read, take_in
from mneme.importers.intake import BATCH, BATCH_CHARACTERS


@pytest.fixture
def memory() -> Iterator[mneme.Memory]:
    with mneme.Memory(":memory:", embedder="hash") as memory:
        yield memory


def lines(path: Path, texts: Sequence[str], *, session: str = "s", refs: bool = True) -> Path:
    rows = [{"role": "user", "content": text, "session": session} | ({"id": f"m{n}"} if refs else {}) for n, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


class Watched:
    """A space that says how it was called, and can stop the work."""

    def __init__(self, space: mneme.Space, stop_after: int = 10**6) -> None:
        self.space = space
        self.sizes: list[int] = []
        self.stop_after = stop_after

    def remember(self, what: list[mneme.Message], /, *, key: str | None = None, partial: bool = False) -> Receipt:
        if len(self.sizes) == self.stop_after:
            raise KeyboardInterrupt
        self.sizes.append(len(what))
        return self.space.remember(what, key=key, partial=partial)

    def memories(self, *, after: str = "", limit: int = 100, statuses: Sequence[str] = ("active",)) -> list[Record]:
        return self.space.memories(after=after, limit=limit, statuses=statuses)


def watching(memory: mneme.Memory, stop_after: int = 10**6) -> tuple[Callable[[str], Watched], list[Watched]]:
    opened: list[Watched] = []

    def open_space(name: str) -> Watched:
        opened.append(Watched(memory.space(name), stop_after))
        return opened[-1]

    return open_space, opened


def texts_in(memory: mneme.Memory, space: str = "default") -> list[str]:
    return [record.text for record in memory.space(space).memories(limit=10_000)]


def test_batches_end_with_their_conversation_and_at_their_limits(memory: mneme.Memory, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    lines(tmp_path / "notes" / "a.txt", [])
    (tmp_path / "notes" / "a.txt").write_text("\n\n".join(f"note {n}" for n in range(BATCH + 3)), encoding="utf-8")
    (tmp_path / "notes" / "b.txt").write_text("one\n\ntwo", encoding="utf-8")
    open_space, opened = watching(memory)
    take_in(tmp_path / "notes", open_space)
    long = "x" * (BATCH_CHARACTERS // 2)
    take_in(lines(tmp_path / "long.jsonl", [long, long, "short"]), open_space, space="long")
    assert [watched.sizes for watched in opened] == [[BATCH, 3, 2], [2, 1]]


def test_stopped_work_goes_on_without_a_message_twice(memory: mneme.Memory, tmp_path: Path) -> None:
    wanted = [f"message {n}" for n in range(3 * BATCH + 7)]
    for refs in (True, False):
        path, name = lines(tmp_path / f"{refs}.jsonl", wanted, refs=refs), f"refs-{refs}"
        open_space, _ = watching(memory, stop_after=2)
        intake = Intake()
        with pytest.raises(KeyboardInterrupt):
            take_in(path, open_space, space=name, intake=intake)
        assert (intake.stored, intake.done) == ({name: 2 * BATCH}, 2 * BATCH)
        again = take_in(path, memory.space, space=name)
        assert (again.stored, again.known) == ({name: BATCH + 7}, 2 * BATCH)
        assert texts_in(memory, name) == wanted


def test_a_grown_conversation_adds_only_its_end_even_where_messages_were_erased(memory: mneme.Memory, tmp_path: Path) -> None:
    path = lines(tmp_path / "chat.jsonl", [f"message {n}" for n in range(6)])
    take_in(path, memory.space)
    memory.space("default").forget(mneme.Filter(refs=("m2",)), erase=True)
    memory.space("default").forget(mneme.Filter(refs=("m3",)))
    lines(path, [f"message {n}" for n in range(8)])
    intake = take_in(path, memory.space)
    assert (intake.stored, intake.known) == ({"default": 2}, 6)
    assert texts_in(memory) == [f"message {n}" for n in (0, 1, 4, 5, 6, 7)]


def test_what_was_erased_at_the_end_or_altogether_stays_out(memory: mneme.Memory, tmp_path: Path) -> None:
    path = lines(tmp_path / "chat.jsonl", ["a", "b", "c"])
    take_in(path, memory.space)
    memory.space("default").forget(mneme.Filter(refs=("m1", "m2")), erase=True)
    assert take_in(path, memory.space).stored == {}
    memory.space("default").forget(mneme.Filter(refs=("m0",)), erase=True)
    assert take_in(path, memory.space).stored == {}
    assert texts_in(memory) == []


def test_one_bad_message_is_refused_with_its_place_and_the_rest_is_stored(memory: mneme.Memory, tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    rows = [
        {"role": "user", "content": "good", "id": "1"},
        {"role": "user", "content": "bad", "id": "x" * 2000},
        {"role": "user", "content": "fine"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    intake = take_in(path, memory.space)
    assert (intake.total, intake.refused, intake.done) == (2, 1, 3)
    (problem,) = intake.report.problems
    assert problem.place == "chat.jsonl, line 2"
    assert problem.what.startswith("ref: ")
    assert texts_in(memory) == ["good", "fine"]


def test_progress_counts_every_message(memory: mneme.Memory, tmp_path: Path) -> None:
    seen: list[int] = []
    path = lines(tmp_path / "chat.jsonl", [f"message {n}" for n in range(BATCH + 1)])
    take_in(path, memory.space, progress=seen.append)
    assert seen == [BATCH, 1]


def test_undated_messages_take_the_given_date_and_dated_ones_keep_theirs(memory: mneme.Memory, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ndate: 2024-03-01\n---\n# One\n\ntext", encoding="utf-8")
    (tmp_path / "b.md").write_text("# Two\n\ntext", encoding="utf-8")
    take_in(tmp_path, memory.space, undated=datetime(2020, 1, 1, tzinfo=UTC))
    assert [record.at.year for record in memory.space("default").memories()] == [2024, 2020]


def test_an_own_export_is_told_apart_and_refused_here(memory: mneme.Memory, tmp_path: Path) -> None:
    memory.space("a").remember("tea")
    memory.space("a").export(tmp_path / "a.jsonl")
    assert detect(tmp_path / "a.jsonl") == EXPORT
    with pytest.raises(mneme.MnemeError, match=r"space\.import_"):
        list(read(tmp_path / "a.jsonl"))


def test_every_turn_of_locomo_is_read_with_its_id_and_date(data_dir: Path) -> None:
    path = data_dir / "locomo" / "locomo.json"
    official = {
        (sample["sample_id"], turn["dia_id"]): turn
        for sample in json.loads(path.read_text(encoding="utf-8"))
        for session in sample["conversation"].values()
        if isinstance(session, list)
        for turn in session
    }
    items = {(item.space or "", item.message.ref or ""): item.message for item in read(path)}
    assert items.keys() == official.keys()
    assert all(items[key].text == turn["text"] and items[key].author == turn["speaker"] for key, turn in official.items())
    assert all(message.at is not None for message in items.values())


def test_every_turn_of_longmemeval_is_read_with_its_date(data_dir: Path) -> None:
    path = data_dir / "longmemeval" / "longmemeval_s_sample.json"
    official = [
        (question["question_id"], turn["content"])
        for question in json.loads(path.read_text(encoding="utf-8"))
        for session in question["haystack_sessions"]
        for turn in session
        if turn["content"].strip()
    ]
    items = list(read(path))
    assert [(item.space, item.message.text) for item in items] == official
    assert all(item.message.at is not None for item in items)
