"""EM-LLM: events by surprise with refined boundaries, retrieved by similarity and by what stood next to them."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="em-llm",
    about="events by surprise; neighbours of the best hits come along",
    channels=["voiced", "lexical"],
    ranker={"use": "descent", "layers": ["event"], "beam": 12, "behind": 1.0},
    refiners=[{"use": "contiguity", "share": 0.3}],
    formers=[
        {"use": "segmented", "boundaries": ["novelty"], "join": 3.0, "tier": "event", "least": 2, "most": 24, "refine": "modularity"}
    ],
    card=Card(
        paper="EM-LLM, arXiv 2407.09450 (ICLR 2025)",
        parts=(
            ("surprise above mean and deviation", "former segmented with novelty, gamma 1 over 32 turns; formation.segments.surprising"),
            ("refinement by modularity or conductance", "former segmented with refine = modularity; formation.segments.refined"),
            ("similarity and contiguity buffers", "ranker descent, refiner contiguity at 0.3"),
        ),
        differs=(
            "Turns and their vectors stand for tokens and keys; there is no key-value cache, and no layers, sinks or local window.",
            "A turn's surprise is how far it lies from the event so far; below 0.3 it never begins one.",
            "An event is found by the vector of its central sentences, not by four keys of its own.",
            "Boundaries move at most four turns; messages that come later go on with the open event, of which three may still move.",
            "Neighbours are the messages beside a hit in its session, not whole events; twelve events are followed.",
            "Messages of other events are put one standard deviation behind.",
        ),
        without_model="Nothing: surprise is the novelty of a turn.",
        per_write="embeddings of turns and stretches",
        per_recall="one scan of events, one of messages",
    ),
)
