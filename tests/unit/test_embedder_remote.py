from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from mneme.core.errors import InvalidInput, InvalidReply, ModelUnavailable
from mneme.models.remote import OllamaEmbedder, OpenAIEmbedder
from mneme.models.settings import Pacing

Answer = tuple[int, dict[str, str], bytes]


def vector_of(text: str) -> list[float]:
    return [float(len(text)), 3.0, -4.0, 1.0]


@dataclass
class Server:
    """A loopback double of an embedding endpoint that can fail on demand."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    faults: list[Answer | Callable[[dict[str, Any]], Answer]] = field(default_factory=list)

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        if self.faults:
            fault = self.faults.pop(0)
            return fault(body) if callable(fault) else fault
        vectors = [vector_of(text) for text in body["input"]]
        if path.endswith("/api/embed"):
            return 200, {}, json.dumps({"embeddings": vectors}).encode()
        data = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        return 200, {}, json.dumps({"data": data[::-1]}).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    double = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            double.requests.append((self.path, dict(self.headers), body))
            status, headers, content = double.answer(self.path, body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            # The client of the timeout test is gone by now.
            with contextlib.suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    double.url = f"http://127.0.0.1:{listening.server_port}"
    yield double
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def openai(server: Server, waits: list[float]) -> OpenAIEmbedder:
    pacing = Pacing(sleep=waits.append, chance=random.Random(1))
    return OpenAIEmbedder("small", base_url=f"{server.url}/v1", api_key="sk-secret", batch=2, retries=3, pacing=pacing)


def test_openai_protocol(openai: OpenAIEmbedder, server: Server) -> None:
    texts = ["one", "three", "", "lone \ud800"]
    vectors = openai.embed(texts)
    sent = [[3, 3, -4, 1], [5, 3, -4, 1], [1, 3, -4, 1], [6, 3, -4, 1]]
    expected = np.array(sent) / np.linalg.norm(sent, axis=1, keepdims=True)
    assert np.allclose(vectors, expected)
    assert vectors.dtype == np.float32
    assert [body["input"] for _, _, body in server.requests] == [["one", "three"], [".", "lone ?"]]
    path, headers, body = server.requests[0]
    assert path == "/v1/embeddings"
    assert headers["Authorization"] == "Bearer sk-secret"
    assert body["model"] == "small"
    assert openai.identity == "openai:small"


def test_ollama_protocol(server: Server) -> None:
    embedder = OllamaEmbedder("nomic", base_url=server.url)
    assert np.allclose(embedder.embed(["ab"])[0] * np.linalg.norm([2, 3, -4, 1]), [2, 3, -4, 1])
    path, headers, body = server.requests[0]
    assert path == "/api/embed"
    assert "Authorization" not in headers
    assert body == {"model": "nomic", "input": ["ab"], "truncate": False}
    assert embedder.identity == "ollama:nomic"


def test_the_width_is_learnt_by_one_request(openai: OpenAIEmbedder, server: Server) -> None:
    assert (openai.width, openai.width, len(server.requests)) == (4, 4, 1)
    assert openai.embed([]).shape == (0, 4)


def test_dimensions_are_asked_for_and_part_of_the_identity(server: Server) -> None:
    embedder = OpenAIEmbedder("large", base_url=server.url, dimensions=4)
    embedder.embed(["a"])
    assert server.requests[0][2]["dimensions"] == 4
    assert (embedder.width, embedder.identity) == (4, "openai:large/4")


def test_limits_and_server_errors_are_retried_with_growing_waits(openai: OpenAIEmbedder, server: Server, waits: list[float]) -> None:
    server.faults = [(500, {}, b"oops"), (503, {}, b""), (429, {}, b"slow down")]
    assert openai.embed(["a"]).shape == (1, 4)
    assert [base <= wait <= base * 1.25 for base, wait in zip([0.5, 1, 2], waits, strict=True)] == [True] * 3


def test_retry_after_is_honoured(openai: OpenAIEmbedder, server: Server, waits: list[float]) -> None:
    server.faults = [(429, {"Retry-After": "7"}, b""), (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"")]
    openai.embed(["a"])
    assert waits[0] == 7
    assert 1 <= waits[1] <= 1.25


def test_a_server_that_asks_for_too_long_a_wait_is_not_waited_for(openai: OpenAIEmbedder, server: Server, waits: list[float]) -> None:
    server.faults = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(ModelUnavailable, match="429"):
        openai.embed(["a"])
    assert waits == []


def test_lasting_trouble_is_an_error_after_every_retry(openai: OpenAIEmbedder, server: Server) -> None:
    server.faults = [(502, {}, b"bad gateway")] * 9
    with pytest.raises(ModelUnavailable, match="502 'bad gateway'"):
        openai.embed(["a"])
    assert len(server.requests) == 4


@pytest.mark.parametrize(("status", "fix"), [(401, "check api_key"), (404, "check model and base_url"), (400, "does not accept")])
def test_a_refusal_is_not_retried_and_names_the_fix(openai: OpenAIEmbedder, server: Server, status: int, fix: str) -> None:
    server.faults = [(status, {}, b"no: sk-secret is wrong")]
    with pytest.raises(ModelUnavailable, match=fix) as caught:
        openai.embed(["a"])
    assert "sk-secret" not in str(caught.value)
    assert len(server.requests) == 1


def reply(vectors: object) -> Answer:
    return 200, {}, json.dumps({"data": [{"embedding": vector} for vector in vectors]} if isinstance(vectors, list) else vectors).encode()


BROKEN = {
    "no json": (200, {}, b"<html>"),
    "not an object": reply("text"),
    "no data": reply({"data": None}),
    "too few": reply([]),
    "ragged": reply([[1.0, 2.0], [1.0]]),
    "words": reply([["a", "b"], ["c", "d"]]),
    "zero": reply([[0.0] * 4] * 2),
    "not finite": reply([[float("nan")] * 4] * 2),
    "repeated index": (200, {}, b'{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_reply_that_does_not_fit_is_retried_then_an_error(openai: OpenAIEmbedder, server: Server, name: str) -> None:
    server.faults = [BROKEN[name]]
    assert openai.embed(["a", "b"]).shape == (2, 4)
    server.faults = [BROKEN[name]] * 4
    with pytest.raises(InvalidReply, match="openai:small"):
        openai.embed(["a", "b"])


def test_another_width_than_before_is_an_error(openai: OpenAIEmbedder, server: Server) -> None:
    openai.embed(["a"])
    server.faults = [reply([[1.0, 2.0]])] * 4
    with pytest.raises(InvalidReply, match="width 2, not 4"):
        openai.embed(["a"])


def test_nobody_listening_is_an_error_that_says_so() -> None:
    embedder = OllamaEmbedder("m", base_url="http://127.0.0.1:9", retries=0)
    with pytest.raises(ModelUnavailable, match="is it running and reachable"):
        embedder.embed(["a"])


def test_a_reply_that_takes_too_long_is_an_error(server: Server) -> None:
    gate = threading.Event()

    def slow(_: dict[str, Any]) -> Answer:
        gate.wait(5)
        return 500, {}, b""

    server.faults = [slow]
    embedder = OpenAIEmbedder("m", base_url=server.url, timeout_s=0.1, retries=0)
    with pytest.raises(ModelUnavailable, match="ReadTimeout"):
        embedder.embed(["a"])
    gate.set()


def test_the_key_is_masked(openai: OpenAIEmbedder) -> None:
    assert "sk-secret" not in repr(openai)
    assert "api_key='***'" in repr(openai)


def test_all_bad_settings_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        OpenAIEmbedder("", base_url="localhost", batch=0, retries=-1)
    assert set(caught.value.problems) == {"model", "base_url", "batch", "retries"}


def test_openai_without_a_key_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY"):
        OpenAIEmbedder("text-embedding-3-small")


def test_key_and_address_are_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    OpenAIEmbedder("m").embed(["a"])
    assert server.requests[0][1]["Authorization"] == "Bearer sk-env"


@pytest.mark.parametrize(
    ("blocked", "build", "extra"),
    [
        ("httpx", "remote import OllamaEmbedder; OllamaEmbedder('m').embed(['a'])", "mneme[remote]"),
        (
            "sentence_transformers",
            "sentence_transformers import SentenceTransformerEmbedder; SentenceTransformerEmbedder('m').embed(['a'])",
            "mneme[sentence-transformers]",
        ),
    ],
)
def test_a_missing_extra_says_what_to_install(blocked: str, build: str, extra: str) -> None:
    code = f"import sys; sys.modules[{blocked!r}] = None\nfrom mneme.models.{build}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "MissingExtra" in done.stderr
    assert extra in done.stderr
