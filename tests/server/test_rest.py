"""The REST face, over a real connection."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import httpx
import pytest

from serving import Served


@pytest.fixture
def http(served: Served) -> httpx.Client:
    return served.http()


def at(space: str, rest: str = "") -> str:
    return f"/v1/spaces/{quote(space, safe='')}{rest}"


def told(http: httpx.Client, space: str, *texts: str) -> list[str]:
    answered = http.post(at(space, "/remember"), json={"what": list(texts), "author": "ana"})
    assert answered.status_code == 200, answered.text
    ids: list[str] = answered.json()["ids"]
    return ids


def test_what_was_remembered_is_recalled(http: httpx.Client, space: str) -> None:
    (id,) = told(http, space, "I moved to Porto in May.")
    found = http.post(at(space, "/recall"), json={"query": "Porto", "k": 3}).json()
    assert [hit["memory"]["id"] for hit in found["hits"]] == [id]
    assert found["hits"][0]["memory"]["author"] == "ana"
    assert "I moved to Porto in May." in found["context"]


def test_a_space_may_be_named_with_slashes_and_signs(http: httpx.Client, space: str) -> None:
    told(http, space, "tea")
    assert http.get(at(space)).json()["space"] == space
    assert space in http.get("/v1/spaces", params={"limit": 1000}).json()["items"]


def test_an_idempotency_key_makes_the_second_call_a_duplicate(http: httpx.Client, space: str) -> None:
    header = {"Idempotency-Key": "order-17"}
    first = http.post(at(space, "/remember"), json={"what": "tea"}, headers=header).json()
    again = http.post(at(space, "/remember"), json={"what": "tea"}, headers=header).json()
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert again["ids"] == first["ids"]
    assert http.get(at(space)).json()["active"] == 1


def test_two_different_keys_for_one_call_are_refused(http: httpx.Client, space: str) -> None:
    answered = http.post(at(space, "/remember"), json={"what": "tea", "key": "a"}, headers={"Idempotency-Key": "b"})
    assert answered.status_code == 422
    assert list(answered.json()["problems"]) == ["key"]


def test_a_revision_is_held_to_the_etag(http: httpx.Client, space: str) -> None:
    (id,) = told(http, space, "The wedding is on the 21st.")
    path = at(space, f"/memories/{id}")
    tag = http.get(path).headers["etag"]
    assert tag == '"1"'
    assert http.patch(path, json={"text": "On the 28th."}, headers={"If-Match": tag}).status_code == 200
    stale = http.patch(path, json={"text": "On the 29th."}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["title"]) == (412, "Conflict")
    assert http.patch(path, json={"text": "On the 29th.", "expected_version": 1}).status_code == 409
    assert http.get(path).json()["text"] == "On the 28th."
    assert http.patch(path, json={"tags": ["day"]}, headers={"If-Match": '"1", "2"'}).status_code == 200
    assert http.patch(path, json={"tags": []}, headers={"If-Match": "*"}).status_code == 200
    assert http.patch(path, json={"tags": []}, headers={"If-Match": 'W/"4"'}).status_code == 412


def test_an_unchanged_memory_is_not_sent_again(http: httpx.Client, space: str) -> None:
    (id,) = told(http, space, "tea")
    path = at(space, f"/memories/{id}")
    assert http.get(path, headers={"If-None-Match": '"1"'}).status_code == 304
    assert http.get(path, headers={"If-None-Match": '"2"'}).status_code == 200


def test_pages_follow_each_other_without_gap_or_overlap(http: httpx.Client, space: str) -> None:
    ids = told(http, space, *(f"tea {n}" for n in range(7)))
    for listing, wanted in (("memories", ids), ("episodes", ["ep" + id[3:] for id in ids])):
        got: list[str] = []
        cursor: str | None = None
        while True:
            page = http.get(at(space, f"/{listing}"), params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
            got += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert got == wanted


def test_the_journal_is_paged_and_names_the_actor(served: Served, space: str) -> None:
    http = served.http(name="nightly")
    for n in range(3):
        told(http, space, f"tea {n}")
    page = http.get(at(space, "/journal"), params={"limit": 2}).json()
    rest = http.get(at(space, "/journal"), params={"limit": 2, "cursor": page["next"]}).json()
    assert [entry["seq"] for entry in page["items"] + rest["items"]] == [1, 2, 3]
    assert re.fullmatch(r"key:nightly/[0-9a-f]{10}", page["items"][0]["actor"])
    assert rest["next"] is None


def test_memories_are_listed_by_filter_and_status(http: httpx.Client, space: str) -> None:
    ids = told(http, space, "tea", "coffee")
    http.post(at(space, "/forget"), json={"target": ids[0]})
    path = at(space, "/memories")
    assert [m["id"] for m in http.get(path).json()["items"]] == [ids[1]]
    assert [m["id"] for m in http.get(path, params={"status": "archived"}).json()["items"]] == [ids[0]]
    assert http.get(path, params={"authors": "bo"}).json()["items"] == []
    assert http.get(path, params={"author": "bo"}).status_code == 422


def test_erasing_reports_and_its_history_shows_nothing(http: httpx.Client, space: str) -> None:
    (id,) = told(http, space, "the password is quetzalcoatl")
    report = http.post(at(space, "/forget"), json={"target": {"authors": ["ana"]}, "erase": True}).json()
    assert report["erased"] == [id, "ep" + id[3:]]
    assert report["findings"] == []
    steps = http.get(at(space, f"/memories/{id}/history")).json()
    assert [step["memory"] for step in steps] == [None, None]
    assert http.get(at(space, f"/memories/{id}")).status_code == 404


def test_feedback_undo_and_restore(http: httpx.Client, space: str) -> None:
    (id,) = told(http, space, "tea")
    assert http.post(at(space, "/feedback"), json={"useful": [id]}).json()["ids"] == [id]
    assert http.post(at(space, "/feedback"), json={"useful": ["mem_nope"]}).status_code == 404
    assert http.post(at(space, "/forget"), json={"target": [id]}).json()["ids"] == [id]
    assert http.post(at(space, "/restore"), json={"target": id}).json()["ids"] == [id]
    assert http.post(at(space, "/undo"), json={"count": 1, "reason": "why not"}).json()["ids"] == [id]
    assert http.get(at(space, f"/memories/{id}")).json()["status"] == "archived"


def test_a_batch_answers_every_call_for_itself(http: httpx.Client, space: str) -> None:
    calls = [
        {"verb": "remember", "arguments": {"what": "tea"}},
        {"verb": "recall", "arguments": {"query": "tea"}},
        {"verb": "get", "arguments": {"id": "mem_nope"}},
        {"verb": "dance", "arguments": {}},
        {"verb": "remember", "arguments": {"what": " "}},
    ]
    results = http.post(at(space, "/batch"), json={"calls": calls}).json()["results"]
    assert [result["status"] for result in results] == [200, 200, 404, 422, 422]
    assert results[1]["result"]["hits"][0]["memory"]["text"] == "tea"


def test_several_spaces_are_asked_together(http: httpx.Client, space: str) -> None:
    told(http, space + "1", "tea for Ana")
    told(http, space + "2", "tea for Bo")
    found = http.post("/v1/recall", json={"query": "tea", "spaces": [space + "1", space + "2"]}).json()
    assert {hit["space"] for hit in found["hits"]} == {space + "1", space + "2"}


def test_an_export_is_imported_line_by_line(http: httpx.Client, space: str) -> None:
    ids = told(http, space, "tea", "coffee")
    export = http.get(at(space, "/export"))
    assert export.headers["content-type"] == "application/x-ndjson"
    assert json.loads(export.text.splitlines()[0])["format"] == "mneme-export"
    receipt = http.post(at(space + " copy", "/import"), content=export.content).json()
    assert receipt["ids"] == ids
    assert http.post(at(space + " copy", "/import"), content=export.content).json()["ids"] == []


@pytest.mark.parametrize(
    "lines",
    [b"", b"{}\n", b"nonsense\n", b"[1]\n", b'{"format":"mneme-export","version":1}\n{"memory":{}}\n',
     b'{"format":"mneme-export","version":1}\n{"memory":{"id":"mem_1","text":7,"kind":"turn","at":1,"recorded_at":1,"valid_from":1,"version":1}}',
     b'{"format":"mneme-export","version":1}\n{"episode":{"id":"ep_1","text":"x","at":"soon","recorded_at":1}}',
     b'{"format":"mneme-export","version":1}\n{"link":{"source":1}}\n', b'{"format":"mneme-export","version":"x"}\n'],
)  # fmt: skip
def test_what_is_no_export_is_refused(http: httpx.Client, space: str, lines: bytes) -> None:
    answered = http.post(at(space, "/import"), content=lines)
    assert (answered.status_code, answered.json()["title"]) == (422, "InvalidInput")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"what": "\\ud800"}', "body"),
        ('{"what": "tea", "at": "2024-01-01T00:00:00"}', "at"),
        ('{"what": "tea", "at": 17}', "at"),
        ('{"what": "tea", "at": "0001-01-01T00:00:00+23:00"}', "at"),
        ('{"what": "tea", "importance": 1}', "importance"),
        ('{"what": " "}', "text"),
        ('{"what": "tea", "kind": "rumour"}', "kind"),
        ('{"what": NaN}', "body"),
        ("[", "body"),
        ('{"what": {"text": "tea", "attributes": ' + '{"a":' * 40 + "1" + "}" * 40 + "}}", "what.attributes"),
    ],
)
def test_a_bad_field_is_named_and_what_was_sent_is_not_repeated(http: httpx.Client, space: str, body: str, field: str) -> None:
    answered = http.post(at(space, "/remember"), content=body, headers={"Content-Type": "application/json"})
    assert answered.status_code == 422
    assert answered.headers["content-type"] == "application/problem+json"
    assert field in answered.json()["problems"]
    assert "rumour" not in answered.text


def test_unknown_paths_and_methods_are_problems_too(http: httpx.Client) -> None:
    assert http.get("/v1/nope").json()["status"] == 404
    wrong = http.put("/v1/spaces")
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, "application/problem+json")


def test_reading_makes_no_space(http: httpx.Client, space: str) -> None:
    for answered in (http.get(at(space)), http.post(at(space, "/recall"), json={"query": "x"}), http.get(at(space, "/journal"))):
        assert (answered.status_code, answered.json()["what"]) == (404, "space")
    assert http.delete(at(space)).status_code == 404
    assert space not in http.get("/v1/spaces", params={"limit": 1000}).json()["items"]


def test_a_space_is_dropped(http: httpx.Client, space: str) -> None:
    told(http, space, "tea")
    assert http.delete(at(space)).status_code == 204
    assert http.get(at(space)).status_code == 404


def test_operating_routes(served: Served, http: httpx.Client) -> None:
    assert httpx.get(f"{served.url}/healthz").json() == {"status": "alive"}
    assert httpx.get(f"{served.url}/readyz").json() == {"status": "ready"}
    told(http, "figures", "tea")
    text = http.get("/metrics").text
    assert re.search(r'mneme_requests_total\{method="POST",route="/v1/spaces/\{space\}/remember",status="200"\} [1-9]', text)
    assert "figures" not in text


def test_every_answer_says_its_request_and_is_not_kept(http: httpx.Client) -> None:
    answered = http.get("/v1/spaces", headers={"X-Request-Id": "abc-12345"})
    assert answered.headers["x-request-id"] == "abc-12345"
    assert answered.headers["cache-control"] == "no-store"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in http.get("/v1/spaces", headers={"Origin": "https://evil.example"}).headers


def test_the_document_names_every_verb_with_an_example(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    for verb in ("remember", "recall", "forget", "restore", "feedback", "undo", "import", "export", "batch"):
        assert any(path.endswith(f"/{verb}") for path in document["paths"])
    assert document["components"]["schemas"]["Remember"]["examples"]
    assert document["paths"]["/v1/spaces/{space}/recall"]["post"]["security"] == [{"key": []}]
