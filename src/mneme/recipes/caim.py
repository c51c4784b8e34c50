"""CAIM: a controller decides whether memory is needed; thoughts are filed by tag after a session."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="caim",
    about="a gate before recall, and digests of sessions as keys",
    channels=["dense", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    refiners=["gate"],
    formers=["rules", "sessions"],
    card=Card(
        paper="CAIM, arXiv 2505.13044",
        parts=(
            ("memory controller", "refiner gate, role gate.needed"),
            ("post-thinking after a session", "former sessions: summary and keywords"),
            ("relevance", "ranker keyed"),
        ),
        differs=(
            "Keywords stand for a fixed ontology of tags.",
            "Doubtful questions are looked up when there is no model.",
        ),
        without_model="The controller is a rule.",
        per_write="one pass of rules and a digest per session",
        per_recall="one scan; with a model one call",
    ),
)
