"""BMAM: regions for episodes, semantics, salience and control, fused by rank, consolidated by a score."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="bmam",
    about="channels of several regions fused by rank",
    channels=["dense", "lexical"],
    ranker={"use": "reciprocal-rank", "keys": ["fact", "event", "preference", "profile"]},
    formers=["rules"],
    curve={"use": "half-life"},
    keepers=["tiers"],
    card=Card(
        paper="BMAM (innovation64/BMAM)",
        parts=(
            ("RRF over words, vectors and facts", "ranker reciprocal-rank"),
            ("consolidation and forgetting", "keeper tiers, curve half-life"),
        ),
        differs=("Emotion does not count; consolidation is by use and importance.",),
        without_model="Entities and relations are those that rules can read.",
        per_write="one pass of rules",
        per_recall="one scan, two rankings",
    ),
)
