"""MemGPT: a small context that a model manages itself with tools; everything ever said stays searchable."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memgpt",
    about="messages by vector and words for the tools that a model manages its own context with",
    channels=["voiced", "lexical"],
    ranker={"use": "weighted-sum"},
    formers=["rules"],
    card=Card(
        paper="MemGPT, arXiv 2310.08560 (now Letta)",
        parts=(
            ("core memory blocks persona and human", "blocks of the space with a limit in characters"),
            ("FIFO queue, pressure alert, flush with a recursive summary", "mneme.recipes.agent.memgpt: MemGPT"),
            ("recall and archival storage, paged search", "the space itself: messages, and notes tagged archival"),
            ("function calls with heartbeats, pages of five, timed events", "mneme.recipes.agent.tools: Surface, run; pause_heartbeats"),
        ),
        differs=(
            "Messages that leave the queue are never removed: they are memories of the space.",
            "What the model writes rests on the message that it acts on, and goes with it when that is erased.",
            "Without a model the summary of evicted messages is extractive and facts about the user reach the block human by rule.",
        ),
        without_model="Nobody decides what to page in; recall is plain vectors and words.",
        per_write="one pass of rules; with a model as many calls as it makes steps",
        per_recall="one scan",
    ),
)
