"""A model server on loopback that speaks the OpenAI protocol and fails on demand.

It serves ``/v1/chat/completions`` (whole and streamed, with structured outputs), ``/v1/embeddings`` and ``/v1/models``, counts every
request it reads, and breaks what it is told to break. Nothing leaves the machine.
"""

from __future__ import annotations

import base64
import itertools
import json
import math
import re
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self, cast

from mneme.core.errors import InvalidInput
from mneme.models.context import estimate_tokens
from mneme.testing.examples import fitting_example
from mneme.testing.faults import Fault
from mneme.testing.wire import events, finish_reason, spoiled

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
MODELS = "/v1/models"

Structured = Literal["json_schema", "json_object", "none"]
_TAKES: dict[str, tuple[str, ...]] = {
    "json_schema": ("json_schema", "json_object", "text"),
    "json_object": ("json_object", "text"),
    "none": ("text",),
}
_ERRORS: dict[str, tuple[int, str, str]] = {
    "rate_limit": (429, "rate_limit_exceeded", "too many requests"),
    "quota": (429, "insufficient_quota", "the credit is used up"),
    "server_error": (500, "server_error", "something broke"),
    "unavailable": (503, "service_unavailable", "come back later"),
    "unauthorised": (401, "invalid_api_key", "wrong key"),
    "context_length": (400, "context_length_exceeded", "the question is longer than the maximum context length"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A chat request as it was read.

    Args:
        body: the whole body.
        number: how many chat requests came before it.
    """

    body: Mapping[str, Any]
    number: int

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The messages, in order."""
        return cast("Sequence[Mapping[str, Any]]", self.body.get("messages", ()))

    @property
    def system(self) -> str:
        """The standing instructions, joined."""
        return "\n".join(_text(message) for message in self.messages if message.get("role") in ("system", "developer"))

    @property
    def user(self) -> str:
        """The last user message."""
        return next((_text(message) for message in reversed(self.messages) if message.get("role") == "user"), "")

    @property
    def response_format(self) -> str:
        """``json_schema``, ``json_object`` or ``text``."""
        return str(self.body.get("response_format", {}).get("type", "text"))

    @property
    def schema(self) -> Mapping[str, Any]:
        """The schema that was asked for, in the request's format or on the last line of the instructions; empty when none was."""
        described = self.body.get("response_format", {}).get("json_schema", {}).get("schema")
        if described is not None:
            return cast("Mapping[str, Any]", described)
        last = (self.system or self.user).strip().rsplit("\n", 1)[-1]
        return cast("Mapping[str, Any]", json.loads(last)) if last.startswith("{") else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One request with what became of it.

    Args:
        path: what was asked.
        body: the request's body.
        fault: the fault that it met, None when it went well.
        input_tokens, output_tokens: what a provider would bill; 0 for requests that were refused.
    """

    path: str
    body: Mapping[str, Any]
    fault: Fault | None
    input_tokens: int
    output_tokens: int


Answer = Callable[[ChatRequest], object]


class OpenAIDouble:
    """The server; a context manager that listens while it is open.

    Args:
        answer: gives the reply to a chat request: a text, or anything else as JSON. None answers with the plainest object that fits the
            schema that was asked for.
        faults: the fault of each chat request in order of arrival, None for those that go well; afterwards all go well.
        models: the names it serves; a chat with another name gets 404. Empty takes any name.
        structured: what ``response_format`` it takes; anything above gets 400, as from older servers.
        api_key: the key it wants; None takes any.
        vector_width: the length of its embeddings.

    Example:
        >>> with OpenAIDouble(lambda request: {"name": "Ada"}) as double:
        ...     double.base_url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        answer: Answer | None = None,
        *,
        faults: Iterable[Fault | None] = (),
        models: Sequence[str] = (),
        structured: Structured = "json_schema",
        api_key: str | None = None,
        vector_width: int = 64,
    ) -> None:
        if structured not in _TAKES:
            raise InvalidInput({"structured": f"{structured!r} is unknown; there are {', '.join(_TAKES)}"})
        self.models = tuple(models)
        self.structured = structured
        self.api_key = api_key
        self.vector_width = vector_width
        self._answer = answer or (lambda request: fitting_example(request.schema))
        self._faults = iter(faults)
        self._served: list[Served] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self)
        # The poll sets how long closing takes.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="openai-double", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    @property
    def base_url(self) -> str:
        """The address for clients, with ``/v1``."""
        if self._server is None:
            raise InvalidInput({"double": "is not open; use it in a with statement"})
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def served(self) -> list[Served]:
        """Every request read so far, in order of arrival."""
        with self._lock:
            return list(self._served)

    @property
    def calls(self) -> int:
        """How many chat requests were read, failed ones included."""
        return sum(1 for request in self.served if request.path == CHAT)

    def next_fault(self) -> Fault | None:
        """Return the fault of the chat request that has just come."""
        with self._lock:
            return next(self._faults, None)

    def note(self, path: str, body: Mapping[str, Any], fault: Fault | None, input_tokens: int = 0, output_tokens: int = 0) -> None:
        """Write a request down."""
        with self._lock:
            self._served.append(Served(path=path, body=body, fault=fault, input_tokens=input_tokens, output_tokens=output_tokens))

    def reply_to(self, body: Mapping[str, Any], fault: Fault | None) -> str:
        """Return the text of the reply, wrapped or broken as the fault says."""
        request = ChatRequest(body=body, number=next(self._numbers))
        answer = self._answer(request)
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return spoiled(text, request.schema, fault.kind if fault else "")

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the double is open."""
        self._closing.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, double: OpenAIDouble) -> None:
        self.double = double
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that gives up while it is answered is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it, headers and body in two packets wait for each other.
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the double's record is its log."""

    def do_GET(self) -> None:
        if self.path != MODELS:
            self._error(404, "not_found", f"there is no {self.path}")
            return
        self.server.double.note(self.path, {}, None)
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "double"} for name in self.server.double.models]
        self._json(200, {"object": "list", "data": rows})

    def do_POST(self) -> None:
        double = self.server.double
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if double.api_key is not None and self.headers.get("Authorization") != f"Bearer {double.api_key}":
            double.note(self.path, body, Fault("unauthorised"))
            self._error(*_ERRORS["unauthorised"])
        elif self.path == CHAT:
            self._chat(body, double.next_fault())
        elif self.path == EMBEDDINGS:
            self._embeddings(body)
        else:
            self._error(404, "not_found", f"there is no {self.path}")

    def _chat(self, body: Mapping[str, Any], fault: Fault | None) -> None:
        double, kind = self.server.double, fault.kind if fault else ""
        asked = str(body.get("response_format", {}).get("type", "text"))
        if kind in _ERRORS or kind == "reset":
            double.note(CHAT, body, fault)
            self._refuse(fault)
        elif double.models and body.get("model") not in double.models:
            double.note(CHAT, body, fault)
            self._error(404, "model_not_found", f"there is no model {body.get('model')!r}")
        elif asked not in _TAKES[double.structured]:
            double.note(CHAT, body, fault)
            self._error(400, "invalid_request_error", f"response_format {asked!r} is not supported")
        else:
            text = double.reply_to(body, fault)
            read = sum(estimate_tokens(_text(message)) for message in body.get("messages", ()))
            double.note(CHAT, body, fault, read, estimate_tokens(text))
            if kind == "slow" and fault is not None:
                double.pause(fault.seconds)
            send = self._stream if body.get("stream") else self._whole
            send(body, kind, text, {"prompt_tokens": read, "completion_tokens": estimate_tokens(text)})

    def _refuse(self, fault: Fault | None) -> None:
        if fault is None or fault.kind == "reset":
            self._hang_up()
            return
        headers = {"Retry-After": str(math.ceil(fault.seconds))} if fault.kind == "rate_limit" else {}
        self._error(*_ERRORS[fault.kind], headers=headers)

    def _whole(self, body: Mapping[str, Any], kind: str, text: str, usage: dict[str, int]) -> None:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason(kind)}
        data = {"id": "chat-double", "object": "chat.completion", "created": 1, "model": body.get("model", ""), "choices": [choice]}
        if kind == "no_choices":
            data["choices"] = []
        if kind != "no_usage":
            data["usage"] = {**usage, "total_tokens": sum(usage.values())}
        payload = json.dumps(data, ensure_ascii=False).encode()
        if kind == "bad_body":
            payload = b'{"id": "chat-double", "choices": [{"mess' + b"\x00\xff"
        self._start(200, "application/json", {"Content-Length": str(len(payload))})
        if kind == "cut_off":
            self.wfile.write(payload[: len(payload) // 2])
            self._hang_up()
            return
        self.wfile.write(payload)

    def _stream(self, body: Mapping[str, Any], kind: str, text: str, usage: dict[str, int]) -> None:
        self._start(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        for number, event in enumerate(events(body, kind, text, usage)):
            if kind == "cut_off" and number >= 2:
                self.wfile.flush()
                self._hang_up()
                return
            self._chunk(f"data: {event}\n\n".encode())
        self._chunk(b"")

    def _embeddings(self, body: Mapping[str, Any]) -> None:
        double = self.server.double
        given = body.get("input", [])
        texts = [given] if isinstance(given, str) else list(given)
        width = int(body.get("dimensions") or double.vector_width)
        vectors = [_vector(text, width) for text in texts]
        if body.get("encoding_format") == "base64":
            coded: list[object] = [base64.b64encode(struct.pack(f"<{width}f", *vector)).decode() for vector in vectors]
        else:
            coded = list(vectors)
        tokens = sum(estimate_tokens(text) for text in texts)
        double.note(EMBEDDINGS, body, None, tokens)
        rows = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(coded)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self._json(200, {"object": "list", "data": rows, "model": body.get("model", ""), "usage": usage})

    def _error(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        self._json(status, {"error": {"message": message, "type": code, "code": code, "param": None}}, headers)

    def _json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        payload = json.dumps(value).encode()
        self._start(status, "application/json", {"Content-Length": str(len(payload)), **(headers or {})})
        self.wfile.write(payload)

    def _start(self, status: int, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _hang_up(self) -> None:
        """Reset the connection: the client sees an error, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        # The request's file keeps the descriptor open; only its closing with the linger set sends the reset.
        self.rfile.close()
        self.connection.close()


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


def _vector(text: str, width: int) -> list[float]:
    """Return a unit vector in which texts with the same words are alike."""
    vector = [0.0] * width
    for word in re.findall(r"\w+", text.lower()) or [text]:
        code = zlib.crc32(word.encode())
        vector[code % width] += 1.0 if code & 0x10000 else -1.0
    norm = math.sqrt(sum(value * value for value in vector))
    return [value / norm for value in vector] if norm else [1.0, *vector[1:]]
