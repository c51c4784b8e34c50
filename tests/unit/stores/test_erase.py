"""Searching for what should be gone, and making it go."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from mneme.core.operations import Erase, Reinforce, Revise
from mneme.stores.samples import batch, episode_id, material, memory_id, remembered
from mneme.stores.sqlite import SQLiteStore
from mneme.stores.sqlite.needles import Needles


@pytest.mark.parametrize("count", [1, 3, 50])
def test_needles_are_found_where_bytes_find_finds_them(count: int) -> None:
    chance = random.Random(count)
    text = bytes(chance.choices(b"abc\0", k=5000))
    forms = [(number, bytes(chance.choices(b"abc\0", k=chance.randint(1, 20)))) for number in range(count)]
    forms += [(f"at {start}", text[start : start + 9 + start % 3]) for start in range(0, 5000, 200)]
    forms += [("end", text[-8:]), ("short end", text[-3:]), ("none", b"")]
    expected = {name: text.find(form) for name, form in forms if form and form in text}
    assert Needles(forms).within(text) == expected


def test_a_needle_across_two_chunks_is_found(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "a.sqlite", durability="normal")
    text = "".join(f"{number:07d} " for number in range(400_000))
    store.apply(batch(*remembered(1, text), material={memory_id(1): material("x")}))
    store.scrub()
    raw = (tmp_path / "a.sqlite").read_bytes()
    needles = {f"at {start}": raw[start : start + 40] for start in range((1 << 20) - 45, (1 << 20) + 5, 3)}
    searched, findings = store.scan(needles)
    assert searched >= len(raw)
    assert {finding.what for finding in findings} == set(needles)
    assert len(needles) == 17
    store.close()


def test_copies_that_were_left_behind_make_the_file_be_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    store = SQLiteStore(path, durability="normal")
    for number in range(40):
        store.apply(batch(*remembered(number, f"zebra{number} " * 300)))
    careless = sqlite3.connect(path)
    careless.execute("PRAGMA secure_delete = OFF")
    careless.execute("CREATE TABLE odd AS SELECT snapshot FROM memory_version")
    careless.execute("DROP TABLE odd")
    careless.commit()
    careless.close()
    store.apply(batch(*(Erase(id=each(number)) for number in range(40) for each in (memory_id, episode_id))))
    assert b"zebra7 " in path.read_bytes() + (tmp_path / "a.sqlite-wal").read_bytes()
    assert store.scan({f"word {number}": f"zebra{number} ".encode() for number in range(40)})[1] == []
    assert b"zebra" not in path.read_bytes()
    assert store.check() == []
    store.close()


def test_nothing_erased_is_left_in_a_file_too_large_to_rewrite_each_time(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "a.sqlite", durability="normal")
    chance = random.Random(3)
    words: dict[int, list[bytes]] = {}

    def text(number: int) -> str:
        word = "".join(chance.choices("bcdfghjklm", k=12))
        words.setdefault(number, []).append(word.encode())
        return " ".join([word] * chance.randint(1, 20) + ["common words"] * chance.randint(0, 300))

    for start in range(0, 1500, 50):
        store.apply(batch(*(each for number in range(start, start + 50) for each in remembered(number, text(number)))))
        changed = chance.randrange(start + 50)
        store.apply(batch(Revise(id=memory_id(changed), text=text(changed)), Reinforce(id=memory_id(changed), uses=1)))
    assert store.counts()["bytes"] > 4 * 1024 * 1024
    gone = chance.sample(range(1500), 40)
    places = [place for number in gone for place in store.places(memory_id(number))]
    vectors = [vector.tobytes() for row, number in places for vector in store.vectors([row], [number])[0]]
    store.apply(batch(*(Erase(id=each(number)) for number in gone for each in (memory_id, episode_id))))
    store.scrub()
    needles = {f"{number}.{place}": word for number in gone for place, word in enumerate(words[number])}
    needles |= {f"vector {number}": vector for number, vector in enumerate(vectors)}
    assert store.held(list(needles.values())) == set()
    assert store.scan(needles)[1] == []
    assert store.check() == []
    store.close()
