"""The commands serve and keys, and what surrounds a request: logs, traces, streams of events."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mneme import Memory
from mneme.cli.main import run
from mneme.core.errors import InvalidInput
from mneme.server.gate import is_loopback
from mneme.server.keys import Keys
from mneme.server.logs import JSONLines
from mneme.server.metrics import Metrics
from mneme.server.run import Address
from mneme.server.tracing import Tracing
from mneme.service import matches
from serving import serving


def test_keys_are_made_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--root", str(tmp_path)]
    made = ["keys", "create", "agent", "--spaces", "team/*", "--rights", "read", "--expires", "90d", "--rate", "5", "--json", *root]
    assert run(made) == 0
    key = json.loads(capsys.readouterr().out)
    assert (key["spaces"], key["rights"], key["rate_per_s"], key["burst"]) == (["team/*"], ["read"], 5.0, 10)
    assert Keys(tmp_path / "keys.json").check(key["key"]).name == "agent"
    assert run(["keys", "list", "--json", *root]) == 0
    out = capsys.readouterr().out
    (listed,) = json.loads(out)
    assert listed["id"] == key["id"]
    assert key["key"] not in out
    assert "digest" not in out
    assert run(["keys", "revoke", key["id"], *root]) == 0
    assert run(["keys", "list", *root]) == 0
    assert "revoked" in capsys.readouterr().out
    assert run(["keys", "revoke", "nope", *root]) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "--no-auth", "--host", "0.0.0.0"], "is for loopback addresses only"),
        (["serve", "--no-auth", "--host", "example.org"], "is for loopback addresses only"),
        (["keys", "create", "x", "--rights", "fly"], "unknown: fly"),
        (["keys", "create", "x", "--expires", "soon"], "write 12h, 90d or 52w"),
        (["--root", ":memory:", "serve"], "name a file with --keys"),
        (["serve", "--host", "203.0.113.7", "--port", "1"], "choose another --port"),
    ],
)
def test_a_wrong_command_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    monkeypatch.setenv("MNEME_ROOT", str(tmp_path))
    assert run(arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("host", "own"), [("localhost", True), ("127.8.0.1", True), ("::1", True), ("0.0.0.0", False), ("::", False)])
def test_loopback_addresses_are_known(host: str, own: bool) -> None:
    assert is_loopback(host) is own
    if not own:
        with pytest.raises(InvalidInput):
            Address(host=host).check(keyed=False)


@pytest.mark.parametrize(
    ("pattern", "space", "fits"),
    [("*", "x", True), ("a/*", "a/b", True), ("a/*", "a", False), ("a?", "ab", False), ("[ab]", "a", False), ("a*c", "abbc", True),
     ("a", "a", True), ("a", "ab", False), ("*", "a\nb", True)],
)  # fmt: skip
def test_only_the_star_means_something_in_a_pattern(pattern: str, space: str, fits: bool) -> None:
    assert matches(pattern, space) is fits


def test_the_log_has_routes_and_actors_and_no_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mneme.server")
    with Memory(":memory:", embedder="hash") as memory, serving(memory, Keys(None)) as served:
        http = served.http(name="agent")
        http.post("/v1/spaces/secret-space/remember", json={"what": "the password is quetzalcoatl"})
        http.get("/v1/spaces/secret-space/memories", params={"authors": "quetzalcoatl"})
        http.get("/healthz")
    lines = [JSONLines().format(record) for record in caplog.records]
    requests = [json.loads(line) for line in lines]
    assert [(one["route"], one["status"]) for one in requests] == [
        ("/v1/spaces/{space}/remember", 200), ("/v1/spaces/{space}/memories", 200)
    ]  # fmt: skip
    assert requests[0]["actor"].startswith("key:agent/")
    assert all("quetzalcoatl" not in line and "secret-space" not in line and "mneme_" not in line for line in lines)


def test_an_error_is_logged_by_its_place_without_its_message() -> None:
    try:
        raise RuntimeError("quetzalcoatl")
    except RuntimeError as error:
        record = logging.LogRecord("mneme.server", logging.ERROR, "", 0, "failed", (), (type(error), error, error.__traceback__))
    line = JSONLines().format(record)
    assert "quetzalcoatl" not in line
    assert json.loads(line)["error"]["kind"] == "RuntimeError"
    assert "test_commands.py" in json.loads(line)["error"]["at"][0]


def test_a_request_is_one_span_of_the_callers_trace() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Memory(":memory:", embedder="hash") as memory, serving(memory, Keys(None), tracing=Tracing(provider)) as served:
        served.http().post("/v1/spaces/a/remember", json={"what": "tea"}, headers={"traceparent": parent})
    (span,) = exporter.get_finished_spans()
    assert span.name == "/v1/spaces/{space}/remember"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
    assert span.context is not None
    assert format(span.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"


def test_workers_answer_for_each_other(tmp_path: Path) -> None:
    one, two = Metrics(tmp_path, 0), Metrics(tmp_path, 1)
    for metrics in (one, two):
        metrics.begin()
        metrics.end("GET", "/x", 200, 0.003)
    two._leave(tmp_path / "1.json")
    text = one.text()
    assert 'mneme_requests_total{method="GET",route="/x",status="200"} 2' in text
    assert 'mneme_request_seconds_bucket{method="GET",route="/x",le="0.005"} 2' in text
    assert 'mneme_request_seconds_count{method="GET",route="/x"} 2' in text


def test_a_made_up_method_makes_no_label() -> None:
    metrics = Metrics()
    metrics.begin()
    metrics.end('X"} 1\nevil', "other", 405, 0.1)
    assert "evil" not in metrics.text()
