"""SCM: a controller decides whether memory is needed, and whether raw text or a summary enters the prompt."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="scm",
    about="a gate before recall; long messages are cut to what bears on the question",
    channels=["dense"],
    ranker={"use": "overlap", "per_second": 1e-08, "similarity": 3.0},
    refiners=["gate"],
    card=Card(
        paper="SCM, arXiv 2304.13343",
        parts=(
            ("controller question 1", "refiner gate, role gate.needed"),
            ("similarity and recency", "ranker overlap: cosine and shared words, slowly discounted by age"),
            ("raw or summary under a budget, in order of time", "packer chronological: excerpts of long messages"),
        ),
        differs=(
            "Without a model the gate closes for small talk alone.",
            "A summary is the run of sentences that bears on the question; nothing is summarised when it is written.",
        ),
        without_model="The controller is a rule; doubtful questions are looked up.",
        per_write="nothing",
        per_recall="one scan; with a model one call",
    ),
)
