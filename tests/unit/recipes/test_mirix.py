"""MIRIX's acceptance test: the vault, core blocks at nine tenths, merged events, ten of each type, a meta manager that says none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mneme.core.errors import BudgetExceeded, ModelUnavailable, Refused
from mneme.models.transport import Request
from mneme.recipes.agent.ciphers import Cipher, new_key
from mneme.recipes.agent.six_types import SixTypes
from mneme.recipes.agent.vault import MASK
from mneme.testing import ScriptedLLM

from .world import START, memory_of

PASSWORD = "The password of my mail account is hunter2."


def six(llm: ScriptedLLM | None = None, **more: object) -> SixTypes:
    memory, _ = memory_of("mirix", "hash:96", llm=llm)
    return SixTypes(memory.space("s"), llm, **more)  # type: ignore[arg-type]


def call(tool: str, **arguments: object) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments}


def everything(mem: SixTypes) -> str:
    return "\n".join(memory.text for memory in mem.space.memories(limit=1000, statuses=("active", "archived", "quarantined")))


@pytest.mark.parametrize("model", [True, False])
def test_a_password_goes_to_the_vault_alone_and_its_value_is_found_nowhere(model: bool) -> None:
    secret = call("vault_insert", caption="password of the mail account", secret_value="hunter2", sensitivity="medium")
    llm = ScriptedLLM({"mirix.meta": {"types": ["vault"]}, "mirix.keep": [secret]}) if model else None
    key = new_key()
    mem = six(llm, cipher=Cipher(key))
    assert mem.read(PASSWORD) == ["vault"]
    assert {type_ for type_ in ("core", "episodic", "semantic", "procedural", "resource") if mem.rows(type_)} == set()  # type: ignore[arg-type]
    (row,) = mem.rows("vault")
    assert "hunter2" not in everything(mem)
    assert "hunter2" not in str(row.attributes)
    assert mem.search("semantic", "hunter2", "string_match") == "nothing found"
    assert all("hunter2" not in hit.text for hit in mem.space.recall("hunter2", k=50).hits)
    assert [secret.shown for secret in mem.vault.search("mail account password")] == [MASK]
    assert mem.active("mail account password")["vault"] == [f"{row.text}: {MASK}"]
    assert mem.vault.reveal(row.id) == "hunter2"
    with pytest.raises(Refused, match="does not open"):
        SixTypes(mem.space, cipher=Cipher(new_key())).vault.reveal(row.id)
    with pytest.raises(Refused, match="sealed"):
        SixTypes(mem.space).vault.reveal(row.id)


def test_a_secret_that_only_the_model_sees_is_masked_in_the_message_afterwards() -> None:
    secret = call("vault_insert", caption="word for the gate", secret_value="swordfish", sensitivity="high")
    mem = six(ScriptedLLM({"mirix.meta": {"types": ["vault"]}, "mirix.keep": [secret]}))
    mem.read("At the gate you say swordfish and they let you in.", session="a")
    assert "swordfish" not in everything(mem)
    assert [turn.text for turn in mem.space.memories({"kinds": ["turn"]})] == [f"At the gate you say {MASK} and they let you in."]
    assert "vault" not in mem.active("word for the gate")  # high never enters a context by itself
    assert mem.space.verify().ok


def test_a_core_block_is_rewritten_once_from_nine_tenths_on() -> None:
    llm = ScriptedLLM({"mirix.compress": {"text": "short and true"}})
    mem = six(llm)
    mem.append_core("human", "x" * 4499)
    assert not llm.asked
    assert len(mem.rows("core")[0].text) == 4499
    mem = six(llm)
    mem.append_core("human", "x" * 4500)
    assert len(llm.asked) == 1
    assert mem.rows("core")[0].text == "short and true"
    plain = six()
    plain.append_core("human", "\n".join(f"fact {n}" for n in range(600)))
    text = plain.rows("core")[0].text
    assert len(text) <= 2500
    assert text.endswith("fact 599")


@pytest.mark.parametrize("model", [True, False])
def test_two_turns_of_one_meeting_are_one_event_with_both_details(model: bool) -> None:
    first = call("episodic_insert", summary="Budget meeting with Ben", details="the budget is 900")
    second = call("episodic_merge", id="1", details="Ben agreed to the budget")
    llm = ScriptedLLM({"mirix.meta": {"types": ["episodic"]}, "mirix.keep": [first, second]}) if model else None
    mem = six(llm)
    mem.read("Today in the budget meeting with Ben the budget is 900.", session="a")
    mem.read("In the budget meeting with Ben we agreed on the budget.", session="a")
    (event,) = mem.rows("episodic")
    assert "900" in event.text
    assert "agreed" in event.text
    assert event.version == 2
    assert len(mem.space.memories({"kinds": ["turn"]})) == 2


def test_a_query_gets_ten_of_each_type_and_recent_and_relevant_events_once() -> None:
    memory, clock = memory_of("mirix", "hash:96")
    mem = SixTypes(memory.space("s"))
    for number in range(30):
        clock.set(START + timedelta(days=number))
        about = "the harbour of Porto" if number < 12 else "a walk in the woods"
        mem.surfaces["episodic"].call("episodic_insert", {"summary": f"Day {number}: {about}"})
        mem.surfaces["semantic"].call("semantic_insert", {"summary": f"Porto has bridge number {number}"})
        mem.surfaces["procedural"].call("procedural_insert", {"summary": f"How to cross bridge {number}"})
    found = mem.active("the harbour of Porto")
    assert {type_: len(lines) for type_, lines in found.items() if type_ != "episodic"} == {"semantic": 10, "procedural": 10}
    events = found["episodic"]
    assert len(events) == len(set(events)) == 20
    assert sum("harbour" in line for line in events) == 10
    assert {f"Day {number}: a walk in the woods" for number in range(20, 30)} <= set(events)


def test_a_meta_manager_that_says_none_calls_no_manager() -> None:
    llm = ScriptedLLM({"mirix.meta": {"types": []}, "mirix.keep": [call("episodic_insert", summary="never")]})
    mem = six(llm)
    assert mem.read("Hi there!") == []
    assert llm.left == {"mirix.keep": 1}
    assert len(mem.space.memories({"kinds": ["turn"]})) == 1


def test_a_manager_that_misbehaves_gets_errors_as_text_and_loses_nothing() -> None:
    wrong = [
        call("semantic_insert", summary="x"),
        call("episodic_merge", id="9", details="y"),
        call("episodic_insert", summary=7),
        call("episodic_insert", summary="Met Carla"),
    ]
    mem = six(ScriptedLLM({"mirix.meta": {"types": ["episodic"]}, "mirix.keep": wrong}))
    mem.read("I met Carla.")
    texts = [step.result.text for _, step in mem.steps]
    assert "there is no tool 'semantic_insert'" in texts[0]
    assert "no episodic entry '9'" in texts[1]
    assert "summary must be of type string" in texts[2]
    assert [row.text for row in mem.rows("episodic")] == ["Met Carla"]
    assert len(mem.space.memories({"kinds": ["turn"]})) == 1


def test_entries_are_replaced_searched_three_ways_and_repetitions_are_skipped() -> None:
    mem = six()
    surface = mem.surfaces["semantic"]
    for summary in ("Carla is a nurse", "Carla is a nurse", "Rex is a dog"):
        surface.call("semantic_insert", {"summary": summary})
    assert [row.text for row in mem.rows("semantic")] == ["Carla is a nurse", "Rex is a dog"]
    surface.call("semantic_update", {"ids": ["1"], "summary": "Carla is a doctor"})
    found = {
        method: surface.call("search_in_memory", {"type": "semantic", "query": "doctor", "method": method}).text
        for method in ("embedding", "bm25", "string_match")
    }
    assert "Carla is a doctor" in found["embedding"]
    assert found["bm25"] == found["string_match"]
    assert "Rex" not in found["bm25"]
    assert surface.call("semantic_update", {"ids": [], "summary": "z"}).failed


def test_rules_route_by_type() -> None:
    mem = six()
    mem.read("My name is Ana and I prefer tea.")
    mem.read("How to reset the router: first unplug it, then wait a minute.")
    mem.read("The chapel is a small church on the hill.")
    mem.read("word " * 400)
    assert {type_: len(mem.rows(type_)) for type_ in ("core", "procedural", "semantic", "resource", "vault")} == {  # type: ignore[arg-type]
        "core": 1, "procedural": 1, "semantic": 1, "resource": 1, "vault": 0,
    }  # fmt: skip
    assert "prefer tea" in mem.context("tea")


def test_other_managers_never_see_what_the_vault_takes() -> None:
    secret = call("vault_insert", caption="word for the gate", secret_value="swordfish", sensitivity="medium")
    echo: list[str] = []

    def kept(request: Request) -> object:
        if request.variables["type"] == "vault":
            return secret
        echo.append(request.variables["messages"])
        return call("episodic_insert", summary=request.variables["messages"])

    mem = six(ScriptedLLM({"mirix.meta": {"types": ["episodic", "vault"]}, "mirix.keep": kept}))
    mem.read("Yesterday at the gate I said swordfish and my pin is 9321.")
    assert echo
    assert not any(value in "".join(echo) for value in ("swordfish", "9321"))
    assert not any(value in everything(mem) for value in ("swordfish", "9321"))
    assert {mem.vault.reveal(row.id) for row in mem.rows("vault")} == {"swordfish", "9321"}


@pytest.mark.parametrize("types", [["episodic"], []])
def test_a_masked_value_is_in_the_vault_even_where_no_manager_takes_it(types: list[str]) -> None:
    replies = {"mirix.meta": {"types": types}, "mirix.keep": call("finish_memory_update")}
    mem = six(ScriptedLLM(replies))
    assert mem.read(PASSWORD) == [*types, "vault"]
    assert [mem.vault.reveal(row.id) for row in mem.rows("vault")] == ["hunter2"]


def test_a_vault_whose_manager_can_not_be_asked_loses_no_value() -> None:
    mem = six(ScriptedLLM({"mirix.meta": {"types": ["vault"]}, "mirix.keep": ModelUnavailable("mirix.keep: nobody answers")}))
    with pytest.raises(ModelUnavailable):
        mem.read(PASSWORD)
    assert [mem.vault.reveal(row.id) for row in mem.rows("vault")] == ["hunter2"]
    assert "hunter2" not in everything(mem)


def test_every_message_of_a_batch_is_routed_by_what_it_says() -> None:
    mem = six()
    assert mem.read(PASSWORD, "Yesterday I met Carla at the harbour.") == ["vault", "episodic"]
    assert [row.text for row in mem.rows("episodic")] == ["Yesterday I met Carla at the harbour."]
    assert mem.read() == []


def test_a_value_that_names_itself_is_kept_under_another_caption() -> None:
    mem = six()
    mem.read("My password is password")
    assert [mem.vault.reveal(row.id) for row in mem.rows("vault")] == ["password"]


def test_entries_rest_on_their_messages_and_go_with_them() -> None:
    mem = six()
    mem.read("Today in the budget meeting with Ben the budget is 900.", session="a")
    mem.read("In the budget meeting with Ben we agreed on the venue Alhambra.", session="a")
    (event,) = mem.rows("episodic")
    turns = {turn.text: turn for turn in mem.space.memories({"kinds": ["turn"]})}
    assert {turn.sources[0].episode for turn in turns.values()} <= {span.episode for span in event.sources}
    mem.space.forget(turns["In the budget meeting with Ben we agreed on the venue Alhambra."].id, erase=True)
    assert "Alhambra" not in everything(mem)
    mem.read("How to reset the router: first unplug it, then wait a minute.")
    (turn,) = [turn for turn in mem.space.memories({"kinds": ["turn"]}) if "router" in turn.text]
    mem.space.forget(turn.id, erase=True)
    assert mem.rows("procedural") == []


def test_a_plain_recall_takes_ten_of_each_type_and_recent_ones_of_the_episodic_alone() -> None:
    memory, clock = memory_of("mirix", "hash:96")
    space = memory.space("s")
    for number in range(30):
        clock.set(START + timedelta(days=number))
        about = "the harbour of Porto" if number < 12 else "woods"
        space.remember(memories=[{"text": f"{kind} {number}: {about}", "kind": kind} for kind in ("fact", "skill", "event")])
    kinds = [hit.memory.kind for hit in space.recall("the harbour of Porto", k=100).hits]
    assert (kinds.count("fact"), kinds.count("skill"), kinds.count("event")) == (10, 10, 20)


def test_secrets_of_high_sensitivity_crowd_out_no_other() -> None:
    mem = six()
    for number in range(15):
        mem.vault.put(f"pin of the card {number}", f"x{number}", sensitivity="high")
    mem.vault.put("an old pin of a card in the drawer", "y", sensitivity="low")
    assert [secret.sensitivity for secret in mem.vault.search("pin of the card 3")] == ["low"]


def test_a_line_of_a_core_block_goes_with_its_message() -> None:
    mem = six()
    mem.read("My name is Ana and I prefer tea.")
    mem.read("I live in Lisbon and I love fado.")
    (block,) = mem.rows("core")
    assert "Lisbon" in block.text
    (turn,) = [turn for turn in mem.space.memories({"kinds": ["turn"]}) if "Lisbon" in turn.text]
    mem.space.forget(turn.id, erase=True)
    assert [row.text for row in mem.rows("core")] == ["My name is Ana and I prefer tea."]
    assert "Lisbon" not in everything(mem)


def turns_of(mem: SixTypes) -> list[str]:
    return [turn.text for turn in mem.space.memories({"kinds": ["turn"]})]


@pytest.mark.parametrize(
    ("said", "value", "shown"),
    [
        ("My password is as follows: hunter2", "hunter2", f"My password is as follows: {MASK}"),
        ("The api key is the following: k3-zz9.", "k3-zz9", f"The api key is the following: {MASK}."),
        ("My PIN is now 9321.", "9321", f"My PIN is now {MASK}."),
        ("The token is: abc123", "abc123", f"The token is: {MASK}"),
    ],
)
def test_a_value_that_is_announced_is_taken_whole(said: str, value: str, shown: str) -> None:
    mem = six()
    assert mem.read(said) == ["vault"]
    assert turns_of(mem) == [shown]
    assert [mem.vault.reveal(row.id) for row in mem.rows("vault")] == [value]


@pytest.mark.parametrize("value", ["as", "was", "value", "secret", "masked", "password"])
def test_a_value_that_stands_in_every_usual_caption_is_kept_too(value: str) -> None:
    mem = six()
    mem.read(f"My password is {value}")
    (row,) = mem.rows("vault")
    assert mem.vault.reveal(row.id) == value
    assert value not in row.text
    assert all(value not in text for text in turns_of(mem))


def test_the_meta_manager_sees_no_value_that_a_rule_finds() -> None:
    seen: list[str] = []

    def chosen(request: Request) -> object:
        seen.append(request.variables["messages"])
        return {"types": []}

    mem = six(ScriptedLLM({"mirix.meta": chosen, "mirix.keep": call("finish_memory_update")}))
    assert mem.read(PASSWORD, "I met Carla.") == ["vault"]
    assert seen == [f"The password of my mail account is {MASK}.\nI met Carla."]


@pytest.mark.parametrize("error", [ModelUnavailable("mirix: nobody answers"), BudgetExceeded("mirix: the day's limit is reached")])
def test_a_meta_manager_that_can_not_be_asked_loses_no_value(error: Exception) -> None:
    mem = six(ScriptedLLM({"mirix.meta": error, "mirix.keep": call("finish_memory_update")}))
    assert mem.read(PASSWORD, "Yesterday I met Carla.") == ["vault", "episodic"]
    assert [mem.vault.reveal(row.id) for row in mem.rows("vault")] == ["hunter2"]
    assert turns_of(mem) == [f"The password of my mail account is {MASK}.", "Yesterday I met Carla."]


def test_a_core_block_is_shortened_by_rule_where_no_model_can_be_asked() -> None:
    mem = six(ScriptedLLM({"mirix.compress": ModelUnavailable("mirix.compress: nobody answers")}))
    mem.append_core("human", "\n".join(f"fact {n}" for n in range(600)))
    assert mem.rows("core")[0].text.endswith("fact 599")


@pytest.mark.parametrize("tool", ["semantic_update", "semantic_merge"])
def test_what_replaces_an_entry_goes_with_what_that_rested_on(tool: str) -> None:
    told = {"ids": ["1"], "summary": "clinic Zanzibar is in Faro"} if tool == "semantic_update" else {"id": "1", "details": "it is in Faro"}
    replies = [call("semantic_insert", summary="clinic Zanzibar"), call(tool, **told)]
    mem = six(ScriptedLLM({"mirix.meta": {"types": ["semantic"]}, "mirix.keep": replies}))
    mem.read("My clinic is called Zanzibar.")
    mem.read("It is in Faro.")
    first, second = sorted((turn for turn in mem.space.memories({"kinds": ["turn"]})), key=lambda turn: turn.text, reverse=True)
    (row,) = mem.rows("semantic")
    assert {span.episode for span in row.sources} == {first.sources[0].episode, second.sources[0].episode}
    mem.space.forget(first.id, erase=True)
    assert "Zanzibar" not in everything(mem)


def test_details_that_no_message_told_go_with_the_entry_that_they_were_merged_into() -> None:
    mem = six(ScriptedLLM({"mirix.meta": {"types": ["semantic"]}, "mirix.keep": [call("semantic_insert", summary="clinic Zanzibar")]}))
    mem.read("My clinic is called Zanzibar.")
    assert not mem.surfaces["semantic"].call("semantic_merge", {"id": "1", "details": "it is in Faro"}).failed
    (turn,) = mem.space.memories({"kinds": ["turn"]})
    mem.space.forget(turn.id, erase=True)
    assert "Zanzibar" not in everything(mem)


def test_an_update_that_fails_leaves_the_entry_and_one_after_an_erasure_rests_on_what_is_left() -> None:
    mem = six()
    first, second = mem.space.remember(["I live in Porto.", "I live in Porto."]).ids
    given = {"text": "lives in Porto", "kind": "fact", "tags": ["mirix"], "sources": [first, second]}
    id = mem.space.remember(memories=[given]).ids[0]
    number = mem._number(mem.space.get(id))
    assert mem.surfaces["semantic"].call("semantic_update", {"ids": [number], "summary": " "}).failed
    assert [row.id for row in mem.rows("semantic")] == [id]
    mem.space.forget(second, erase=True)
    (row,) = mem.rows("semantic")
    for summary in ("lives in Porto by the river", "lives in Porto by the river"):
        assert not mem.surfaces["semantic"].call("semantic_update", {"ids": [mem._number(row)], "summary": summary}).failed
        (row,) = mem.rows("semantic")
        assert row.text == summary
        assert row.sources == mem.space.get(first).sources
