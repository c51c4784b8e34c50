"""MaLP: what is rehearsed moves up, what is not fades within a month."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="malp",
    about="a short-term store that fades by half in a week, a long-term store for what is used again",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    formers=["rules", "rehearsed"],
    curve={"use": "exponential", "scale_days": 10.0},
    keepers=[{"use": "tiers", "used": 3.0}, {"use": "sweep", "threshold": 0.1, "spared": ["long"]}],
    card=Card(
        paper="MaLP (short and long memory coordination)",
        parts=(
            ("rehearsal: met again or used again", "former rehearsed; recalls and feedback; curve exponential, half in 7 days"),
            ("promotion to the long-term store at three, or by importance", "keeper tiers"),
            ("fading of the short-term store", "keeper sweep: below a tenth after 23 days without use, the tier long spared"),
            ("export of supervised and preference pairs", "mneme.recipes.agent.personal: Personal"),
        ),
        differs=(
            "The fine-tuning part is left out; Personal exports what it needs.",
            "Constants are this project's choice.",
            "The working queue is the session: every message is stored at once.",
            "Types are the kinds that rules can read; messages of every type fade alike.",
        ),
        without_model="Nothing.",
        per_write="one pass of rules and one comparison with the messages that are there",
        per_recall="one scan",
    ),
)
