"""Policies: Mem-alpha's tools and reward, Memory-R1's match and advantages, the vault, query bandits."""

from __future__ import annotations

import numpy as np
import pytest

from mneme.core.errors import InvalidInput
from mneme.recipes.agent.mem_alpha import PolicyMemory
from mneme.recipes.agent.rewards import BETA, advantages, exact_match, reward
from mneme.recipes.agent.vault import MASK, Vault
from mneme.retrieval.bandit import QueryBandit
from mneme.retrieval.rewrites import REWRITES, WIDTH, clues_of, reworded_by_rule
from mneme.testing import ScriptedLLM

from .world import memory_of


def policy(steps: list[object] | None = None) -> PolicyMemory:
    llm = ScriptedLLM({"mem-alpha.write": steps}) if steps is not None else None
    memory, _ = memory_of("mem-alpha", "hash:64", llm=llm)
    return PolicyMemory(memory.space("s"), llm)


def call(tool: str, heartbeat: bool = False, **arguments: str) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments, "heartbeat": heartbeat}


def test_two_dogs_end_in_one_entry_by_update_and_its_history_shows_both() -> None:
    steps = [
        call("new_memory_insert", type="semantic", content="Adopted a dog named Buddy"),
        call("search_memory", True, type="semantic", query="dog"),
        call("memory_update", type="semantic", id="1", new="Adopted two dogs, Buddy and Scout"),
    ]
    mem = policy(steps)
    mem.read("I adopted a dog named Buddy.")
    mem.read("I adopted another dog, Scout.")
    (entry,) = mem.entries("semantic")
    assert entry.text == "Adopted two dogs, Buddy and Scout"
    assert [step.memory.text for step in mem.space.history(entry.id) if step.memory] == ["Adopted a dog named Buddy", entry.text]


def test_a_policy_that_deletes_loses_the_answer_and_the_good_one_has_it() -> None:
    def answer(mem: PolicyMemory) -> str:
        return " and ".join(name for name in ("Buddy", "Scout") if any(name in entry.text for entry in mem.entries("semantic")))

    bad, good = policy(), policy()
    for mem in (bad, good):
        mem.surface.call("new_memory_insert", {"type": "semantic", "content": "Has a dog, Buddy"})
    bad.surface.call("memory_delete", {"type": "semantic", "id": "1"})
    bad.surface.call("new_memory_insert", {"type": "semantic", "content": "Has a dog, Scout"})
    good.surface.call("memory_update", {"type": "semantic", "id": "1", "new": "Has two dogs, Buddy and Scout"})
    assert [exact_match(answer(mem), "Buddy and Scout") for mem in (bad, good)] == [0.0, 1.0]


def test_rewards_differ_by_what_the_paper_says() -> None:
    shared = {"correct": 0.5, "calls": 4, "failed": 0, "input_chars": 1000, "valid": 1.0}
    small, large = reward(**shared, memory_chars=100), reward(**shared, memory_chars=200)  # type: ignore[arg-type]
    assert small - large == pytest.approx(BETA * 0.1)
    assert reward(**{**shared, "failed": 1}, memory_chars=100) == pytest.approx(small - 0.25)  # type: ignore[arg-type]
    assert advantages([0.7] * 8) == [0.0] * 8
    assert advantages([1, 0, 0, 1]) == [1.0, -1.0, -1.0, 1.0]
    assert exact_match("The two  Dogs.", "two dogs") == 1.0


def test_a_secret_is_found_by_its_caption_alone_and_masked() -> None:
    memory, _ = memory_of("mirix", "hash:96")
    vault = Vault(memory.space("s"))
    id = vault.put("password of the mail account", "hunter2", sensitivity="medium")
    vault.put("code of the safe", "4411")
    (found,) = vault.search("mail password", k=1)
    assert (found.id, found.shown) == (id, MASK)
    assert vault.reveal(id) == "hunter2"
    assert all(secret.caption != "code of the safe" for secret in vault.search("code of the safe"))
    recalled = memory.space("s").recall("hunter2 4411", k=50)
    assert all("hunter2" not in hit.text and "4411" not in hit.text for hit in recalled.hits)
    assert "hunter2" not in recalled.context
    with pytest.raises(InvalidInput, match="caption"):
        vault.put("the code is 4411", "4411")


def test_a_bandit_learns_which_arm_helps_which_question() -> None:
    bandit = QueryBandit(arms=("keep", "expand"), width=2, seed=5)
    rng = np.random.default_rng(1)
    types = {0: np.array([1.0, 0.0]), 1: np.array([0.0, 1.0])}
    helps = {(0, "expand"): 0.9, (1, "expand"): 0.1, (0, "keep"): 0.5, (1, "keep"): 0.5}
    regret = {"bandit": 0.0, "keep": 0.0, "expand": 0.0}
    picks: list[tuple[int, str]] = []
    for _ in range(400):
        kind = int(rng.integers(2))
        arm = bandit.choose(types[kind])
        best = max(helps[kind, one] for one in bandit.arms)
        regret["bandit"] += best - helps[kind, arm]
        for one in bandit.arms:
            regret[one] += best - helps[kind, one]
        bandit.learn(arm, types[kind], float(rng.random() < helps[kind, arm]))
        picks.append((kind, arm))
    late = picks[-100:]
    assert sum(arm == "expand" for kind, arm in late if kind == 0) >= 0.9 * sum(kind == 0 for kind, _ in late)
    assert sum(arm == "keep" for kind, arm in late if kind == 1) >= 0.9 * sum(kind == 1 for kind, _ in late)
    assert regret["bandit"] < min(regret["keep"], regret["expand"])


def test_a_bandit_s_state_survives_and_a_reset_restores_the_prior() -> None:
    bandit, fresh = (QueryBandit(arms=REWRITES, width=WIDTH) for _ in range(2))
    prior = bandit.state()
    bandit.learn("keep", clues_of("Where did Ana go in 2023?"), 1.0)
    kept = bandit.state()
    fresh.restore(kept)  # type: ignore[arg-type]
    assert fresh.state() == kept != prior
    bandit.reset()
    assert bandit.state() == prior
    assert reworded_by_rule("Please tell me who she is", "simplify") == "who she is"
