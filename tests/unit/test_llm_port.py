from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mneme.core.errors import InvalidInput
from mneme.core.llm import Budget, Prompt, Spend, Total, request_hash, scoped

PROMPT = Prompt(role="who", system="You name people.", template="Who speaks?\n$text\nOn $day, for $$5.")
AT = datetime(2024, 5, 1, 12, tzinfo=UTC)


def spend(**changes: object) -> Spend:
    fields = {"id": "call_1", "at": AT, "space": "a", "role": "who", "model": "m", "attempt": 1, "outcome": "ok"}
    return Spend(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_prompt_renders_its_variables_and_nothing_else() -> None:
    assert PROMPT.variables == ("text", "day")
    assert PROMPT.render({"text": "I owe $day ${text}", "day": date(2024, 5, 1)}) == (
        "Who speaks?\nI owe $day ${text}\nOn 2024-05-01, for $5."
    )


@given(st.text(), st.text())
def test_no_text_of_a_variable_is_taken_for_a_variable(first: str, second: str) -> None:
    prompt = Prompt(role="r", system="", template="<$one><${two}>")
    assert prompt.render({"one": first, "two": second}) == f"<{first}><{second}>"


def test_values_that_are_no_text_are_written_as_json() -> None:
    @dataclass
    class Row:
        name: str
        tags: tuple[str, ...]

    prompt = Prompt(role="r", system="", template="$rows $flag $n $nothing $row")
    text = prompt.render({"rows": [{"a": 1}, {2: {3}}], "flag": True, "n": 2.5, "nothing": None, "row": Row("Ada", ("x", "y"))})
    assert text.replace("\n", "").replace("  ", "") == '[{"a":1},{"2":[3]}] true 2.5 null {"name": "Ada","tags": ["x","y"]}'


def test_missing_and_unknown_variables_are_told_together() -> None:
    with pytest.raises(InvalidInput) as caught:
        PROMPT.render({"text": "x", "dya": "y"})
    assert caught.value.problems == {"day": "is missing; the prompt 'who' needs it", "dya": "is not used by the prompt 'who'"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"role": ""}, "role"), ({"template": "costs $ 5"}, "template"), ({"trim": (("txet", "head"),)}, "trim")],
)
def test_a_malformed_prompt_is_refused(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Prompt(**{"role": "r", "system": "", "template": "$text", **fields})  # type: ignore[arg-type]
    assert list(caught.value.problems) == [field]


def test_every_part_of_a_prompt_changes_its_hash() -> None:
    base: dict[str, object] = {"role": "r", "system": "s", "template": "$t", "trim": (), "version": 1}
    changes: list[dict[str, object]] = [{}, {"role": "q"}, {"system": "z"}, {"template": "$t!"}, {"trim": (("t", "head"),)}, {"version": 2}]
    hashes = [Prompt(**{**base, **change}).hash for change in changes]  # type: ignore[arg-type]
    assert len(set(hashes)) == len(hashes)
    assert all(len(digest) == 12 for digest in hashes)


def test_a_question_s_hash_follows_prompt_variables_and_schema_only() -> None:
    prompt = Prompt(role="r", system="s", template="$t")
    first = request_hash(prompt, {"t": "x"}, {"type": "object"})
    assert first == request_hash(prompt, {"t": "x"}, {"type": "object"})
    assert len({first, request_hash(prompt, {"t": "y"}, {"type": "object"}), request_hash(prompt, {"t": "x"}, {})}) == 3


def test_a_total_adds_up_every_kind_of_attempt() -> None:
    total = Total()
    for row in (
        spend(input_tokens=10, output_tokens=5, usd=0.25),
        spend(outcome="failed", error="429", usd=0.0),
        spend(outcome="invalid", attempt=2, input_tokens=3, usd=None),
        spend(outcome="open", attempt=3, estimated=True, usd=0.5),
        spend(outcome="unsent", attempt=4, usd=None),
    ):
        total = total.plus(row)
    assert total == Total(
        calls=4, failed=1, invalid=1, retried=2, open=1, unsent=1, input_tokens=13, output_tokens=5, usd=0.75, unpriced=1, estimated=1
    )
    assert total.tokens == 18


def test_a_budget_refuses_negative_and_undefined_limits_all_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        Budget(usd_per_day=-1, calls_total=-2, tokens_per_day=float("nan"))  # type: ignore[arg-type]
    assert sorted(caught.value.problems) == ["calls_total", "tokens_per_day", "usd_per_day"]


def test_a_model_that_does_not_account_for_itself_is_used_as_it_is() -> None:
    class Plain:
        identity = "plain:me"

        def ask(self, role: object, variables: object, schema: object) -> object:
            return None

    model = Plain()
    assert scoped(model, space="a") is model  # type: ignore[arg-type, comparison-overlap]
