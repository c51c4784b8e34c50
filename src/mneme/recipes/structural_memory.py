"""Structural memory: five structures times three retrievals, of which the plain name is the mixed one in a single step."""

from mneme.core.card import Card
from mneme.core.composing import compose
from mneme.core.errors import InvalidInput
from mneme.core.recipe import Recipe
from mneme.retrieval.units import RETRIEVALS, STRUCTURES

READ = ("triples", "atomic-facts")
"""Structures that are read from the same messages at once."""

CARD = Card(
    paper="On the Structural Memory of LLM Agents, arXiv 2412.15266",
    parts=(
        ("chunks, triples, atomic facts, summaries, mixed", "messages; former structures; former sessions; all of them"),
        ("single-step, reranking, iterative retrieval", "ranker units with retrieval = single-step, reranking or iterative"),
        ("Memory-Doc and Memory-Only", "ranker units with answer = documents or units"),
        ("clusters of the best summaries", "ranker units with sessions = how many"),
        ("the grid", 'names "structural-memory:STRUCTURE:RETRIEVAL"; STRUCTURE is chunks, triples, atomic-facts, summaries or mixed'),
    ),
    differs=(
        "A message is a chunk; chunks are never cut. Key elements are not asked for apart from triples and facts.",
        "A thought is written from the twenty best units so far; without a model it is the best unit that was not thought of before.",
        "A unit is matched by cosine and by half its share of the question's words, not by distance alone.",
        "A message that has no unit of the structure is a unit itself, so that nothing that was said is out of reach.",
    ),
    without_model="Triples stand between names, atomic facts are clauses, summaries central sentences; a thought is the best new unit.",
    per_write="one pass of rules and a digest per session; with a model one call for a dozen messages and one per session",
    per_recall="one scan; four when iterative; with a model one call to rerank, or three thoughts",
)


def variant(structure: str = "mixed", retrieval: str = "single-step") -> Recipe:
    """Return one cell of the grid; ``resolve("structural-memory:triples:iterative")`` gives the same.

    Args:
        structure: ``chunks``, ``triples``, ``atomic-facts``, ``summaries`` or ``mixed``.
        retrieval: ``single-step``, ``reranking`` or ``iterative``.

    Raises:
        InvalidInput: there is no such structure or retrieval.
    """
    problems = {}
    if structure not in (*STRUCTURES, "mixed"):
        problems["structure"] = f"is {structure!r}; give one of {', '.join(STRUCTURES)}, mixed"
    if retrieval not in RETRIEVALS:
        problems["retrieval"] = f"is {retrieval!r}; give one of {', '.join(RETRIEVALS)}"
    if problems:
        raise InvalidInput(problems)
    chosen = STRUCTURES if structure == "mixed" else (structure,)
    read = [name for name in READ if name in chosen]
    formers = [{"use": "structures", "kinds": read}] * bool(read) + [{"use": "sessions", "words": 0}] * ("summaries" in chosen)
    plain = (structure, retrieval) == ("mixed", "single-step")
    return compose(
        name="structural-memory" if plain else f"structural-memory:{structure}:{retrieval}",
        about=f"{'all structures' if structure == 'mixed' else structure} searched by {retrieval} retrieval, messages returned",
        channels=["voiced", "lexical"],
        ranker={"use": "units", "structures": list(chosen), "retrieval": retrieval},
        formers=formers,
        card=CARD,
    )


recipe = variant()
