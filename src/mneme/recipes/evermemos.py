"""EverMemOS: cells by gap and topic, scenes of cells, atomic facts, foresight that lapses."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="evermemos",
    about="facts and messages fused by rank, gathered by scene, with foresight that lapses",
    channels=["voiced", "lexical"],
    ranker={
        "use": "reciprocal-rank",
        "keys": ["fact", "event", "preference", "profile"],
        "groups": 0.3,
        "scenes": "scene",
        "foreseen": ["event", "task"],
    },
    formers=[
        {"use": "either", "by_rule": "rules", "by_model": "model-statements"},
        {
            "use": "scenes",
            "near": 0.65,
            "by_rule": {"use": "segmented", "boundaries": ["gap", "topic"], "join": 3.0, "tier": "cell"},
        },
    ],
    refiners=["requery"],
    keepers=[{"use": "lapse", "kinds": ["event", "task", "note"]}],
    card=Card(
        paper="EverMemOS, arXiv 2601.02163",
        parts=(
            ("cells: split on a gap or a new topic", "former segmented: summaries of the tier cell"),
            ("scenes: cosine to a running centroid within 7 days", "former scenes: concepts of the tier scene, cells are part_of"),
            ("a scene scores by its best member", "ranker reciprocal-rank, scenes"),
            ("atomic facts, foresight with an end", "former either; plans are hits until they end, then keeper lapse archives them"),
            ("RRF over vectors and words, k = 60", "ranker reciprocal-rank"),
            ("sufficiency check, at most three rewritten queries, one more round", "refiner requery, role requery.judge"),
        ),
        differs=(
            "A cell ends with a gap, a day or a topic, each alone, and after 24 messages; no model decides. Its text is central sentences.",
            "Foresight holds from when it was told, not from its start, until its end.",
            "A scene gives its messages three tenths of its best score; its text is its keywords, and no profile is kept of it.",
            "Rewritten queries are searched by vectors and words alone; without a model the first round stands.",
        ),
        without_model="Facts and plans are those that rules can read for certain.",
        per_write="one pass of rules and embeddings of stretches",
        per_recall="one scan, two rankings; with a model one call, and three scans more where the first round does not suffice",
    ),
)
