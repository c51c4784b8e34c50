"""Mem-alpha's acceptance tests: the three-part memory, its tools, the reward's four terms, and policies that are told apart by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest

from mneme.recipes.agent.mem_alpha import CORE_TOKENS, KINDS, TAG, Policy, PolicyMemory, by_rule
from mneme.recipes.agent.rewards import BETA, GAMMA, advantages, reinforced, reward
from mneme.recipes.agent.tools import Call
from mneme.space import Space
from mneme.testing import ScriptedLLM
from mneme.text.tokens import count_tokens

from .world import START, memory_of

DAY = timedelta(days=1)


def alpha(steps: list[object] | None = None, policy: Policy | None = None) -> PolicyMemory:
    llm = ScriptedLLM({"mem-alpha.write": steps}) if steps is not None else None
    memory, _ = memory_of("mem-alpha", "hash:64", llm=llm)
    return PolicyMemory(memory.space("s"), llm, policy)


def call(tool: str, heartbeat: bool = False, **arguments: str) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments, "heartbeat": heartbeat}


# The memory and its tools


def test_the_same_text_twice_is_one_entry() -> None:
    mem = alpha()
    for _ in range(2):
        assert not mem.surface.call("new_memory_insert", {"type": "semantic", "content": "Ana is a nurse"}).failed
    assert len(mem.entries("semantic")) == 1


def test_what_is_near_is_found_among_its_kind_with_one_query_and_ended_entries_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    mem = alpha()
    facts = [{"text": f"Ana likes fact {n}", "kind": KINDS["semantic"], "tags": (TAG,)} for n in range(200)]
    ended = {"text": "Ana moved", "kind": KINDS["episodic"], "tags": (TAG,), "valid_from": START - 2 * DAY, "valid_to": START - DAY}
    other = {"text": "Ana moved here", "kind": KINDS["episodic"]}
    mem.space.remember(memories=[*facts, ended, other])
    asked: list[object] = []
    memories = Space.memories
    monkeypatch.setattr(Space, "memories", lambda self, *args, **more: asked.append(args) or memories(self, *args, **more))
    assert mem.near("episodic", "Ana moved") == []
    assert len(asked) <= 1
    near = mem.near("semantic", "Ana likes fact 7")
    assert (near[0].text, len(near)) == ("Ana likes fact 7", 64)
    assert len(asked) <= 2


def test_an_event_without_a_time_is_an_error_and_lowers_the_share_of_good_calls() -> None:
    steps = [
        call("new_memory_insert", type="episodic", content="Ana moved"),
        call("new_memory_insert", True, type="episodic", content="2024-05-01: Ana moved"),
        call("memory_update", True, type="episodic", id="77", new="2024-05-02: x"),
        call("memory_delete", type="episodic", id="77"),
        call("new_memory_insert", type="semantic", content="Ana lives in Porto"),
    ]
    mem = alpha(steps)
    made = mem.read("Ana moved to Porto on 2024-05-01.")
    assert [step.result.failed for step in made] == [True, False, True, True, False]
    assert [entry.text for entry in mem.entries("episodic")] == ["2024-05-01: Ana moved"]
    whole = mem.reward(correct=0.0, input_chars=100, valid=0.0)
    assert whole - BETA * (1 - mem.size() / 100) == pytest.approx(2 / 5)


def test_an_unknown_id_changes_nothing() -> None:
    mem = alpha()
    mem.surface.call("new_memory_insert", {"type": "semantic", "content": "Ana is a nurse"})
    before = [(entry.id, entry.text, entry.version) for entry in mem.entries("semantic")]
    assert mem.surface.call("memory_update", {"type": "semantic", "id": "9", "new": "x"}).failed
    assert mem.surface.call("memory_delete", {"type": "semantic", "id": "9"}).failed
    assert mem.surface.call("memory_update", {"type": "episodic", "id": "1", "new": "2024-05-01: x"}).failed  # of another type
    assert [(entry.id, entry.text, entry.version) for entry in mem.entries("semantic")] == before
    assert not mem.surface.call("memory_delete", {"type": "semantic", "id": "1"}).failed
    assert mem.entries("semantic") == []


def test_core_is_replaced_whole_and_past_512_tokens_refused() -> None:
    mem = alpha()
    for text in ("a long paragraph about Ana and her work", "short"):
        assert not mem.surface.call("memory_update", {"type": "core", "new": text}).failed
        assert mem.core() == text
    long = "word " * (CORE_TOKENS + 1)
    assert count_tokens(long) > CORE_TOKENS == 512
    refused = mem.surface.call("memory_update", {"type": "core", "new": long})
    assert refused.failed
    assert "at most 512" in refused.text
    assert mem.core() == "short"


def test_twenty_entries_of_a_type_are_shown_and_found_by_words_and_by_meaning() -> None:
    seen: list[str] = []

    def yields(request: object) -> dict[str, object]:
        seen.append(request.turns[-1].text)  # type: ignore[attr-defined]
        return call("search_memory", type="semantic", query="bridge", method="bm25")

    memory, _ = memory_of("mem-alpha", "hash:64")
    mem = PolicyMemory(memory.space("s"), ScriptedLLM({"mem-alpha.write": yields}))
    for number in range(30):
        mem.surface.call("new_memory_insert", {"type": "semantic", "content": f"Porto has bridge number {number}"})
    (step,) = mem.read("Hello")
    assert seen[0].count("(semantic): Porto has bridge") == 20
    assert len(step.result.text.splitlines()) == 20
    by_meaning = mem.surface.call("search_memory", {"type": "semantic", "query": "bridge number 7"}).text.splitlines()
    assert len(by_meaning) == 20
    assert "core" not in mem.context("bridge")
    mem.surface.call("memory_update", {"type": "core", "new": "Ana is a nurse."})
    assert mem.context("bridge").startswith("core: Ana is a nurse.")


# The reward


def test_a_memory_of_half_the_length_earns_exactly_its_share_of_compression() -> None:
    runs = {}
    for name, text in (("long", "Ana lives in Porto, in the street of the bakers"), ("short", "Ana lives in Porto, in ")):
        runs[name] = alpha()
        runs[name].surface.call("new_memory_insert", {"type": "semantic", "content": text})
    long, short = (runs[name].reward(correct=0.5, input_chars=200, valid=1.0) for name in ("long", "short"))
    sizes = [runs[name].size() for name in ("long", "short")]
    assert sizes[0] >= 2 * sizes[1]
    assert short - long == pytest.approx(BETA * (sizes[0] - sizes[1]) / 200)
    shared = {"correct": 0.5, "calls": 4, "failed": 0, "input_chars": 1000, "valid": 1.0}
    assert reward(**shared, memory_chars=100) == pytest.approx(0.5 + 1.0 + 0.05 * 0.9 + 0.1)  # type: ignore[arg-type]
    assert (BETA, GAMMA) == (0.05, 0.1)


def test_a_malformed_call_costs_its_share() -> None:
    shared = {"correct": 0.5, "calls": 4, "memory_chars": 100, "input_chars": 1000, "valid": 1.0}
    assert reward(**shared, failed=0) - reward(**shared, failed=1) == pytest.approx(0.25)  # type: ignore[arg-type]
    assert advantages([0.7] * 8) == [0.0] * 8


PEOPLE = ["Nadia", "Omar", "Petra", "Quentin", "Rosa"]
PLACES = ["Porto", "Oslo", "Rome", "Bonn", "Kyiv"]
STREAM = [
    *(f"{name} from the accounting office lives in {place}. Good morning!" for name, place in zip(PEOPLE, PLACES, strict=True)),
    "On 2024-05-01 the boiler broke. How nice to see you again?",
    "On 2024-06-02 the roof was mended. Thanks!",
    "Nadia from the accounting office now lives in Lima.",
    "Omar from the accounting office now lives in Baku.",
    "The gate opens with code 4411. Well, well.",
]
QUESTIONS = {
    "Where does Nadia live?": "Lima",
    "Where does Omar live?": "Baku",
    "Where does Petra live?": "Rome",
    "Where does Quentin live?": "Bonn",
    "Where does Rosa live?": "Kyiv",
    "When did the boiler break?": "2024-05-01",
    "When was the roof mended?": "2024-06-02",
    "Which code opens the gate?": "4411",
    "What broke in May?": "boiler",
    "What was mended in June?": "roof",
}


def hoards(memory: PolicyMemory, chunk: str) -> Iterator[Call]:
    """Append everything."""
    yield Call(tool="new_memory_insert", arguments={"type": "semantic", "content": chunk})


def idles(memory: PolicyMemory, chunk: str) -> Iterator[Call]:
    """Do nothing."""
    yield from ()


def earned(policy: Policy) -> float:
    """Return a policy's reward on the stream: a frozen reader looks at the two best entries, a rule judges entries by their type."""
    mem = alpha(policy=policy)
    for chunk in STREAM:
        mem.read(chunk)
    right = 0
    for question, answer in QUESTIONS.items():
        shown = mem.context(question, k=1)
        right += answer in shown and not any(place in shown for place in PLACES if place != answer)
    entries = [(type, entry.text) for type in KINDS for entry in mem.entries(type)]
    dated = re.compile(r"\d{4}-\d\d-\d\d")
    fits = [(type == "episodic") == bool(dated.search(text)) and text.count(".") + text.count("!") <= 1 for type, text in entries]
    valid = sum(fits) / len(fits) if fits else 0.0
    return mem.reward(correct=right / len(QUESTIONS), input_chars=sum(map(len, STREAM)), valid=valid)


def test_the_rule_writer_earns_more_than_hoarding_and_hoarding_more_than_nothing() -> None:
    writer, hoarder, idler = earned(by_rule), earned(hoards), earned(idles)
    assert writer > hoarder > idler
    assert idler == pytest.approx(1.0 + BETA)


def test_reinforce_over_four_choices_raises_the_mean_reward_over_two_hundred_episodes() -> None:
    sentence, asked, answer = "On 2024-05-01 the boiler broke.", "When did the boiler break?", "2024-05-01"
    choices: dict[str, Policy] = {}
    for type in ("core", "semantic", "episodic", "skip"):

        def keeps(memory: PolicyMemory, chunk: str, type: str = type) -> Iterator[Call]:
            if type == "core":
                yield Call(tool="memory_update", arguments={"type": "core", "new": chunk})
            elif type != "skip":
                yield Call(tool="new_memory_insert", arguments={"type": type, "content": chunk})

        choices[type] = keeps
    pay = []
    for type, policy in choices.items():
        mem = alpha(policy=policy)
        mem.read(sentence)
        right = float(answer in mem.context(asked))
        pay.append(mem.reward(correct=right, input_chars=len(sentence), valid=float(type == "episodic")))
    assert int(np.argmax(pay)) == 2
    rng, logits, means = np.random.default_rng(3), [0.0] * 4, []
    for _ in range(200):
        odds = np.exp(logits) / np.exp(logits).sum()
        group = rng.choice(4, size=8, p=odds).tolist()
        rewards = [pay[choice] for choice in group]
        means.append(float(np.mean(rewards)))
        logits = reinforced(logits, group, advantages(rewards), 0.1)
    assert np.mean(means[-50:]) > np.mean(means[:50]) + 0.05
    assert int(np.argmax(logits)) == 2


# What the memory rests on, and what the rules read


def test_an_erased_chunk_takes_along_what_was_written_from_it() -> None:
    steps = [
        [
            call("new_memory_insert", True, type="semantic", content="Ana is a nurse"),
            call("memory_update", type="core", new="Ana, a nurse."),
        ],
        [
            call("memory_update", True, type="semantic", id="1", new="Ana is a nurse in Porto"),
            call("memory_update", True, type="core", new="Ana, a nurse in Porto."),
            call("new_memory_insert", type="episodic", content="2024-05-01: Ana moved"),
        ],
    ]
    mem = alpha([step for part in steps for step in part])
    for chunk in ("I am a nurse.", "On 2024-05-01 I moved to Porto."):
        mem.read(chunk)
    first, second = mem.space.memories({"kinds": ["turn"]})
    assert [entry.text for entry in mem.entries("semantic")] == ["Ana is a nurse in Porto"]
    mem.space.forget(second.id, erase=True)
    assert [entry.text for entry in mem.entries("semantic")] == ["Ana is a nurse"]
    assert (mem.entries("episodic"), mem.core()) == ([], "Ana, a nurse.")
    mem.space.forget(first.id, erase=True)
    assert (mem.entries("semantic"), mem.core()) == ([], "")


@pytest.mark.parametrize(
    "content", ["On 8 May Ana moved", "昨天安娜搬家了", "Am 3. Mai zog Ana um", "May 2023: Ana moved", "1999: Ana was born"]
)
def test_an_event_may_name_its_time_in_other_words(content: str) -> None:
    mem = alpha()
    assert not mem.surface.call("new_memory_insert", {"type": "episodic", "content": content}).failed
    for vague in ("Ana may move", "Ana has 200 euros", "Ana often moves"):
        assert mem.surface.call("new_memory_insert", {"type": "episodic", "content": vague}).failed


def test_the_rules_keep_short_profiles_and_sentences_without_blanks_and_leave_small_talk_out() -> None:
    mem = alpha()
    mem.read("Call me Ada. Thanks a lot! Is that so？ 我的妹妹住在里斯本。")
    assert mem.core() == "Call me Ada."
    assert [entry.text for entry in mem.entries("semantic")] == ["我的妹妹住在里斯本。"]
    mem.read("Call me Ada.")
    assert mem.core() == "Call me Ada."


def test_a_write_reads_no_more_of_a_large_memory_than_what_is_near() -> None:
    mem = alpha()
    mem.space.remember([f"Fact number {number} about topic {number}" for number in range(3000)], kind="fact", tags=("mem-alpha",))
    read: list[int] = []
    found = mem.space.memories
    mem.space.memories = lambda *args, **more: (page := found(*args, **more), read.append(len(page)))[0]  # type: ignore[method-assign]
    assert "already there" in mem.surface.call("new_memory_insert", {"type": "semantic", "content": "Fact number 7 about topic 7"}).text
    assert mem.surface.call("new_memory_insert", {"type": "semantic", "content": "Something else"}).text.startswith("inserted")
    assert sum(read) <= 200


@pytest.mark.parametrize(
    "talk",
    [
        "I'm fine. I'm sorry. I am back.",
        "I’m so sorry to hear that! I'm not sure.",
        "I am really glad. I love it! I like that.",
        "I'm doing well, thank you. I'm just a bit tired today.",
    ],
)
def test_a_passing_state_is_no_profile_and_no_entry(talk: str) -> None:
    mem = alpha()
    mem.read(talk)
    assert (mem.core(), mem.entries("semantic"), mem.entries("episodic")) == ("", [], [])


@pytest.mark.parametrize(
    "said",
    [
        "I'm a nurse.", "I am allergic to nuts.", "I’m vegan.", "I'm sorry, my name is Ana Reis.", "I am good at chess.",
        "I am afraid of dogs.", "I love jazz.", "I am well-read.", "I am from Porto.",
    ],
)  # fmt: skip
def test_what_lasts_goes_to_the_core(said: str) -> None:
    mem = alpha()
    mem.read(said)
    assert mem.core() == said


def test_what_is_told_with_a_passing_state_is_an_entry() -> None:
    mem = alpha()
    mem.read("I'm sorry, the bakery in Porto burned down. I am back from the clinic in Faro.")
    assert mem.core() == ""
    assert [entry.text for entry in mem.entries("semantic")] == [
        "I'm sorry, the bakery in Porto burned down.",
        "I am back from the clinic in Faro.",
    ]


def test_after_a_policy_that_raised_nothing_rests_on_its_chunk() -> None:
    def broken(memory: PolicyMemory, chunk: str) -> Iterator[Call]:
        yield Call(tool="new_memory_insert", arguments={"type": "semantic", "content": "Ana is a nurse"})
        raise RuntimeError("no checkpoint")

    mem = alpha(policy=broken)
    with pytest.raises(RuntimeError, match="no checkpoint"):
        mem.read("Ana works in a clinic.")
    assert [step.result.failed for step in mem.steps] == [False]
    mem.surface.call("new_memory_insert", {"type": "semantic", "content": "Rex is a dog"})
    (turn,) = mem.space.memories({"kinds": ["turn"]})
    rests = {entry.text: entry.sources == turn.sources for entry in mem.entries("semantic")}
    assert rests == {"Ana is a nurse": True, "Rex is a dog": False}
