"""MemoryOS: recent pages, segments of pages about one thing ranked by heat, and what is known of a person."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memoryos",
    about="recent messages, segments by topic, knowledge promoted by heat",
    channels=["voiced", "lexical"],
    ranker={"use": "descent", "layers": ["mid"], "beam": 5, "recent": 7, "kinds": [], "least": 0.1},
    formers=[
        "rules",
        {"use": "overflow", "capacity": 7, "by_rule": {"use": "segmented", "boundaries": ["gap", "topic"], "join": 0.6, "tier": "mid"}},
    ],
    keepers=["promotion", "segment-capacity"],
    card=Card(
        paper="MemoryOS, arXiv 2506.06326",
        parts=(
            ("short-term queue, first in first out", "former overflow: the newest 7 messages, always candidates"),
            ("segments: F = cosine + Jaccard of keywords, at least 0.6", "former segmented, tier mid"),
            ("two-stage read: best 5 segments, then their pages", "ranker descent over part_of links"),
            ("heat, promotion at 5, reset", "keeper promotion"),
            ("2,000 segments, least visited go", "keeper segment-capacity"),
            ("profile and knowledge", "former rules; promoted statements move to tier long"),
        ),
        differs=(
            "A page is a message.",
            "Messages of other segments follow behind those of the best five.",
            "Knowledge is formed when it is said; promotion moves it and never makes it up.",
        ),
        without_model="Themes are keywords and central sentences; knowledge is what rules can read for certain.",
        per_write="embeddings of stretches and one comparison with every segment",
        per_recall="one scan of segments, one of messages",
    ),
)
