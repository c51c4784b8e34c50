"""Blocks, what is due and foreseen, and policies, over a real connection."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from mneme.client import AsyncClient
from mneme.core import errors
from serving import Served


def test_blocks_are_written_edited_and_rendered_in_their_order(served: Served, space: str) -> None:
    blocks = served.client().space(space).blocks
    blocks.set("task", "Plan the wedding.")
    blocks.set("persona", "Kit, a patient helper.")
    assert blocks.append("task", "Call the bakery.").text == "Plan the wedding.\nCall the bakery."
    assert blocks.replace("task", "wedding", "party").text == "Plan the party.\nCall the bakery."
    assert blocks.render() == "<persona>\nKit, a patient helper.\n</persona>\n<task>\nPlan the party.\nCall the bakery.\n</task>"
    assert [block.name for block in served.memory.space(space).blocks.list()] == ["persona", "task"]


def test_an_edit_of_a_block_is_in_the_journal_under_the_keys_name_and_can_be_undone(served: Served, space: str) -> None:
    remote = served.client().space(space)
    remote.blocks.set("user", "Ana lives in Lisbon.")
    remote.blocks.replace("user", "Lisbon", "Porto")
    assert {entry.actor.split("/")[0] for entry in remote.journal()} == {"key:test"}
    remote.undo()
    assert remote.blocks.get("user").text == "Ana lives in Lisbon."


def test_what_a_block_refuses_names_the_field(served: Served, space: str) -> None:
    blocks = served.client().space(space).blocks
    with pytest.raises(errors.InvalidInput) as long:
        blocks.set("user", "x" * 30, limit_chars=20)
    assert list(long.value.problems) == ["text"]
    blocks.set("user", "tea tea")
    with pytest.raises(errors.InvalidInput) as twice:
        blocks.replace("user", "tea", "milk")
    assert list(twice.value.problems) == ["old"]
    with pytest.raises(errors.NotFound):
        blocks.get("nope")
    both = {"append": "a", "old": "b", "new": "c"}
    answered = served.http().patch(f"/v1/spaces/{quote(space, safe='')}/blocks/user", json=both)
    assert answered.status_code == 422
    assert "give either append, or old with new" in answered.text


def test_a_key_that_may_only_read_changes_no_block_and_no_policy(served: Served, space: str) -> None:
    served.client().space(space).blocks.set("user", "Ana")
    reader = served.client(rights=("read",)).space(space)
    assert reader.blocks.get("user").text == "Ana"
    assert reader.policies() == ""
    with pytest.raises(errors.Forbidden):
        reader.blocks.set("user", "Bo")
    writer = served.client(rights=("read", "write")).space(space)
    with pytest.raises(errors.Forbidden):
        writer.policies("[[limit]]\nmemories = 3\n")


def test_what_is_near_is_foreseen(served: Served, space: str) -> None:
    remote, now = served.client().space(space), datetime.now(UTC)
    near = {"text": "Water the plants", "kind": "task", "valid_from": now + timedelta(hours=1), "valid_to": now + timedelta(hours=5)}
    far = {"text": "Renew the passport", "kind": "task", "valid_from": now + timedelta(days=90), "valid_to": now + timedelta(days=99)}
    remote.remember(memories=[near, far])
    assert [memory.text for memory in remote.foreseen()] == ["Water the plants"]
    assert [memory.text for memory in remote.foreseen(timedelta(days=100))] == ["Water the plants", "Renew the passport"]
    assert remote.due() == served.memory.space(space).due()


def test_upkeep_goes_by_the_policies_that_were_sent(served: Served, space: str) -> None:
    remote = served.client().space(space)
    remote.remember([f"The key of room {room} hangs in the hall" for room in range(5)])
    limit = "[[limit]]\nmemories = 3\n"
    assert remote.policies(limit, reason="the phone is small") == limit
    remote.upkeep()
    assert remote.stats()["active"] == 3
    with pytest.raises(errors.InvalidInput):
        remote.policies("nonsense [")
    assert remote.policies() == limit
    (change,) = remote.policy_changes()
    assert (change.reason, change.before, change.after, bool(change.actor)) == ("the phone is small", "", limit, True)
    assert served.memory.space(space).policy_changes() == [change]


def test_blocks_can_be_awaited(served: Served, space: str) -> None:
    async def script() -> str:
        async with AsyncClient(served.url, served.key()) as client:
            blocks = client.space(space).blocks
            await blocks.set("user", "Ana")  # type: ignore[misc]
            return await blocks.render()  # type: ignore[misc, no-any-return]

    assert asyncio.run(script()) == "<user>\nAna\n</user>"
