"""From a name such as ``"ollama:qwen3:8b"`` to a client of the provider library.

``openai`` speaks the Chat Completions protocol, which every compatible server speaks too; ``openai-responses`` the newer one. An address
may follow the model: ``"openai-compatible:my-model@http://localhost:8000/v1"``.
"""

from __future__ import annotations

import inspect
import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mneme.core.errors import InvalidInput, MissingExtra, MnemeError, UnknownComponent

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider

_ALIASES = {"gemini": "google", "openai": "openai-chat"}
# Servers that speak the OpenAI protocol on the caller's own machine -> where they listen unless told otherwise.
_LOCAL = {
    "ollama": "http://localhost:11434/v1",
    "lmstudio": "http://localhost:1234/v1",
    "llamacpp": "http://localhost:8080/v1",
    "vllm": "http://localhost:8000/v1",
}
# Providers whose own package is a separate extra of the provider library and of ours.
_EXTRAS = {
    "anthropic": "llm-anthropic",
    "google": "llm-google",
    "google-cloud": "llm-google",
    "groq": "llm-groq",
    "mistral": "llm-mistral",
    "cohere": "llm-cohere",
    "bedrock": "llm-bedrock",
}
# Ollama cuts a longer question off without a word, so its default window is the one to keep to.
_WINDOWS = {"ollama": 4096}
_LOGIN = re.compile(r"//[^/@]*@")
_NO_TAGS = ("\x00thinking", "\x00/thinking")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """A model's name, taken apart.

    Args:
        provider: as the caller wrote it, for example ``"gemini"``.
        model: the provider's name for the model.
        base_url: the server's address; None is the provider's own.
    """

    provider: str
    model: str
    base_url: str | None = None

    @property
    def identity(self) -> str:
        """``provider:model``, and the address when one was given, without a password in it."""
        address = _LOGIN.sub("//", self.base_url or "")
        return f"{self.provider}:{self.model}" + (f"@{address}" if address else "")


def parse_name(name: str, base_url: str | None = None) -> ModelName:
    """Take a name apart.

    Args:
        name: ``"provider:model"`` or ``"provider:model@http://host/v1"``.
        base_url: the address, when it is not in the name.

    Raises:
        InvalidInput: it has no provider or no model, or two addresses.

    Example:
        >>> parse_name("ollama:qwen3:8b@http://box:11434/v1").base_url
        'http://box:11434/v1'
    """
    provider, _, rest = name.partition(":")
    for scheme in ("@http://", "@https://"):
        model, found, address = rest.partition(scheme)
        if found:
            if base_url is not None:
                raise InvalidInput({"base_url": f"is given twice: {base_url!r} and in {name!r}"})
            rest, base_url = model, scheme[1:] + address
            break
    if not provider or not rest:
        raise InvalidInput({"llm": f"{name!r} is no model; write 'provider:model', for example 'ollama:qwen3' or 'openai:gpt-5-mini'"})
    return ModelName(provider=provider.strip(), model=rest.strip(), base_url=base_url)


def open_model(name: ModelName, api_key: str | None) -> Model[Any]:
    """Return a client of the provider library for a model; nothing is sent.

    Raises:
        MissingExtra: the provider library or the provider's package is not installed.
        UnknownComponent: there is no such provider; lists near names.
        InvalidInput: the key or the address is missing.
    """
    try:
        from pydantic_ai.exceptions import UserError
    except ImportError as missing:
        raise MissingExtra(f"the model {name.identity!r}", "llm") from missing
    from openai import OpenAIError

    kind = _ALIASES.get(name.provider, name.provider)
    try:
        return _openai_protocol(name, api_key) if kind in (*_LOCAL, "openai-compatible") else _own_protocol(kind, name, api_key)
    except ImportError as missing:
        raise MissingExtra(f"the provider {name.provider!r}", _EXTRAS.get(kind, "llm")) from missing
    except MnemeError:
        raise  # some are ValueErrors
    except (UserError, OpenAIError, ValueError) as problem:
        raise InvalidInput({"llm": f"{name.identity!r} can't be opened: {problem}"}) from problem


def window_of(name: ModelName, model: Model[Any]) -> int | None:
    """Return a model's window in tokens as far as it is known."""
    known = _WINDOWS.get(name.provider)
    return known if known is not None else model.context_window


def _openai_protocol(name: ModelName, api_key: str | None) -> Model[Any]:
    """Open a server that speaks the OpenAI protocol."""
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.ollama import OllamaProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    # Thinking is taken off by our own rule, which also knows blocks without an end; so the library is given tags that never occur.
    # Local servers know max_tokens for longer than its successor, and most hold replies to a schema; one that does not is found out.
    profile = OpenAIModelProfile(
        openai_chat_supports_max_completion_tokens=False,
        openai_supports_strict_tool_definition=False,
        supports_json_schema_output=True,
        supports_json_object_output=True,
        thinking_tags=_NO_TAGS,
    )
    if name.provider == "ollama":
        address = name.base_url or os.environ.get("OLLAMA_BASE_URL") or _LOCAL["ollama"]
        cloud = name.model.endswith("-cloud") or "ollama.com" in address
        # A profile of ours would hide from the library that the cloud does not hold replies to a schema.
        return OllamaModel(name.model, provider=OllamaProvider(address, api_key), profile=None if cloud else profile)
    server = name.base_url or _LOCAL.get(name.provider)
    if server is None:
        raise InvalidInput({"base_url": f"is missing; {name.provider!r} needs the server's address, for example http://localhost:8000/v1"})
    provider = OpenAICompatibleProvider(name.provider, base_url=server, api_key=api_key)
    return OpenAIChatModel(name.model, provider=provider, profile=profile)


def _own_protocol(kind: str, name: ModelName, api_key: str | None) -> Model[Any]:
    """Open a provider that the library knows by name."""
    from pydantic_ai.models import infer_model
    from pydantic_ai.providers import infer_provider_class

    try:
        provider_class = infer_provider_class(kind)
    except ValueError as unknown:
        raise UnknownComponent("provider", name.provider, get_close_matches(name.provider, known_providers())) from unknown
    given = {key: value for key, value in (("base_url", name.base_url), ("api_key", api_key)) if value is not None}
    accepted = inspect.signature(provider_class).parameters
    if refused := [key for key in given if key not in accepted]:
        raise InvalidInput(dict.fromkeys(refused, f"the provider {name.provider!r} takes none; it is configured by its environment"))

    def make(_: str) -> Provider[Any]:
        return provider_class(**given)

    model = infer_model(f"{kind}:{name.model}", provider_factory=make)
    return _with_max_tokens(model) if name.base_url and kind == "openai-chat" else model


def _with_max_tokens(model: Model[Any]) -> Model[Any]:
    """Return an OpenAI model at another address with the older name for the reply's length, which every server knows."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    if not isinstance(model, OpenAIChatModel):
        return model
    profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False, thinking_tags=_NO_TAGS)
    return OpenAIChatModel(model.model_name, provider=model._provider, profile=profile)


def known_providers() -> list[str]:
    """Return the provider names that are most often meant, sorted; the provider library knows more."""
    hosted = ("anthropic", "bedrock", "cohere", "deepseek", "gemini", "google", "groq", "mistral", "openai", "openai-responses")
    more = ("azure", "cerebras", "fireworks", "huggingface", "openai-compatible", "openrouter", "together", "xai")
    return sorted({*hosted, *more, *_LOCAL})
