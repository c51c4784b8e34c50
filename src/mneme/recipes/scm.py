"""SCM: a controller decides whether memory is needed, and whether raw text or a summary enters the prompt."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="scm",
    about="a controller before recall; long messages have summaries, which take their place where room is short",
    channels=[],
    ranker={
        "use": "gated",
        "channels": ["voiced"],
        "ranker": {"use": "overlap", "per_second": 1e-08, "similarity": 3.0, "kinds": ["turn"]},
    },
    packer="degrading",
    formers=["long-turns"],
    card=Card(
        paper="SCM, arXiv 2304.13343",
        parts=(
            ("controller question 1", "ranker gated, role gate.needed: nothing is searched behind a closed gate"),
            ("summary of a turn of more than 300 tokens", "former long-turns, role turns.summarise"),
            ("similarity and recency", "ranker overlap: cosine and shared words, slowly discounted by age"),
            ("flash memory; controller questions 2 and 3; raw or summary", "packer degrading, role packer.helps"),
        ),
        differs=(
            "Without a model the gate closes for small talk alone, and a text helps from a cosine of 0.2.",
            "A turn is a message; the number of turns is the caller's k or budget, not three.",
            "Raw or summary matters where a budget is given; without one every hit is shown as it was said.",
            "The summary of whole documents by halves is left out.",
        ),
        without_model="The controller is a rule, doubtful questions are looked up; a summary is the sentences in the middle of a message.",
        per_write="nothing for a short message; one call or a pass over its sentences for a long one",
        per_recall="one scan; with a model one call, and over the budget two for each hit but the first",
    ),
)
