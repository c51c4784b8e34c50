"""HiMem: immutable episodes by topic and surprise, mutable notes, repaired when notes fail and episodes answer."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="himem",
    about="events by topic or surprise, and notes about them",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max", "key_weight": 0.9},
    formers=[
        {"use": "either", "by_rule": "rules", "by_model": "model-statements"},
        {"use": "segmented", "boundaries": ["gap", "topic", "surprise"], "join": 3.0, "tier": "episode"},
    ],
    organisers=["duplicates", "model-reconcile"],
    card=Card(
        paper="HiMem, arXiv 2601.06377",
        parts=(
            ("boundaries where topic shifts or something surprises", "former segmented with topic and surprise"),
            ("notes of facts, preferences and profile", "former either"),
            ("independent, extendable, contradictory", "organisers duplicates and model-reconcile"),
            ("hybrid read", "ranker keyed: messages by their own words, their notes and their events"),
            ("best-effort read, reconsolidation, unanswerable", "mneme.recipes.agent.best_effort: BestEffort"),
        ),
        differs=(
            "Surprise is the novelty of a turn or a jump of feeling, not a model's judgement.",
            "A plain recall does not write; reconsolidation is BestEffort's.",
            "A contradicted note is archived.",
            "A plain recall returns messages; what is known of them lifts them. Notes are read in one question, not in three stages.",
            "The last event of a session stays open until its boundary shows; the messages themselves never change.",
        ),
        without_model="Notes are statements that rules can read for certain.",
        per_write="one pass of rules and embeddings of stretches",
        per_recall="one scan",
    ),
)
