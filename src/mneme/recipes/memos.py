"""MemOS: plaintext cubes with a header, lifecycle, versions and tiers."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memos",
    about="reconciled statements with versions, tiers by use, and plans that lapse",
    base="default",
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    organisers=["duplicates", "model-reconcile"],
    keepers=["tiers", "lapse"],
    ranker={"use": "keyed", "pool": "max"},
    refiners=[],
    card=Card(
        paper="MemOS, arXiv 2507.03724",
        parts=(
            ("header: origin, time, tags, confidence, versions", "every memory: sources, times, tags, importance, history()"),
            ("generated, activated, merged, archived, expired; rollback", "active, superseded, archived, ended; undo and restore"),
            ("working, long-term and user memory", "keeper tiers"),
            ("dump and load", "export and import"),
        ),
        differs=(
            "Activation and parametric forms are left out; their port is the tier of a memory.",
            "There is no frozen state beside a legal hold, and the intention check before retrieval is left to refiner gate.",
        ),
        without_model="Statements are those that rules can read for certain.",
        per_write="one pass of rules",
        per_recall="one scan",
    ),
)
