"""Second Me: notes, what they cluster around, a biography over it, and training data of all that for a model of one's own."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="second-me",
    about="notes with keywords, shades of interest and a biography made of them, export for training",
    channels=["voiced", "lexical"],
    ranker={"use": "keyed", "pool": "mean", "shown": ["profile"]},
    formers=["notes", "rules"],
    keepers=["shades"],
    card=Card(
        paper="Second Me, arXiv 2503.08102",
        parts=(
            ("L0: documents with keywords and insight", "verbatim memories, former notes: keywords, a sentence of context, tags"),
            ("L1: shades and biography in third and second person", "keeper shades"),
            ("L2: synthesised questions and answers", "recipes.agent.second_self: SecondSelf.pairs; write_instructions, write_preferences"),
            ("L2: serving", "port forms.Parametric; NearestAnswers stands in for weights; falls through to L0"),
        ),
        differs=(
            "Nothing is trained: L2 is a port and an export, with one style of answer; completing and criticising are left out.",
            "Notes link and change each other as in a-mem; they have no title of their own.",
            "The biography is of who wrote most notes; topics and status are left out.",
            "A forgotten note takes its pairs out at the next export; the paper trains anew.",
            "Images and sound come in as captions.",
        ),
        without_model="Shades are named by keywords and described by their most central note; pairs are plain templates.",
        per_write="one embedding, a scan of the notes and one pass of rules; with a model two calls",
        per_recall="one scan",
    ),
)
