"""MemoryBank: what was said, a summary of each day, a portrait; what is not recalled fades, what is recalled lasts."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memorybank",
    about="days summed up, a portrait, and forgetting that every recall slows down",
    channels=["voiced"],
    ranker={"use": "keyed", "pool": "max", "shown": ["summary"]},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "model-statements"}],
    curve={"use": "exponential", "scale_days": 1.0},
    keepers=["time-tree", "told", {"use": "sweep", "threshold": 0.3}],
    card=Card(
        paper="MemoryBank, arXiv 2305.10250",
        parts=(
            ("store of turns, dense index", "verbatim memories, channel voiced"),
            ("a summary of each day, folded into one history", "keepers time-tree and told, role retain.summary: days, weeks, months"),
            ("user portrait", "former either: profile and preference memories"),
            ("R = exp(-t / S), S + 1 and t = 0 on recall", "curve exponential with a scale of one day"),
            ("deletion of what faded; an emptied day loses its summary", "keeper sweep"),
        ),
        differs=(
            "A day is summed up by the pass of upkeep after it is over; weeks and months stand for the one history.",
            "The portrait is statements with their sources, not a text that is written anew; advice on how to respond is left out.",
            "Portrait and history are recalled when a question is about them, not put before every answer.",
            "A message is returned as it is; it is not glued to its neighbours.",
            "A turn stays while R is at least 0.3 instead of with probability R, so that a pass has one outcome.",
            "The released code computes exp(-(t/5) S), by which a stronger memory fades faster; this is the paper's form.",
            "What fades is archived and can be restored.",
        ),
        without_model="Summaries are made of the most telling sentences; the portrait is what rules can read for certain.",
        per_write="one pass of rules, with a model one call for a dozen messages; in upkeep a summary per day, week and month",
        per_recall="one scan",
    ),
)
