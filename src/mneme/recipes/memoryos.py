"""MemoryOS: recent pages, segments of pages about one thing ranked by heat, and what is known of a person."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="memoryos",
    about="recent messages, segments by topic, knowledge promoted by heat",
    channels=["voiced", "lexical"],
    ranker={"use": "descent", "layers": ["mid"], "beam": 5, "recent": 7, "tiers": ["long"], "least": 0.1},
    formers=[
        {"use": "either", "by_rule": "rules", "by_model": "model-statements"},
        {
            "use": "overflow",
            "capacity": 7,
            "by_rule": {"use": "segmented", "boundaries": ["gap", "topic"], "join": 0.6, "tier": "mid", "themes": True},
        },
    ],
    keepers=["promotion", "segment-capacity"],
    card=Card(
        paper="MemoryOS, arXiv 2506.06326",
        parts=(
            ("short-term queue, first in first out", "former overflow: the newest 7 messages, always candidates"),
            ("segments: theme, keywords, F = cosine + Jaccard, at least 0.6", "former segmented, tier mid, role segments.theme"),
            ("two-stage read: best 5 segments, then their pages; knowledge", "ranker descent over part_of links, and the tier long"),
            ("heat, promotion at 5, reset", "keeper promotion"),
            ("2,000 segments, least visited go", "keeper segment-capacity"),
            ("profile and knowledge", "former either; promoted statements move to tier long"),
        ),
        differs=(
            "A page is a message; a stretch has one theme; N_visit of a segment is that of its most visited page.",
            "Chains of pages with a running summary are left out: messages keep their order within a session.",
            "Messages of other segments follow behind those of the best five.",
            "Knowledge is formed when it is said; promotion moves it and never makes it up. The profile is its statements, not one text.",
            "Knowledge has no capacity of its own; budgets of the policies bound it.",
        ),
        without_model="Themes are keywords and central sentences; knowledge is what rules can read for certain.",
        per_write="embeddings of stretches, a comparison with every segment; with a model one call for a dozen messages and one a stretch",
        per_recall="one scan of segments, one of messages",
    ),
)
