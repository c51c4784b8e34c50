"""LIGHT: an episodic index, the last messages verbatim, and a scratchpad of running notes."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="light",
    about="keys to raw messages, the last messages, and notes of what stands",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max", "shown": ["preference"]},
    packer="sections",
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}, "sessions", "scratchpad"],
    card=Card(
        paper="LIGHT with BEAM, arXiv 2510.27246",
        parts=(
            ("index of key-values and summaries that points to raw pairs", "formers rules or model-statements, sessions; ranker keyed"),
            ("working memory: the last 100 pairs", "packer sections: the last 200 messages"),
            ("scratchpad, 28k to 14k tokens", "former scratchpad, tier scratchpad"),
            ("chunks of notes, filtered by yes or no", "packer sections"),
        ),
        differs=(
            "A note is a memory that cites its message; the scratchpad is all of them in order.",
            "A note is kept per message, not per pair; a summary per session.",
            "Chunks are runs of notes, cut where two neighbours are far apart; up to 30 hits are shown, as the budget allows.",
            "Standing instructions pass the filter whatever the question.",
        ),
        without_model="Keys are statements that rules can read for certain; notes are sentences that instruct, prefer, date or count.",
        per_write="one pass of rules, a digest per session and a look at the notes; with a model one call per message and one per dozen",
        per_recall="one scan; the first after a write embeds the notes; with a model one call per chunk of notes",
    ),
)
