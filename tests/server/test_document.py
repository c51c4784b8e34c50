"""Generated calls over the OpenAPI document: no failure of the server, no status or media type that is not in the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from mneme import Memory
from mneme.server.keys import Keys
from serving import serving


@schemathesis.serializer("application/x-ndjson")
def _lines(context: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def api() -> Iterator[Any]:
    with Memory(":memory:", embedder="hash") as memory, serving(memory, Keys(None)) as served:
        for space in ("ana", "bo"):
            memory.space(space).remember(["tea", "I moved to Porto in May."], author="ana")
        key = served.key(rate_per_s=1e9, burst=10**9)
        yield schemathesis.openapi.from_url(f"{served.url}/openapi.json", headers={"Authorization": f"Bearer {key}"})


CHECKS = [schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SETTINGS = settings(
    max_examples=15, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_generated_calls_are_answered_as_documented(api: Any) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) > 25
    for operation in operations:
        if operation.path.endswith("/changes"):  # the feed never ends; its own tests read it
            continue
        for mode in schemathesis.GenerationMode:

            @SETTINGS
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                response = case.call()
                if response.content != b"Invalid HTTP request received.":  # longer than HTTP's parser takes, no call yet
                    case.validate_response(response, checks=CHECKS)

            try:
                check()
            except Unsatisfiable:
                continue  # a call without arguments can't be wrong
