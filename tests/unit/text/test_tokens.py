import pytest

from mneme.text.tokens import TokenCounter, count_tokens


@pytest.mark.parametrize(
    ("text", "true_count"),
    [
        ("Ich bin im Mai nach Porto umgezogen und arbeite dort als Krankenschwester; die Wohnung liegt nahe am Fluss.", 37),
        ("Я переехала в Порту в мае и работаю там медсестрой; квартира находится рядом с рекой.", 45),
        ("انتقلت إلى بورتو في مايو وأعمل هناك ممرضة، والشقة قريبة من النهر.", 58),
        ("私は5月にポルトに引っ越して、そこで看護師として働いています。アパートは川の近くにあります。", 45),
        ("나는 5월에 포르투로 이사해서 그곳에서 간호사로 일하고 있다.", 34),
        ("मैं मई में पोर्टो चली गई और वहाँ नर्स के रूप में काम करती हूँ", 65),
        ("🎉🎉👍🏽 😀 🇵🇹 so happy 🥳", 25),
    ],
)
def test_estimate_is_near_a_byte_pair_tokenizer_and_rarely_under(text: str, true_count: int) -> None:
    assert 0.95 * true_count <= count_tokens(text) <= 1.3 * true_count


def test_nothing_costs_nothing_and_a_character_costs_one() -> None:
    assert count_tokens("") == 0
    assert count_tokens("a") >= 1
    assert count_tokens("\ud800") >= 1


def test_longer_text_never_costs_less() -> None:
    text = "Caroline moved to Porto in May 2023, 我搬家了. "
    assert [count_tokens(text * n) for n in (1, 2, 4)] == sorted(count_tokens(text * n) for n in (1, 2, 4))


def test_the_estimate_is_a_token_counter() -> None:
    counter: TokenCounter = count_tokens
    assert counter("one two three") == 4
