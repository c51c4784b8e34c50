"""A-MEM: notes with keywords, tags and context that link themselves and change the notes they are linked to."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="a-mem",
    about="self-linking notes as keys to what was said; linked messages come along",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "max"},
    refiners=[{"use": "linked", "types": ["similar"], "share": 0.2}],
    formers=["notes"],
    card=Card(
        paper="A-MEM, arXiv 2502.12110",
        parts=(
            ("note construction, link generation, evolution", "former notes, roles notes.describe and notes.evolve"),
            ("top k notes and the notes of their box", "ranker keyed, refiner linked"),
        ),
        differs=(
            "Links and evolution are one question to the model.",
            "Neighbours are named by number and mapped to ids; the packaged code takes ranks for positions and changes the wrong notes.",
            "A note is a key: what is returned is the message as it was said.",
            "A note rests on the messages that its tags and context come from, and goes back when one of them is erased.",
            "Linked messages take at most a fifth of the places.",
        ),
        without_model="Keywords are names and repeated words, a link needs a cosine of 0.5 and a common keyword; the new note joins tags.",
        per_write="one embedding and a scan of the notes; with a model two calls",
        per_recall="one scan and one read of links",
    ),
)
