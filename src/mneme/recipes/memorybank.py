"""MemoryBank: what was said, a summary of each day, a portrait; what is not recalled fades, what is recalled lasts."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memorybank",
    about="days summed up, a portrait, and forgetting that every recall slows down",
    channels=["voiced"],
    ranker={"use": "keyed", "pool": "max", "shown": ["summary"]},
    formers=["rules", {"use": "summaries", "by": ["day"]}],
    curve={"use": "exponential", "scale_days": 1.0},
    keepers=[{"use": "sweep", "threshold": 0.3}],
    card=Card(
        paper="MemoryBank, arXiv 2305.10250",
        parts=(
            ("store of turns and daily summaries, dense index", "verbatim memories, former summaries by day, channel voiced"),
            ("user portrait", "former rules: profile and preference memories"),
            ("R = exp(-t / S), S + 1 and t = 0 on recall", "curve exponential with a scale of one day"),
            ("deletion of what faded; an emptied day loses its summary", "keeper sweep"),
        ),
        differs=(
            "A turn stays while R is at least 0.3 instead of with probability R, so that a pass has one outcome.",
            "The released code computes exp(-(t/5) S), by which a stronger memory fades faster; this is the paper's form.",
            "What fades is archived and can be restored.",
        ),
        without_model="Summaries are made of the day's central sentences; the portrait is what rules can read for certain.",
        per_write="one pass of rules and an extractive summary per day",
        per_recall="one scan",
    ),
)
