from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mneme.models
from mneme.models.wordpiece import WordPiece, words

VOCABULARY = Path(mneme.models.__file__).parent / "minilm" / "vocab.txt"
TOKENIZER = WordPiece.from_file(VOCABULARY)

CASES = {
    "Hello, World!": ["hello", ",", "world", "!"],
    "Crème Brûlée": ["creme", "brulee"],
    "ÅNGSTRÖM ΟΔΟΣ": ["angstrom", "οδοσ"],
    "a\x00b\ufffdc\u200bd": ["abcd"],
    "tab\tline\nnext\u00a0space\u3000wide": ["tab", "line", "next", "space", "wide"],
    "他moved到北京": ["他", "moved", "到", "北", "京"],
    "a+b=c~d $5": ["a", "+", "b", "=", "c", "~", "d", "$", "5"],
    "\ud800lone\udfff": ["lone"],
    "don't": ["don", "'", "t"],
    "¿Qué?": ["¿", "que", "?"],
    "İstanbul": ["istanbul"],
    " \t\n": [],
}


@pytest.mark.parametrize("text", CASES)
def test_words(text: str) -> None:
    assert words(text) == CASES[text]


def test_pieces_of_a_word_are_the_longest_first() -> None:
    tokenizer = WordPiece(["[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "##a", "unable"])
    assert tokenizer.encode("unaffable") == [3, 4, 5]
    assert tokenizer.encode("unable") == [7]
    assert tokenizer.encode("unaffix") == [0]


def test_marks_in_a_text_are_plain_text() -> None:
    assert TOKENIZER.end not in TOKENIZER.encode("[SEP] [CLS]")


def test_a_very_long_word_keeps_its_pieces() -> None:
    pieces = TOKENIZER.encode("abcdefgh" * 100)
    assert TOKENIZER.unknown not in pieces
    assert len(pieces) > 100


def test_a_very_long_word_loses_only_what_is_unknown() -> None:
    pieces = TOKENIZER.encode("a" * 60 + "\U00013000" + "b" * 60)
    assert pieces.count(TOKENIZER.unknown) == 1
    assert len(pieces) > 10


@given(st.text(alphabet=st.characters(), max_size=60))
def test_any_string_has_ids_in_the_vocabulary(text: str) -> None:
    assert all(0 <= piece < 30_522 for piece in TOKENIZER.encode(text))


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=60))
def test_the_fast_way_for_ascii_gives_what_the_general_way_gives(text: str) -> None:
    # A letter outside ASCII leads to the general way.
    assert [*words(text), "e"] == words(f"{text} é")


def _settled(char: str) -> bool:
    """Say whether Unicode 3.2 knew the character as today's does: no reason for two libraries to differ."""
    return unicodedata.category(char) == unicodedata.ucd_3_2_0.category(char) != "Cn"


def _odd_texts(count: int) -> list[str]:
    chance = random.Random(20)
    settled = [chr(code) for code in range(0x30000) if not 0xD800 <= code < 0xE000 and _settled(chr(code))]
    common = [*" \t\n.,'-abcABC012éßΣİ中", "the", "Ing", "##", "\r\n", "🙂"]
    return ["".join(chance.choice(settled if chance.random() < 0.5 else common) for _ in range(chance.randrange(50))) for _ in range(count)]


@pytest.fixture(scope="module")
def reference() -> object:
    tokenizers = pytest.importorskip("tokenizers", reason="the reference library is not installed")
    vocabulary = {piece: index for index, piece in enumerate(VOCABULARY.read_text(encoding="utf-8").rstrip("\n").split("\n"))}
    model = tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
    built = tokenizers.Tokenizer(model)
    built.normalizer = tokenizers.normalizers.BertNormalizer()
    built.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return built


def test_ids_are_those_of_the_reference_library_on_odd_texts(reference: object) -> None:
    texts = _odd_texts(3000)
    differing = [
        text for text, encoding in zip(texts, reference.encode_batch(texts), strict=True) if TOKENIZER.encode(text) != encoding.ids
    ]  # type: ignore[attr-defined]
    assert differing == []
