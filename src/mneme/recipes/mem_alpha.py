"""Mem-alpha: core, semantic and episodic memory, filled chunk by chunk by a policy with tools."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="mem-alpha",
    about="a core paragraph, facts and dated events, each searched for itself",
    channels=["voiced", "lexical"],
    ranker={"use": "typed", "types": {"semantic": ["fact", "profile", "preference"], "episodic": ["event", "turn"]}, "each": 20},
    formers=["rules"],
    card=Card(
        paper="Mem-alpha, arXiv 2509.25911",
        parts=(
            ("core, semantic, episodic", "a block of the space; fact, profile and preference; event"),
            ("insert, update, delete, search", "mneme.recipes.agent.mem_alpha: PolicyMemory, tools with JSON schemas, errors as text"),
            ("policy", "a model, a function (the place of a trained one), or the rules of mem_alpha.by_rule"),
            ("r = r1 + r2 + 0.05 r3 + 0.1 r4", "mneme.recipes.agent.rewards: reward, advantages, reinforced"),
        ),
        differs=(
            "Entries have small numbers for ids; nothing is thought over a second time.",
            "Messages are episodic memory too: nothing that was said depends on the policy.",
            "Training is left out; the reward is a function.",
        ),
        without_model="The policy is rules: who somebody is to the core, dated sentences to events, the rest to facts.",
        per_write="one pass of rules; with a policy as many calls as it makes",
        per_recall="one scan per type",
    ),
)
