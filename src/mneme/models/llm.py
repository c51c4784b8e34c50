"""Language models of any provider, by name.

One attempt here is exactly one HTTP request: the clients' own retries are switched off, so that what is counted is what was made.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, cast

from mneme.core.errors import Closed
from mneme.models.asking import AskingArguments, AskingLLM
from mneme.models.providers import ModelName, open_model, parse_name, window_of
from mneme.models.transport import AttemptFailed, Cause, Mode, Reply, Request

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

R = TypeVar("R")

# The server's own time limit comes first, ours only when the client does not keep to it.
_GRACE_S = 5.0


class ProviderLLM(AskingLLM):
    """A provider's model that answers with checked objects.

    Args:
        name: ``"provider:model"``, with ``@http://...`` after it for another address: ``"ollama:qwen3"``, ``"openai:gpt-5-mini"``,
            ``"anthropic:claude-haiku-4-5"``, ``"gemini:gemini-2.5-flash"``, ``"openai-compatible:my-model@http://localhost:8000/v1"``.
        base_url: the address, when it is not in the name.
        api_key: the provider's key; None takes the provider's own environment variable.
        stream: read replies as they are written; the time limit is the same, and a stream without an end counts as cut off.
        provider_settings: settings handed to the provider library as they are, for example ``{"thinking": False}``.
        asking: settings, budget, space_budget, ledger, prices, prompts, count_tokens, clock and pacing, as
            :class:`mneme.models.asking.AskingLLM` takes them.

    Raises:
        MissingExtra: the provider library or the provider's package is not installed.
        InvalidInput: the name, address or key is not usable, or a limit is in USD and the model's price is not known.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        stream: bool = False,
        provider_settings: Mapping[str, object] | None = None,
        **asking: Unpack[AskingArguments],
    ) -> None:
        self._provider = ProviderTransport(parse_name(name, base_url), api_key=api_key, stream=stream, provider_settings=provider_settings)
        super().__init__(self._provider, **asking)

    def close(self) -> None:
        """Close the connections; closing twice is fine."""
        self._provider.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ProviderLLM({self.identity!r})"


class ProviderTransport:
    """Single attempts through the provider library, whose clients live on an event loop in a thread of their own.

    Args:
        name: the model.
        api_key: the provider's key; never shown.
        stream: read replies as they are written.
        provider_settings: settings handed on as they are.
    """

    def __init__(
        self, name: ModelName, *, api_key: str | None = None, stream: bool = False, provider_settings: Mapping[str, object] | None = None
    ) -> None:
        self._name = name
        self._api_key = api_key
        self._stream = stream
        self._extra = dict(provider_settings or {})
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self._closed = False
        # Opened now, so that a missing key or package is told now; it holds no connection yet.
        self._model: Model[Any] | None = open_model(name, api_key)
        self._pid = os.getpid()
        self._window = window_of(name, self._model)
        self._modes = _modes(self._model)

    @property
    def identity(self) -> str:
        """The provider and model, with the address when one was given."""
        return self._name.identity

    @property
    def window(self) -> int | None:
        """The model's window in tokens, as far as it is known."""
        return self._window

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What the provider is known to take, best first."""
        return self._modes

    def send(self, request: Request) -> Reply:
        """Make one call; see :class:`mneme.models.transport.Transport`."""
        session = self._open()
        try:
            response = session.run(_call(session.model, request, self._stream, self._extra), request.timeout_s + _GRACE_S)
        except TimeoutError as slow:
            raise AttemptFailed(f"no reply within {request.timeout_s:g} s", cause="busy", lost=True) from slow
        return _reply(response, self._stream)

    def close(self) -> None:
        """Close the connections and end the thread; closing twice is fine."""
        with self._lock:
            session, self._session, self._closed = self._session, None, True
        if session is not None and session.pid == os.getpid():
            session.close()

    def _open(self) -> _Session:
        with self._lock:
            if self._closed:
                raise Closed(f"the model {self.identity!r} is closed; open it again")
            # A forked child has the object but not the thread behind it.
            if self._session is None or self._session.pid != os.getpid():
                fresh = self._model if self._pid == os.getpid() else None
                self._model = None
                self._session = _Session(fresh or open_model(self._name, self._api_key))
            return self._session


class _Session:
    """A model's client with the event loop that its connections belong to."""

    def __init__(self, model: Model[Any]) -> None:
        self.model = model
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"mneme-llm-{model.model_name}", daemon=True)
        self._thread.start()
        self.run(model.__aenter__(), _GRACE_S)

    def run(self, work: Coroutine[Any, Any, R], timeout_s: float) -> R:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        finally:
            future.cancel()

    def close(self) -> None:
        self.run(self.model.__aexit__(None, None, None), _GRACE_S)
        self.run(self._loop.shutdown_asyncgens(), _GRACE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_GRACE_S)
        self._loop.close()


def _modes(model: Model[Any]) -> tuple[Mode, ...]:
    native: tuple[Mode, ...] = ("native",) if model.profile.get("supports_json_schema_output", False) else ()
    plain: tuple[Mode, ...] = ("json", "prompted") if model.profile.get("supports_json_object_output", False) else ("prompted",)
    return native + plain


async def _call(model: Model[Any], request: Request, stream: bool, extra: Mapping[str, object]) -> ModelResponse:
    """Make one call and turn the library's errors into ours."""
    from pydantic_ai.direct import model_request, model_request_stream
    from pydantic_ai.exceptions import AgentRunError, UserError

    messages, settings, parameters = _messages(request), _settings(model, request, extra), _parameters(request)
    try:
        if not stream:
            return await model_request(model, messages, model_settings=settings, model_request_parameters=parameters)
        async with model_request_stream(model, messages, model_settings=settings, model_request_parameters=parameters) as events:
            async for _ in events:
                pass
            return events.get()
    except AgentRunError as problem:
        raise _failure(problem, request) from problem
    except UserError as problem:
        raise AttemptFailed(str(problem), cause="mode", sent=False) from problem
    except IndexError as problem:  # the library takes the first of no choices
        raise AttemptFailed("the provider's answer has no choices", cause="busy", lost=True) from problem


def _messages(request: Request) -> list[ModelMessage]:
    from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart

    messages: list[ModelMessage] = []
    for turn in request.turns:
        if turn.speaker == "assistant":
            messages.append(ModelResponse(parts=[TextPart(turn.text)]))
        elif not messages and request.system:
            messages.append(ModelRequest(parts=[SystemPromptPart(request.system), UserPromptPart(turn.text)]))
        else:
            messages.append(ModelRequest(parts=[UserPromptPart(turn.text)]))
    return messages


def _settings(model: Model[Any], request: Request, extra: Mapping[str, object]) -> ModelSettings:
    from pydantic_ai.settings import ModelSettings

    settings = ModelSettings(max_tokens=request.max_output_tokens, request_timeout=request.timeout_s)
    if request.temperature is not None and _takes_temperature(model):
        settings["temperature"] = request.temperature
    # Clients that have these settings would wait and try again on their own; the others do neither.
    if "max_retries" not in model.unsupported_settings:
        settings["max_retries"] = 0
    if "timeout" not in model.unsupported_settings:
        settings["timeout"] = request.timeout_s
    settings.update(extra)  # type: ignore[typeddict-item]
    return settings


def _takes_temperature(model: Model[Any]) -> bool:
    """Tell whether a model takes a temperature: those of OpenAI that reason unless told otherwise do not, and the library warns of it."""
    profile = model.profile
    if not profile.get("openai_supports_reasoning", False):
        return True
    efforts = profile.get("openai_reasoning_efforts")
    may_rest = profile.get("openai_supports_reasoning_effort_none", False) if efforts is None else "none" in cast("Any", efforts)
    return bool(may_rest) and not profile.get("thinking_enabled_by_default", False)


def _parameters(request: Request) -> ModelRequestParameters:
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.output import OutputObjectDefinition

    if request.mode == "prompted":
        return ModelRequestParameters(output_mode="text")
    target = OutputObjectDefinition(json_schema=dict(request.schema), name=request.schema_name)
    if request.mode == "native":
        return ModelRequestParameters(output_mode="native", output_object=target)
    # The schema is in our own instruction already, so the library's is left out.
    return ModelRequestParameters(output_mode="prompted", output_object=target, prompted_output_template=False)


def _reply(response: ModelResponse, stream: bool) -> Reply:
    from pydantic_ai.messages import TextPart

    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    usage = response.usage
    # No usage at all is how the library shows that the server reported none: a question has at least one token.
    told = usage.input_tokens > 0
    return Reply(
        text=text,
        input_tokens=usage.input_tokens if told else None,
        output_tokens=usage.output_tokens if told else None,
        cached_tokens=usage.cache_read_tokens,
        cut_off=response.finish_reason == "length" or (stream and response.finish_reason is None),
        refused=response.finish_reason == "content_filter",
    )


def _failure(problem: Exception, request: Request) -> AttemptFailed:
    """Sort an error of the provider library by what helps against it."""
    from pydantic_ai import exceptions as library

    cause: Cause = "busy"
    sent, lost = True, False
    retry_after = getattr(problem, "retry_after", None)
    match problem:
        case library.ModelContextWindowExceededError():
            cause = "overflow"
        case library.ModelAuthenticationError() | library.ModelNotFoundError() | library.ModelQuotaExceededError():
            cause = "refused"
        case library.ModelRequestRejectedError():
            # A schema or a setting that the server does not take; in the plainest mode there is nothing left to leave out.
            cause = "refused" if request.mode == "prompted" else "mode"
        case library.ModelConnectionError():
            sent = problem.phase not in ("pool", "connect")
            lost = sent
        case library.ModelRequestTimeout() | library.UnexpectedModelBehavior():
            lost = True
        case library.ModelHTTPError() if 300 <= problem.status_code < 500 and problem.status_code not in (408, 409, 425, 429):
            cause = "refused"
        case library.ModelHTTPError():
            pass  # a limit or a server error: the question was not worked on
        case library.ModelAPIError():
            lost = True
    return AttemptFailed(_told(problem), cause=cause, sent=sent, lost=lost, retry_after_s=retry_after)


def _told(problem: Exception) -> str:
    """Say what went wrong without words of the reply: messages are kept where erasure does not look for content."""
    from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError, ModelRequestTimeout

    if isinstance(problem, ModelHTTPError):
        body = problem.body if isinstance(problem.body, dict) else {}
        inner = body.get("error", body)
        message = inner.get("message", "") if isinstance(inner, dict) else inner
        return f"HTTP {problem.status_code}: {_one_line(message) or _one_line(problem.provider_error_code or 'no reason given')}"
    words = _one_line(problem)
    if not isinstance(problem, (ModelConnectionError, ModelRequestTimeout)):
        words = words.partition(":")[0]  # the library quotes what it could not read after the colon
    return words or type(problem).__name__


def _one_line(value: object) -> str:
    return " ".join(str(value).split())[:200]
