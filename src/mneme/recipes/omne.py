"""OMNE: every agent keeps a memory of its own and grows different; what proves useful is shared, with its owner's name on it."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="omne",
    about="private spaces of several agents, one shared space, grants between them",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max", "shown": ["lesson", "summary"]},
    formers=["rules", "sessions"],
    keepers=["tiers"],
    card=Card(
        paper="OMNE, long-term memory for self-evolving multi-agent systems (abstract)",
        parts=(
            ("one space per agent, shared spaces, grants", "mneme.recipes.agent.circle: Circle"),
            ("raw data to refined data to a model's input", "verbatim messages; formers rules and sessions; profile memories"),
            (
                "shared by two successes or two agents, admitted by a guard",
                "Circle.succeeded, confirm, publish; admit",
            ),
            ("contradicting beliefs side by side", "no organiser ends anything; each hit names its owner"),
            ("own space first, fused by rank", "Circle.recall"),
        ),
        differs=(
            "The abstract gives no rules; all thresholds are this project's choice.",
            "A shared memory is a message with a reference to its owner's; Circle.forget takes both, each space its own.",
        ),
        without_model="Refined data are statements that rules can read and central sentences of sessions.",
        per_write="one pass of rules and a digest per session",
        per_recall="one scan; in a circle one recall per space that may be read",
    ),
)
