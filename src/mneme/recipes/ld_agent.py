"""LD-Agent: summaries of sessions that ended, found by shared words and age; personas of both speakers."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="ld-agent",
    about="shared words discounted by age; sessions summed up after a gap",
    channels=["voiced"],
    ranker={
        "use": "overlap",
        "per_second": 1e-07,
        "similarity": 0.5,
        "kinds": ["turn", "fact", "event", "preference", "profile"],
        "lifting": ["summary"],
    },
    formers=["traits", "closed-talks"],
    card=Card(
        paper="LD-Agent, arXiv 2406.05925",
        parts=(
            ("event summary of at most 20 words after a gap of an hour", "former closed-talks, role talks.summarise"),
            ("persona banks of both speakers", "former traits, role traits.persona: memories with their author and role"),
            ("exp(-1e-7 dt) times the mean share of common words", "ranker overlap"),
        ),
        differs=(
            "Content words stand for noun lemmas.",
            "Memories without a common word follow instead of being dropped; as many are returned as are asked for, not one.",
            "The cosine counts half beside the shared words; messages and traits are ranked, and a summary adds a tenth of its score to"
            " those messages that it rests on that share a word with the question.",
            "A persona bank has no last place; a context does not list it unasked.",
        ),
        without_model="A summary is the most central sentence; traits are those that rules can read for certain.",
        per_write="one pass of rules; with a model one call per message and one per talk that a pause closed",
        per_recall="one scan",
    ),
)
