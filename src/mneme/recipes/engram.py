"""ENGRAM: one router, three stores, the best of each, merged."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="engram",
    about="episodic, semantic and procedural memory, the best of each merged",
    channels=["dense"],
    ranker={
        "use": "typed",
        "types": {"episodic": ["event", "turn"], "semantic": ["fact", "profile", "preference"], "procedural": ["skill"]},
        "each": 20,
    },
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    card=Card(
        paper="ENGRAM, arXiv 2511.12960",
        parts=(
            ("router and extractors", "former either: kinds of statements"),
            ("top 20 of each store, union, once each, top 25", "ranker typed"),
        ),
        differs=(
            "Messages are episodic memory too.",
            "One bank for all speakers; filter by author for one of them.",
        ),
        without_model="The router is the rule-based reader: what it can't read stays a message.",
        per_write="one pass of rules",
        per_recall="one scan per type",
    ),
)
