"""PerLTQA: which type of memory a question is after, softly, then retrieval within types."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="perltqa",
    about="types weighted by what the question is after",
    channels=["dense", "lexical"],
    ranker={
        "use": "typed",
        "types": {"profile": ["profile", "preference"], "events": ["event"], "facts": ["fact"], "dialogue": ["turn"]},
        "each": 20,
        "steer": 0.5,
    },
    formers=["rules"],
    card=Card(
        paper="PerLTQA, arXiv 2402.16288",
        parts=(
            ("memory classification", "ranker typed: rules with a soft outcome"),
            ("re-scoring by the type's chance", "score plus the logarithm of the chance over the even one"),
        ),
        differs=("The classifier is a handful of rules instead of a fine-tuned BERT.",),
        without_model="The classifier is always by rule.",
        per_write="one pass of rules",
        per_recall="one scan",
    ),
)
