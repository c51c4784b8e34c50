from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mneme.core.errors import InvalidInput, InvalidReply
from mneme.models.replies import reply_schema, strip_wrapping


@dataclass(frozen=True)
class Person:
    name: str
    age: int


@dataclass(frozen=True)
class People:
    people: tuple[Person, ...]
    mood: Literal["good", "bad"] = "good"
    seen: datetime | None = None


PERSON = reply_schema(Person)
ADA = '{"name": "Ada", "age": 36}'


@pytest.mark.parametrize(
    "reply",
    [
        ADA,
        f"  {ADA}\n",
        f"```json\n{ADA}\n```",
        f"```\n{ADA}\n```",
        f"<think>{{}} or not</think>{ADA}",
        f"<Thinking>a\nb</Thinking>\n```json\n{ADA}\n```",
        f"opened by the template</think>\n{ADA}",
        f"Sure:\n```json\n{ADA}\n```\nAnything else?",
        f"The answer is {ADA}. Note that {{}} would be wrong.",
        f"First I thought {{draft}}, then {ADA}",
        f'{{"name": "Ada"}} was incomplete, so: {ADA}',
        f"```json\n{ADA}",
        '{"name": "Ada", "age": "36"}',
        '{"name": "Ada", "age": 36, "more": 1}',
    ],
)
def test_an_answer_is_found_in_its_wrapping(reply: str) -> None:
    assert PERSON.read(reply) == Person("Ada", 36)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("", "The reply was empty."),
        ("<think>hm</think>", "only thinking"),
        (f"<think>maybe {ADA}", "only thinking"),
        ("I don't know.", "no valid JSON object"),
        ('{"name": "Ada", "ag', "cut off"),
        ('{"name": "Ada", oops}', "no valid JSON object"),
        ('{"name": "Ada", "age": NaN}', "no valid JSON object"),
        ('["Ada", 36]', "no valid JSON object"),
        ('{"name": "Ada"}', "age: Field required"),
        ('{"name": 7, "age": "x"}', "name: Input should be a valid string; age: Input should be a valid integer"),
    ],
)
def test_what_does_not_fit_is_told_in_words_for_the_model(reply: str, told: str) -> None:
    with pytest.raises(InvalidReply, match=r".*") as caught:
        PERSON.read(reply)
    assert told in str(caught.value)


def test_a_cut_off_reply_is_told_from_a_broken_one() -> None:
    with pytest.raises(InvalidReply, match="cut off"):
        PERSON.read("Well, where do I begin", cut_off=True)


def test_the_problem_of_the_first_object_is_told_when_none_fits() -> None:
    with pytest.raises(InvalidReply, match="age: Field required"):
        PERSON.read('{"name": "Ada"} or {"name": 3, "age": 3}')


def test_tags_and_fences_inside_a_bare_object_are_its_text() -> None:
    person = Person("a </think> b ```json\n{}\n``` <think>", 1)
    assert PERSON.read(json.dumps({"name": person.name, "age": 1})) == person


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@dataclass(frozen=True)
class Anything:
    value: object


@given(_JSON, st.sampled_from(["{}", "<think>so {{ }}</think>\n{}", "```json\n{}\n```", "Here: {} done"]))
def test_any_object_survives_any_wrapping(value: object, wrapping: str) -> None:
    text = json.dumps({"value": value})
    reply = wrapping.replace("{{ }}", "{ }").replace("{}", text, 1) if "{}" in wrapping else text
    assert reply_schema(Anything).read(reply) == Anything(value)


@given(st.text(alphabet='{}[]"\\,:a1 \n`<think>/', max_size=400))
def test_no_reply_breaks_the_reader(reply: str) -> None:
    with pytest.raises(InvalidReply):
        PERSON.read(reply)


@pytest.mark.parametrize(
    "reply", ['{"a":' * 50_000, "{" * 200_000, "<think>" * 50_000, "</think>" * 50_000, "```\n" * 50_000, "\n```" * 50_000, "\n" * 200_000]
)
def test_a_deep_or_long_reply_is_refused_quickly(reply: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InvalidReply):
        PERSON.read(reply)
    assert time.perf_counter() - start < 1.0


def test_nested_types_and_their_schema() -> None:
    checker = reply_schema(People)
    read = checker.read('{"people": [{"name": "Ada", "age": 36}], "mood": "bad", "seen": "2024-05-01T00:00:00Z"}')
    assert read.people == (Person("Ada", 36),)
    assert read.mood == "bad"
    assert read.seen is not None
    assert read.seen.year == 2024
    assert checker.read(json.dumps(checker.dump(read))) == read
    assert checker.name == "People"
    assert json.loads(checker.text)["required"] == ["people"]


@pytest.mark.parametrize("schema", [int, list[int], str])
def test_a_type_that_is_no_object_is_refused(schema: type) -> None:
    with pytest.raises(InvalidInput, match="wrap it in a dataclass"):
        reply_schema(schema)


def test_a_type_that_can_t_be_described_is_refused() -> None:
    class Opaque:
        pass

    with pytest.raises(InvalidInput, match="schema"):
        reply_schema(Opaque)


def test_wrapping_comes_off_text_that_is_no_json() -> None:
    assert strip_wrapping("<think>hm\nhm</think>\n```text\nhello\n```") == "hello"
    assert strip_wrapping("hello") == "hello"
