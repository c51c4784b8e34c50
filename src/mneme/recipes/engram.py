"""ENGRAM: one router, three stores, the best of each, merged."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="engram",
    about="episodic, semantic and procedural memory, the best of each merged",
    channels=["voiced"],
    ranker={
        "use": "typed",
        "types": {"episodic": ["event", "turn"], "semantic": ["fact", "profile", "preference"], "procedural": ["skill"]},
        "each": 20,
    },
    formers=["routed"],
    card=Card(
        paper="ENGRAM, arXiv 2511.12960",
        parts=(
            ("router and extractors", "former routed, roles router.route and router.extract"),
            ("top 20 of each store, union, once each, top 25", "ranker typed"),
        ),
        differs=(
            "Messages are episodic memory too.",
            "One bank for all speakers; filter by author for one of them. A context is in the order of time, not by speaker.",
        ),
        without_model="The router is rules of English for each sentence, and a record is the sentences of its type as they were said.",
        per_write="one pass of rules; with a model one call and one for each store that a message belongs to",
        per_recall="one scan per type",
    ),
)
