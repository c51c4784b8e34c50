from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mneme.core.errors import ContextOverflow
from mneme.core.llm import Prompt
from mneme.models.context import estimate_tokens, fit, shorten

LOG = "\n".join(f"line {number}: something was said" for number in range(200))
PROMPT = Prompt(role="r", system="Be brief.", template="$log\n---\n$question", trim=(("log", "tail"),))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("hello world", 2), ("extraordinary", 3), ("2024-05-01", 6), ("a, b", 3), ("日本語", 3), ("naïve", 3), ("a\n\nb", 3)],
)
def test_tokens_are_counted_by_the_stated_rule(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_a_question_that_fits_is_left_alone() -> None:
    question, notes = fit(PROMPT, {"log": LOG, "question": "Who?"}, room_tokens=5000, count=estimate_tokens)
    assert question == f"{LOG}\n---\nWho?"
    assert notes == []


def test_what_may_be_shortened_is_and_says_so() -> None:
    question, notes = fit(PROMPT, {"log": LOG, "question": "Who?"}, room_tokens=300, count=estimate_tokens)
    assert estimate_tokens(question) + estimate_tokens(PROMPT.system) <= 300
    mark, first = question.split("\n")[:2]
    assert mark.startswith("[... ")
    assert mark.endswith(" characters left out ...]")
    assert first.startswith("line 1")
    assert question.endswith("line 199: something was said\n---\nWho?")
    left_out = int(mark.split()[1])
    assert notes == [f"log: kept {len(LOG) - left_out + len(mark) + 1} of {len(LOG)} characters, from the tail"]


def test_a_variable_may_be_shortened_from_its_end() -> None:
    prompt = Prompt(role="r", system="", template="$doc", trim=(("doc", "head"),))
    question, _ = fit(prompt, {"doc": LOG}, room_tokens=200, count=estimate_tokens)
    assert question.startswith("line 0: something was said\n")
    assert question.endswith("left out ...]")


def test_variables_are_shortened_in_the_stated_order() -> None:
    prompt = Prompt(role="r", system="", template="$a|$b", trim=(("a", "head"), ("b", "head")))
    question, notes = fit(prompt, {"a": "word " * 100, "b": "word " * 100}, room_tokens=150, count=estimate_tokens)
    assert question.split("|")[1] == "word " * 100
    assert [note.split(":")[0] for note in notes] == ["a"]
    question, notes = fit(prompt, {"a": "word " * 100, "b": "word " * 100}, room_tokens=80, count=estimate_tokens)
    assert question.split("|")[0] == ""
    assert [note.split(":")[0] for note in notes] == ["a", "b"]


def test_what_must_not_be_shortened_is_refused() -> None:
    with pytest.raises(ContextOverflow, match=r"r: the question needs about \d+ tokens and the model has room for 100"):
        fit(PROMPT, {"log": LOG, "question": "why? " * 200}, room_tokens=100, count=estimate_tokens)


@given(st.text(max_size=300), st.integers(0, 200), st.sampled_from(["head", "tail"]))
def test_a_shortened_text_keeps_to_its_limit_and_its_end(text: str, limit: int, keep: str) -> None:
    short = shorten(text, limit, keep=keep, count=estimate_tokens)  # type: ignore[arg-type]
    assert estimate_tokens(short) <= limit
    if short and short != text:
        kept = short.rpartition("\n[... ")[0] if keep == "head" else short.partition(" ...]\n")[2]
        assert text.startswith(kept) if keep == "head" else text.endswith(kept)
