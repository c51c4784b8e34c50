"""HippoRAG and HippoRAG 2: the worked numbers of their sheets."""

from __future__ import annotations

import numpy as np
import pytest

import mneme
from mneme.core.composing import compose
from mneme.core.errors import InvalidInput
from mneme.core.recipe import Recipe
from mneme.core.trace import Trace
from mneme.formation.triples import TripleFormer
from mneme.retrieval import hipporag, hipporag2
from mneme.retrieval.hipporag import HippoRag
from mneme.retrieval.hipporag2 import HippoRag2
from mneme.retrieval.pagerank import Graph, pagerank
from mneme.retrieval.phrases import Phrases, near_pairs, phrases
from mneme.testing import ScriptedLLM

from .world import TableEmbedder, at_angle, bare, memory_of


def known(**more: object) -> Phrases:
    empty = np.zeros((0, 3))
    given: dict[str, object] = {
        "names": ("usa", "thomas"), "vectors": np.eye(2, 64, dtype=np.float32), "passages": np.arange(3),
        "contains": np.array([[0, 0], [1, 1]]),
        "spread": np.array([50.0, 2.0]), "facts": {}, "relations": empty, "synonyms": empty, **more,
    }  # fmt: skip
    return Phrases(**given)  # type: ignore[arg-type]


def test_pagerank_sums_to_one_and_without_damping_is_the_start() -> None:
    chain = Graph.undirected(4, np.array([0, 1]), np.array([1, 2]), np.array([1.0, 2.0]))
    start = np.array([1.0, 0, 0, 3.0])
    for damping in (0.0, 0.1, 0.5, 0.9):
        assert pagerank(chain, start, damping=damping).sum() == pytest.approx(1.0)
    assert pagerank(chain, start, damping=0.0).tolist() == [0.25, 0, 0, 0.75]
    assert pagerank(chain, np.array([np.nan, -1, 0, 0])).tolist() == [0, 0, 0, 0]


def test_pagerank_agrees_with_solving_the_equations() -> None:
    rng = np.random.default_rng(0)
    source, target, weight = rng.integers(0, 12, 40), rng.integers(0, 12, 40), rng.random(40)
    graph = Graph.undirected(12, source, target, weight)
    start = rng.random(12)
    start /= start.sum()
    matrix = np.zeros((12, 12))
    np.add.at(matrix, (graph.target, graph.source), graph.weight)
    out = matrix.sum(axis=0)
    step = np.where(out > 0, matrix / np.where(out > 0, out, 1), start[:, None])
    solved = np.linalg.solve(np.eye(12) - 0.5 * step, 0.5 * start)
    assert pagerank(graph, start, damping=0.5) == pytest.approx(solved, abs=1e-8)


def test_a_phrase_in_fifty_passages_starts_with_a_twenty_fifth_of_one_in_two() -> None:
    class Scene:
        embedder = TableEmbedder()

    reset = HippoRag().reset(Scene(), known(), "Did Thomas go to the USA?")  # type: ignore[arg-type]
    assert reset[1] / reset[0] == pytest.approx(25.0)


def test_synonyms_need_a_cosine_of_eight_tenths() -> None:
    rows = np.array([[1, 0], [0.8, 0.6], [0.79, np.sqrt(1 - 0.79**2)]], np.float32)
    assert near_pairs(rows[[0, 1]], 0.8 - 1e-6)[:, :2].tolist() == [[0, 1]]
    assert near_pairs(rows[[0, 2]], 0.8 - 1e-6).tolist() == []


def test_synonyms_of_what_a_write_adds_are_those_of_comparing_everything_anew() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(12, 4))[rng.integers(0, 12, 400)] + 0.05 * rng.normal(size=(400, 4))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    before = near_pairs(vectors[:250], 0.8, block=64)
    grown = near_pairs(vectors, 0.8, compared=250, known=before, block=64)
    whole = near_pairs(vectors, 0.8)
    assert grown[:, :2].tolist() == whole[:, :2].tolist()
    assert np.bincount(whole[:, 0].astype(int)).max() <= 100
    obvious = {(i, j) for i in range(399) for j in np.flatnonzero(vectors[i] @ vectors.T >= 0.8).tolist() if j > i}
    assert {(int(i), int(j)) for i, j in whole[:, :2]} <= obvious
    assert len(whole) == sum(min(100, sum(1 for a, _ in obvious if a == i)) for i in {a for a, _ in obvious})


def stanford(recipe: str, **more: object) -> mneme.Space:
    memory, _ = memory_of(recipe, "hash:96", **more)
    space = memory.space("s")
    people = ["Abel", "Bauer", "Curie", "Dirac", "Euler"]
    others = ["Fermi", "Gauss", "Hertz", "Ising", "Joule"]
    facts = [("Thomas", "researches", "Alzheimer's"), ("Thomas", "works at", "Stanford")]
    facts += [(name, "works at", "Stanford") for name in people] + [(name, "researches", "Alzheimer's") for name in others]
    for number, fact in enumerate(facts):
        text = " ".join(fact)
        given = [{"text": text, "kind": "fact", "attributes": {"triple": list(fact)}, "sources": [f"p{number}"]}]
        space.remember(f"{text}.", ref=f"p{number}", session=f"p{number}", memories=given)
    return space


def test_passages_that_share_two_names_of_the_question_come_first() -> None:
    space = stanford("hipporag")
    found = space.recall("Which Stanford professor works on Alzheimer's?", k=4)
    assert {hit.ref for hit in found.hits[:2]} == {"p0", "p1"}


@pytest.mark.parametrize("question", ["zebra crossing", "Did Zelda cross the zebra crossing?"])
def test_a_question_without_known_names_is_ranked_by_vectors(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    space = stanford("hipporag")
    monkeypatch.setattr(hipporag, "pagerank", never)
    found = space.recall(question, k=30, kinds=("turn",))
    plain = compose(name="dense", channels=["dense"], ranker="weighted-sum")
    assert [hit.ref for hit in found.hits] == order_by_vectors(space, plain, question)
    assert all("walk" not in hit.why for hit in found.hits)


def never(*given: object, **more: object) -> None:
    raise AssertionError("no walk was to be made")


def order_by_vectors(space: mneme.Space, plain: Recipe, question: str) -> list[str | None]:
    """Return the messages of a space in the order in which a design of vectors alone has them."""
    memory, _ = memory_of(plain, "hash:96")
    copy = memory.space("copy")
    for turn in sorted(space.memories({"kinds": ["turn"]}, limit=100), key=lambda turn: turn.id):
        copy.remember(turn.text, ref=turn.ref, session=turn.session)
    return [hit.ref for hit in copy.recall(question, k=30).hits]


@pytest.mark.parametrize("llm", [None, ScriptedLLM({"hipporag2.recognise": {"numbers": []}})])
def test_nothing_recognised_gives_the_order_of_vectors(llm: ScriptedLLM | None, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = compose(name="by vectors", base="hipporag2", channels=["dense"])
    space = stanford(recipe)  # type: ignore[arg-type]
    space._memory.llm = llm
    monkeypatch.setattr(hipporag2, "pagerank", never)
    question = "Which Stanford professor works on Alzheimer's?" if llm else "zebra crossing"
    found = space.recall(question, k=30)
    plain = compose(name="dense", channels=["dense"], ranker="weighted-sum")
    assert [hit.ref for hit in found.hits] == order_by_vectors(space, plain, question)
    assert len(found.hits) == 12


def test_a_model_that_names_numbers_that_are_not_there_is_no_error() -> None:
    llm = ScriptedLLM({"hipporag2.recognise": {"numbers": [99, 0, 0, -1]}})
    found = stanford("hipporag2", llm=llm).recall("Which Stanford professor works on Alzheimer's?", k=3)
    assert len(found.hits) == 3


def test_the_start_at_a_phrase_is_divided_by_its_passages() -> None:
    facts = {10: (0,), 11: (1,)}
    graph = known(spread=np.array([10.0, 1.0]), facts=facts)
    reset = HippoRag2(passage_weight=0.05).reset(graph, np.array([0.1, 0.5, 0.9] + [0.0] * 20, np.float32), {10: 1.0, 11: 1.0})
    assert reset[0] / reset[1] == pytest.approx(0.1)
    assert reset[2:].tolist() == pytest.approx([0.0, 0.025, 0.05])


def test_a_passage_without_triples_is_reached_through_its_own_weight() -> None:
    space = stanford("hipporag2")
    space.remember("A Stanford professor who works on Alzheimer's won a prize.", ref="free", session="free")
    assert "free" in [hit.ref for hit in space.recall("Which Stanford professor works on Alzheimer's?", k=8).hits]


def test_what_was_erased_is_never_returned_and_shared_phrases_stay() -> None:
    space = stanford("hipporag2")
    gone = next(memory for memory in space.memories(limit=100) if memory.ref == "p1" and memory.kind == "turn")
    space.forget(gone.id, erase=True)
    found = space.recall("Which Stanford professor works on Alzheimer's?", k=50)
    assert all(hit.ref != "p1" for hit in found.hits)
    assert any(hit.ref == "p2" for hit in found.hits)


def test_walks_take_settings_from_the_composition() -> None:
    recipe = bare(channels=["dense"], ranker={"use": "hipporag2", "passage_weight": 0.0, "synonym": 2.0})
    assert isinstance(recipe.ranker, HippoRag2)
    assert recipe.ranker.passage_weight == 0.0


def graph_of(space: mneme.Space) -> Phrases:
    """Return the graph of a space as it is now."""
    with space._use() as opened:
        ctx = space._memory._reader(space.name, opened).context(opened.current.now(), None, Trace(id="", verb="test"))
        return phrases(ctx, 0.8, names=False)


def told(space: mneme.Space, ref: str, triple: tuple[str, str, str], text: str = "") -> None:
    said = " ".join(triple)
    given = [{"text": said, "kind": "fact", "attributes": {"triple": list(triple)}, "sources": [ref]}]
    space.remember(text or f"{said}.", ref=ref, session=ref, memories=given)


@pytest.mark.parametrize(("cosine", "reached"), [(0.8 + 1e-6, True), (0.79, False)])
def test_a_name_of_the_question_starts_at_the_nearest_phrase_from_eight_tenths_on(cosine: float, reached: bool) -> None:
    class Scene:
        embedder = TableEmbedder({"alzheimers": at_angle(cosine)})

    graph = known(names=("alzheimer", "stanford"), spread=np.array([6.0, 6.0]))
    reset = HippoRag().reset(Scene(), graph, "Who works on Alzheimers?")  # type: ignore[arg-type]
    assert (reset[0] > 0, reset[1]) == (reached, 0.0)


def test_without_damping_passages_score_by_the_names_that_they_have_themselves() -> None:
    recipe = compose(name="still", base="hipporag", ranker={"use": "hipporag", "damping": 0.0})
    found = stanford(recipe).recall("Which Stanford professor works on Alzheimer's?", k=12)  # type: ignore[arg-type]
    walked = {hit.ref: float(str(hit.why["walk"])) for hit in found.hits if "walk" in hit.why}
    assert set(walked) == {f"p{number}" for number in range(12)}
    assert len({round(value, 6) for value in walked.values()}) == 1  # each passage has one of the two names
    walking = compose(name="moving", base="hipporag", ranker={"use": "hipporag", "damping": 0.5})
    moving = stanford(walking).recall("Which Stanford professor works on Alzheimer's?", k=12)  # type: ignore[arg-type]
    assert {hit.ref for hit in moving.hits[:2]} == {"p0", "p1"}


def test_with_no_weight_a_passage_without_a_kept_phrase_gets_its_score_through_the_graph_alone() -> None:
    free = "A Stanford professor who works on Alzheimer's won a prize."
    shown = {}
    for weight in (0.0, 0.05):
        space = stanford(compose(name="w", base="hipporag2", ranker={"use": "hipporag2", "passage_weight": weight}))  # type: ignore[arg-type]
        space.remember(free, ref="free", session="free")
        hits = space.recall("Which Stanford professor works on Alzheimer's?", k=13).hits
        shown[weight] = [hit.ref for hit in hits]
    assert shown[0.0][-1] == "free"
    assert shown[0.05].index("free") < 8


def test_a_bridge_passage_outranks_its_place_by_vectors() -> None:
    llm = ScriptedLLM({"hipporag2.recognise": lambda request: {"numbers": [0]}})
    question = "Where does the writer Ann come into pictures?"
    table = {question: [1, 0], "Ann wrote Blue": at_angle(0.9), "Ann wrote Blue.": at_angle(0.9), "Blue filmed in Oslo": at_angle(0.05)}
    table |= {"Blue filmed in Oslo.": at_angle(0.05), **{f"Noise {n} likes gardens.": at_angle(0.5 - n / 50) for n in range(8)}}
    table |= {f"Noise {n} likes gardens": at_angle(0.5 - n / 50) for n in range(8)}
    places = {}
    for name, recipe in {"walk": "hipporag2", "dense": compose(name="d", channels=["dense"], ranker="weighted-sum")}.items():
        memory, _ = memory_of(recipe, table, llm=llm if name == "walk" else None)  # type: ignore[arg-type]
        space = memory.space("s")
        told(space, "book", ("Ann", "wrote", "Blue"))
        told(space, "bridge", ("Blue", "filmed in", "Oslo"))
        for number in range(8):
            told(space, f"n{number}", (f"Noise {number}", "likes", "gardens"))
        refs = [hit.ref for hit in space.recall(question, k=20).hits if hit.memory.kind == "turn"]
        places[name] = refs.index("bridge")
    assert places["walk"] == 1 < places["dense"] == 9


def test_erasing_a_passage_takes_the_phrases_that_it_alone_has_and_leaves_shared_ones() -> None:
    space = stanford("hipporag2")
    told(space, "zeta", ("Zeta Institute", "lies near", "Stanford"))
    before = graph_of(space)
    assert {"zeta institute", "stanford"} <= set(before.names)
    (gone,) = [one for one in space.memories(limit=100) if one.ref == "zeta" and one.kind == "turn"]
    space.forget(gone.id, erase=True)
    after = graph_of(space)
    assert set(before.names) - set(after.names) == {"zeta institute"}
    spread = [graph.spread[list(graph.names).index("stanford")] for graph in (before, after)]
    assert spread[0] - spread[1] == 1.0
    assert all(hit.ref != "zeta" for hit in space.recall("What lies near Stanford?", k=50).hits)


def test_phrases_of_two_letters_have_no_synonyms_and_seventy_nine_hundredths_make_none() -> None:
    table = {"ai": [1, 0], "computing": [1, 0], "reckoning": at_angle(0.8 + 1e-6), "cooking": at_angle(0.79)}
    memory, _ = memory_of("hipporag2", table)
    space = memory.space("s")
    for number, name in enumerate(table):
        told(space, f"t{number}", (name, "is about", f"thing {number}"))
    graph = graph_of(space)
    pairs = {frozenset((graph.names[int(one)], graph.names[int(other)])) for one, other, _ in graph.synonyms}
    assert frozenset(("computing", "reckoning")) in pairs
    assert not any({"ai", "cooking"} & pair and "computing" in pair for pair in pairs)
    assert not any("ai" in pair for pair in pairs)


PASSAGE = "Irene Vale directed Silver Tide in 1999. She was born in Bergen."
READ = {
    "names": ["Irene Vale", "Silver Tide", "Bergen"],
    "triples": [
        {"head": "Irene Vale", "relation": "directed", "tail": "Silver Tide"},
        {"head": "Irene Vale", "relation": "born_in", "tail": "Bergen"},
        {"head": "Irene Vale", "relation": "born_in", "tail": " Bergen "},
        {"head": "Irene Vale", "relation": "lives in", "tail": "Oslo"},
        {"head": "", "relation": "is", "tail": "Bergen"},
        {"head": "Ana", "relation": "tells of", "tail": "Bergen"},
    ],
}


@pytest.mark.parametrize("name", ["hipporag", "hipporag2", "hgmem"])
def test_a_model_reads_the_triples_of_a_passage_and_only_those_whose_ends_are_in_it(name: str) -> None:
    llm = ScriptedLLM({"form.triples": READ})
    memory, _ = memory_of(name, "hash:96", llm=llm)
    space = memory.space("s")
    space.remember(PASSAGE, author="Ana", ref="p", wait=True)
    facts = space.memories({"kinds": ["fact"]})
    assert {memory.text: tuple(memory.attributes["triple"]) for memory in facts} == {  # type: ignore[arg-type]
        "Irene Vale directed Silver Tide": ("Irene Vale", "directed", "Silver Tide"),
        "Irene Vale born in Bergen": ("Irene Vale", "born_in", "Bergen"),
        "Ana tells of Bergen": ("Ana", "tells of", "Bergen"),
    }
    assert all([(span.start, span.end) for span in memory.sources] == [(0, len(PASSAGE))] for memory in facts)
    assert PASSAGE in str(llm.asked[0].variables["text"])
    assert {"irene vale", "silver tide", "bergen", "ana"} <= set(graph_of(space).names)
    assert len(space.memories({"kinds": ["turn"]})) == 1


UNSPACED = {
    "李明住在上海，他在BMW公司工作。": [("李明", "住在", "上海"), ("李明", "工作于", "BMW公司"), ("李明", "住在", "北京")],
    "สมชายทำงานที่เชียงใหม่": [("สมชาย", "ทำงานที่", "เชียงใหม่"), ("สมชาย", "ทำงานที่", "ภูเก็ต")],
    "田中さんは京都に住んでいます。": [("田中さん", "住む", "京都"), ("田中さん", "住む", "大阪")],
    "I live in Oslo, since 2019-05.": [("somebody", "lives in", "Oslo"), ("somebody", "since", "2019"), ("Ana", "lives in", "Oslo")],
}


@pytest.mark.parametrize("passage", UNSPACED)
def test_ends_of_triples_are_found_in_every_script_and_the_unnamed_author_is_one(passage: str) -> None:
    *there, foreign = UNSPACED[passage]
    read = [{"head": head, "relation": relation, "tail": tail} for head, relation, tail in (*there, foreign)]
    memory, _ = memory_of("hipporag", "hash:96", llm=ScriptedLLM({"form.triples": {"triples": read}}))
    space = memory.space("s")
    space.remember(passage, wait=True)
    assert {tuple(memory.attributes["triple"]) for memory in space.memories({"kinds": ["fact"]})} == set(there)  # type: ignore[arg-type]


def test_reading_triples_without_a_model_is_refused_and_an_empty_passage_asks_nothing() -> None:
    class Bare:
        llm = None

    with pytest.raises(InvalidInput, match="llm"):
        TripleFormer().form(Bare(), [])  # type: ignore[arg-type]
