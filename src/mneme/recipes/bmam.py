"""BMAM: regions for episodes, semantics, salience and control, fused by rank, consolidated by a score."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="bmam",
    about="channels of several regions fused by rank; what is felt, used and weighs much is consolidated",
    channels=["voiced", "lexical"],
    ranker={"use": "reciprocal-rank", "keys": ["fact", "event", "preference", "profile"]},
    refiners=[{"use": "weighed", "weight": 0.05}, "whenabouts"],
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    curve={"use": "half-life"},
    keepers=["consolidation"],
    card=Card(
        paper="BMAM (innovation64/BMAM)",
        parts=(
            ("hippocampus and semantic graph", "messages; former either: events and facts with subject and relation"),
            ("amygdala: emotion, stress", "mneme.text.feelings: intensity, stressed"),
            ("consolidation score, immediate, delayed and in sleep", "keeper consolidation; level 2 moves to the tier neocortex"),
            ("forgetting", "keeper consolidation: importance times R; refiner weighed"),
            ("RRF over words, vectors and facts", "ranker reciprocal-rank"),
            ("temporal rank", "refiner whenabouts"),
        ),
        differs=(
            "Emotion is measured by words; importance is the former's.",
            "Passes of upkeep stand for the queue with its stages; sleep takes what is felt strongly, importance alone waits.",
            "Nothing is replayed or rehearsed by itself, space.due says what is due; consolidation links nothing.",
            "Forgetting takes R of what an importance was when it last rose, so that the number of passes does not matter.",
            "The cosine that a dated hit needs is 0.5, since the embedding model is another; no model orders hits by time.",
            "The semantic graph is not walked and there is no story arc: facts are keys, times are read from hits.",
            "The export file is this project's.",
        ),
        without_model="Entities and relations are those that rules can read.",
        per_write="one pass of rules; with a model one question for up to twelve messages",
        per_recall="one scan, two rankings; questions of when read twenty hits",
    ),
)
