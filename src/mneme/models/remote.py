"""Embedders behind HTTP: any OpenAI-compatible endpoint, and Ollama."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import numpy as np

from mneme.core.errors import InvalidInput, InvalidReply, MissingExtra, ModelUnavailable
from mneme.core.ports import FloatArray
from mneme.models.passages import passages
from mneme.models.settings import Pacing

OPENAI_URL = "https://api.openai.com/v1"
OLLAMA_URL = "http://localhost:11434"
BYTES_PER_TOKEN = 3
MOST_SHOWN = 200
BUSY = frozenset({408, 409, 425, 429})


class RemoteEmbedder:
    """What the HTTP embedders share: batches, retries, checks. Use :class:`OpenAIEmbedder` or :class:`OllamaEmbedder`.

    Args:
        model: the provider's name of the model.
        provider: the protocol that is spoken.
        base_url: where the endpoint is.
        api_key: sent as a bearer token; never shown in a repr or an error.
        width: the length of a vector; None learns it from the first reply.
        dimensions: asks the provider for vectors of this length, where the model can shorten them.
        window_tokens: the most tokens of a passage. Tokens are estimated as a third of the bytes, which is more than any common
            tokenizer makes of prose; 512 suits most models.
        batch: the most texts of one request.
        timeout_s: longest wait for one reply.
        retries: further attempts after limits, server errors, lost connections and garbled replies.
        backoff_s: the first wait; it doubles each time, plus up to a quarter by chance.
        longest_wait_s: the longest wait that is kept; a server that asks for more makes the call fail.
        pacing: time and chance.
    """

    def __init__(
        self,
        model: str,
        *,
        provider: Literal["openai", "ollama"],
        base_url: str,
        api_key: str | None = None,
        width: int | None = None,
        dimensions: int | None = None,
        window_tokens: int = 512,
        batch: int = 64,
        timeout_s: float = 30.0,
        retries: int = 4,
        backoff_s: float = 0.5,
        longest_wait_s: float = 60.0,
        pacing: Pacing | None = None,
    ) -> None:
        self._check(model, base_url, width, dimensions, window_tokens, batch, timeout_s, retries)
        self._model = model
        self._provider = provider
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._width = width or dimensions
        self._dimensions = dimensions
        self._window_tokens = window_tokens
        self._batch = batch
        self._timeout_s = timeout_s
        self._retries = retries
        self._backoff_s = backoff_s
        self._longest_wait_s = longest_wait_s
        self._pacing = pacing or Pacing()
        self._client: tuple[int, Any] | None = None

    @staticmethod
    def _check(
        model: str,
        base_url: str,
        width: int | None,
        dimensions: int | None,
        window_tokens: int,
        batch: int,
        timeout_s: float,
        retries: int,
    ) -> None:
        problems = {}
        if not model:
            problems["model"] = "it is empty; give the provider's name of the model"
        if not base_url.startswith(("http://", "https://")):
            problems["base_url"] = f"{base_url!r} is no address; it begins with http:// or https://"
        if width and dimensions and width != dimensions:
            problems["width"] = f"{width} contradicts dimensions={dimensions}; give one of them"
        numbers = {"width": width, "dimensions": dimensions, "window_tokens": window_tokens, "batch": batch, "timeout_s": timeout_s}
        problems |= {name: f"is {value}; give a number above 0" for name, value in numbers.items() if value is not None and value <= 0}
        if retries < 0:
            problems["retries"] = f"is {retries}; give a number of at least 0"
        if problems:
            raise InvalidInput(problems)

    def __repr__(self) -> str:
        key = "'***'" if self._api_key else None
        return f"{type(self).__name__}({self._model!r}, base_url={self._base_url!r}, api_key={key})"

    @property
    def identity(self) -> str:
        """The provider, the model and the length asked for; the provider vouches for the weights."""
        size = f"/{self._dimensions}" if self._dimensions else ""
        return f"{self._provider}:{self._model}{size}"

    @property
    def width(self) -> int:
        """The length of a vector; learnt by one request if it was not given."""
        if self._width is None:
            self._width = self._request(["width"]).shape[1]
        return self._width

    @property
    def window_tokens(self) -> int:
        """The most (estimated) tokens of a passage."""
        return self._window_tokens

    def count_tokens(self, text: str) -> int:
        """Return an upper estimate of the tokens of ``text``."""
        return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)

    def passages(self, text: str) -> list[str]:
        """Return ``text`` cut into overlapping passages that fit the window, at sentences; itself if it fits."""
        return passages(text, self.count_tokens, self._window_tokens)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm``, in the order of ``texts``.

        Raises:
            ModelUnavailable: the endpoint refused, or could not be reached after every retry.
            InvalidReply: its replies do not fit the protocol or the expected width.
        """
        if isinstance(texts, str):
            raise InvalidInput({"texts": "it is one string; pass a list of strings"})
        if not texts:
            return np.empty((0, self.width), dtype=np.float32)
        return np.concatenate([self._request(texts[at : at + self._batch]) for at in range(0, len(texts), self._batch)])

    def _request(self, texts: Sequence[str]) -> FloatArray:
        # Providers refuse empty input, and a lone surrogate has no place in UTF-8.
        sendable = [text.encode("utf-8", "replace").decode("utf-8") if text.strip() else "." for text in texts]
        body: dict[str, Any] = {"model": self._model, "input": sendable}
        if self._provider == "ollama":
            body["truncate"] = False
        else:
            body["encoding_format"] = "float"
        if self._dimensions:
            body["dimensions"] = self._dimensions
        failure: ModelUnavailable | InvalidReply | None = None
        for wait_s in self._waits():
            if failure is not None:
                asked_s = getattr(failure, "retry_after_s", None)
                if asked_s is not None and asked_s > self._longest_wait_s:
                    break
                self._pacing.sleep(wait_s if asked_s is None else max(wait_s, asked_s))
            try:
                return self._vectors(self._post(body), len(texts))
            except (_Busy, InvalidReply) as error:
                failure = error
        assert failure is not None
        raise failure

    def _waits(self) -> Iterator[float]:
        """Yield the wait before each attempt."""
        yield 0.0
        for attempt in range(self._retries):
            wait_s = min(self._backoff_s * 2**attempt, self._longest_wait_s)
            yield wait_s * (1 + self._pacing.chance.random() / 4)

    def _post(self, body: Mapping[str, Any]) -> object:
        httpx = _httpx()
        url = f"{self._base_url}/{'api/embed' if self._provider == 'ollama' else 'embeddings'}"
        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        try:
            reply = self._http().post(url, json=body, headers=headers)
        except httpx.TransportError as error:
            raise _Busy(f"{self.identity}: no reply from {url} ({type(error).__name__}); is it running and reachable?") from error
        if reply.status_code in BUSY or reply.status_code >= 500:
            shown = self._shown(reply.text)
            raise _Busy(f"{self.identity}: {url} answers {reply.status_code} {shown}", _retry_after_s(reply.headers.get("retry-after")))
        if reply.status_code != 200:
            raise ModelUnavailable(
                f"{self.identity}: {url} answers {reply.status_code} {self._shown(reply.text)}; {_fix(reply.status_code)}"
            )
        try:
            return reply.json()
        except ValueError as error:
            raise InvalidReply(f"{self.identity}: {url} sent no JSON but {self._shown(reply.text)}; check base_url") from error

    def _shown(self, text: str) -> str:
        """Return the beginning of a reply, without the key should the server repeat it."""
        shown = text.replace(self._api_key, "***") if self._api_key else text
        return repr(shown[:MOST_SHOWN])

    def _http(self) -> Any:
        """Return this process's client; connections do not survive a fork."""
        if self._client is None or self._client[0] != os.getpid():
            self._client = (os.getpid(), _httpx().Client(timeout=self._timeout_s))
        return self._client[1]

    def _vectors(self, reply: object, count: int) -> FloatArray:
        """Check the reply and return its vectors, unit-norm."""
        rows = _rows(reply, self._provider)
        if rows is None or len(rows) != count:
            found = "none" if rows is None else len(rows)
            raise InvalidReply(f"{self.identity}: the reply holds {found} of {count} embeddings; is this an embedding model?")
        try:
            vectors = np.array(rows, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InvalidReply(f"{self.identity}: the embeddings are no equally long lists of numbers") from error
        if vectors.ndim != 2 or (self._width is not None and vectors.shape[1] != self._width):
            raise InvalidReply(f"{self.identity}: the embeddings have width {vectors.shape[-1]}, not {self._width}; correct width or model")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise InvalidReply(f"{self.identity}: an embedding is zero or not finite")
        self._width = vectors.shape[1]
        unit: FloatArray = vectors / norms
        return unit


class OpenAIEmbedder(RemoteEmbedder):
    """A model behind ``/v1/embeddings``, OpenAI's or any server's that speaks the same protocol.

    Args:
        model: for example ``"text-embedding-3-small"``.
        base_url: for example ``"http://localhost:8000/v1"``; None takes the environment's OPENAI_BASE_URL, else OpenAI.
        api_key: None takes the environment's OPENAI_API_KEY; local servers often need none.
        **settings: see :class:`RemoteEmbedder`.
    """

    def __init__(self, model: str, *, base_url: str | None = None, api_key: str | None = None, **settings: Any) -> None:
        url = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
        key = api_key or os.environ.get("OPENAI_API_KEY")
        if url == OPENAI_URL and not key:
            raise InvalidInput({"api_key": "there is none; pass api_key or set OPENAI_API_KEY"})
        super().__init__(model, provider="openai", base_url=url, api_key=key, **settings)


class OllamaEmbedder(RemoteEmbedder):
    """A model served by Ollama.

    Args:
        model: for example ``"nomic-embed-text"``.
        base_url: None takes the environment's OLLAMA_HOST, else this computer's port 11434.
        **settings: see :class:`RemoteEmbedder`.
    """

    def __init__(self, model: str, *, base_url: str | None = None, **settings: Any) -> None:
        url = base_url or os.environ.get("OLLAMA_HOST") or OLLAMA_URL
        super().__init__(model, provider="ollama", base_url=url if "://" in url else f"http://{url}", **settings)


class _Busy(ModelUnavailable):
    """An attempt failed in a way that may pass."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise MissingExtra("an embedder behind HTTP", "remote") from error
    return httpx


def _rows(reply: object, provider: str) -> list[object] | None:
    """Return the embeddings of a reply in the order of the texts; None if it holds none."""
    if not isinstance(reply, dict):
        return None
    if provider == "ollama":
        rows = reply.get("embeddings")
        return rows if isinstance(rows, list) else None
    items = reply.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) and "embedding" in item for item in items):
        return None
    places = [item.get("index", place) for place, item in enumerate(items)]
    if sorted(map(str, places)) != sorted(map(str, range(len(items)))):
        return None
    return [item["embedding"] for _, item in sorted(zip(map(int, places), items, strict=True), key=lambda pair: pair[0])]


def _retry_after_s(header: str | None) -> float | None:
    """Return how long a server asks to wait, given as seconds or as a date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _fix(status: int) -> str:
    if status in {401, 403}:
        return "check api_key"
    if status == 404:
        return "check model and base_url"
    return "the endpoint does not accept the request"
