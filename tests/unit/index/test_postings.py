import math
from collections import Counter

import numpy as np
import pytest

from mneme.core.errors import InvalidInput
from mneme.index import postings as module
from mneme.index.postings import Postings
from mneme.text.analyser import Analyser
from mneme.text.terms import encode_terms, term_id


def naive_bm25(documents: dict[int, list[str]], query: list[str], n_rows: int, k1: float, b: float) -> list[float]:
    """BM25 as its formula reads, one row and term at a time."""
    mean = sum(map(len, documents.values())) / max(1, len(documents)) or 1.0
    scores = [0.0] * n_rows
    for row, words in documents.items():
        counts = Counter(words)
        for word in query:
            df = sum(word in other for other in documents.values())
            idf = math.log(1 + (len(documents) - df + 0.5) / (df + 0.5))
            tf = counts[word]
            if tf:
                scores[row] += idf * tf / (tf + k1 * (1 - b + b * len(words) / mean))
    return scores


def ids(*words: str) -> list[int]:
    return [term_id(word) for word in words]


def index(*documents: str, **settings: float) -> Postings:
    postings = Postings(**settings)
    postings.add(np.arange(len(documents)), [encode_terms(text.split()) for text in documents])
    return postings


def test_scores_follow_the_formula() -> None:
    documents = {0: ["a", "b", "a"], 1: ["b", "c"], 2: ["d"] * 5, 3: ["a"]}
    postings = index("a b a", "b c", "d d d d d", "a", k1=1.2, b=0.75)
    # idf(a) = ln(1 + 2.5 / 2.5), row 0: 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2.75))
    assert postings.scores(ids("a"))[0] == pytest.approx(math.log(2) * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2.75)))
    np.testing.assert_allclose(postings.scores(ids("a", "c", "zzz")), naive_bm25(documents, ["a", "c"], 4, 1.2, 0.75), rtol=1e-5)


def test_a_row_is_found_right_after_it_is_added() -> None:
    postings = index("a b", "c")
    postings.add([2], [encode_terms(["new", "a"])])
    assert postings.scores(ids("new")).argmax() == 2
    assert postings.n_live == 3
    assert postings.mean_length == pytest.approx(5 / 3)


def test_removed_rows_leave_scores_and_statistics() -> None:
    postings = index("a b", "a c", "d", "e")
    postings.remove([1])
    expected = index("a b", "", "d", "e")
    expected.remove([1])
    np.testing.assert_array_equal(postings.scores(ids("a", "c")), expected.scores(ids("a", "c")))
    assert postings.document_frequency(ids("a", "c")).tolist() == [1, 0]
    assert postings.lengths.tolist() == [2, 0, 1, 1]


def test_a_removed_row_can_be_given_to_another_text() -> None:
    postings = index("a b", "a c", "d", "e")
    postings.remove([1])
    postings.add([1], [encode_terms(["f"])])
    assert postings.scores(ids("c")).tolist() == [0.0] * 4
    assert postings.scores(ids("f")).argmax() == 1


def test_weights_scale_terms_and_zero_drops_them() -> None:
    postings = index("a b", "b", "c", "d")
    one, half = postings.scores(ids("a")), postings.scores(ids("a"), [0.5])
    np.testing.assert_allclose(half, one / 2)
    assert postings.scores(ids("a", "b"), [0, 1]).tolist() == postings.scores(ids("b")).tolist()


def test_a_mask_hides_rows_without_changing_the_others() -> None:
    postings = index("a b", "a", "c", "d")
    whole = postings.scores(ids("a"))
    mask = np.array([False, True, True, True])
    assert postings.scores(ids("a"), mask=mask).tolist() == [0.0, *whole[1:].tolist()]


def test_scores_fill_a_given_array() -> None:
    postings = index("a b", "c", "d")
    out = np.full(3, 9.0, np.float32)
    assert postings.scores(ids("a"), out=out) is out
    assert out[0] > 0
    assert out[1:].tolist() == [0.0, 0.0]


def test_very_common_terms_are_left_out_unless_they_are_all_there_is() -> None:
    postings = Postings(common_share=0.5)
    postings.add(range(3000), [encode_terms(["a", f"b{row}"]) for row in range(3000)])
    assert np.flatnonzero(postings.scores(ids("a", "b7"))).tolist() == [7]
    assert len(np.flatnonzero(postings.scores(ids("a")))) == 3000
    assert len(np.flatnonzero(postings.scores(ids("a", "nowhere")))) == 3000


def test_common_terms_of_a_small_space_are_scored() -> None:
    assert np.flatnonzero(index("a x", "a y", "a z").scores(ids("a", "x"))).tolist() == [0, 1, 2]


def test_term_postings_give_rows_and_counts() -> None:
    postings = index("a b a", "c", "a")
    postings.add([5], [encode_terms(["a", "a", "a"])])
    postings.remove([2])
    rows, counts = postings.term_postings(term_id("a"))
    assert rows.tolist() == [0, 5]
    assert counts.tolist() == [2.0, 3.0]
    assert postings.term_postings(term_id("nowhere"))[0].tolist() == []


def test_idf_of_a_rarer_term_is_higher() -> None:
    postings = index("a b", "a", "a c")
    assert postings.idf(term_id("b")) == pytest.approx(math.log(1 + 2.5 / 1.5))
    assert postings.idf(term_id("nowhere")) > postings.idf(term_id("b")) > postings.idf(term_id("a")) > 0


def test_languages_are_those_of_live_rows_most_frequent_first() -> None:
    analyser = Analyser()
    german = "Ich habe meine alten Häuser und Straßen nicht mehr gesehen"
    texts = ["Hello there", german, german + " wieder", "No entiendo lo que me dices, pero está muy bien"]
    postings = Postings()
    postings.add(range(4), [analyser.document(text) for text in texts])
    assert postings.languages() == ("de", "es")
    assert postings.scores(analyser.query("Häuser", postings.languages()).ids)[1] > 0
    postings.remove([1, 2])
    assert postings.languages() == ("es",)


def test_language_marks_do_not_lengthen_a_row() -> None:
    blob = Analyser().document("Ich habe es nicht gesehen")
    postings = Postings()
    postings.add([0], [blob])
    assert postings.lengths.tolist() == [5.0]


def test_an_empty_index_scores_nothing() -> None:
    assert Postings().scores(ids("a")).shape == (0,)
    assert Postings().languages() == ()


def test_rows_without_terms_score_zero() -> None:
    assert index("", "", "").scores(ids("a")).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("positions", "blobs", "field"),
    [([0], [b""], "positions"), ([-1], [b""], "positions"), ([7, 7], [b"", b""], "positions"), ([7], [], "blobs"), ([7], [b"x"], "blobs")],
)
def test_a_bad_add_is_refused_whole(positions: list[int], blobs: list[bytes], field: str) -> None:
    postings = index("a")
    with pytest.raises(InvalidInput) as caught:
        postings.add(positions, blobs)
    assert list(caught.value.problems) == [field]
    assert postings.n_rows == postings.n_live == 1


@pytest.mark.parametrize("positions", [[1], [-1], [0, 0]])
def test_removing_what_is_not_there_is_refused(positions: list[int]) -> None:
    postings = index("a")
    with pytest.raises(InvalidInput, match="positions"):
        postings.remove(positions)
    assert postings.n_live == 1


def test_bad_settings_are_all_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        Postings(k1=-1, b=2, common_share=0)
    assert set(caught.value.problems) == {"k1", "b", "common_share"}


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        index("a").scores(ids("a"), [1, 2], mask=np.ones(3, bool), out=np.zeros(3, np.float32))
    assert set(caught.value.problems) == {"weights", "mask", "out"}


def test_growing_row_by_row_equals_building_at_once() -> None:
    rng = np.random.default_rng(3)
    texts = [[f"w{word}" for word in rng.zipf(1.3, 20) if word < 500] for _ in range(1500)]
    blobs = [encode_terms(text) for text in texts]
    whole, grown = Postings(), Postings()
    whole.add(range(1500), blobs)
    for row, blob in enumerate(blobs):
        grown.add([row], [blob])
    query = ids("w1", "w3", "w17", "w200")
    np.testing.assert_allclose(grown.scores(query), whole.scores(query), rtol=1e-6)
    assert len(grown._segments) <= math.log2(grown._tail_size + 1500 * 20 / module._TAIL_POSTINGS) + 2


def test_many_removals_drop_the_postings() -> None:
    postings = Postings()
    postings.add(range(3000), [encode_terms(["a", f"b{row}"]) for row in range(3000)])
    before = postings.nbytes
    for row in range(2900):
        postings.remove([row])
    assert postings.nbytes < before
    assert np.flatnonzero(postings.scores(ids("a"))).tolist() == list(range(2900, 3000))
    assert postings.document_frequency(ids("a", "b5")).tolist() == [100, 0]
