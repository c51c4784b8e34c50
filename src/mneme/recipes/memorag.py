"""MemoRAG: a global view of the record suggests clues, and clues are searched for beside the question."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memorag",
    about="gists suggest clues; what clues find comes along",
    channels=["voiced", "lexical"],
    ranker={"use": "weighted-sum"},
    refiners=[{"use": "clues", "share": 0.2}],
    formers=["sessions"],
    card=Card(
        paper="MemoRAG, arXiv 2409.05591 (TheWebConf 2025)",
        parts=(
            ("light variant of the global memory: gists", "former sessions: summaries"),
            ("clues and simpler questions, three passages each, short ones dropped", "refiner clues, role clues.suggest"),
            ("union in the order of the document", "packer chronological"),
        ),
        differs=(
            "There is no compressed key-value memory: gists stand for it.",
            "A gist is of a session, not of 4096 tokens; messages without a session have none.",
            "Clues take at most a fifth of the places; a draft answer is no clue.",
            "A book is memorised once under its key; what is told again without one is told again.",
            "The summary of key points that are searched for one by one is left out.",
        ),
        without_model="Clues are the gists' sentences nearest to the question.",
        per_write="a digest per session",
        per_recall="one scan and one per clue or question; with a model one call",
    ),
)
