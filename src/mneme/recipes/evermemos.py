"""EverMemOS: cells by gap and topic, scenes of cells, atomic facts, foresight that lapses."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="evermemos",
    about="facts and messages fused by rank, gathered by scene, with foresight that lapses",
    channels=["voiced", "lexical"],
    ranker={"use": "reciprocal-rank", "constant": 60, "keys": ["fact", "event", "preference", "profile"], "groups": 0.3},
    formers=[
        {"use": "either", "by_rule": "rules", "by_model": "model-statements"},
        {"use": "segmented", "boundaries": ["gap", "topic"], "join": 0.7, "tier": "scene"},
    ],
    refiners=["requery"],
    keepers=["lapse"],
    card=Card(
        paper="EverMemOS, arXiv 2601.02163",
        parts=(
            ("cells: split on a gap or a new topic", "former segmented"),
            ("scenes: cosine to a running centroid within 7 days", "mneme.formation.scenes: Scenes"),
            ("atomic facts, foresight with an end", "former either; what has ended is not recalled"),
            ("RRF over vectors and words, k = 60", "ranker reciprocal-rank"),
            ("sufficiency check, at most three rewritten queries, one more round", "refiner requery, role requery.judge"),
        ),
        differs=(
            "A scene's score is its session's best.",
            "Rewritten queries are searched by vectors and words alone; without a model the first round stands.",
        ),
        without_model="Facts and plans are those that rules can read for certain.",
        per_write="one pass of rules and embeddings of stretches",
        per_recall="one scan, two rankings; with a model one call, and three scans more where the first round does not suffice",
    ),
)
