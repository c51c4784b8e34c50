import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mneme.core.errors import InvalidInput
from mneme.text.analyser import ROW_MARK, Analyser
from mneme.text.marks import TIME, TITLED, phrase_mark, title_mark
from mneme.text.terms import LANGUAGE_MARKS, decode_many, decode_terms, encode_terms, term_id


@pytest.fixture
def analyser() -> Analyser:
    return Analyser()


def meets(analyser: Analyser, document: str, query: str) -> set[str]:
    """Terms of the query that the document has."""
    return set(analyser.terms(document)) & set(analyser.query(query).terms)


def test_words_are_folded_stemmed_and_lose_their_possessive(analyser: Analyser) -> None:
    assert analyser.terms("Caroline's sisters were RUNNING, running!") == ["carolin", "sister", "were", "run", "run"]


def test_typographic_and_plain_apostrophes_give_the_same_terms(analyser: Analyser) -> None:
    assert analyser.terms("I don’t think Mel’s late") == analyser.terms("I don't think Mel's late")
    assert analyser.terms("don't")[0] == "dont"


def test_elided_articles_are_cut_from_their_noun(analyser: Analyser) -> None:
    assert "universite" in analyser.terms("l'université")
    assert "brien" in analyser.terms("O'Brien")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("2023-05-07", ["2023-05-07", "2023"]),
        ("3.5", ["3.5"]),
        ("1,250,000", ["1250000"]),
        ("the 7th", ["the", "7"]),
        ("07", ["7"]),
        ("10:30", ["10:30"]),
        ("5/7/2023", ["5/7/2023", "2023"]),
        ("2019-2023", ["2019", "2023"]),
        ("9-11", ["9", "11"]),
        ("٢٠٢٣", ["2023"]),
        ("version 1.2.3", ["version", "1.2.3"]),
    ],
)
def test_numbers_and_dates_stay_whole_and_canonical(analyser: Analyser, text: str, terms: list[str]) -> None:
    assert analyser.terms(text) == terms


def test_programming_languages_with_signs_are_words(analyser: Analyser) -> None:
    assert analyser.terms("C++ and C#") == ["c++", "and", "c#"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I moved to Porto in May and I love it there", "en"),
        ("Ich bin im Mai nach Porto umgezogen und wohne am Fluss", "de"),
        ("Me mudé a Oporto en mayo, ¿dónde vives tú ahora?", "es"),
        ("J'ai déménagé à Porto en mai et je suis très contente", "fr"),
        ("Mi sono trasferita a Porto a maggio e adesso lavoro nella scuola", "it"),
        ("Mudei-me para o Porto em maio e não tenho saudades da minha casa", "pt"),
        ("Ik ben in mei naar Porto verhuisd en ik werk daar als verpleegster", "nl"),
        ("Jag flyttade till Porto i maj och jobbar där som sjuksköterska", "sv"),
        ("W maju przeprowadziłam się do Porto i pracuję tam jako pielęgniarka", "pl"),
        ("Я переехала в Порту в мае", "ru"),
        ("Я переїхала до Порту і працюю там", "uk"),
        ("انتقلت إلى بورتو في شهر مايو", "ar"),
        ("من در پرتو زندگی می‌کنم", "fa"),
        ("मैं मई में पोर्टो चली गई", "hi"),
        ("Μετακόμισα στο Πόρτο", "el"),
    ],
)
def test_language_of_a_sentence(analyser: Analyser, text: str, language: str) -> None:
    assert analyser.detect(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Porto",
        "People die in war",
        "I read La Casa de Papel",
        "my son plays guitar",
        "El Niño hit the coast",
        "mine was on the sofa",
        "Hey Mel! Good to see you!",
        "Wow!",
        "Thanks, Jo!",
    ],
)
def test_a_short_or_english_text_is_taken_for_english(analyser: Analyser, text: str) -> None:
    assert analyser.detect(text) == "en"


@pytest.mark.parametrize(
    ("document", "query", "shared"),
    [
        ("Wir haben die alten Häuser in Lissabon besichtigt", "Welches Haus in Lissabon?", {"haus", "lissabon"}),
        ("Я переехала в новую квартиру", "Где новая квартира?", {"нов", "квартир"}),
        ("Compré dos libros en la librería de mi barrio", "¿Qué libro compraste tú en el barrio?", {"libr", "barri"}),
        ("我五月份搬到了波尔图", "什么时候搬到波尔图？", {"搬到", "波尔", "尔图"}),
        ("私は5月にポルトに引っ越しました", "いつポルトに引っ越しましたか", {"ポル", "ルト", "引っ", "っ越"}),
        ("나는 포르투로 이사했다", "언제 포르투에 이사했어?", {"포르", "르투", "이사"}),
        ("זרקתי את הספר", "איפה הספר", {"הספר"}),
        ("LGBTQ支持グループ に行った 🎉", "lgbtq 支持グループ 🎉", {"lgbtq", "支持", "🎉"}),
        ("كتبت الرسالة إلى صديقي", "أين الرسالة", {"رسال"}),
    ],
)
def test_query_and_document_meet_in_every_script(analyser: Analyser, document: str, query: str, shared: set[str]) -> None:
    assert shared <= meets(analyser, document, query)


def test_accents_do_not_part_a_name(analyser: Analyser) -> None:
    assert meets(analyser, "She flew to Zürich with José", "zurich jose") == {"zurich", "jose"}


def test_fullwidth_and_halfwidth_forms_are_one(analyser: Analyser) -> None:
    assert analyser.terms("Ｐｏｒｔｏ ｶﾀｶﾅ") == ["porto", "カタ", "タカ", "カナ"]


def test_a_short_query_meets_a_document_stemmed_in_another_language(analyser: Analyser) -> None:
    document = analyser.document("Wir haben uns die alten Häuser und Straßen angesehen")
    ids, _ = decode_terms(document)
    assert LANGUAGE_MARKS["de"] in ids.tolist()
    assert not np.isin(analyser.query("Häuser").ids, ids).any()
    assert np.isin(analyser.query("Häuser", ["de"]).ids, ids).any()


def test_a_query_says_which_terms_are_forms_of_one_word_and_in_which_texts_they_stand(analyser: Analyser) -> None:
    query = analyser.query("many houses, man", ["de", "nl"])
    assert query.terms == ("mani", "many", "hous", "house", "man")
    assert query.heads == (0, 0, 2, 2, 4)
    assert query.languages == ((), ("de", "nl"), (), ("nl",), ())


def test_english_documents_carry_no_mark_of_language_and_are_always_asked_for(analyser: Analyser) -> None:
    ids, counts = decode_terms(analyser.document("The houses were old"))
    assert sorted(counts.tolist()) == [0, 1, 1, 1, 1]
    assert ids[counts == 0].tolist() == [ROW_MARK]
    query = analyser.query("¿Dónde están los houses de mi madre y por qué?")
    assert query.language == "es"
    assert term_id("hous") in query.ids.tolist()
    assert np.isin(query.ids, ids).sum() == 1


def test_function_words_weigh_less_unless_the_query_has_no_others(analyser: Analyser) -> None:
    mixed = analyser.query("What did Caroline say to him?")
    weights = dict(zip(mixed.terms, mixed.weights.tolist(), strict=True))
    assert weights["carolin"] == 1.0
    assert weights["what"] == weights["to"] == pytest.approx(0.1)
    assert analyser.query("who are you").weights.tolist() == [1.0, 1.0, 1.0]


def test_a_given_language_wins_over_detection() -> None:
    assert Analyser("german").terms("Häuser") == ["haus"]
    assert Analyser().terms("Häuser", language="de-AT") == ["haus"]


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="language: 'klingonisch' is no language"):
        Analyser("klingonisch")


@pytest.mark.parametrize("text", ["", "   ", "\x00", "\ud800", "'''", "—…", "\u200d", "\u0301"])
def test_text_without_words_has_no_terms(analyser: Analyser, text: str) -> None:
    assert analyser.terms(text) == []
    assert analyser.document(text) == b""
    assert analyser.query(text).ids.shape == (0,)


def test_surrogates_and_nul_part_words(analyser: Analyser) -> None:
    assert analyser.terms("abc\x00def\ud800ghi") == ["abc", "def", "ghi"]


def test_a_mark_on_its_own_or_leading_does_no_harm(analyser: Analyser) -> None:
    assert analyser.terms("\u0301猫が好き") == ["猫が", "が好", "好き", "猫", "好"]


def test_a_query_of_one_chinese_or_korean_character_finds_it_inside_a_sentence(analyser: Analyser) -> None:
    assert meets(analyser, "我养了一只猫", "猫") == {"猫"}
    assert meets(analyser, "집에서 책을 읽었다", "집") == {"집"}
    assert analyser.query("我的猫").terms == ("我的", "的猫", "我", "的", "猫")


def test_document_holds_the_counts_of_terms(analyser: Analyser) -> None:
    text = "Porto, Porto: the 7th bridge and 7 bridges in Porto. " * 3
    ids, counts = decode_terms(analyser.document(text))
    wanted, times = decode_terms(encode_terms(analyser.terms(text)))
    assert ids[counts > 0].tolist() == wanted.tolist()
    assert counts[counts > 0].tolist() == times.tolist()
    assert set(ids[counts == 0].tolist()) == {ROW_MARK, TIME, TITLED, phrase_mark("porto"), title_mark("porto, porto")}


def test_five_megabytes_take_less_than_two_seconds_of_one_core(analyser: Analyser) -> None:
    text = "I met Caroline's 3 friends über der Straße in 2023 und 搬到了波尔图. " * 80_000
    started = time.process_time()
    blob = analyser.document(text[:5_000_000])
    assert time.process_time() - started < 2.0
    assert len(blob) < 500


def test_counts_stop_at_the_widest_that_is_stored() -> None:
    assert decode_terms(encode_terms(["a"] * 70_000))[1].tolist() == [65_535]


def test_many_blobs_decode_as_one_by_one() -> None:
    blobs = [encode_terms(["a", "b", "a"]), b"", encode_terms(["c"])]
    sizes, ids, counts = decode_many(blobs)
    assert sizes.tolist() == [2, 0, 1]
    assert sorted(zip(ids[:2].tolist(), counts[:2].tolist(), strict=True)) == sorted([(term_id("a"), 2), (term_id("b"), 1)])
    assert (int(ids[2]), int(counts[2])) == (term_id("c"), 1)


def test_a_cut_blob_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cut short"):
        decode_terms(encode_terms(["a"])[:-1])
    with pytest.raises(InvalidInput, match="blob 1 is cut short"):
        decode_many([encode_terms(["a"]), encode_terms(["a"])[:-1]])


def test_term_ids_never_change() -> None:
    assert term_id("porto") == 3421188013931053622
    assert term_id("猫") == 4140028929945838904


def test_threads_share_an_analyser() -> None:
    shared, texts = Analyser(), [f"Running houses moved {word}ings über die Straße" for word in ("walk", "talk", "sing", "read") * 50]
    expected = [Analyser().terms(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shared.terms, texts)) == expected
