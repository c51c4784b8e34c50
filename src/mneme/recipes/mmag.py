"""MMAG: five layers under a controller that reminds unasked, keeps the profile sealed, and tells which layer overruled which."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="mmag",
    about="conversation, sealed profile, dates and routines, surroundings with an end, the work at hand",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max", "shown": ["task"]},
    refiners=["gate"],
    formers=["rules", "reminders", "sessions"],
    keepers=["tiers", {"use": "lapse", "kinds": ["task", "resource"], "grace_days": 1.0}],
    card=Card(
        paper="MMAG, mixed memory-augmented generation, arXiv 2512.01710",
        parts=(
            ("L1 conversation with summaries", "messages; former sessions"),
            ("L2 encrypted profile with consent", "mneme.recipes.agent.sealed_profile: SealedProfile, a space of its own"),
            ("L3 events and routines, proactive", "former reminders; Layers.due"),
            ("L4 surroundings with a time to live", "Layers.sense: memories with an end; keeper lapse"),
            ("L5 working memory", "the block task; Layers.work and done"),
            ("controller: routing, shares, conflicts", "mneme.recipes.agent.layers: Layers.context; refiner gate"),
        ),
        differs=(
            "The paper gives no order of layers: utterance, work, conversation, dates, profile, surroundings; losers are told.",
            "Contradictions are found between slots of an utterance, the profile and the surroundings; other layers stand side by side.",
            "The profile is sealed; messages are not, and are erased with the slot that rests on them.",
            "Wants the extra vault for the profile alone.",
        ),
        without_model="Slots of the profile are found by patterns, dates by the grammar of time, summaries are central sentences.",
        per_write="one pass of rules and a digest per session",
        per_recall="one scan; a context reads the profile and what is due",
    ),
)
