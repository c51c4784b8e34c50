"""The inspector below its pages: sessions, what they keep out, and what the calls tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mneme
from mneme.core.operations import Connect, Quarantine, Reinforce
from mneme.core.ports import Batch
from mneme.core.records import Link, Span
from mneme.server.app import create_app
from mneme.server.keys import Keys
from mneme.server.ui import looking, pages, shaping
from mneme.server.ui.growth import Growth
from mneme.server.ui.left import Left
from mneme.server.ui.part import add
from mneme.server.ui.sessions import COOKIE
from mneme.service import Caller, Service

HERE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def memory() -> Iterator[mneme.Memory]:
    with mneme.Memory(":memory:", embedder="hash") as opened:
        yield opened


@pytest.fixture
def keys() -> Keys:
    return Keys(None)


@pytest.fixture
def client(memory: mneme.Memory, keys: Keys) -> Iterator[TestClient]:
    with TestClient(create_app(memory, keys, parts=[add])) as opened:
        yield opened


def enter(client: TestClient, keys: Keys, **rights: Any) -> dict[str, str]:
    """Begin a session; returns the headers that its calls need."""
    _, token = keys.create("person", **rights)
    client.cookies.clear()
    answered = client.post("/ui/api/session", json={"key": token})
    assert answered.status_code == 200
    return {"x-mneme-token": answered.json()["token"]}


def view_of(memory: mneme.Memory, space: str = "home") -> looking.View:
    return looking.View(service=Service(memory), caller=Caller(actor="test"), space=space)


def apply(space: mneme.Space, *operations: Any) -> None:
    batch = Batch(operations=operations, material={}, model="", verb="upkeep", actor="", trace_id="", at=datetime.now(UTC))
    with space._use() as opened:
        opened.store.apply(batch)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client: TestClient, keys: Keys) -> None:
    _, token = keys.create("person")
    answered = client.post("/ui/api/session", json={"key": token})
    cookie = answered.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/ui"} <= set(cookie.split("; "))
    assert token not in cookie
    assert "secure" not in cookie.lower().split("; ")
    over_tls = TestClient(client.app, base_url="https://testserver").post("/ui/api/session", json={"key": token})
    assert "Secure" in over_tls.headers["set-cookie"].split("; ")


def test_a_call_needs_the_cookie_and_the_token(client: TestClient, keys: Keys) -> None:
    headers = enter(client, keys)
    assert client.get("/ui/api/spaces", headers=headers).status_code == 200
    assert client.get("/ui/api/spaces").status_code == 403
    assert client.get("/ui/api/spaces", headers={"x-mneme-token": "0" * 64}).status_code == 403
    cookie = client.cookies[COOKIE]
    client.cookies.clear()
    assert client.get("/ui/api/spaces", headers=headers).status_code == 401
    for damaged in (cookie[:-2], "A" + cookie[1:], "", "x" * 300, cookie[:20] + "é"):
        answered = client.get("/ui/api/spaces", headers={**headers, "cookie": f"{COOKIE}={damaged}".encode()})  # type: ignore[dict-item]
        assert answered.status_code == 401


def test_one_session_s_token_is_of_no_use_in_another(client: TestClient, keys: Keys) -> None:
    first = enter(client, keys)
    second = enter(client, keys)
    assert first != second
    assert client.get("/ui/api/spaces", headers=first).status_code == 403


def test_another_site_s_page_gets_nothing(client: TestClient, keys: Keys) -> None:
    headers = enter(client, keys)
    for site in ("cross-site", "same-site"):
        assert client.get("/ui/api/spaces", headers={**headers, "sec-fetch-site": site}).status_code == 403
        assert client.get("/ui/api/session", headers={"sec-fetch-site": site}).status_code == 403
    assert client.get("/ui/api/spaces", headers={**headers, **HERE}).status_code == 200


def test_a_session_ends_with_its_key(client: TestClient, keys: Keys) -> None:
    headers = enter(client, keys)
    keys.revoke(keys.list()[-1].id)
    assert client.get("/ui/api/spaces", headers=headers).status_code == 401
    assert client.get("/ui/api/session").status_code == 401


def test_a_session_that_was_left_is_over_also_for_who_kept_its_cookie(client: TestClient, keys: Keys) -> None:
    headers = enter(client, keys)
    kept = dict(client.cookies)
    assert client.delete("/ui/api/session").status_code == 204
    assert COOKIE not in client.cookies
    client.cookies.update(kept)
    assert client.get("/ui/api/spaces", headers=headers).status_code == 401
    assert client.get("/ui/api/session").status_code == 401
    assert client.delete("/ui/api/session").status_code == 204
    client.cookies.clear()
    assert client.delete("/ui/api/session").status_code == 204
    other = enter(client, keys)
    assert client.get("/ui/api/spaces", headers=other).status_code == 200


def test_a_session_left_in_one_process_is_over_in_the_others_until_it_would_have_ended(tmp_path: Path) -> None:
    now = [1000.0]
    one, other = (Left(tmp_path / "keys.json", lambda: now[0]) for _ in range(2))
    assert not other.has("a")
    one.add("a", 2000)
    assert other.has("a")
    now[0] = 2500.0
    other.add("b", 3000)
    assert one.has("b")
    assert (tmp_path / "keys.json.left").read_text() == "b 3000\n"


def test_a_session_ends_after_its_time(memory: mneme.Memory) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    keys = Keys(None, now=lambda: now[0])
    with TestClient(create_app(memory, keys, parts=[add])) as client:
        _, token = keys.create("short", expires_at=now[0] + timedelta(hours=1))
        answered = client.post("/ui/api/session", json={"key": token})
        headers = {"x-mneme-token": answered.json()["token"]}
        assert client.get("/ui/api/spaces", headers=headers).status_code == 200
        now[0] += timedelta(hours=2)
        assert client.get("/ui/api/spaces", headers=headers).status_code == 401


def test_a_session_shows_what_its_key_may_see(client: TestClient, keys: Keys, memory: mneme.Memory) -> None:
    id = memory.space("b").remember("B's secret is 4711.").id
    memory.space("a").remember("A's own.")
    headers = enter(client, keys, spaces=["a"], rights=["read", "write", "erase", "admin"])
    assert client.get("/ui/api/spaces", headers=headers).json() == ["a"]
    gets = ("figures", "growth", "timeline", "memories", "journal", "review", "jobs", f"memory?id={id}", f"text?id={id}", f"graph?id={id}")
    posts: dict[str, dict[str, Any]] = {
        "search": {"query": "secret"},
        "forget": {"target": id},
        "restore": {"target": id},
        "revise": {"id": id, "text": "x"},
        "undo": {},
        "preview": {"target": id},
        "verify": {},
    }
    for space in ("b", "nowhere"):
        told = [client.get(f"/ui/api/{path}{'&' if '?' in path else '?'}space={space}", headers=headers) for path in gets]
        told += [client.post(f"/ui/api/{path}?space={space}", json=body, headers=headers) for path, body in posts.items()]
        assert {answered.status_code for answered in told} == {403}
        assert len({answered.text for answered in told}) == 1
    assert client.get(f"/ui/api/memory?space=a&id={id}", headers=headers).status_code == 404


def test_a_reader_may_not_write(client: TestClient, keys: Keys, memory: mneme.Memory) -> None:
    id = memory.space("a").remember("Stays.").id
    headers = enter(client, keys, rights=["read"])
    assert client.post("/ui/api/forget?space=a", json={"target": id}, headers=headers).status_code == 403
    assert client.post("/ui/api/verify?space=a", json={}, headers=headers).status_code == 403
    assert client.post("/ui/api/search?space=a", json={"query": "stays"}, headers=headers).json()["hits"][0]["id"] == id


def test_a_long_request_is_refused(client: TestClient, keys: Keys) -> None:
    headers = enter(client, keys, max_bytes=2000)
    answered = client.post("/ui/api/search?space=a", json={"query": "x" * 3000}, headers=headers)
    assert answered.status_code == 413
    assert client.post("/ui/api/session", json={"key": "x" * 5000}).status_code == 413


def test_without_keys_only_pages_of_this_machine_are_answered(memory: mneme.Memory) -> None:
    with TestClient(create_app(memory, None, parts=[add]), base_url="http://localhost:8765") as client:
        token = client.get("/ui/api/session").json()["token"]
        assert client.get("/ui/api/spaces", headers={"x-mneme-token": token}).status_code == 200
        assert client.get("/ui/api/spaces").status_code == 403
        assert client.get("/ui/api/session", headers={"host": "evil.example"}).status_code == 403
        assert client.get("/ui/api/session", headers={"origin": "http://evil.example"}).status_code == 403


def test_pages_may_run_nothing_but_themselves(client: TestClient) -> None:
    for path in ("/", "/ui/app.js", "/ui/app.css"):
        answered = client.get(path)
        assert answered.status_code == 200
        policy = answered.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answered.headers["x-frame-options"] == "DENY"
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert client.get(path, headers={"if-none-match": answered.headers["etag"]}).status_code == 304
    for path in ("/ui/..%2fpart.py", "/ui/part.py", "/ui/nothing.js"):
        assert client.get(path).status_code == 404


def test_no_file_of_the_page_makes_markup_of_text() -> None:
    found = pages.read()
    assert {"index.html", "app.js", "app.css"} <= found.keys()
    for name, file in found.items():
        text = file.content.decode()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "style="):
            assert word not in text, f"{name}: {word}"
        if name.endswith((".html", ".js")):
            assert "https://" not in text, name


def test_the_calls_are_not_part_of_the_public_interface(client: TestClient) -> None:
    assert [path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/ui") or path == "/"] == []


def test_the_timeline_pages_through_entries_of_any_size(memory: mneme.Memory) -> None:
    home = memory.space("home")
    home.remember([f"line {number}" for number in range(25)])
    home.remember("between")
    home.remember([f"later {number}" for number in range(7)])
    seen: list[str] = []
    before: tuple[int, int] | None = None
    while True:
        page = looking.timeline(view_of(memory), before, None, 4)
        assert len(page["items"]) <= 4
        seen += [row["episode"]["text"] for row in page["items"]]
        if page["next"] is None:
            break
        seq, done = page["next"].split(".")
        before = (int(seq), int(done))
    assert seen == [f"later {n}" for n in range(6, -1, -1)] + ["between"] + [f"line {n}" for n in range(24, -1, -1)]


def test_the_timeline_shows_a_memory_below_the_episode_that_it_rests_on(memory: mneme.Memory) -> None:
    home = memory.space("home")
    home.remember("I moved to Porto.", ref="r1")
    fact = home.remember(memories=[{"text": "Ana lives in Porto.", "kind": "fact", "sources": ["r1"]}]).id
    alone = home.remember(memories=[{"text": "Written directly.", "kind": "note"}]).id
    items = looking.timeline(view_of(memory), None, None, 10)["items"]
    assert [(row["episode"] and row["episode"]["text"], [one["id"] for one in row["memories"]][-1]) for row in items] == [
        (None, alone),
        ("I moved to Porto.", fact),
    ]


def test_the_timeline_begins_at_a_moment(memory: mneme.Memory) -> None:
    home = memory.space("home")
    home.remember("first")
    moment = memory.clock.now()
    home.remember("second")
    assert [row["episode"]["text"] for row in looking.timeline(view_of(memory), None, moment, 10)["items"]] == ["first"]


def test_the_journal_comes_newest_first(memory: mneme.Memory) -> None:
    for number in range(5):
        memory.space("home").remember(f"n {number}")
    first = looking.journal(view_of(memory), None, 3)
    assert ([entry["seq"] for entry in first["items"]], first["next"]) == ([5, 4, 3], 3)
    rest = looking.journal(view_of(memory), first["next"], 3)
    assert ([entry["seq"] for entry in rest["items"]], rest["next"]) == ([2, 1], None)


def test_strength_goes_step_by_step(memory: mneme.Memory) -> None:
    home = memory.space("home")
    id = home.remember("used").id
    apply(home, Reinforce(id=id, uses=1.0, strength=0.5))
    apply(home, Reinforce(id=id, uses=-2.0), Reinforce(id=id, strength=0.25))
    points = looking.memory(view_of(memory), id)["strength"]
    assert [(point["uses"], point["strength"]) for point in points] == [(0.0, 1.0), (1.0, 1.5), (-1.0, 1.75)]


def test_the_graph_goes_two_links_far(memory: mneme.Memory) -> None:
    home = memory.space("home")
    a, b, c, d = home.remember(["a", "b", "c", "d"]).ids
    apply(home, *(Connect(link=Link(source=one, target=two, type="next")) for one, two in ((a, b), (b, c), (c, d))))
    seen = looking.graph(view_of(memory), a)
    assert {node["id"]: node["distance"] for node in seen["nodes"]} == {a: 0, b: 1, c: 2}
    assert [(edge["source"], edge["target"]) for edge in seen["edges"]] == [(a, b), (b, c)]


def test_review_lists_what_is_held_and_what_contradicts(memory: mneme.Memory) -> None:
    home = memory.space("home")
    a, b, c = home.remember(["a", "b", "c"]).ids
    apply(home, Quarantine(id=c, why="a doubt"), Connect(link=Link(source=a, target=b, type="contradicts")))
    found = looking.review(view_of(memory))
    assert [(one["id"], one["why"]) for one in found["quarantined"]] == [(c, "a doubt")]
    assert [(pair["source"]["id"], pair["target"]["id"]) for pair in found["conflicts"]] == [(a, b)]
    home.forget(b)
    assert looking.review(view_of(memory))["conflicts"] == []


def test_growth_counts_and_keeps_up(memory: mneme.Memory) -> None:
    home = memory.space("home")
    growth = Growth()
    ids = home.remember(["a", "b", "c"]).ids
    assert growth.of(view_of(memory))["points"][-1] | {"at": 0} == {"at": 0, "episodes": 3, "memories": 3, "entries": 1}
    home.forget(ids[0], erase=True)
    last = growth.of(view_of(memory))["points"][-1]
    assert (last["episodes"], last["memories"], last["entries"]) == (2, 2, 2)
    memory.drop("home")
    memory.space("home").remember("anew")
    assert growth.of(view_of(memory))["points"][-1]["episodes"] == 1


def test_growth_reads_a_long_journal_in_parts(memory: mneme.Memory) -> None:
    for number in range(30):
        memory.space("home").remember(f"n {number}")
    assert Growth(budget_s=0.0).of(view_of(memory))["done"] is False
    assert Growth().of(view_of(memory))["done"] is True


def test_pieces_mark_what_is_cited_and_leave_out_what_is_far() -> None:
    text = "a" * 5000 + "CITED" + "b" * 5000
    parts = shaping.pieces(text, [Span(episode="ep_1", start=5000, end=5005)])
    assert [part["text"] for part in parts if part["cited"]] == ["CITED"]
    assert sum(len(part["text"]) + part["left_out"] for part in parts) == len(text)
    assert all(len(part["text"]) <= shaping.AROUND for part in parts)
    near = shaping.pieces("one two three", [Span(episode="e", start=0, end=3), Span(episode="e", start=2, end=7)])
    assert [(part["text"], part["cited"]) for part in near] == [("one two", True), (" three", False)]
    beyond = shaping.pieces("short", [Span(episode="e", start=2, end=99)])
    assert "".join(part["text"] for part in beyond) == "short"


def test_lists_carry_no_long_texts(client: TestClient, keys: Keys, memory: mneme.Memory) -> None:
    memory.space("home").remember("x" * 1_000_000)
    headers = enter(client, keys)
    for path in ("timeline", "memories"):
        answered = client.get(f"/ui/api/{path}?space=home", headers=headers)
        assert len(answered.content) < 3000
        assert "1000000" in answered.text
    id = memory.space("home").memories()[0].id
    assert len(client.get(f"/ui/api/memory?space=home&id={id}", headers=headers).content) < 200_000
    part = client.get(f"/ui/api/text?space=home&id={id}&start=999990", headers=headers).json()
    assert part == {"text": "x" * 10, "length": 1_000_000}


_LIKELY = st.sampled_from(["home", "active", "1.0", "2026-01-01T00:00:00Z", "999999999999999.9"])
_ODD = st.one_of(st.text(max_size=30), st.integers().map(str), _LIKELY)
_GETS = ("figures", "growth", "timeline", "memories", "memory", "text", "graph", "journal", "review", "jobs", "spaces")
_POSTS = ("search", "forget", "restore", "revise", "undo", "preview", "verify")
_QUESTION = st.dictionaries(st.sampled_from(["id", "before", "at", "limit", "after", "kind", "status", "since", "start"]), _ODD, max_size=3)
_FIELDS = st.sampled_from(["query", "target", "id", "text", "erase", "count", "entry", "k"])
_BODY = st.dictionaries(_FIELDS, _ODD | st.integers() | st.none(), max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(get=st.sampled_from(_GETS), post=st.sampled_from(_POSTS), space=_ODD, question=_QUESTION, body=_BODY)
def test_no_call_fails_on_the_server_s_side(
    client: TestClient, keys: Keys, memory: mneme.Memory, get: str, post: str, space: str, question: dict[str, str], body: dict[str, Any]
) -> None:
    memory.space("home").remember("here", key="once")
    headers = enter(client, keys)
    for where in ("home", space):
        told = client.get(f"/ui/api/{get}", params={"space": where, **question}, headers=headers)
        assert told.status_code in (200, 403, 404, 409, 413, 422), told.text
        told = client.post(f"/ui/api/{post}", params={"space": where}, json=body, headers=headers)
        assert told.status_code in (200, 403, 404, 409, 413, 422), told.text
