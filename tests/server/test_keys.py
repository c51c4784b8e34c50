"""Keys, the gate, and what a key for one tenant learns of another: nothing."""

from __future__ import annotations

import json
import socket
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from mneme import Memory
from mneme.core.errors import CorruptStore, InvalidInput, TooManyCalls, Unauthorised
from mneme.server.gate import Gate
from mneme.server.keys import Keys
from serving import Served, serving

ALL = ("read", "write", "erase", "admin")


def test_the_file_holds_no_secret_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    key, token = keys.create("ana")
    raw = (tmp_path / "keys.json").read_text(encoding="utf-8")
    assert token.rsplit("_", 1)[1] not in raw
    assert token.split("_", 2)[2] not in raw
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    assert Keys(tmp_path / "keys.json").check(token).id == key.id


@pytest.mark.parametrize("spoil", [str.upper, lambda t: t[:-1], lambda t: t + "A", lambda t: "", lambda t: "mneme__", lambda t: t[6:]])
def test_a_token_that_is_not_exactly_right_is_refused(spoil: object) -> None:
    keys = Keys(None)
    _, token = keys.create("ana")
    keys.check(token)
    with pytest.raises(Unauthorised, match="no key, or none that holds"):
        keys.check(spoil(token))  # type: ignore[operator]


def test_the_secret_of_one_key_does_not_open_another() -> None:
    keys = Keys(None)
    (one, first), (two, second) = keys.create("one"), keys.create("two")
    mixed = first.replace(one.id, two.id)
    with pytest.raises(Unauthorised):
        keys.check(mixed)
    assert keys.check(second).id == two.id


def test_a_revocation_holds_at_once_in_another_process_view(tmp_path: Path) -> None:
    here, there = Keys(tmp_path / "keys.json"), Keys(tmp_path / "keys.json")
    key, token = here.create("ana")
    assert there.check(token).name == "ana"
    here.revoke(key.id)
    with pytest.raises(Unauthorised):
        there.check(token)


def test_a_key_expires() -> None:
    now = [datetime(2024, 1, 1, tzinfo=UTC)]
    keys = Keys(None, lambda: now[0])
    _, token = keys.create("ana", expires_at=now[0] + timedelta(days=1))
    keys.check(token)
    now[0] += timedelta(days=1)
    with pytest.raises(Unauthorised):
        keys.check(token)


def test_a_spoiled_file_is_not_taken_for_no_keys(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CorruptStore, match="not a file of keys"):
        Keys(tmp_path / "keys.json").list()


def test_bad_settings_of_a_key_are_all_named() -> None:
    with pytest.raises(InvalidInput) as raised:
        Keys(None).create("", spaces=(), rights=("fly",), rate_per_s=0, max_bytes=1)
    assert set(raised.value.problems) == {"name", "spaces", "rights", "rate_per_s", "max_bytes"}


def test_the_rate_of_a_key_is_shared_by_its_workers() -> None:
    now = [0.0]
    keys = Keys(None)
    key, _ = keys.create("ana", rate_per_s=10, burst=4)
    gate = Gate(keys, workers=2, clock=lambda: now[0])
    gate.spend(key)
    gate.spend(key)
    with pytest.raises(TooManyCalls) as raised:
        gate.spend(key)
    assert raised.value.retry_after_s == pytest.approx(0.2)
    now[0] = 0.2
    gate.spend(key)


def test_too_many_calls_say_when_to_come_back(served: Served) -> None:
    http = served.http(rate_per_s=0.5, burst=1)
    assert http.get("/v1/spaces").status_code == 200
    refused = http.get("/v1/spaces")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 2


def test_a_request_that_is_too_large_is_refused_with_and_without_a_length(served: Served) -> None:
    http = served.http(max_bytes=1024)
    body = json.dumps({"what": "x" * 2000}).encode()
    headers = {"Content-Type": "application/json"}
    assert http.post("/v1/spaces/large/remember", content=body, headers=headers).status_code == 413
    assert http.post("/v1/spaces/large/remember", content=iter([body[:900], body[900:]]), headers=headers).status_code == 413
    line = b'{"format":"mneme-export","version":1}\n{"episode":{"text":"' + b"x" * 2000
    assert http.post("/v1/spaces/large/import", content=iter([line[:500], line[500:]])).status_code == 413
    assert served.http().get("/v1/spaces/large").json()["episodes"] == 0


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer mneme_0123456789_" + "A" * 43])
@pytest.mark.parametrize("path", ["/v1/spaces", "/v1/spaces/a/recall", "/v1/nope", "/metrics", "/mcp"])
def test_without_a_key_that_holds_nothing_is_told(served: Served, path: str, header: str | None) -> None:
    answered = httpx.get(served.url + path, headers={} if header is None else {"Authorization": header})
    assert answered.status_code == 401
    assert answered.headers["www-authenticate"] == 'Bearer realm="mneme"'


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [(("read",), {"recall", "export"}), (("write",), {"remember", "forget"}), (("write", "erase"), {"remember", "forget", "erase", "drop"}),
     (("admin",), {"verify", "metrics"})],
)  # fmt: skip
def test_a_key_does_what_its_rights_say_and_no_more(served: Served, space: str, rights: tuple[str, ...], allowed: set[str]) -> None:
    served.memory.space(space).remember("tea")
    id = served.memory.space(space).remember("coffee").id
    http, base = served.http(rights=rights), f"/v1/spaces/{quote(space, safe='')}"
    answers = {
        "recall": http.post(f"{base}/recall", json={"query": "tea"}),
        "export": http.get(f"{base}/export"),
        "remember": http.post(f"{base}/remember", json={"what": "milk"}),
        "forget": http.post(f"{base}/forget", json={"target": id}),
        "erase": http.post(f"{base}/forget", json={"target": id, "erase": True}),
        "verify": http.post(f"{base}/verify"),
        "metrics": http.get("/metrics"),
        "drop": http.delete(base),
    }
    assert {name for name, answered in answers.items() if answered.status_code in (200, 204)} == allowed
    assert {answered.status_code for name, answered in answers.items() if name not in allowed} <= {403}


class TestTenants:
    """A holds the spaces a/*, B the spaces b/*."""

    @pytest.fixture
    def both(self, served: Served) -> tuple[httpx.Client, httpx.Client, str]:
        a, b = served.http(name="a", spaces=("a/*",), rights=ALL), served.http(name="b", spaces=("b/*",), rights=ALL)
        told = b.post("/v1/spaces/b%2Fone/remember", json={"what": "the password is quetzalcoatl", "author": "bo"})
        assert a.post("/v1/spaces/a%2Fone/remember", json={"what": "tea"}).status_code == 200
        return a, b, told.json()["ids"][0]

    def test_every_call_answers_alike_whether_the_space_exists_or_not(self, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, _, id = both
        for method, path, body in _every_call(id):
            there = a.request(method, path.format(space="b%2Fone"), json=body)
            absent = a.request(method, path.format(space="b%2Fnone"), json=body)
            assert (there.status_code, there.content) == (absent.status_code, absent.content), path
            assert there.status_code == 403

    def test_ids_of_another_space_are_unknown_in_ones_own(self, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, b, id = both
        for method, path, body in _every_call(id):
            if "{id}" not in path and id not in json.dumps(body):
                continue
            real = a.request(method, path.format(space="a%2Fone"), json=body)
            made_up = a.request(method, path.replace(id, "mem_nope").format(space="a%2Fone"), json=_swapped(body, id))
            assert real.status_code == made_up.status_code
            assert real.text.replace(id, "mem_nope") == made_up.text
        assert b.get(f"/v1/spaces/b%2Fone/memories/{id}").json()["version"] == 1

    def test_listings_show_ones_own_spaces_only(self, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, b, _ = both
        assert {name[:2] for name in a.get("/v1/spaces").json()["items"]} == {"a/"}
        assert {name[:2] for name in b.get("/v1/spaces").json()["items"]} == {"b/"}

    def test_a_recall_over_several_spaces_stops_at_a_foreign_one(self, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, _, _ = both
        there = a.post("/v1/recall", json={"query": "password", "spaces": ["a/one", "b/one"]})
        absent = a.post("/v1/recall", json={"query": "password", "spaces": ["a/one", "b/none"]})
        assert (there.status_code, there.content) == (absent.status_code, absent.content)
        assert "quetzalcoatl" not in there.text

    def test_a_cursor_is_of_no_use_for_another_key_or_space(self, served: Served, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, b, _ = both
        for text in ("two", "three"):
            b.post("/v1/spaces/b%2Fone/remember", json={"what": text})
            a.post("/v1/spaces/a%2Fone/remember", json={"what": text})
            a.post("/v1/spaces/a%2Ftwo/remember", json={"what": text})
        cursor = b.get("/v1/spaces/b%2Fone/memories", params={"limit": 1}).json()["next"]
        own = a.get("/v1/spaces/a%2Fone/memories", params={"limit": 1}).json()["next"]
        refused = [
            a.get("/v1/spaces/a%2Fone/memories", params={"limit": 1, "cursor": cursor}),
            a.get("/v1/spaces/a%2Ftwo/memories", params={"limit": 1, "cursor": own}),
            a.get("/v1/spaces/a%2Fone/episodes", params={"limit": 1, "cursor": own}),
            a.get("/v1/spaces/a%2Fone/memories", params={"limit": 1, "cursor": own, "kinds": "turn"}),
            a.get("/v1/spaces/a%2Fone/memories", params={"limit": 1, "cursor": own[:-2]}),
            served.http(name="a too", spaces=("a/*",)).get("/v1/spaces/a%2Fone/memories", params={"limit": 1, "cursor": own}),
        ]
        assert [answered.status_code for answered in refused] == [422] * 6
        assert len({answered.content for answered in refused}) == 1

    def test_another_tenants_etag_tells_nothing(self, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, _, id = both
        answers = [
            a.patch(f"/v1/spaces/{space}/memories/{id}", json={"text": "x"}, headers={"If-Match": tag})
            for space in ("b%2Fone", "b%2Fnone") for tag in ('"1"', '"9"', "*")
        ]  # fmt: skip
        assert {(answered.status_code, answered.content) for answered in answers} == {(403, answers[0].content)}

    def test_the_change_feed_of_another_is_closed(self, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, _, _ = both
        assert a.get("/v1/spaces/b%2Fone/changes", params={"after": 0}).status_code == 403

    def test_not_found_takes_as_long_for_a_foreign_space_that_exists(self, both: tuple[httpx.Client, httpx.Client, str]) -> None:
        a, _, _ = both
        took: dict[str, list[float]] = {"b%2Fone": [], "b%2Fnone": []}
        for _ in range(150):
            for space, times in took.items():
                start = time.perf_counter()
                a.post(f"/v1/spaces/{space}/recall", json={"query": "password"})
                times.append(time.perf_counter() - start)
        there, absent = (statistics.median(times) for times in took.values())
        # Neither touches storage: the medians differ by noise, far below the milliseconds of a recall.
        assert abs(there - absent) < 0.25 * max(there, absent) + 0.0002


def _every_call(id: str) -> list[tuple[str, str, object]]:
    base = "/v1/spaces/{space}"
    return [
        ("GET", base, None),
        ("DELETE", base + "?never", None),
        ("POST", base + "/remember", {"what": "x"}),
        ("POST", base + "/recall", {"query": "password", "filters": {"authors": ["bo"]}}),
        ("PATCH", base + f"/memories/{id}", {"text": "x"}),
        ("GET", base + f"/memories/{id}", None),
        ("GET", base + f"/memories/{id}/history", None),
        ("GET", base + "/memories?authors=bo", None),
        ("GET", base + "/episodes", None),
        ("GET", base + f"/episodes/ep{id[3:]}", None),
        ("GET", base + "/journal", None),
        ("GET", base + "/jobs", None),
        ("POST", base + "/jobs/retry", {}),
        ("POST", base + "/jobs/drop", {"ids": ["job_x"]}),
        ("GET", base + "/export", None),
        ("POST", base + "/import", None),
        ("POST", base + "/forget", {"target": id}),
        ("POST", base + "/forget", {"target": {"authors": ["bo"]}, "erase": True}),
        ("POST", base + "/restore", {"target": [id]}),
        ("POST", base + "/feedback", {"useful": [id]}),
        ("POST", base + "/undo", {"count": 1}),
        ("POST", base + "/verify", None),
        ("POST", base + "/reembed", None),
        ("POST", base + "/ask", {"question": "password?"}),
        ("POST", base + "/upkeep", {"dry_run": True}),
    ]


def _swapped(body: object, id: str) -> object:
    return json.loads(json.dumps(body).replace(id, "mem_nope"))


@pytest.fixture(scope="module")
def open_served() -> Iterator[Served]:
    with Memory(":memory:", embedder="hash") as memory, serving(memory, None) as running:
        yield running


class TestWithoutKeys:
    def test_this_machine_needs_no_key(self, open_served: Served) -> None:
        with httpx.Client(base_url=open_served.url) as http:
            assert http.post("/v1/spaces/a/remember", json={"what": "tea"}).status_code == 200
            assert http.get("/v1/spaces/a/journal").json()["items"][0]["actor"] == "http:local"

    @pytest.mark.parametrize(
        "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "127.0.0.1.evil.example"}]
    )
    def test_a_web_page_can_not_reach_it_through_a_browser(self, open_served: Served, headers: dict[str, str]) -> None:
        answered = httpx.post(f"{open_served.url}/v1/spaces/a/remember", json={"what": "x"}, headers=headers)
        assert answered.status_code == 403

    def test_text_that_a_form_could_send_is_no_call(self, open_served: Served) -> None:
        body = json.dumps({"what": "x"})
        answered = httpx.post(f"{open_served.url}/v1/spaces/a/remember", content=body, headers={"Content-Type": "text/plain"})
        assert answered.status_code == 422


def test_half_a_request_holds_nobody_up(served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"POST /v1/spaces/a/remember HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert served.http().get("/v1/spaces").status_code == 200
