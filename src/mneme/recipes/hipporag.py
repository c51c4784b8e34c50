"""HippoRAG: names of the question start a walk over the graph of phrases; passages gather the phrases that it meets."""

from mneme.core.card import Card
from mneme.core.composing import compose

recipe = compose(
    name="hipporag",
    about="a walk over what triples connect, started at the names in the question",
    channels=["voiced"],
    ranker={"use": "hipporag", "damping": 0.5, "synonym": 0.8, "dense": 0.4},
    formers=[{"use": "either", "by_rule": "rules", "by_model": "triples"}],
    card=Card(
        paper="HippoRAG, arXiv 2405.14831 (NeurIPS 2024)",
        parts=(
            (
                "OpenIE triples of a passage",
                "former rules or triples; triples brought in with remember(memories=...) count as well",
            ),
            ("phrase graph with synonym edges at cosine 0.8", "phrases, inside the ranker, rebuilt after a change"),
            ("node specificity and personalised PageRank", "ranker hipporag"),
        ),
        differs=(
            "Names in a passage are phrases of it even where no triple has them.",
            "A phrase counts once per passage, however often it stands there, as in the released code.",
            "Names of the question are found by rule, and where it says a phrase of the graph word for word.",
            "Other names are linked to their nearest phrase from a cosine of 0.8 on.",
            "Who speaks is in too many passages to be a place to start from.",
            "A question without a name that the graph has is ranked by vectors, statements among the messages.",
            "One search per question: the variant that thinks between searches (IRCoT) is left out.",
            "Cosines count two fifths, as the released code adds them where a name is linked with doubt; rules always leave doubt.",
        ),
        without_model="Triples are those that rules can read for certain: few; bring a model's triples for the paper's figures.",
        per_write="one pass of rules, or one model call per message",
        per_recall="one PageRank; the graph is rebuilt by the first recall after a write",
    ),
)
