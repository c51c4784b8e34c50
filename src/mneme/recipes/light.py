"""LIGHT: an episodic index, the last messages verbatim, and a scratchpad of running notes."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="light",
    about="keys to raw messages, the last messages, and notes of what stands",
    channels=["dense", "lexical"],
    ranker={"use": "keyed", "pool": "max", "shown": ["preference"]},
    formers=["rules", "sessions"],
    card=Card(
        paper="LIGHT with BEAM, arXiv 2510.27246",
        parts=(
            ("index of key-values and summaries that points to raw pairs", "formers rules and sessions, ranker keyed"),
            ("working memory", "the newest messages of the space"),
            ("scratchpad", "preferences and instructions, shown beside messages"),
        ),
        differs=("The scratchpad is not one text: its notes are memories and are packed into the budget.",),
        without_model="Keys are statements that rules can read for certain.",
        per_write="one pass of rules and a digest per session",
        per_recall="one scan",
    ),
)
