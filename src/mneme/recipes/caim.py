"""CAIM: a controller decides whether memory is needed; thoughts are filed by tag after a session, and found by tag."""

from mneme.core.card import Card
from mneme.core.composing import compose
from mneme.formation.thoughts import ONTOLOGY

recipe = compose(
    name="caim",
    about="a gate before recall, and thoughts by the tags of an ontology as keys",
    channels=[],
    ranker={"use": "gated", "channels": ["voiced", "lexical"], "ranker": {"use": "tagged", "ontology": list(ONTOLOGY)}},
    formers=["rules", {"use": "thoughts", "ontology": list(ONTOLOGY)}],
    card=Card(
        paper="CAIM, arXiv 2505.13044",
        parts=(
            ("memory controller", "ranker gated, role gate.needed: nothing is searched behind a closed gate"),
            ("post-thinking: memory extension and memory review", "former thoughts: roles thoughts.extend and thoughts.review"),
            ("ontology of tags", "setting ontology of former and ranker; twelve domains of life"),
            ("tag and time filter, then relevance", "ranker tagged, roles tagged.which and tagged.relevant"),
        ),
        differs=(
            "A tag outside the ontology is mapped to the nearest label or left out.",
            "Doubtful questions are looked up when there is no model.",
            "A thought comes as the messages that it rests on; those of no thought follow, where the paper has nothing but thoughts.",
            "A session is thought over after every fourth message, what is left when an hour's pause closes the talk.",
        ),
        without_model="The controller is a rule, a message gets the nearest label, a tag's longest is its thought, relevance is a cosine.",
        per_write="one pass of rules, one embedding per message of the session",
        per_recall="one scan and the thoughts of the question's tags; with a model three calls",
    ),
)
