"""``verify`` finds every kind of change that did not come through the engine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.errors import CorruptStore

VERSIONS = 1 << 20


@pytest.fixture
def led(on_disk: mneme.Memory, clock: FrozenClock) -> mneme.Space:
    """A space with some life in it: two memories, one revised, superseded, used and linked, and one erased."""
    space = on_disk.space("alice")
    first, _ = space.remember(["I live in Lisbon.", "I keep bees."], session="s", author="ana", tags=["x"], reason="said").ids
    space.revise(first, "I live in Faro.", reason="wrong town")
    clock.advance(days=3)
    space.revise(first, "I live in Porto.", since=clock.now())
    space.feedback(space.recall("Porto", k=1), useful=[space.recall("Porto", k=1).hits[0]])
    space.forget(space.remember("gone").id, erase=True)
    space.remember(memories=[{"text": "Ana has moved.", "sources": [first]}])
    verification = space.verify()
    assert verification.problems == ()
    assert verification.ok
    assert (verification.entries, verification.head) == (7, space.journal(limit=99)[-1].hash)
    return space


def tampered(folder: Path, *statements: str) -> None:
    (file,) = (folder / "root" / "spaces").glob("*.sqlite")
    connection = sqlite3.connect(file)
    for statement in statements:
        assert connection.execute(statement).rowcount != 0
    connection.commit()
    connection.close()


CHANGES = {
    "a text": "UPDATE memory_version SET snapshot = CAST(replace(CAST(snapshot AS TEXT), 'Porto', 'Paris') AS BLOB)",
    "a version that is gone": f"DELETE FROM memory_version WHERE key = {VERSIONS} + 1",
    "an episode": "UPDATE episode SET snapshot = CAST(replace(CAST(snapshot AS TEXT), 'bees', 'boas') AS BLOB)",
    "an episode that is gone": "DELETE FROM episode WHERE row = 2",
    "an emptied episode": "UPDATE episode SET snapshot = NULL, salt = NULL WHERE row = 2",
    "an erased episode that came back": "UPDATE episode SET snapshot = CAST('{}' AS BLOB) WHERE snapshot IS NULL",
    "an end in the world": "UPDATE memory SET valid_to = NULL WHERE valid_to IS NOT NULL",
    "a begin in the world": "UPDATE memory SET valid_from = valid_from - 1 WHERE row = 2",
    "a time": "UPDATE memory SET at = at + 1 WHERE row = 2",
    "an author": "UPDATE memory SET author = 'mallory' WHERE row = 2",
    "tags": "UPDATE memory SET tags = '[\"y\"]' WHERE row = 2",
    "a status": "UPDATE memory SET status = 'archived' WHERE row = 2",
    "an erased memory that came back": "UPDATE memory SET status = 'active' WHERE status = 'erased'",
    "a memory made erased": "UPDATE memory SET status = 'erased' WHERE row = 2",
    "the place in the journal": "UPDATE memory SET seq = 1 WHERE row = 1",
    "an entry's actor": "UPDATE entry SET actor = 'mallory' WHERE seq = 2",
    "an entry's time": "UPDATE entry SET at = at - 1 WHERE seq = 2",
    "an entry's changes": "UPDATE entry SET changes = CAST('[]' AS BLOB) WHERE seq = 2",
    "an entry's hash": "UPDATE entry SET hash = previous WHERE seq = 3",
    "a reason": "UPDATE entry SET reason = 'nothing wrong' WHERE seq = 2",
    "an entry that is gone": "DELETE FROM entry WHERE seq = 4",
    "the last entry that is gone": "DELETE FROM entry WHERE seq = 7",
    "tokens": f"UPDATE term SET terms = (SELECT terms FROM term WHERE key = 2 * {VERSIONS} + 1) WHERE key = {VERSIONS} + 2",
    "tokens that are gone": f"DELETE FROM term WHERE key = 2 * {VERSIONS} + 1",
    "vectors that are gone": f"DELETE FROM vector WHERE key = 2 * {VERSIONS} + 1",
    "half a vector": f"UPDATE vector SET data = substr(data, 1, 8) WHERE key = 2 * {VERSIONS} + 1",
    "another vector": f"UPDATE vector SET data = zeroblob(256) WHERE key = 2 * {VERSIONS} + 1",
    "a link's weight": "UPDATE link SET weight = 0.1",
    "a link that is gone": "DELETE FROM link",
    "a link that was never made": "INSERT INTO link VALUES (1, 2, 'about', 1, NULL, 1.0)",
    "uses": "UPDATE usage SET uses = 99",
    "the last use": "UPDATE usage SET last_used_at = last_used_at - 1",
    "a use that is gone": "DELETE FROM usage",
    "what a memory rests on": "DELETE FROM source WHERE memory = 2",
    "a history": "DELETE FROM touch WHERE seq = 2",
    "when a version was made": f"UPDATE memory_version SET seq = seq + 1 WHERE key = {VERSIONS} + 1",
    "changes that are no JSON": "UPDATE entry SET changes = CAST('[{' AS BLOB) WHERE seq = 2",
    "changes of another form": "UPDATE entry SET changes = CAST('[{}]' AS BLOB) WHERE seq = 2",
    "tags that are no JSON": "UPDATE memory SET tags = '[' WHERE row = 2",
    "a state that is no JSON": "UPDATE usage SET state = '{'",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_behind_the_engines_back_is_found(led: mneme.Space, tmp_path: Path, what: str) -> None:
    led.close()
    tampered(tmp_path, CHANGES[what])
    verification = led.verify()
    assert not verification.ok
    assert not any("Paris" in problem or "Porto" in problem or "bees" in problem for problem in verification.problems)


def test_a_damaged_last_entry_is_an_error_of_ours(led: mneme.Space, tmp_path: Path) -> None:
    led.close()
    tampered(tmp_path, "UPDATE entry SET changes = CAST('[{' AS BLOB) WHERE seq = 7")
    with pytest.raises(CorruptStore, match="no JSON"):
        led.verify()


def test_a_memory_that_was_cut_out_whole_is_missed(led: mneme.Space, tmp_path: Path) -> None:
    led.close()
    keys = f"BETWEEN 2 * {VERSIONS} AND 3 * {VERSIONS} - 1"
    tampered(
        tmp_path,
        "DELETE FROM source WHERE memory = 2",
        *(f"DELETE FROM {table} WHERE key {keys}" for table in ("memory_version", "term", "vector")),
        "DELETE FROM memory WHERE row = 2",
    )
    assert any("its content is gone" in problem for problem in led.verify().problems)


def test_a_memory_that_was_smuggled_in_is_found(led: mneme.Space, tmp_path: Path) -> None:
    led.close()
    columns = "id, seq, version, text_version, status, kind, at, valid_from, valid_to, author, role, session, ref, channel, tier, tags, importance"  # noqa: E501
    smuggled = columns.replace("id,", "'mem_smuggled',", 1)
    tampered(
        tmp_path,
        f"INSERT INTO memory ({columns}) SELECT {smuggled} FROM memory WHERE row = 2",
        *(
            f"INSERT INTO {table} SELECT (SELECT max(row) FROM memory) * {VERSIONS} + 1, {rest} FROM {table} WHERE key = 2 * {VERSIONS} + 1"
            for table, rest in (
                ("memory_version", "seq, text_version, salt, snapshot"),
                ("term", "passages, terms"),
                ("vector", "passages, data"),
            )
        ),
    )
    assert any("mem_smuggled" in problem for problem in led.verify().problems)


def test_the_head_that_was_kept_elsewhere_shows_a_rewritten_journal(led: mneme.Space) -> None:
    head = led.verify().head
    led.remember("one more")
    assert led.verify().head != head
    assert led.journal(after=6, limit=1)[0].hash == head
