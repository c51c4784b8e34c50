"""OMNE's acceptance test: three agents, one shared space."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mneme.core.clock import FrozenClock
from mneme.core.errors import InvalidInput, NotFound, Refused
from mneme.recipes.agent.circle import Circle, Owned

from .world import START, memory_of

PORT = "The staging server listens on port 8443."
OTHER = "The staging server listens on port 9000."
ASKED = "On which port does the staging server listen?"


def circle() -> tuple[Circle, FrozenClock]:
    memory, clock = memory_of("omne", "hash:96")
    made = Circle(memory)
    for name in ("one", "two", "three"):
        made.space(name).remember(f"I am agent {name} and I like my own work.", author=name)
    return made, clock


def said(found: list[Owned]) -> dict[str, str]:
    return {item.text: item.owner for item in found}


def test_what_is_private_is_shared_after_two_successes_and_names_its_owner() -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    assert all(PORT not in said(agents.recall(name, ASKED)) for name in ("two", "three"))
    assert not agents.succeeded("one", id)
    assert PORT not in said(agents.recall("two", ASKED))
    assert agents.succeeded("one", id)
    for name in ("two", "three"):
        assert said(agents.recall(name, ASKED))[PORT] == "one"
    (shared,) = agents.shared.memories({"tags": ["shared"], "kinds": ["turn"]})
    episodes = [span.episode for span in agents.space("one").get(id).sources]
    assert shared.attributes["from"] == {"space": "one", "memory": id, "episodes": episodes}
    assert (shared.attributes["why"], shared.attributes["successes"]) == ("succeeded", 2)
    assert agents.succeeded("one", id)
    assert len(agents.shared.memories({"tags": ["shared"], "kinds": ["turn"]})) == 1


def test_beliefs_that_contradict_stand_side_by_side_with_owners_and_dates() -> None:
    agents, clock = circle()
    first = agents.space("one").remember(PORT, author="one").ids[0]
    agents.publish("one", first)
    clock.set(START + timedelta(days=9))
    second = agents.space("three").remember(OTHER, author="three").ids[0]
    agents.publish("three", second)
    found = {item.owner: (item.text, item.at) for item in agents.recall("two", ASKED) if "port" in item.text}
    assert found == {"one": (PORT, START), "three": (OTHER, START + timedelta(days=9))}


def test_a_revoked_grant_takes_private_evidence_away_and_leaves_what_was_shared() -> None:
    agents, _ = circle()
    space = agents.space("one")
    public, private = space.remember(PORT, author="one").ids[0], space.remember("The staging password hint is the blue boat.").ids[0]
    agents.publish("one", public)
    agents.grant("one", "two", kinds=["turn"])
    hint = "What is the staging password hint?"
    assert "The staging password hint is the blue boat." in said(agents.recall("two", hint))
    assert "The staging password hint is the blue boat." not in said(agents.recall("three", hint))
    assert agents.revoke("one") == 1
    assert "The staging password hint is the blue boat." not in said(agents.recall("two", hint))
    found = [item for item in agents.recall("two", ASKED) if item.text == PORT]
    assert [(item.owner, item.space) for item in found] == [("one", "shared")]
    assert found[0].hit.memory.attributes["from"]["memory"] == public
    assert private in [memory.id for memory in space.memories()]


def test_one_s_own_evidence_stands_first_at_equal_rank() -> None:
    agents, _ = circle()
    agents.publish("one", agents.space("one").remember(PORT, author="one").ids[0])
    agents.space("two").remember(OTHER, author="two")
    found = agents.recall("two", ASKED)
    assert [(item.owner, item.text) for item in found[:2]] == [("two", OTHER), ("one", PORT)]
    assert found[0].score == found[1].score == pytest.approx(1 / 61)


def test_a_second_holder_shares_it_only_if_it_may_read_it() -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    with pytest.raises(Refused, match="grant it first"):
        agents.confirm("two", "one", id)
    agents.grant("one", "two")
    assert not agents.confirm("one", "one", id)
    assert agents.confirm("two", "one", id)
    assert said(agents.recall("three", ASKED))[PORT] == "one"


def test_the_guard_keeps_private_memories_out_and_votes_are_one_per_agent() -> None:
    agents, _ = circle()
    kept = agents.space("one").remember("My door code is 12.", tags=["private"]).ids[0]
    assert not agents.publish("one", kept)
    assert not agents.is_shared("one", kept)
    agents.publish("one", agents.space("one").remember(PORT, author="one").ids[0])
    (shared,) = agents.shared.memories({"tags": ["shared"], "kinds": ["turn"]})
    agents.vote("two", shared.id, True)
    agents.vote("three", shared.id, False)
    assert agents.vote("two", shared.id, False) == {"two": -1, "three": -1}
    with pytest.raises(InvalidInput, match="another name"):
        agents.space("shared")


def test_what_somebody_said_to_an_agent_is_no_statement_about_the_agent() -> None:
    agents, _ = circle()
    id = agents.space("one").remember("I live in Porto.", author="Ana", role="user").ids[0]
    assert agents.publish("one", id)
    (shared,) = agents.shared.memories({"kinds": ["turn"]})
    assert (shared.author, shared.role, shared.attributes["owner"]) == ("Ana", "user", "one")
    facts = [memory for memory in agents.shared.memories(limit=20) if memory.kind != "turn"]
    assert facts
    assert {memory.attributes["subject"] for memory in facts} == {"Ana"}
    assert not any("one lives" in memory.text for memory in agents.shared.memories(limit=20))
    found = agents.recall("two", "Where does Ana live?")
    assert {item.owner for item in found if "Porto" in item.text} == {"one"}


def test_what_an_assistant_said_is_shared_as_that() -> None:
    agents, _ = circle()
    id = agents.space("one").remember("I like long answers.", author="Bot", role="assistant").ids[0]
    assert agents.publish("one", id)
    assert [memory.kind for memory in agents.shared.memories(limit=20)] == ["turn"]


def test_successes_and_holders_after_sharing_are_counted_in_the_shared_space() -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    for _ in range(4):
        agents.succeeded("one", id)
    agents.grant("one", "three")
    assert agents.confirm("three", "one", id)
    (shared,) = agents.shared.memories({"tags": ["shared"], "kinds": ["turn"]})
    assert (shared.attributes["successes"], shared.attributes["confirmed_by"]) == (4, ["three"])
    assert shared.attributes["from"]["memory"] == id
    agents.vote("two", shared.id, True)
    agents.succeeded("one", id)
    (shared,) = agents.shared.memories({"tags": ["shared"], "kinds": ["turn"]})
    assert (shared.attributes["successes"], shared.attributes["votes"]) == (5, {"two": 1})


@pytest.mark.parametrize("erase", [True, False])
def test_an_owner_takes_back_what_was_shared_with_its_own(erase: bool) -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    agents.publish("one", id)
    assert PORT in said(agents.recall("two", ASKED))
    assert agents.forget("one", id, erase=erase)
    assert all("8443" not in item.text for name in ("one", "two") for item in agents.recall(name, ASKED))
    everywhere = [memory.text for name in ("one", "shared") for memory in agents._memory.space(name).memories({"archived": True}, limit=50)]
    assert any("8443" in text for text in everywhere) is not erase
    private = agents.space("one").remember("Nothing that anybody shares.").ids[0]
    assert not agents.forget("one", private)
    with pytest.raises(NotFound):
        agents.forget("one", "mem_0000000000000000000")


def test_a_copy_can_be_taken_back_after_its_original() -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    agents.publish("one", id)
    agents.space("one").forget(id, erase=True)
    assert PORT in said(agents.recall("two", ASKED))
    assert agents.forget("one", id, erase=True)
    assert PORT not in said(agents.recall("two", ASKED))


def test_what_was_forgotten_first_can_be_erased_with_its_copy() -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    agents.publish("one", id)
    assert agents.forget("one", id)
    assert agents.forget("one", id, erase=True)
    everywhere = ("active", "archived", "quarantined")
    texts = [memory.text for name in ("one", "shared") for memory in agents._memory.space(name).memories(limit=50, statuses=everywhere)]
    assert not any("8443" in text for text in texts)
    with pytest.raises(NotFound):
        agents.forget("one", id, erase=True)


def test_what_was_forgotten_can_be_published_anew() -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    agents.publish("one", id)
    agents.forget("one", id)
    assert not agents.is_shared("one", id)
    agents.space("one").restore(id)
    assert agents.publish("one", id)
    assert agents.is_shared("one", id)
    agents.forget("one", id)
    assert agents.forget("one", id, erase=True)
    kept = agents.shared.memories(limit=50, statuses=("active", "archived", "quarantined"))
    assert not any("8443" in memory.text for memory in kept)


def test_the_first_success_after_publishing_is_counted_in_the_copy() -> None:
    agents, _ = circle()
    id = agents.space("one").remember(PORT, author="one").ids[0]
    agents.publish("one", id)
    assert agents.succeeded("one", id)
    agents.confirm("one", "one", id)
    (shared,) = agents.shared.memories({"tags": ["shared"], "kinds": ["turn"]})
    assert (shared.attributes["successes"], shared.attributes["why"]) == (1, "public")
    unshared = agents.space("one").remember(OTHER, author="one").ids[0]
    assert not agents.succeeded("one", unshared)


def test_a_single_confirmation_after_publishing_is_counted_in_the_copy() -> None:
    memory, _ = memory_of("omne", "hash:96")
    agents = Circle(memory, holders=3)
    id = agents.space("one").remember(PORT, author="one").ids[0]
    agents.grant("one", "two")
    agents.publish("one", id)
    assert agents.confirm("two", "one", id)
    (shared,) = agents.shared.memories({"tags": ["shared"], "kinds": ["turn"]})
    assert shared.attributes["confirmed_by"] == ["two"]
