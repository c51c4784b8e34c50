"""Names of embedding models to embedders."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from mneme.core.errors import InvalidInput, UnknownComponent
from mneme.core.ports import Embedder


def _local(model: str, settings: dict[str, Any]) -> Embedder:
    from mneme.models.local import LocalEmbedder

    if model not in {"", "all-minilm-l6-v2"}:
        raise UnknownComponent("embedder", f"local:{model}", ["local"])
    return LocalEmbedder(**settings)


def _hash(model: str, settings: dict[str, Any]) -> Embedder:
    from mneme.models.hashing import HashEmbedder

    if model and not model.isdecimal():
        raise UnknownComponent("embedder", f"hash:{model}", ["hash:64", "hash:256"])
    return HashEmbedder(int(model or 256), **settings)


def _openai(model: str, settings: dict[str, Any]) -> Embedder:
    from mneme.models.remote import OpenAIEmbedder

    return OpenAIEmbedder(model, **settings)


def _ollama(model: str, settings: dict[str, Any]) -> Embedder:
    from mneme.models.remote import OllamaEmbedder

    return OllamaEmbedder(model, **settings)


def _sentence_transformers(model: str, settings: dict[str, Any]) -> Embedder:
    from mneme.models.sentence_transformers import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(model, **settings)


_PROVIDERS: dict[str, Callable[[str, dict[str, Any]], Embedder]] = {
    "local": _local,
    "hash": _hash,
    "openai": _openai,
    "ollama": _ollama,
    "sentence-transformers": _sentence_transformers,
}
_NEED_A_MODEL = frozenset({"openai", "ollama", "sentence-transformers"})


def resolve_embedder(spec: str | Embedder | None, **settings: Any) -> Embedder:
    """Return the embedder that a caller names, or the object itself. Nothing is loaded or called yet.

    Args:
        spec: None or ``"local"`` (the model in the package), ``"hash"`` or ``"hash:64"`` (for tests), ``"openai:model"`` (with
            ``base_url=`` any OpenAI-compatible endpoint), ``"ollama:model"``, ``"sentence-transformers:folder or name"``, or an
            embedder.
        **settings: arguments of the named embedder, for example ``base_url``, ``api_key``, ``dimensions``.

    Raises:
        UnknownComponent: there is no such embedder; lists near matches.
        InvalidInput: a setting is wrong or unknown.

    Example:
        >>> resolve_embedder("hash:64").width
        64
    """
    if spec is None:
        spec = "local"
    if not isinstance(spec, str):
        if settings:
            raise InvalidInput(dict.fromkeys(settings, "settings go with a name; this embedder is made already"))
        return spec
    provider, _, model = spec.partition(":")
    build = _PROVIDERS.get(provider)
    if build is None:
        near = difflib.get_close_matches(provider.lower(), _PROVIDERS, n=3, cutoff=0.5)
        raise UnknownComponent("embedder", spec, near or sorted(_PROVIDERS))
    if provider in _NEED_A_MODEL and not model:
        raise InvalidInput({"embedder": f"{spec!r} names no model; write {provider}:<model>"})
    try:
        return build(model, settings)
    except TypeError as error:
        raise InvalidInput({"embedder": f"{spec!r} does not take these settings ({error})"}) from error
