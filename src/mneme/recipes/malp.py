"""MaLP: what is rehearsed moves up, what is not fades within a month."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="malp",
    about="a short-term store that fades by half in a week, a long-term store for what is used again",
    channels=["dense", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    formers=["rules"],
    curve={"use": "exponential", "scale_days": 10.0},
    keepers=["tiers", {"use": "sweep", "threshold": 0.1}],
    card=Card(
        paper="MaLP (short and long memory coordination)",
        parts=(
            ("rehearsal", "uses of a memory lengthen its life: curve exponential"),
            ("promotion", "keeper tiers"),
            ("fading", "keeper sweep: below a tenth after 23 days without use"),
        ),
        differs=(
            "The fine-tuning part is left out; export() has what it needs.",
            "Constants are this project's choice.",
        ),
        without_model="Nothing.",
        per_write="one pass of rules",
        per_recall="one scan",
    ),
)
