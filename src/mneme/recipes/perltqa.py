"""PerLTQA: which type of memory a question is after, softly, then retrieval within types."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="perltqa",
    about="types weighted by what the question is after",
    channels=["voiced", "lexical"],
    ranker={
        "use": "typed",
        "types": {"profile": ["profile", "preference"], "events": ["event"], "facts": ["fact"], "dialogue": ["turn"]},
        "each": 0,
        "steer": 0.5,
        "ask_model": True,
    },
    formers=["rules"],
    card=Card(
        paper="PerLTQA, arXiv 2402.16288",
        parts=(
            ("memory classification", "ranker typed, role types.classify; rules with a soft outcome"),
            ("re-scoring by the type's chance", "score plus the logarithm of the chance over the even one"),
        ),
        differs=(
            "Relationships are facts beside others, not a store of their own; what is none of the four types is not returned.",
            "A dialogue is a message; it is tied to an event by being its source.",
            "The classifier is a language model, or a handful of rules, instead of a fine-tuned BERT.",
            "The answer is written by ask, which cites; anchors are what it cites.",
        ),
        without_model="The classifier is by rule, and the answer is sentences word for word.",
        per_write="one pass of rules",
        per_recall="one scan; with a model one call",
    ),
)
