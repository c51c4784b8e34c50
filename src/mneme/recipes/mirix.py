"""MIRIX: six types, each with its store; a vault whose values are masked and never embedded."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="mirix",
    about="six types queried one by one, secrets masked",
    channels=["dense", "lexical"],
    ranker={
        "use": "typed",
        "types": {
            "core": ["profile"],
            "episodic": ["event", "turn"],
            "semantic": ["fact", "preference", "concept"],
            "procedural": ["skill"],
            "resource": ["resource"],
        },
        "each": 10,
        "recent": 10,
    },
    formers=["rules"],
    card=Card(
        paper="MIRIX, arXiv 2507.07957",
        parts=(
            ("core, episodic, semantic, procedural, resource", "kinds of memory"),
            ("knowledge vault", "mneme.recipes.agent.vault: Vault, values masked and never indexed, captions alone are searched"),
            ("active retrieval, ten of each type, ten recent and ten relevant episodes", "ranker typed"),
        ),
        differs=(
            "Messages are episodic memory too, so that no manager can lose one.",
            "There is no meta manager with tools yet: types are given by formers and callers.",
            "Values of secrets are masked, not encrypted.",
        ),
        without_model="Types are routed by rule.",
        per_write="one pass of rules; nothing more with a model",
        per_recall="one scan per type",
    ),
)
