"""MaLP: what is rehearsed moves up, what is not fades within a month."""

from mneme.core.card import Card
from mneme.core.composing import compose

KNOWN = ("fact", "event", "preference", "profile", "skill", "summary")

recipe = compose(
    name="malp",
    about="a short-term store that fades by half in a week, a long-term store for what is used again",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    formers=["rules", "rehearsed"],
    curve={"use": "exponential", "scale_days": 10.0},
    keepers=[{"use": "tiers", "used": 3.0}, {"use": "sweep", "threshold": 0.1, "spared": ["long"], "summaries": KNOWN}],
    card=Card(
        paper="MaLP (short and long memory coordination)",
        parts=(
            ("rehearsal: met again or used again", "former rehearsed; recalls and feedback; curve exponential, half in 7 days"),
            ("promotion to the long-term store at three, or by importance", "keeper tiers; what long-term facts rest on stays"),
            ("fading of the short-term store", "keeper sweep: below a tenth after 23 days without use, the tier long spared"),
            ("preferences, whatever the question; pairs for training", "mneme.recipes.agent.personal: Personal.style, export"),
        ),
        differs=(
            "The fine-tuning part is left out; Personal exports what it needs.",
            "Constants are this project's choice.",
            "The working queue is the session: every message is stored at once.",
            "Types are the kinds that rules can read; messages of every type fade alike, and what is known from them with them.",
            "Stores have no capacity, and recency is whether something is still there, not a rank.",
        ),
        without_model="Nothing.",
        per_write="one pass of rules and one comparison with the messages that are there",
        per_recall="one scan",
    ),
)
