"""Memory-R1: the manager as an organiser and as an agent, the distiller, and what a policy that misbehaves can and can't do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

import mneme
from mneme.core.composing import compose, parse_toml, resolve
from mneme.core.context import Context
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.models.transport import Request
from mneme.organisation.managing import Decision, Managed, RulePolicy, content
from mneme.recipes.agent.memory_r1 import Bank
from mneme.recipes.agent.rewards import advantages, exact_match, reinforced
from mneme.recipes.agent.tools import Call
from mneme.testing import ScriptedLLM

from .world import START, bare, memory_of

BUDDY, SCOUT = "I adopted a dog named Buddy.", "I adopted another dog, Scout."


def space_of(**more: object) -> mneme.Space:
    return memory_of("memory-r1", "hash:128", **more)[0].space("s")


def facts(space: mneme.Space) -> list[Memory]:
    return space.memories({"kinds": ["fact"]})


def tell(space: mneme.Space, *texts: str, author: str = "Ana") -> None:
    for text in texts:
        space.remember(text, author=author, wait=True)


def call(tool: str, heartbeat: bool = False, **arguments: str) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments, "heartbeat": heartbeat}


# The manager, as an organiser


def test_two_dogs_end_in_one_entry_that_names_both() -> None:
    space = space_of()
    tell(space, BUDDY, SCOUT)
    (entry,) = facts(space)
    assert entry.text == "I adopted a dog named Buddy and another dog, Scout."
    assert entry.version == 2
    assert [step.memory.text for step in space.history(entry.id) if step.memory] == [BUDDY.rstrip("."), entry.text]
    turns = {memory.text: memory.id for memory in space.memories({"kinds": ["turn"]})}
    assert (turns[SCOUT], entry.id, "supports") in {(link.source, link.target, link.type) for link in space.links()}


def test_the_same_sentence_again_adds_nothing() -> None:
    space = space_of()
    tell(space, BUDDY, BUDDY, "I adopted a dog named Buddy")
    assert [entry.text for entry in facts(space)] == [BUDDY.rstrip(".")]


def test_a_denial_ends_what_it_denies_and_keeps_its_history() -> None:
    space = space_of()
    tell(space, "I am a vegan cook.", "I am no longer a vegan cook.")
    now = [entry.text for entry in facts(space) if entry.valid_to is None]
    assert now == ["I am no longer a vegan cook"]
    ended = next(entry for entry in facts(space) if entry.text == "I am a vegan cook")
    assert ended.valid_to is not None
    assert [step.entry.verb for step in space.history(ended.id)] == ["form", "form"]


def test_another_value_of_what_has_one_at_a_time_replaces_it_and_other_speakers_keep_theirs() -> None:
    space = space_of()
    tell(space, "I live in Rome.")
    tell(space, "I live in Bonn.", author="Ben")
    tell(space, "I live in Oslo.")
    tell(space, "I work on my bike.", "I work at Siemens.")
    now = {(entry.author, entry.text) for entry in facts(space) if entry.valid_to is None}
    assert now == {("Ana", "I live in Oslo"), ("Ben", "I live in Bonn"), ("Ana", "I work on my bike"), ("Ana", "I work at Siemens")}


def decided(answer: object) -> list[tuple[str, bool]]:
    llm = ScriptedLLM(
        {
            "structures.extract": [{"triples": [], "facts": [{"message": 1, "text": text}]} for text in (BUDDY, SCOUT)],
            "manager.decide": answer,
        }
    )
    space = space_of(llm=llm)
    tell(space, BUDDY, SCOUT)
    return sorted((entry.text, entry.valid_to is None) for entry in facts(space))


def test_a_model_updates_within_the_words_of_the_two() -> None:
    both = "I adopted a dog named Buddy and another dog, Scout."
    first = {"event": "ADD"}
    assert decided([first, {"event": "UPDATE", "entry": 0, "text": both}]) == [(both, True)]
    invented = [first, {"event": "UPDATE", "entry": 0, "text": both + " They are poodles."}]
    assert decided(invented) == [(BUDDY, True), (SCOUT, True)]


def test_a_model_that_names_an_entry_it_was_not_shown_or_deletes_wrongly_loses_nothing() -> None:
    assert decided([{"event": "ADD"}, {"event": "DELETE", "entry": 99}]) == [(BUDDY, True), (SCOUT, True)]
    assert decided([{"event": "ADD"}, {"event": "UPDATE", "entry": -1, "text": "gone"}]) == [(BUDDY, True), (SCOUT, True)]
    # A bad manager takes out what was true: it is over, not gone.
    assert decided([{"event": "ADD"}, {"event": "DELETE", "entry": 0}]) == [(BUDDY, False), (SCOUT, True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hoarder:
    """A policy of one's own: adds everything."""

    def decide(self, ctx: Context, fact: Memory, related: Sequence[Memory]) -> Decision:
        return Decision(event="ADD")


def test_a_trained_policy_takes_the_place_of_the_rules() -> None:
    recipe = compose(name="mine", base="memory-r1", organisers=[Managed(policy=Hoarder())])
    space = memory_of(recipe, "hash:128")[0].space("s")
    tell(space, BUDDY, SCOUT)
    assert len(facts(space)) == 2
    named = parse_toml('name = "mine"\nbase = "memory-r1"\n[[organisers]]\nuse = "managed"\npolicy = {use = "rules", known = 0.5}\n')
    assert named.organisers == (Managed(policy=RulePolicy(known=0.5)),)


def test_content_leaves_out_small_words_and_denials() -> None:
    assert content("I don't like the loud jazz") == {"like", "loud", "jazz"}


# The distiller


def sixty(space: mneme.Space) -> None:
    for author in ("Ana", "Ben"):
        for number in range(30):
            text = f"{author} counted sheep number {number}"
            space.remember(
                f"{text}.",
                ref=f"{author}{number}",
                author=author,
                memories=[{"text": text, "sources": [f"{author}{number}"], "author": author}],
            )
    for author, text in (("Ana", "Ana keeps a parrot called Kiki"), ("Ben", "Ben built a cage for the parrot")):
        space.remember(f"{text}.", ref=text, author=author, memories=[{"text": text, "sources": [text], "author": author}])


def test_of_sixty_entries_the_two_that_matter_come_first() -> None:
    space = space_of()
    sixty(space)
    found = space.recall("Who has to do with the parrot?", k=5)
    assert {hit.text for hit in found.hits[:2]} == {"Ana keeps a parrot called Kiki.", "Ben built a cage for the parrot."}
    assert len(found.hits) == 5
    narrow = compose(name="narrow", base="memory-r1", ranker={"use": "distilled", "ranker": "keyed", "fill": False, "near": 2.0})
    other = memory_of(narrow, "hash:128")[0].space("s")
    sixty(other)
    assert {hit.text for hit in other.recall("Who has to do with the parrot?", k=50).hits} == {
        "Ana keeps a parrot called Kiki.", "Ben built a cage for the parrot.",
    }  # fmt: skip


def test_a_model_chooses_among_thirty_of_each_speaker() -> None:
    shown: list[int] = []

    def choose(request: Request) -> dict[str, object]:
        text = request.turns[-1].text
        shown.append(text.count("counted sheep"))
        return {"numbers": [3, 1, 1, 500]}

    recipe = compose(name="m", channels=["dense"], ranker={"use": "distilled", "ranker": "weighted-sum", "each": 3})
    space = memory_of(recipe, "hash:128", llm=ScriptedLLM({"distil.select": choose}))[0].space("s")
    plain = memory_of(compose(name="p", channels=["dense"], ranker="weighted-sum"), "hash:128")[0].space("s")
    for one in (space, plain):
        one.remember([{"text": f"{author} counted sheep number {n}", "author": author} for n in range(5) for author in ("Ana", "Ben")])
    order = [hit.text for hit in plain.recall("sheep number 4 of Ana", k=10).hits]
    taken: dict[str, int] = {}
    pool = []
    for text in order:
        taken[text[:3]] = taken.get(text[:3], 0) + 1
        if taken[text[:3]] <= 3:
            pool.append(text)
    hits = [hit.text for hit in space.recall("sheep number 4 of Ana", k=5).hits]
    assert shown == [6]
    assert hits[:2] == [pool[1], pool[3]]
    assert hits[2:] == [text for text in pool if text not in hits[:2]][:3]
    assert len(space.recall("sheep number 4 of Ana", k=10).hits) == 10
    assert shown == [6]  # where all is returned nothing is chosen


# The agents


def bank(answers: dict[str, object] | None = None) -> Bank:
    llm = ScriptedLLM(answers) if answers is not None else None
    memory, _ = memory_of(bare(), "hash:128", llm=llm)
    return Bank(memory.space("s"), llm)


def both(mem: Bank) -> str:
    text = " ".join(entry.text for entry in mem.entries())
    return " and ".join(name for name in ("Buddy", "Scout") if name in text)


def test_the_rule_manager_keeps_both_dogs_in_one_entry() -> None:
    mem = bank()
    steps = [mem.manage(fact, speaker="Ana")[0].call.tool for fact in (BUDDY, SCOUT, BUDDY)]
    assert steps == ["add_fact", "update_fact", "keep_all"]
    assert [entry.text for entry in mem.entries()] == ["I adopted a dog named Buddy and another dog, Scout."]
    assert {episode.text for episode in mem.space.episodes()} >= {BUDDY, SCOUT}


def test_a_bad_manager_gets_no_reward_and_a_good_one_gets_it() -> None:
    add = call("add_fact", content="Has a dog, Buddy")
    bad = bank({"memory-r1.manage": [add, call("delete_fact", True, id="1"), call("add_fact", content="Has a dog, Scout")]})
    good = bank({"memory-r1.manage": [add, call("update_fact", id="1", content="Has two dogs, Buddy and Scout")]})
    for mem in (bad, good):
        for fact in (BUDDY, SCOUT):
            mem.manage(fact, speaker="Ana")
    assert [exact_match(both(mem), "Buddy and Scout") for mem in (bad, good)] == [0.0, 1.0]
    assert len(good.entries()) == 1


def test_the_distiller_hands_over_what_matters_and_the_answer_agent_reads_no_more() -> None:
    read: list[str] = []

    def answer(request: Request) -> dict[str, str]:
        read.append(request.turns[-1].text)
        return {"text": "Kiki"}

    mem = bank({"distil.select": {"numbers": [0, 1]}, "memory-r1.answer": answer})
    for author in ("Ana", "Ben"):
        for number in range(29):
            mem.space.remember(f"{author} counted sheep number {number}", kind="fact", author=author, tags=("bank",))
    mem.space.remember("The parrot of Ana is called Kiki", kind="fact", author="Ana", tags=("bank",))
    mem.space.remember("The parrot is green", kind="fact", author="Ben", tags=("bank",))
    assert len(mem.candidates("What is the parrot called?")) == 60
    assert mem.answer("What is the parrot called?") == "Kiki"
    assert read[0].count("counted sheep") == 0
    assert "Kiki" in read[0]
    by_rule = bank()
    by_rule.space.remember(["sheep", "a parrot called Kiki"], kind="fact", tags=("bank",))
    assert by_rule.answer("the parrot?").endswith("someone: a parrot called Kiki")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("no JSON at all", "no call"),
        (call("erase_everything"), "there is no tool"),
        (call("update_fact", id="77", content="x"), "there is no entry"),
        (call("update_fact", id="1"), "content is missing"),
        ({"tool": "add_fact", "arguments": {"content": 7}}, "must be of type string"),
        (call("add_fact", content="x" * 5000), "at most 4,000"),
        (call("add_fact", content="x", extra="y"), "extra is unknown"),
        (call("add_fact", content="x" * 50_000), "at most 20,000"),
    ],
)
def test_a_manager_that_misbehaves_is_told_and_goes_on(reply: object, why: str) -> None:
    mem = bank({"memory-r1.manage": [*([reply] * (3 if isinstance(reply, str) else 1)), call("keep_all")]})
    steps = mem.manage("I like tea.", speaker="Ana")
    assert steps[0].result.failed
    assert why in steps[0].result.text
    assert [step.result.failed for step in steps][-1] is False
    assert mem.entries() == []
    assert [episode.text for episode in mem.space.episodes()] == ["I like tea."]


def test_a_manager_without_end_is_stopped() -> None:
    mem = bank({"memory-r1.manage": call("keep_all", heartbeat=True)})
    steps = mem.manage("I like tea.", most_steps=4)
    assert len(steps) == 4
    assert steps[-1].result.text.endswith("(stopped after 4 steps)")


# Rewards


def test_advantages_have_mean_zero_and_the_rewarded_operation_becomes_likelier() -> None:
    gains = advantages([1, 0, 0, 1])
    assert (gains, sum(gains)) == ([1.0, -1.0, -1.0, 1.0], 0.0)
    logits = reinforced([0.0, 0.0], [0, 1, 1, 0], gains, 0.5)
    assert logits[0] > 0 > logits[1]
    assert exact_match("The  Nurse.", "a nurse") == 1.0


def test_the_recipe_is_dated_and_undone_like_any_other() -> None:
    memory, clock = memory_of("memory-r1", "hash:128")
    space = memory.space("s")
    tell(space, "I live in Rome.")
    clock.set(START.replace(month=3))
    tell(space, "I live in Oslo.")
    then = space.recall("live", as_of=START.replace(month=2), kinds=["fact"])
    assert [hit.text for hit in then.hits] == ["I live in Rome"]
    assert Filter(kinds=("fact",)).accepts(facts(space)[0])
    assert resolve("memory-r1").card is not None


def test_an_erased_fact_takes_along_what_the_bank_has_of_it() -> None:
    mem = bank()
    for fact in (BUDDY, SCOUT):
        mem.manage(fact, speaker="Ana")
    assert len(mem.entries()) == 1
    said = {memory.text: memory.id for memory in mem.space.memories({"kinds": ["turn"]})}
    mem.space.forget(said[SCOUT], erase=True)
    assert [entry.text for entry in mem.entries()] == [BUDDY]
    mem.space.forget(said[BUDDY], erase=True)
    assert mem.entries() == []
    assert mem.space.verify().ok


def test_after_a_policy_that_raised_nothing_rests_on_its_fact() -> None:
    def broken(bank: Bank, fact: str, related: Sequence[Memory]) -> Iterator[Call]:
        yield Call(tool="add_fact", arguments={"content": BUDDY})
        raise RuntimeError("no checkpoint")

    bank = Bank(memory_of(bare(), "hash:128")[0].space("s"), policy=broken)
    with pytest.raises(RuntimeError, match="no checkpoint"):
        bank.manage(BUDDY)
    bank.surface.call("add_fact", {"content": SCOUT})
    (turn,) = bank.space.memories({"kinds": ["turn"]})
    rests = {entry.text: entry.sources == turn.sources for entry in bank.entries()}
    assert rests == {BUDDY: True, SCOUT: False}
