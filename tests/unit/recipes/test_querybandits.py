"""QueryBandits: which rewrite helps which question is learned, kept over a restart and forgotten on demand; no rewrite does harm."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mneme.core.errors import InvalidInput
from mneme.recipes.agent.rewriting import Rewriting, fused_hits
from mneme.retrieval.bandit import QueryBandit
from mneme.retrieval.rewrites import CLUES, REWRITES, WIDTH, clues_of, company, reworded_by_rule, usable
from mneme.testing import ScriptedLLM

from .world import memory_of

PERSONAL = ("Where does she work?", "What did he say to them?", "Who is her sister?", "When did they meet him?")
NAMED = ("Please tell me where Ana Silva works in 2023, and why?", "Could you say what Ben bought in 2021, and where?")
HELPS = {("personal", "disambiguate"): 0.9, ("named", "disambiguate"): 0.1}


def chance(kind: str, arm: str) -> float:
    """How likely an arm brings a reward: disambiguation helps one type of question and hurts the other."""
    return HELPS.get((kind, arm), 0.6 if arm == "keep" else 0.3)


def simulated(seed: int, arms: tuple[str, ...], graded: bool = False) -> tuple[dict[str, float], dict[str, float]]:
    """Return the share of right arms per type of question after 400 rewarded pulls, and the regret of the bandit and of each static arm.

    A reward is whether an answer was right, or with ``graded`` how good it was, give or take a tenth.
    """
    bandit = QueryBandit(arms=arms, width=WIDTH, seed=seed)
    rng = np.random.default_rng(seed + 50)
    asked = {"personal": PERSONAL, "named": NAMED}
    right = {"personal": "disambiguate", "named": "keep"}
    regret: dict[str, float] = dict.fromkeys(("bandit", *arms), 0.0)
    picks: Counter[tuple[str, bool]] = Counter()
    for pull in range(700):
        kind = ("personal", "named")[int(rng.integers(2))]
        text = asked[kind][int(rng.integers(len(asked[kind])))]
        arm = bandit.choose(clues_of(text))
        if pull >= 400:
            picks[kind, arm == right[kind]] += 1
            continue
        best = chance(kind, right[kind])
        for name, pulled in (("bandit", arm), *((static, static) for static in arms)):
            regret[name] += best - chance(kind, pulled)
        good = float(np.clip(chance(kind, arm) + rng.normal(0, 0.1), 0, 1)) if graded else float(rng.random() < chance(kind, arm))
        bandit.learn(arm, clues_of(text), good)
    return {kind: picks[kind, True] / (picks[kind, True] + picks[kind, False]) for kind in right}, regret


def test_after_four_hundred_pulls_each_type_of_question_gets_its_arm_and_regret_is_below_every_static_arm_s() -> None:
    runs = [simulated(seed, ("keep", "disambiguate")) for seed in range(6)]
    for kind in ("personal", "named"):
        assert np.mean([shares[kind] for shares, _ in runs]) >= 0.9
    assert all(regret["bandit"] < min(regret["keep"], regret["disambiguate"]) for _, regret in runs)


@pytest.mark.parametrize("seed", range(12))
def test_with_graded_rewards_every_run_finds_each_type_s_arm(seed: int) -> None:
    shares, regret = simulated(seed, ("keep", "disambiguate"), graded=True)
    assert min(shares.values()) >= 0.9
    assert regret["bandit"] < min(regret["keep"], regret["disambiguate"])
    many, regret = simulated(seed, REWRITES, graded=True)
    assert min(many.values()) >= 0.85
    assert regret["bandit"] < min(regret[arm] for arm in REWRITES)


def test_with_all_six_arms_the_middle_run_finds_each_type_s_arm_too() -> None:
    runs = [simulated(seed, REWRITES) for seed in range(9)]
    for kind in ("personal", "named"):
        assert np.median([shares[kind] for shares, _ in runs]) >= 0.9
    total = {name: sum(regret[name] for _, regret in runs) for name in ("bandit", *REWRITES)}
    assert total["bandit"] < min(total[arm] for arm in REWRITES)


def test_of_rewards_that_are_noise_no_arm_takes_the_place_of_keep() -> None:
    picks: Counter[str] = Counter()
    for seed in range(20):
        bandit = QueryBandit(arms=REWRITES, width=WIDTH, seed=seed)
        rng = np.random.default_rng(100 + seed)
        for number in range(150):
            x = clues_of((*PERSONAL, *NAMED)[number % 6])
            arm = bandit.choose(x)
            bandit.learn(arm, x, float(rng.random() < 0.5))
            picks[arm] += 1
    # Picks of one run hang together, so that a share of an arm spreads by some 0.03 over 20 runs.
    assert all(picks["keep"] >= picks[arm] - 0.1 * picks.total() for arm in REWRITES)


def reader(path: Path | None = None, llm: ScriptedLLM | None = None, bandit: QueryBandit | None = None) -> Rewriting:
    memory, _ = memory_of("querybandits", "hash:96")
    space = memory.space("s")
    for text in ("Melanie Stone works at the harbour.", "Ben adopted a puppy called Rex.", "The puppy Rex sleeps in the kitchen."):
        space.remember(text)
    return Rewriting(space, bandit, llm, path=path, k=3)


def test_rewrites_by_rule_do_what_their_names_say() -> None:
    found = ["Melanie works at the World Health Organization.", "The puppy Rex sleeps.", "Rex is a puppy."]
    rules = {
        ("Where does Ana live?", "keep"): "Where does Ana live?",
        ("Where does Ana live?", "paraphrase"): "Ana live place",
        ("Could you tell me where Ana lives?", "simplify"): "where Ana lives?",
        ("Who told her?", "disambiguate"): "Who told Ana?",
        ("What is her dog called?", "disambiguate"): "What is Ana's dog called?",
        ("What did Ben say to her?", "disambiguate"): "What did Ben say to her?",
        ("Does Mel work at the WHO?", "clarify-terms"): "Does Melanie work at the WHO World Health Organization?",
    }
    made = {asked: reworded_by_rule(*asked, found, ["Who is Ana?"]) for asked in rules}
    assert made == rules
    assert reworded_by_rule("Where is the puppy?", "expand", found) == "Where is the puppy? rex sleeps"
    assert company("Where is the puppy?", found) == ["rex", "sleeps"]
    assert reworded_by_rule("Who told her?", "disambiguate", ["Then Ana met Ben."]) == "Who told her?"
    assert [usable(text) for text in ("?!", "word " * 61, "Ana")] == [False, False, True]


def test_every_feature_is_between_nought_and_one_and_has_a_name() -> None:
    for text in ("", "?", *PERSONAL, *NAMED, "x" * 400, "and, " * 40):
        x = clues_of(text)
        assert x.shape == (WIDTH,) == (len(CLUES) + 1,)
        assert 0.0 <= x.min() <= x.max() <= 1.0
    assert len(CLUES) == 17


def test_a_pronoun_is_searched_with_the_name_of_the_question_before() -> None:
    reading = reader()
    reading.recall("Who is Melanie Stone?", arm="keep")
    pulled = reading.recall("Where does she work?", arm="disambiguate")
    assert pulled.rewrite == "Where does Melanie Stone work?"
    assert pulled.hits[0].text == "Melanie Stone works at the harbour."
    assert [hit.memory.id for hit in pulled.hits] == [hit.memory.id for hit in fused_hits(pulled.found.hits, pulled.plain.hits)[:3]]


def test_feedback_teaches_once_for_each_recall_and_counts_the_use_of_what_was_cited() -> None:
    reading = reader()
    prior = reading.bandit.state()
    pulled = reading.recall("Where is the puppy?", arm="expand")
    assert reading.cited(pulled, [0, 99]) == 1.0
    after = reading.bandit.state()
    assert {arm for arm in REWRITES if after[arm] != prior[arm]} == {"expand"}
    used = reading.space._memory  # the judged memory carries its use
    with used.space("s")._use() as opened:
        assert opened.store.usage([pulled.hits[0].memory.id])[pulled.hits[0].memory.id].uses >= 1
    with pytest.raises(InvalidInput, match="rewarded"):
        reading.reward(pulled, 1.0)
    second = reading.recall("Where is the puppy?", arm="keep")
    with pytest.raises(InvalidInput, match="reward"):
        reading.reward(second, 1.5)
    reading.reward(second)
    assert reading.cited(reading.recall("Who is Ben?"), []) == 0.0


def test_what_was_learned_survives_a_restart_and_a_reset_restores_the_prior(tmp_path: Path) -> None:
    path = tmp_path / "bandit.json"
    first = reader(path)
    prior = first.bandit.state()
    first.reward(first.recall("Where is the puppy?", arm="expand"), 1.0)
    assert reader(path).bandit.state() == first.bandit.state() != prior
    first.reset()
    assert reader(path).bandit.state() == prior
    whole = path.read_text()
    for text in ("[]", "no JSON", whole[: len(whole) // 2], '{"width": 18, "arms": 3}', whole.replace('"pull":[', '"pull":[7,'), "{}"):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="path"):
            reader(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InvalidInput, match="holds no bandit"):
        reader(path)
    with pytest.raises(InvalidInput, match="arms"):
        reader(bandit=QueryBandit(arms=("keep", "split"), width=WIDTH))


def test_a_model_rewrites_and_one_that_misbehaves_leaves_it_to_rules() -> None:
    good = reader(llm=ScriptedLLM({"bandit.rewrite": {"question": "Where does the dog Rex sleep?"}}))
    assert good.recall("Where is the puppy?", arm="paraphrase").rewrite == "Where does the dog Rex sleep?"
    assert good.recall("Where is the puppy?", arm="keep").rewrite == "Where is the puppy?"
    for answer in ("no", {"question": ""}, {"question": "word " * 500}):
        bad = reader(llm=ScriptedLLM({"bandit.rewrite": answer}))
        pulled = bad.recall("Where is the puppy?", arm="paraphrase")
        assert pulled.rewrite == "the puppy place"
        assert any("puppy" in hit.text for hit in pulled.hits)
