"""MIRIX: six types, each with its store; a vault whose values are masked and never embedded."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="mirix",
    about="six types queried one by one; SixTypes keeps them by managers, secrets sealed and masked",
    channels=["voiced", "lexical"],
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
        "recent_of": ["episodic"],
    },
    formers=["rules"],
    card=Card(
        paper="MIRIX, arXiv 2507.07957",
        parts=(
            ("core, episodic, semantic, procedural, resource", "kinds of memory"),
            ("knowledge vault", "mneme.recipes.agent.vault: Vault, values sealed, masked and never indexed; captions alone are searched"),
            ("meta manager, managers and their tools", "mneme.recipes.agent.six_types: SixTypes"),
            ("active retrieval, ten of each type, ten recent and ten relevant episodes", "ranker typed"),
        ),
        differs=(
            "Messages are episodic memory too, so that no manager can lose one.",
            "A plain space gets its types from formers and callers and masks nothing; managers and masking work through SixTypes.",
            "Managers work one after the other, the vault's first, so that the others never see a value.",
            "An entry has a summary and details; there are no actors and no tree of paths, and no job compacts entries.",
            "The topic of active retrieval is the caller's; near-equal screenshots are not told apart.",
            "Sealing wants the extra vault; without a cipher values are masked only.",
        ),
        without_model="Types are routed by rule; events of one session are merged by likeness.",
        per_write="one pass of rules; with SixTypes and a model one call, and one for each memory that a message concerns",
        per_recall="one scan per type",
    ),
)
